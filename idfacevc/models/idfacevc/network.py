"""The ID-FaceVC network: content and pitch from speech, voice from a face, a decoder that joins them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from idfacevc.config.model import ModelSpec
from idfacevc.models.idfacevc.bottleneck import BottleneckEncoder
from idfacevc.models.idfacevc.content import ContentEncoder, Quantized
from idfacevc.models.idfacevc.decoder import decoder
from idfacevc.models.idfacevc.face_head import face_head
from idfacevc.models.idfacevc.mapping import mapping
from idfacevc.models.idfacevc.pitch import pitch_features
from idfacevc.models.idfacevc.post_filter import SpectralContrast
from idfacevc.models.idfacevc.speech_head import speech_identity
from idfacevc.models.idfacevc.whisper_content import WhisperContent
from idfacevc.nn.feedforward import Adapter

_CONTENT: dict[str, Any] = {"vqcpc": ContentEncoder, "autovc_bottleneck": BottleneckEncoder, "whisper": WhisperContent}


class FaceVoice(NamedTuple):
    """What a face says about a voice: F_query (B, D), voice (B, D), and log address (B, S) where a memory is asked."""

    identity: Tensor
    voice: Tensor
    log_address: Tensor | None


class SpeechVoice(NamedTuple):
    """What speech says about its voice: F_spk (B, D) and the unit vector e_s (B, D)."""

    identity: Tensor
    voice: Tensor


class IDFaceVCNet(nn.Module):
    """All trainable parts of the method. Frozen backbones stay outside: their tokens are the input.

    Mels are normalised per band with the statistics `mel_mean`, `mel_std` that the network carries.
    """

    mel_mean: Tensor
    mel_std: Tensor

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec
        n_mels = spec.front_end.n_mels
        self.register_buffer("mel_mean", torch.zeros(n_mels))
        self.register_buffer("mel_std", torch.ones(n_mels))
        self.content = _CONTENT[spec.content.kind](spec.content, n_mels)
        self.face_head = face_head(spec.face_head, spec.face.token_dim)
        self.face_adapter = Adapter(spec.face_head.dim, spec.adapter)
        self.speech_head = speech_identity(spec.speech, spec.face_head.dim)
        self.speech_adapter = Adapter(spec.face_head.dim, spec.adapter)
        self.memory = mapping(spec.memory)
        self.pitch = pitch_features(spec.pitch, spec.memory.dim)
        self.decoder = decoder(spec.decoder, spec.content.dim + spec.pitch.width, spec.memory.dim, n_mels)
        self.post_filter = SpectralContrast(spec.post_filter)

    def normalise_mel(self, mel: Tensor) -> Tensor:
        """Log-mel (B, M, T) to zero mean and unit deviation per band."""
        return (mel - self.mel_mean[:, None]) / (self.mel_std[:, None] + 1e-8)

    def denormalise_mel(self, mel: Tensor) -> Tensor:
        """Inverse of `normalise_mel`."""
        return mel * (self.mel_std[:, None] + 1e-8) + self.mel_mean[:, None]

    def face_voice(self, tokens: Tensor) -> FaceVoice:
        """Face tokens (B, P, D) to the recalled voice."""
        return self.voice_of_identity(self.face_head(tokens))

    def voice_of_identity(self, identity: Tensor) -> FaceVoice:
        """F_query (B, D) to the recalled voice; the place where two faces can be mixed."""
        return FaceVoice(identity, *self.memory.voice_of_face(self.face_adapter(identity)))

    def inference_voice(self, identity: Tensor) -> Tensor:
        """F_query (B, D) to the voice (B, D) that a conversion uses."""
        return self.memory.voice(self.face_adapter(identity))

    def speech_voice(self, features: Tensor) -> SpeechVoice:
        """Speaker features, (B, P, D) CLAP tokens or (B, D) embeddings, to F_spk and e_s."""
        identity = self.speech_head(features)
        return SpeechVoice(identity, self.speech_adapter(identity))

    @torch.no_grad()
    def voice_register(self, voice: Tensor) -> Tensor | None:
        """Mean and deviation of log-F0 in ln Hz, (2,), of a voice (D,); None where the network does not tell."""
        register = self.pitch.register_of(voice[None])
        return None if register is None else register[0]

    def frame_features(self, z: Tensor, lf0: Tensor, register: Tensor | None) -> Tensor:
        """Content (B, L, D) doubled in rate and pitch of (B, T >= 2L) in a register (B, 2) -> (B, 2L, in_dim)."""
        content = z.repeat_interleave(2, dim=1)
        pitch = self.pitch(lf0[:, : content.shape[1]], register)
        return torch.cat([content, pitch.to(content.dtype)], dim=-1)

    def decode(self, z: Tensor, lf0: Tensor, voice: Tensor, register: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Normalised mel before and after the postnet, each (B, M, 2L).

        Args:
            z: content (B, L, D).
            lf0: (B, T >= 2L), normalised over the utterance.
            voice: (B, D).
            register: mean and deviation of log-F0 (B, 2); that of the voice unless given.
        """
        register = self.pitch.register_of(voice) if register is None else register
        return self.decoder(self.frame_features(z, lf0, register), voice)

    def forward(self, mel: Tensor, lf0: Tensor, tokens: Tensor) -> tuple[Tensor, Quantized, FaceVoice]:
        """Convert normalised mel (B, M, T) to the voice of face tokens (B, P, D): mel (B, M, 2 floor(T / 2))."""
        content = self.content(mel)
        face = self.face_voice(tokens)
        return self.decode(content.z_q, lf0, face.voice)[1], content, face

    def content_codes(self, mel: Tensor) -> Tensor:
        """Codes (B, L, codebooks) of a normalised mel (B, M, T)."""
        return self.content(mel).codes

    def lookup(self, codes: Tensor) -> Tensor:
        """Content z (B, L, D) of codes (B, L, codebooks)."""
        return self.content.lookup(codes)

    @torch.inference_mode()
    def stream_mel(
        self, codes: Tensor, lf0: Tensor, voice: Tensor, frames: Tensor, piece: int, register: Tensor | None = None
    ) -> Iterator[Tensor]:
        """Decode in pieces, in bounded memory, equal to one pass.

        Args:
            codes: (L, codebooks) of the source.
            lf0: (T,) normalised log-F0 of the source.
            voice: (D,).
            frames: (T_out,) index into the source's frames for each output frame: an identity, or a stretch in time.
            piece: output frames decoded at a time.
            register: mean and deviation of log-F0 (1, 2); that of the voice unless given.
        Yields:
            log-mel (M, t), denormalised and post-filtered.
        """

        register = self.pitch.register_of(voice[None]) if register is None else register

        def features() -> Iterator[Tensor]:
            for index in frames.split(piece):
                z = self.lookup(codes[index // 2])
                yield torch.cat([z, self.pitch(lf0[index][None], register)[0]], dim=-1)[None]

        for mel in self.decoder.stream(features(), voice[None]):
            yield self.post_filter(self.denormalise_mel(mel))[0]
