"""Stage B: the full objective (Eq. 8), the decoder driven by what the memory recalls for a face."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from idfacevc.errors import InputError
from idfacevc.losses.registry import Losses
from idfacevc.losses.term import Conversion, Step
from idfacevc.models.idfacevc.content import ContentEncoder, Quantized
from idfacevc.models.idfacevc.memory import FaceVoiceMemory
from idfacevc.training.module import Batch, ConversionModule, PerturbSpec
from idfacevc.training.resume import ModelValues
from idfacevc.training.schedule import OptimSpec

LOSSES_B: Losses = {
    "reconstruction": {},
    "contrastive": {},
    "mutual_information": {},
    "identity_face": {},
    "identity_speech": {},
    "memory_recall": {},
    "memory_address": {},
    "inter_speaker": {},
    "vector_quantisation": {},
    "predictive_coding": {},
}
_NOT_OF_STAGE_A = ("net.memory.", "net.face_")  # stage A holds them, untrained
_OF_CONTENT = ("net.content.", "losses.predictive_coding.")


@dataclass(frozen=True)
class StageBSpec:
    """Switches of stage B.

    Attributes:
        init: Lightning checkpoint of stage A. Empty trains from scratch; there is no teacher then, and the loss
            `inter_speaker` is left out.
        memory_init: "random" slots (the paper); "speech": values and keys start as e_s of training speakers, which
            saves the many steps in which random slots shrink to the length of a voice vector and part from each other;
            "init": face branch and memory also come from `init`.
        freeze_content: Keep content encoder and codebook as stage A left them (FVMVC).
        freeze_speech: Keep the speech branch as stage A left it (FVMVC), so that e_s stays the decoder's language.
        inter_update_decoder: The inter-speaker pass trains the decoder as well.
        fvmvc_no_gradient: The inter-speaker pass trains nothing, as FVMVC's released code runs it (OPEN 18).
    """

    init: str = ""
    memory_init: Literal["random", "speech", "init"] = "random"
    freeze_content: bool = False
    freeze_speech: bool = False
    inter_update_decoder: bool = False
    fvmvc_no_gradient: bool = False


class StageB(ConversionModule):
    """L = L_rec + 0.1 L_con + 0.01 L_MI + 0.1 L_id-f + 0.1 L_id-s + L_F (Eq. 8), and the content losses L_vq + L_cpc.

    L_F = L_recall + 10 L_addr + 0.2 L_inter, as in FVMVC. The content losses are those of stage A (OPEN 14).

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
        stage: StageBSpec = StageBSpec(),
        optim: OptimSpec = OptimSpec(),  # noqa: B008
        perturb: PerturbSpec = PerturbSpec(),  # noqa: B008
        speakers: int = 0,
    ) -> None:
        super().__init__(model, LOSSES_B if losses is None else losses, optim, perturb, speakers)
        if self.spec.content.kind == "autovc_bottleneck" and stage.freeze_content:
            raise InputError("stage.freeze_content is for the content encoder vqcpc")
        if self.spec.memory.kind != "fv_memory" and stage.memory_init == "speech":
            raise InputError(f"stage.memory_init fills a memory, and memory.kind is {self.spec.memory.kind}")
        self.stage = stage
        self.teacher: Teacher | None = None
        if not stage.init and "inter_speaker" in self.losses:
            self.losses.pop("inter_speaker")

    def configure_model(self) -> None:
        """Also fill the memory; a resumed run replaces all of this by its own checkpoint's weights."""
        if not self._built:
            super().configure_model()
            if self.stage.memory_init == "speech":
                self._fill_memory(self.trainer.datamodule)  # type: ignore[attr-defined]

    def build(self, speakers: int) -> None:
        super().build(speakers)
        if self.stage.init:
            self.take_weights(self.stage.init, leave=() if self.stage.memory_init == "init" else _NOT_OF_STAGE_A)
            self.teacher = Teacher(self.net)
        if self.stage.freeze_content:
            assert isinstance(self.net.content, ContentEncoder)
            self.net.content.requires_grad_(False)
            self.net.content.freeze_codebook(True)
        if self.stage.freeze_speech:
            self.net.speech_head.requires_grad_(False)
            self.net.speech_adapter.requires_grad_(False)

    @torch.no_grad()
    def _fill_memory(self, source: Any) -> None:
        """A slot for the mean e_s of each speaker where all have room, and clips spread over the rest of the slots."""
        memory, clips = self.net.memory, source.training_clips()
        assert isinstance(memory, FaceVoiceMemory)
        self.net.eval()
        speech = self.net.speech_voice(torch.stack([source.store.read(index, "speech")[0] for index in clips])).voice
        self.net.train()
        names = [source.store.clips[index].speaker for index in clips]
        means = [
            speech[[number for number, other in enumerate(names) if other == name]].mean(dim=0)
            for name in sorted(set(names))
        ]
        slots = len(memory.speech_values)
        means = means if len(means) <= slots else []
        spread = torch.linspace(0, len(clips) - 1, slots - len(means)).long()
        values = torch.stack([*means, *speech[spread]])
        memory.speech_values.copy_(values)
        memory.face_keys.copy_(values)

    def main_parameters(self) -> list[dict[str, Any]]:
        content: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in self.own_parameters():
            (content if name.startswith(_OF_CONTENT) else rest).append(parameter)
        groups = [{"params": rest, "scale": 1.0}]
        return groups + ([{"params": content, "scale": self.optim.content_lr}] if content else [])

    def make_step(self, batch: Batch, content: Quantized) -> Step:
        net = self.net
        face, speech = net.face_voice(batch["face"]), net.speech_voice(batch["speech"])
        pre, post = net.decode(content.z_q, batch["lf0"], face.voice, batch["register"])
        step = Step(
            net, batch["mel"], batch["speaker"], content.z_q, speech.identity, speech.voice,
            commitment=content.loss, perplexity=content.perplexity, pre=pre, post=post,
            face_identity=face.identity, face_log_address=face.log_address,
            register=batch["register"], voice_register=net.pitch.register_of(face.voice),
            conversions=[Conversion(post, batch["mel"], batch["speech"])],
        )  # fmt: skip
        if self.teacher is not None and self.reads("inter_post", "conversions"):
            source, z, lf0 = batch["mel"], content.z_q.detach(), batch["lf0"]
            if "source_mel" in batch:
                source, lf0 = net.normalise_mel(batch["source_mel"]), batch["source_lf0"]
                z = self._source(source)
            step.inter_pre, step.inter_post, step.inter_target = self._inter_speaker(batch, z, lf0)
            step.conversions.append(Conversion(step.inter_post, source, batch["other_speech"]))
        return step

    @torch.no_grad()
    def _source(self, mel: Tensor) -> Tensor:
        """Content (B, L, D) of another clip's normalised mel (B, M, T), which the codebook does not learn from."""
        content = self.net.content
        if isinstance(content, ContentEncoder):
            content.freeze_codebook(True)
        z = self.encode_content(mel).z_q
        if isinstance(content, ContentEncoder):
            content.freeze_codebook(self.stage.freeze_content)
        return z

    def _inter_speaker(self, batch: Batch, z: Tensor, lf0: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Convert content (B, L, D) and pitch (B, T) to another speaker twice, of whom the batch holds speech and face.

        The gradient reaches the face branch and the memory alone: the decoder's weights count as constants here and its
        batch statistics stay as they are (OPEN 18), unless `inter_update_decoder`. Returns the mels (B, M, T) of the
        face path before and after the postnet, and that of the frozen stage-A decoder fed with speech.
        """
        assert self.teacher is not None
        target, register = self.teacher(self.net, z, lf0, batch["other_speech"])
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.stage.fvmvc_no_gradient):
            voice = self.net.face_voice(batch["other_face"]).voice
            with nullcontext() if self.stage.inter_update_decoder else constant(self.net.decoder):
                pre, post = self.net.decode(z, lf0, voice, register)
        return pre, post, target


class Teacher(nn.Module):
    """Frozen copy of what stage A trained to drive the decoder by speech."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.speech_head = copy.deepcopy(net.speech_head)
        self.speech_adapter = copy.deepcopy(net.speech_adapter)
        self.pitch = copy.deepcopy(net.pitch)
        self.decoder = copy.deepcopy(net.decoder)
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> Teacher:
        return super().train(False)

    @torch.no_grad()
    def forward(self, net: Any, z: Tensor, lf0: Tensor, speech: Tensor) -> tuple[Tensor, Tensor | None]:
        """Refined mel (B, M, 2L) in the voice of `speech`, and the register (B, 2) that it has."""
        voice = self.speech_adapter(self.speech_head(speech))
        register = self.pitch.register_of(voice)
        return self.decoder(net.frame_features(z, lf0, register), voice)[1], register


@contextmanager
def constant(module: nn.Module) -> Iterator[None]:
    """Parameters without gradient and batch norms in evaluation mode, for one pass.

    Recurrent layers stay in training mode, which their GPU backward needs.
    """
    trainable = [p for p in module.parameters() if p.requires_grad]
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm) and m.training]
    for parameter in trainable:
        parameter.requires_grad_(False)
    for norm in norms:
        norm.eval()
    try:
        yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)
        for norm in norms:
            norm.train()
