"""Kokoro's styles as a space of voices: timbre and prosody of any person, or of nobody."""

from __future__ import annotations

import numpy as np

from idfacevc.text.speakers import kokoro
from idfacevc.text.speakers.spaces.base import SpeakerBank, SpeakerSpace

_PUT_ON = {"af_nicole", "am_santa", "em_santa", "pm_santa"}  # a whisperer, and three who play a part


class KokoroSpace(SpeakerSpace):
    """Styles (256,). The bank is readable without Kokoro's weights; speaking needs them."""

    name = "kokoro"
    dim = kokoro.STYLE_DIM
    sample_rate = kokoro.SAMPLE_RATE

    def bank(self) -> SpeakerBank:
        kept = {name: style for name, style in sorted(kokoro.voices().items()) if name not in _PUT_ON}
        return SpeakerBank(tuple(kept), np.stack(list(kept.values())), tuple(name[1] for name in kept), "Apache-2.0")

    def speaker(self, vector: np.ndarray) -> kokoro.KokoroSpeaker:
        return kokoro.KokoroSpeaker(vector)
