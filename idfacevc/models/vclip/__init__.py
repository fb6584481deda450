"""Vclip (arXiv 2601.02753): face-voice association, generated speakers, retrieval, feedback from the synthesiser."""
