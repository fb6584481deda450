"""Conversions that no recording answers, for `recipes.demo.joint`: real speech in the voice of somebody else.

Parallel speech teaches conversion between synthetic voices only, and a real source then keeps part of its own voice.
Here a real utterance is spoken in another's voice. Two frozen networks judge the wave: Resemblyzer hears whose voice it
is (speaker consistency, as in YourTTS, Casanova et al. 2022, section 2.2), Whisper's encoder whether it says the same.
"""

from __future__ import annotations

import random
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idfacevc.audio.mel import LogMel
from idfacevc.backbones.whisper import WhisperEncoder, whisper_mel
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.vocoders.source_filter.generator import SourceFilterGenerator, pulse_train
from recipes.demo.clips import ClipFeatures, mean_vectors
from recipes.demo.source_filter import EDGE, FLOOR, FRONT_END

BATCH, FRAMES = 4, 128
_KOKORO = 0.7  # share of synthetic timbres among the voices; the others are children and adults of speechocean762
_LEVEL = 10 ** (-30 / 20)  # Resemblyzer raises quieter waves to it
_HOP = FRONT_END.hop_length


class Unpaired(NamedTuple):
    """Whisper's features (B, F / 2, 384), contour (B, F), waves (B, F * 160) of sources; speaker vectors (B, 256)."""

    words: Tensor
    contour: Tensor
    wave: Tensor
    speaker: Tensor


class UnpairedCrops:
    """Random crops of real utterances, each with somebody else's speaker vector."""

    def __init__(self, clips: list[ClipFeatures], seed: int) -> None:
        self._rng = random.Random(seed)
        self._sources = [clip for clip in clips if clip.corpus == "librispeech" and len(clip.mel) > FRAMES + 2]
        means = mean_vectors(clips)
        synthetic = {clip.speaker for clip in clips if clip.corpus == "kokoro"}
        self._voices = [
            [means[name] for name in sorted(means) if (name in synthetic) == kind] for kind in (True, False)
        ]

    def batch(self) -> Unpaired:
        return Unpaired(
            *(torch.from_numpy(np.stack(column)) for column in zip(*(self._one() for _ in range(BATCH)), strict=True))
        )

    def _one(self) -> tuple[np.ndarray, ...]:
        clip = self._rng.choice(self._sources)
        frames = min(2 * len(clip.words[0]), len(clip.contour), len(clip.samples) // _HOP)
        start = self._rng.randrange(0, frames - FRAMES) // 2 * 2
        synthetic, real = self._voices
        voices = synthetic if not real or self._rng.random() < _KOKORO else real
        return (
            clip.words[0][start // 2 : (start + FRAMES) // 2].astype(np.float32),
            clip.contour[start : start + FRAMES].astype(np.float32),
            clip.samples[start * _HOP : (start + FRAMES) * _HOP].astype(np.float32) / 32767,
            self._rng.choice(voices).astype(np.float32),
        )


class Listeners(nn.Module):
    """Frozen networks that hear a wave: whose voice it has, and what it says."""

    def __init__(self, whisper: WhisperEncoder) -> None:
        super().__init__()
        from resemblyzer import VoiceEncoder

        self.whisper = whisper
        self.speaker = VoiceEncoder("cpu", verbose=False).requires_grad_(False)
        self.mel = LogMel(FrontEndSpec(n_fft=400, win_length=400, fmin=0.0, fmax=8000.0, n_mels=40))

    def voice(self, wave: Tensor) -> Tensor:
        """Resemblyzer's embedding (B, 256) of waves (B, N)."""
        level = wave.detach().square().mean(1, keepdim=True).sqrt()
        wave = wave * (_LEVEL / level.clamp_min(1e-6)).clamp_min(1.0)
        power = torch.matmul(self.mel.filters, self.mel.magnitude(wave).square())
        embedded: Tensor = self.speaker(power.transpose(1, 2))
        return embedded

    def content(self, net: IDFaceVCNet, wave: Tensor) -> Tensor:
        """The content (B, L, D), without noise, of waves (B, N); no gradient reaches the network's own layers."""
        mels = torch.stack([whisper_mel(one) for one in wave])
        norm, narrow = net.content.norm, net.content.bottleneck
        heard = F.layer_norm(self.whisper(mels), norm.normalized_shape, norm.weight.detach(), norm.bias.detach())
        return F.layer_norm(F.linear(heard, narrow.weight.detach(), narrow.bias.detach()), (narrow.out_features,))


def convert_unpaired(
    net: IDFaceVCNet, generator: SourceFilterGenerator, scaling: tuple[Tensor, Tensor], drawn: Unpaired
) -> Tensor:
    """The waves (B, N) of sources in the voices drawn for them, without their ends."""
    with torch.autocast(drawn.words.device.type, torch.bfloat16):
        voice = net.speech_voice(drawn.speaker).voice
        register = net.pitch.register_of(voice)
        assert register is not None, "the sizes of conf/converter.yaml tell a register"
        register = register.detach().float()
        made = net.decode(net.content(drawn.words).z_q, drawn.contour, voice, register)[1]
    spec = net.spec.pitch
    assert spec.kind == "register"
    pitch = (register[:, :1] + register[:, 1:] * drawn.contour).exp().clamp(spec.low, spec.high)
    pitch = torch.where(drawn.contour != 0, pitch, 0.0)
    pulses = torch.stack([pulse_train(one, _HOP, FRONT_END.sample_rate)[0] for one in pitch])
    mean, scale = scaling
    mel = net.denormalise_mel(made.float()).clamp_min(FLOOR)
    return generator((mel - mean) / scale, pitch, pulses, torch.randn_like(pulses))[:, EDGE:-EDGE]


def listener_losses(listeners: Listeners, net: IDFaceVCNet, wave: Tensor, drawn: Unpaired) -> tuple[Tensor, Tensor]:
    """1 - cosine to the voice wanted, and the L1 distance of the content from the source's."""
    voice = 1 - F.cosine_similarity(listeners.voice(wave), drawn.speaker).mean()
    with torch.no_grad():
        said = listeners.content(net, drawn.wave[:, EDGE:-EDGE])
    return voice, (listeners.content(net, wave) - said).abs().mean()
