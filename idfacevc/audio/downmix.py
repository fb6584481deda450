"""Several channels → one, so that what is heard in any of them is heard in the result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# ITU-R BS.775-3, table 2 (downmix to 1/0), all 3 dB lower so that a stereo recording is averaged. The bass channel is
# left out there.
_GAINS = {"FL": 0.5, "FR": 0.5, "DL": 0.5, "DR": 0.5, "FC": 0.5**0.5, "LFE": 0.0, "LFE2": 0.0}
_SURROUND = 0.5**1.5
_WAVE_ORDERS = {  # of arrays, which name no channels
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}
_CANCELLED = 0.1  # power of the mix over that of the loudest channel; uncorrelated stereo has 0.5
_MEMORY = 0.5  # of the powers, each block: cancelling is judged over some blocks


class Downmix:
    """Mono samples of one stream, block after block.

    Channels are weighed by ITU-R BS.775. Where they cancel (one is another turned round), the loudest is taken alone;
    between the two the result fades over a block.

    Args:
        names: FFmpeg's channel names ("FL", "FC", ...); without them six or eight channels are taken to be in the order
            of WAV files, and others are averaged.
        channels: Number of channels.
    """

    def __init__(self, channels: int, names: Sequence[str] = ()) -> None:
        names = names or _WAVE_ORDERS.get(channels, ())
        known = channels > 1 and len(names) == channels and any(name in _GAINS for name in names)
        self._gains = np.array([_GAINS.get(name, _SURROUND) for name in names] if known else [1 / channels] * channels)
        self._mixed = 0.0
        self._powers = np.zeros(channels)
        self._alone: int | None = None  # the channel that is taken alone
        self._begun = False

    def __call__(self, block: np.ndarray) -> np.ndarray:
        """Mono float32 (N,) of a block (C, N)."""
        if len(block) == 1:
            return block[0].astype(np.float32)
        mixed = self._gains @ block
        if block.shape[1] == 0:
            return mixed.astype(np.float32)
        self._mixed = _MEMORY * self._mixed + float(mixed @ mixed)
        self._powers = _MEMORY * self._powers + np.einsum("cn,cn->c", block, block, dtype=np.float64)
        loudest = int(self._powers.argmax())
        if self._alone is not None and self._powers[self._alone] > 0.5 * self._powers[loudest]:
            loudest = self._alone  # the same one as before, unless another is clearly louder
        before, self._alone = self._alone, loudest if self._mixed < _CANCELLED * self._powers[loudest] else None
        begun, self._begun = self._begun, True
        now = mixed if self._alone is None else block[self._alone]
        if before == self._alone or not begun:
            return now.astype(np.float32)
        was = mixed if before is None else block[before]
        fade = np.linspace(0, 1, len(now))
        return (was * (1 - fade) + now * fade).astype(np.float32)
