"""Vclip: association heads, a prior over Kokoro's voices, its index of candidates, and the feedback network."""
