"""Stage A: voice conversion pretraining, the voice taken from speech (OPEN 14)."""

from __future__ import annotations

from dataclasses import dataclass

from idfacevc.losses.registry import Losses
from idfacevc.losses.term import Conversion, Step
from idfacevc.models.idfacevc.content import Quantized
from idfacevc.training.module import Batch, ConversionModule, PerturbSpec
from idfacevc.training.resume import ModelValues
from idfacevc.training.schedule import OptimSpec

LOSSES_A: Losses = {
    "reconstruction": {},
    "mutual_information": {},
    "identity_speech": {},
    "vector_quantisation": {},
    "predictive_coding": {},
}
OPTIM_A = OptimSpec(lr_max=1e-3, milestones=(300, 400, 500), epochs=500)  # VQMIVC's


@dataclass(frozen=True)
class StageASpec:
    """Switches of stage A, by which a later part of it follows on an earlier one.

    Attributes:
        init: Lightning checkpoint of an earlier part; empty trains from scratch.
    """

    init: str = ""


class StageA(ConversionModule):
    """L_A = L_rec + L_vq + L_cpc + 0.01 L_MI + 0.1 L_id-s, the decoder driven by e_s.

    Where pitch has a register (`config.PitchSpec`), the decoder is given the utterance's own. Losses that read
    conversions get the batch's clips in the voices of its other clips.

    Args:
        model: Sizes of the network.
        losses: Losses and their options; the equation above unless given.
        stage: Switches.
        optim, perturb, speakers: As in `ConversionModule`.
    """

    def __init__(
        self,
        model: ModelValues,
        losses: Losses | None = None,
        stage: StageASpec = StageASpec(),
        optim: OptimSpec = OPTIM_A,
        perturb: PerturbSpec = PerturbSpec(),  # noqa: B008
        speakers: int = 0,
    ) -> None:
        super().__init__(model, LOSSES_A if losses is None else losses, optim, perturb, speakers)
        self.stage = stage

    def build(self, speakers: int) -> None:
        super().build(speakers)
        if self.stage.init:
            self.take_weights(self.stage.init)

    def make_step(self, batch: Batch, content: Quantized) -> Step:
        speech = self.net.speech_voice(batch["speech"])
        pre, post = self.net.decode(content.z_q, batch["lf0"], speech.voice, batch["register"])
        step = Step(
            self.net, batch["mel"], batch["speaker"], content.z_q, speech.identity, speech.voice,
            commitment=content.loss, perplexity=content.perplexity, pre=pre, post=post,
            register=batch["register"], voice_register=self.net.pitch.register_of(speech.voice),
        )  # fmt: skip
        if self.reads("conversions"):
            converted = self.net.decode(content.z_q, batch["lf0"], speech.voice.roll(1, 0))[1]
            step.conversions = [Conversion(converted, batch["mel"], batch["speech"].roll(1, 0))]
        return step
