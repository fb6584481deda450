"""Perth, Resemble AI's neural audio watermark: one mark, under 2 kHz, in the magnitudes of a spectrogram.

The networks are those of `resemble-perth` 1.0.1 (MIT), whose wheel brings the weights; nothing of that package is
executed, because it imports librosa, torchaudio and pkg_resources without asking for them. Three things differ. The
spectrogram is taken at 16 kHz instead of 32 kHz, with the same frames and bands. And what is added to the wave is the
difference that the mark makes, so that length and everything above 2 kHz stay exactly as they are. The mark is looked
for in loud frames only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from idfacevc.audio.blocks import overlapped
from idfacevc.audio.filters import resampled
from idfacevc.errors import InputError

RATE = 16000

_PACKAGE, _WEIGHTS = "resemble-perth", "perth_net_250000.pth.tar"
_FFT, _HOP = 1024, 160  # half of the package's, which works at twice the rate
_BANDS, _HIDDEN = 128, 256
_FLOOR_DB, _HEADROOM_DB = -180.0, 15.0
_LOUD = 0.01  # of the loudest frame's power: quieter frames are not listened to, noise hides the mark there first
_UNMARKED = 0.3  # level of a frame that gets no mark: digital silence stays that
_CONTEXT = 40 * _HOP  # reach of the convolutions (15 frames) and of the windows at both sides, and to spare
_BLOCK = 200 * _HOP


class _Convolutions(nn.ModuleList):
    def __init__(self, outputs: int) -> None:
        middle = [nn.Conv1d(_HIDDEN, _HIDDEN, 7, padding=3) for _ in range(5)]
        super().__init__([nn.Conv1d(_BANDS, _HIDDEN, 1), *middle, nn.Conv1d(_HIDDEN, outputs, 1)])

    def forward(self, x: Tensor) -> Tensor:
        *hidden, last = self
        for layer in hidden:
            x = F.leaky_relu(layer(x))
        return last(x)


class _Encoder(nn.Module):
    """What the mark adds to levels (B, 128, T)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = _Convolutions(_BANDS)

    def forward(self, levels: Tensor) -> Tensor:
        return self.layers(levels)


class _Decoder(nn.Module):
    """How sure the mark is in levels (B, 128, T) with sound in the frames `mask` (B, 1, T): (B,), about 0 or 1.

    It listens at three speeds and weighs what it hears.
    """

    def __init__(self) -> None:
        super().__init__()
        self.slow_layers, self.normal_layers, self.fast_layers = (_Convolutions(2) for _ in range(3))

    def forward(self, levels: Tensor, mask: Tensor) -> Tensor:
        heard = []
        frames = levels.shape[2]
        for layers, speed in ((self.slow_layers, 1.25), (self.normal_layers, 1.0), (self.fast_layers, 0.75)):
            size = max(1, int(frames * speed))
            stretched = F.interpolate(levels, size=size, mode="linear", align_corners=True)
            weight = F.interpolate(mask, size=size, mode="nearest")
            heard.append((layers(stretched) * weight).sum(dim=2) / weight.sum(dim=2).clamp(min=1))
        attention, marks = torch.stack(heard).unbind(dim=2)
        return (marks * attention.softmax(dim=0)).sum(dim=0)


class Perth:
    """A `Watermarker`. Made by `load`."""

    name = "perth"

    def __init__(self, state: dict[str, Tensor]) -> None:
        self._encoder, self._decoder = _Encoder(), _Decoder()
        for prefix, network in (("encoder.", self._encoder), ("decoder.", self._decoder)):
            own = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
            network.load_state_dict({key.replace(".conv.", "."): value for key, value in own.items()})
            network.eval().requires_grad_(False)
        self._window = torch.hann_window(_FFT)

    @classmethod
    def load(cls) -> Perth:
        """With the weights inside the installed package; `InputError` where it is not there."""
        path = _weights()
        try:
            return cls(torch.load(path, map_location="cpu", weights_only=True)["model"])
        except (OSError, RuntimeError, KeyError, ValueError, EOFError, UnpicklingError) as error:
            raise InputError(f"{path}: the watermark's weights cannot be read ({error})") from error

    def mark(self, pieces: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
        """The stream (n,) at `rate` Hz with the mark in it, as many samples."""
        if rate == RATE:
            return overlapped(pieces, self._marked, _CONTEXT, _BLOCK)
        return overlapped(pieces, lambda wave: self._marked_at(wave, rate), rate * 2 // 5, rate * 2)

    @torch.inference_mode()
    def score(self, wave: np.ndarray) -> float:
        """How sure the mark is in a wave (N,) at 16 kHz, from 0 to 1; 0 for silence."""
        if len(wave) <= _FFT // 2:
            return 0.0
        levels, spectrum = self._levels(torch.from_numpy(np.ascontiguousarray(wave, np.float32)))
        power = spectrum[:_BANDS].abs().square().sum(dim=0)
        if not power.any():
            return 0.0
        mask = (power > _LOUD * power.max()).float()
        return float(self._decoder(levels[None, :_BANDS], mask[None, None])[0].clamp(0, 1))

    def _marked(self, wave: np.ndarray) -> np.ndarray:
        return wave + self._difference(wave)

    def _marked_at(self, wave: np.ndarray, rate: int) -> np.ndarray:
        low = resampled(wave, RATE, rate)
        difference = resampled(self._difference(low), rate, RATE)[: len(wave)]
        return wave + np.pad(difference, (0, len(wave) - len(difference)))

    @torch.inference_mode()
    def _difference(self, wave: np.ndarray) -> np.ndarray:
        """What marking adds to a wave (N,) at 16 kHz, (N,)."""
        padded = np.pad(wave, (0, max(0, _FFT - len(wave))))  # what is shorter than a window cannot be mirrored
        levels, spectrum = self._levels(torch.from_numpy(padded))
        sounding = (levels.mean(dim=0) > _UNMARKED).float()
        change = self._encoder(levels[None, :_BANDS])[0] * sounding
        factor = 10 ** (change * (_HEADROOM_DB - _FLOOR_DB) / 20) - 1
        added = torch.zeros_like(spectrum)
        added[:_BANDS] = spectrum[:_BANDS] * factor
        return torch.istft(added, _FFT, _HOP, window=self._window, length=len(padded))[: len(wave)].numpy()

    def _levels(self, wave: Tensor) -> tuple[Tensor, Tensor]:
        """Magnitudes (513, T) in dB, from 0 at the floor to 1 at the top, and the spectrum (513, T)."""
        spectrum = torch.stft(wave, _FFT, _HOP, window=self._window, return_complex=True)
        decibels = 20 * (2 * spectrum.abs()).clamp(min=10 ** (_FLOOR_DB / 20)).log10()
        return (decibels - _FLOOR_DB) / (_HEADROOM_DB - _FLOOR_DB), spectrum


def _weights() -> Path:
    try:
        files = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    path = next((Path(str(file.locate())) for file in files if file.name == _WEIGHTS), None)
    if path is None or not path.is_file():
        raise InputError(f"the watermark needs {_PACKAGE}: pip install {_PACKAGE}")
    return path
