"""Training of Speech2Face: the face decoder by itself, then the voice encoder against fixed face features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor

from idfacevc.audio.mel import random_equaliser
from idfacevc.backbones.tower import FaceTower, load_tower
from idfacevc.config.reader import from_dict, to_dict
from idfacevc.errors import InputError, optional
from idfacevc.losses.speech2face import features_loss, speech2face_loss
from idfacevc.models.speech2face.decoder import FaceDecoder, FaceDecoderSpec
from idfacevc.models.speech2face.encoder import AnyVoiceSpec, VoiceEncoder, VoiceSpec, voice_encoder
from idfacevc.models.speech2face.face_side import TowerClasses
from idfacevc.models.speech2face.front_end import at_zero_mean, spectrogram
from idfacevc.models.speech2face.speaker import SpeakerVoiceEncoder
from idfacevc.training.resume import read_checkpoint, weights_under

_PAPERS_ADAM: dict[str, Any] = {"betas": (0.5, 0.999), "eps": 1e-4}  # of the voice encoder


@dataclass(frozen=True)
class RateSpec:
    """Adam's rate: `lr`, multiplied by `decay` every `steps` steps."""

    lr: float = 1e-3
    decay: float = 0.95
    steps: int = 10_000


@dataclass(frozen=True)
class DisturbSpec:
    """What is done to log-mels in training, so that a recording's noise and colour say nothing.

    Attributes:
        noise: Chance of noise, at 0 to 40 dB below the speech.
        equaliser: Deviation of a smooth random gain, in units of the log-mel (20 dB).
        narrow: Chance that all above a telephone's band is missing.
    """

    noise: float = 0.0
    equaliser: float = 0.0
    narrow: float = 0.0


class VoiceModule(pl.LightningModule):
    """The voice encoder on pairs of `data.face_voice.FaceVoiceData`.

    Args:
        voice: Sizes.
        tower: folder of the face tower whose features are the target; empty for features of CLIP or FaceNet.
        decoder: checkpoint of a `DecoderModule` on the same features. With it and the tower the paper's three losses
            are taken; without, the cosine and a contrastive loss.
        rate: of Adam.
        disturb: Augmentation of log-mels.
    """

    def __init__(
        self,
        voice: AnyVoiceSpec = VoiceSpec(),  # noqa: B008  frozen
        tower: str = "",
        decoder: str = "",
        rate: RateSpec = RateSpec(),
        disturb: DisturbSpec = DisturbSpec(),
    ) -> None:
        super().__init__()
        if bool(tower) != bool(decoder):
            raise InputError("the paper's losses need both the tower and the decoder")
        self.rate, self.disturb = rate, disturb
        self.voice = voice_encoder(voice)
        if isinstance(self.voice, SpeakerVoiceEncoder):
            load_resemblyzer(self.voice)
        # not submodules: they are fixed, and no part of the checkpoint
        self._fixed = (read_decoder(decoder), TowerClasses(load_tower(Path(tower)))) if tower else None

    def on_fit_start(self) -> None:
        if self._fixed:
            decoder, classes = self._fixed
            decoder.to(self.device).requires_grad_(False)
            classes.tower.to(self.device)

    def forward(self, voice: Tensor) -> Tensor:
        """Features of waves (B, N), log-mels (B, M, T) or speakers' vectors (B, V), as the encoder's kind is."""
        if isinstance(self.voice, SpeakerVoiceEncoder):
            return self.voice.head(voice)
        return self.voice(spectrogram(voice) if self.voice.spec.front_end == "complex" else at_zero_mean(voice))

    def loss(self, found: Tensor, face: Tensor) -> Tensor:
        """Mean over the batch, of features (B, D)."""
        if found.shape != face.shape:
            raise InputError(f"the faces have features of {face.shape[1]} numbers, not {found.shape[1]} as configured")
        if self._fixed is None:
            return features_loss(found, face)
        decoder, classes = self._fixed
        return speech2face_loss(found, face, decoder.shared, classes)

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        voice = batch["voice"]
        if isinstance(self.voice, VoiceEncoder) and self.voice.spec.front_end == "logmel":
            # seeded by the step: a resumed run hears what the killed one would have heard
            voice = disturbed(voice, self.disturb, torch.Generator().manual_seed(self.global_step))
        loss = self.loss(self(voice), batch["face"])
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        found, face = self(batch["voice"]), batch["face"]
        cosine = F.cosine_similarity(found, face)
        self.log("valid/angle", cosine.clamp(-1, 1).arccos().rad2deg().mean(), batch_size=len(face), prog_bar=True)
        self.log("valid/loss", self.loss(found, face), batch_size=len(face))
        if self._fixed:
            classes = self._fixed[1]
            heard, seen = (classes.tower.attributes(one[:, None])[0].argmax(dim=1) for one in (found, face))
            self.log("valid/gender", (heard == seen).float().mean(), batch_size=len(face), prog_bar=True)

    def configure_optimizers(self) -> Any:
        return _scheduled(torch.optim.Adam(self.voice.parameters(), lr=self.rate.lr, **_PAPERS_ADAM), self.rate)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["voice_spec"] = to_dict(self.voice.spec)


class DecoderModule(pl.LightningModule):
    """The face decoder on pictures of `data.face_pictures.PictureData` (Cole et al. 2017, section 3).

    Args:
        decoder: Sizes.
        tower: folder of the face tower that judges by its features; empty for other features, which are not judged.
        rate: of Adam.
        landmarks, texture, identity: Weights of the squared error of the landmarks in pixels, of the mean absolute
            error of the texture, and of one minus the cosine of the features of the drawn and the true face. Most of
            the first is how a picture was cropped, which no feature tells: more of it drowns the texture.
    """

    def __init__(
        self,
        decoder: FaceDecoderSpec = FaceDecoderSpec(),  # noqa: B008  frozen
        tower: str = "",
        rate: RateSpec = RateSpec(),
        landmarks: float = 0.05,
        texture: float = 100.0,
        identity: float = 100.0,
    ) -> None:
        super().__init__()
        self.rate = rate
        self.weights = {"landmarks": landmarks, "texture": texture, "identity": identity}
        self.decoder = FaceDecoder(decoder)
        self._judge = (load_tower(Path(tower)).requires_grad_(False),) if tower else ()  # no submodule

    def on_fit_start(self) -> None:
        if not self.decoder.mean_points.any():
            self.decoder.set_statistics(*self.trainer.datamodule.statistics())  # type: ignore[attr-defined]
        for judge in self._judge:
            judge.to(self.device)

    def terms(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The losses of a batch, unweighted."""
        image, points, feature = batch["image"], batch["points"], batch["feature"]
        found, texture = self.decoder.parts(feature)
        wanted = self.decoder.normalised(image, points)
        terms = {
            "landmarks": F.mse_loss(found, points) * self.decoder.spec.size**2,
            "texture": F.l1_loss(texture, wanted),
        }
        for judge in self._judge:
            seen = read_again(judge, self.decoder.joined(found, texture))
            terms["identity"] = 1 - F.cosine_similarity(seen, feature).mean()
        return terms

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        terms = self.terms(batch)
        self.log_dict({f"train/{name}": value for name, value in terms.items()}, prog_bar=True)
        return torch.stack([self.weights[name] * value for name, value in terms.items()]).sum()

    def validation_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        terms = self.terms(batch)
        self.log_dict({f"valid/{name}": value for name, value in terms.items()}, batch_size=len(batch["image"]))

    def configure_optimizers(self) -> Any:
        return _scheduled(torch.optim.Adam(self.decoder.parameters(), lr=self.rate.lr), self.rate)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["decoder_spec"] = to_dict(self.decoder.spec)


def read_again(tower: FaceTower, images: Tensor) -> Tensor:
    """The tower's features (B, D) of drawn faces (B, 3, S, S), through which gradients flow.

    Not averaged with those of the mirror image, which would take twice as long.
    """
    side = tower.image_size
    sized = F.interpolate(images, (side, side), mode="bilinear", align_corners=False)
    return tower.stages(tower.stem(sized * 2 - 1)).mean(dim=(2, 3))


def disturbed(mel: Tensor, spec: DisturbSpec, generator: torch.Generator) -> Tensor:
    """Log-mels (B, M, T), log10, as other recordings would have them."""
    batch, bands, frames = mel.shape

    def chance(share: float) -> Tensor:
        return torch.rand(batch, 1, 1, generator=generator) < share

    def uniform(low: float, high: float) -> Tensor:
        return torch.empty(batch, 1, 1).uniform_(low, high, generator=generator)

    level = mel.amax(dim=(1, 2), keepdim=True)
    out = mel.cpu()
    if spec.equaliser:
        out = out + random_equaliser(out, spec.equaliser, generator)
    colour = torch.linspace(-1, 1, bands)[:, None] * uniform(-0.5, 0.5) + uniform(-2.5, -0.7) + level.cpu()
    noise = colour + 0.25 * torch.randn(batch, bands, frames, generator=generator)
    noisy = torch.logaddexp(out * 2.302585, noise * 2.302585) / 2.302585
    out = torch.where(chance(spec.noise), noisy, out)
    above = torch.arange(bands)[:, None] >= bands * uniform(0.68, 0.8)  # of the bands up to 7.6 kHz: 3.2 to 4.3 kHz
    out = torch.where(chance(spec.narrow) & above, out.amin(dim=(1, 2), keepdim=True), out)
    return out.to(mel.device)


def _scheduled(optimizer: torch.optim.Optimizer, rate: RateSpec) -> Any:
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, rate.steps, rate.decay)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def load_resemblyzer(encoder: SpeakerVoiceEncoder) -> None:
    """Take the weights of the speaker encoder from Resemblyzer's package; `InputError` without it."""
    with optional("resemblyzer", "the speaker encoder's weights need resemblyzer: pip install 'idfacevc[train]'"):
        from resemblyzer import VoiceEncoder as Resemblyzer
    state = Resemblyzer("cpu", verbose=False).state_dict()
    for part in ("lstm", "linear"):
        getattr(encoder, part).load_state_dict(weights_under({"state_dict": state}, f"{part}."))


def read_voice(checkpoint: str | Path) -> VoiceEncoder | SpeakerVoiceEncoder:
    """The encoder of a `VoiceModule`'s checkpoint, in evaluation mode; `InputError` for other files."""
    state = read_checkpoint(str(checkpoint))
    if "voice_spec" not in state:
        raise InputError(f"{checkpoint}: is no checkpoint of a voice encoder's training")
    voice = voice_encoder(from_dict(_Voice, {"spec": state["voice_spec"]}).spec)
    voice.load_state_dict(weights_under(state, "voice."))
    return voice.eval()


@dataclass(frozen=True)
class _Voice:
    """The reader chooses between the kinds where a field has both."""

    spec: AnyVoiceSpec


def read_decoder(checkpoint: str | Path) -> FaceDecoder:
    """The decoder of a `DecoderModule`'s checkpoint, in evaluation mode; `InputError` for other files."""
    state = read_checkpoint(str(checkpoint))
    if "decoder_spec" not in state:
        raise InputError(f"{checkpoint}: is no checkpoint of a face decoder's training")
    decoder = FaceDecoder(from_dict(FaceDecoderSpec, state["decoder_spec"]))
    decoder.load_state_dict(weights_under(state, "decoder."))
    return decoder.eval()
