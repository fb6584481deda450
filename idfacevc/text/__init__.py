"""Text as input: base speakers, text normalisation and speaking styles."""
