"""Stage A: voice conversion pretraining, the voice taken from speech (OPEN 14)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from idfacevc.config.model import ModelSpec
from idfacevc.losses.reconstruction import reconstruction_loss
from idfacevc.models.idfacevc.content import Quantized
from idfacevc.training.module import (
    AdversarySpec,
    Batch,
    ConversionModule,
    Losses,
    LossSpec,
    MISpec,
    PerturbSpec,
    identity_loss,
)
from idfacevc.training.schedule import OptimSpec
from idfacevc.training.terms import Conversion, ConversionTerm, further_loss


@dataclass(frozen=True)
class StageASpec:
    """Switches of stage A, by which a later part of it follows on an earlier one.

    Attributes:
        init: Lightning checkpoint of an earlier part; empty trains from scratch.
    """

    init: str = ""


class StageA(ConversionModule):
    """L_A = L_rec + L_vq + L_cpc + mi L_MI + id_speech L_id-s, the decoder driven by e_s.

    Where pitch has a register (`config.PitchSpec`), the decoder is given the utterance's own, and its head learns it.

    Args:
        stage: switches.
        terms: further losses, of conversions to the voices of the batch's other clips; without terms nothing is
            converted.
        loss, optim, mi, perturb, adversary, speakers: as in `ConversionModule`.
    """

    def __init__(
        self,
        model: ModelSpec,
        loss: LossSpec = LossSpec(),  # noqa: B008
        optim: OptimSpec = OptimSpec(),  # noqa: B008
        mi: MISpec = MISpec(),  # noqa: B008
        perturb: PerturbSpec = PerturbSpec(),  # noqa: B008
        adversary: AdversarySpec = AdversarySpec(),  # noqa: B008
        speakers: int = 0,
        stage: StageASpec = StageASpec(),
        terms: list[ConversionTerm] | None = None,
    ) -> None:
        super().__init__(model, loss, optim, mi, perturb, adversary, speakers)
        self.stage = stage
        self.terms = nn.ModuleList(terms or [])

    def build_heads(self, speakers: int) -> None:
        super().build_heads(speakers)
        if self.stage.init:
            self.take_weights(self.stage.init)

    def losses(self, batch: Batch, content: Quantized) -> Losses:
        speech = self.net.speech_voice(batch["speech"])
        pre, post = self.net.decode(content.z_q, batch["lf0"], speech.voice, batch["register"])
        logs = {"rec": reconstruction_loss(pre, post, batch["mel"], self.loss.rec_l2, self.loss.rec_l1)}
        logs["id_speech"] = identity_loss(self.speech_classifier(speech.identity), batch["speaker"])
        total = logs["rec"] + self.loss.id_speech * logs["id_speech"] + self.content_losses(content, logs)
        total = total + self.code_loss(post, content, logs)
        total = total + self.register_loss(speech.voice, batch["register"], logs)
        mels = [post]
        if len(self.terms):
            converted = self.net.decode(content.z_q, batch["lf0"], speech.voice.roll(1, 0))[1]
            other = Conversion(converted, batch["mel"], batch["speech"].roll(1, 0))
            total = total + further_loss(list(self.terms), [other], logs)
            mels.append(converted)
        return Losses(total, logs, speech.identity, mels)
