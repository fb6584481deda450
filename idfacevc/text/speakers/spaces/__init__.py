"""Speaker spaces: the vectors that a synthesiser takes as voices, one file a synthesiser."""
