"""Speech2Face (Oh et al., CVPR 2019): from a voice to the features of a face-recognition network."""
