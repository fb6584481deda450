"""Speech2Face: a face decoder, and a voice encoder whose pairs of the demo's corpora are made by rule."""
