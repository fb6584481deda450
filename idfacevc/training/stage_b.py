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

from idfacevc.config.model import ModelSpec
from idfacevc.errors import InputError
from idfacevc.losses.contrastive import contrastive_floor, contrastive_loss
from idfacevc.losses.ge2e import ge2e
from idfacevc.losses.memory import address_loss, recall_loss
from idfacevc.losses.reconstruction import reconstruction_loss
from idfacevc.models.idfacevc.content import ContentEncoder, Quantized
from idfacevc.models.idfacevc.memory import FaceVoiceMemory, address_entropy
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

_NOT_OF_STAGE_A = ("net.memory.", "net.face_")  # stage A holds them, untrained


@dataclass(frozen=True)
class StageBSpec:
    """Switches of stage B.

    Attributes:
        init: Lightning checkpoint of stage A; empty trains from scratch, without the inter-speaker teacher.
        memory_init: "random" slots (the paper); "speech": values and keys start as e_s of training speakers, which
            saves the many steps in which random slots shrink to the length of a voice vector and part from each other;
            "init": face branch and memory also come from `init`, the checkpoint of `MemoryStage`.
        freeze_content: keep content encoder and codebook as stage A left them (FVMVC).
        freeze_speech: keep the speech branch as stage A left it (FVMVC), so that e_s stays the decoder's language.
        detach_address: the address loss teaches the face side alone. Otherwise it also moves the speech values, and
            where its weight is far above the recall loss's it is least when all of them, and so all voices, are one.
        detach_speech: e_s is a constant inside L_F (OPEN 17).
        symmetric, normalise_positives: of the contrastive loss (OPEN 12).
        inter_update_decoder: the inter-speaker pass teaches the decoder as well.
        inter_released_behaviour: no gradient from the inter-speaker term, as FVMVC's released code runs it (OPEN 18).
    """

    init: str = ""
    memory_init: Literal["random", "speech", "init"] = "random"
    freeze_content: bool = False
    freeze_speech: bool = False
    detach_address: bool = False
    detach_speech: bool = True
    symmetric: bool = False
    normalise_positives: bool = False
    inter_update_decoder: bool = False
    inter_released_behaviour: bool = False


class StageB(ConversionModule):
    """L = L_rec + con L_con + mi L_MI + id_face L_id-f + id_speech L_id-s + fv L_F (Eq. 8), and the content losses.

    Args:
        stage: switches.
        terms: further losses, of reconstructions and of inter-speaker conversions.
        loss, optim, mi, perturb, adversary, speakers: as in `ConversionModule`.
    """

    def __init__(
        self,
        model: ModelSpec,
        stage: StageBSpec = StageBSpec(),
        loss: LossSpec = LossSpec(),  # noqa: B008
        optim: OptimSpec = OptimSpec(),  # noqa: B008
        mi: MISpec = MISpec(),  # noqa: B008
        perturb: PerturbSpec = PerturbSpec(),  # noqa: B008
        adversary: AdversarySpec = AdversarySpec(),  # noqa: B008
        speakers: int = 0,
        terms: list[ConversionTerm] | None = None,
    ) -> None:
        super().__init__(model, loss, optim, mi, perturb, adversary, speakers)
        if model.content.kind == "autovc_bottleneck" and stage.freeze_content:
            raise InputError("stage.freeze_content is for the content encoder vqcpc")
        if model.memory.kind != "fv_memory" and stage.memory_init == "speech":
            raise InputError(f"stage.memory_init fills a memory, and memory.kind is {model.memory.kind}")
        self.stage = stage
        self.teacher: Teacher | None = None
        self.terms = nn.ModuleList(terms or [])

    def configure_model(self) -> None:
        """Also fill the memory; a resumed run replaces all of this by its own checkpoint's weights."""
        if not self._built:
            super().configure_model()
            if self.stage.memory_init == "speech":
                self._fill_memory(self.trainer.datamodule)  # type: ignore[attr-defined]

    def build_heads(self, speakers: int) -> None:
        super().build_heads(speakers)
        self.face_classifier = nn.Linear(self.spec.face_head.dim, speakers)
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
        slots = self.spec.memory.slots
        means = means if len(means) <= slots else []
        spread = torch.linspace(0, len(clips) - 1, slots - len(means)).long()
        values = torch.stack([*means, *speech[spread]])
        memory.speech_values.copy_(values)
        memory.face_keys.copy_(values)

    def main_parameters(self) -> list[dict[str, Any]]:
        content: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in self.own_parameters():
            (content if name.startswith(("net.content.", "cpc.")) else rest).append(parameter)
        groups = [{"params": rest, "scale": 1.0}]
        return groups + ([{"params": content, "scale": self.optim.content_lr}] if content else [])

    def losses(self, batch: Batch, content: Quantized) -> Losses:
        weight, net = self.loss, self.net
        face, speech = net.face_voice(batch["face"]), net.speech_voice(batch["speech"])
        pre, post = net.decode(content.z_q, batch["lf0"], face.voice, batch["register"])
        converted = [Conversion(post, batch["mel"], batch["speech"])]
        logs = {"rec": reconstruction_loss(pre, post, batch["mel"], weight.rec_l2, weight.rec_l1)}
        logs["con"] = contrastive_loss(
            self.joint(face.identity), self.joint(speech.identity), self.joint(batch["speaker"]), weight.tau,
            self.stage.symmetric, self.stage.normalise_positives,
        )  # fmt: skip
        logs["con_floor"] = contrastive_floor(self.joint(batch["speaker"]))
        logs["id_face"] = identity_loss(self.face_classifier(face.identity), batch["speaker"])
        logs["id_speech"] = identity_loss(self.speech_classifier(speech.identity), batch["speaker"])
        logs["fv"] = self._face_voice_loss(batch, content, face, speech.voice, logs, converted)
        total = (
            logs["rec"]
            + weight.con * logs["con"]
            + weight.id_face * logs["id_face"]
            + weight.id_speech * logs["id_speech"]
            + weight.fv * logs["fv"]
            + self.content_losses(content, logs)
            + self.code_loss(post, content, logs)
            + self.register_loss(face.voice, batch["register"], logs)
        )
        if weight.ge2e:
            logs["ge2e"] = ge2e(face.identity, batch["speaker"])
            total = total + weight.ge2e * logs["ge2e"]
        total = total + further_loss(list(self.terms), converted, logs)
        return Losses(total, logs, speech.identity, [one.mel for one in converted])

    def _face_voice_loss(
        self,
        batch: Batch,
        content: Quantized,
        face: Any,
        e_s: Tensor,
        logs: dict[str, Tensor],
        converted: list[Conversion],
    ) -> Tensor:
        """L_F: recall, address and inter-speaker terms (FVMVC). Adds the inter-speaker conversion to `converted`."""
        memory, parts = self.net.memory, self.loss.fv_parts
        total = e_s.new_zeros(())
        if isinstance(memory, FaceVoiceMemory):
            e_s = e_s.detach() if self.stage.detach_speech else e_s
            log_speech = memory.log_speech_address(e_s)
            logs["recall"] = recall_loss(e_s, memory.recall(log_speech))
            target = log_speech.detach() if self.stage.detach_address else log_speech
            logs["address"] = address_loss(target, face.log_address)
            logs["address_entropy"] = address_entropy(face.log_address)
            total = parts.recall * logs["recall"] + parts.address * logs["address"]
        if parts.inter and self.teacher is not None:
            source, z, lf0 = batch["mel"], content.z_q.detach(), batch["lf0"]
            if "source_mel" in batch:
                source, lf0 = self.net.normalise(batch["source_mel"]), batch["source_lf0"]
                z = self._source(source)
            logs["inter"], post = self._inter_speaker(batch, z, lf0)
            converted.append(Conversion(post, source, batch["other_speech"]))
            total = total + parts.inter * logs["inter"]
        return total

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

    def _inter_speaker(self, batch: Batch, z: Tensor, lf0: Tensor) -> tuple[Tensor, Tensor]:
        """Convert content (B, L, D) and pitch (B, T) to another speaker twice, of whom the batch holds speech and face.

        The face path learns from the frozen stage-A decoder fed with speech. The gradient reaches the face branch and
        the memory alone: the decoder's weights count as constants here and its batch statistics stay as they are
        (OPEN 18), unless `inter_update_decoder`. Returns the loss and the face path's mel (B, M, T).
        """
        assert self.teacher is not None
        target, register = self.teacher(self.net, z, lf0, batch["other_speech"])
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.stage.inter_released_behaviour):
            voice = self.net.face_voice(batch["other_face"]).voice
            with nullcontext() if self.stage.inter_update_decoder else constant(self.net.decoder):
                pre, post = self.net.decode(z, lf0, voice, register)
        return reconstruction_loss(pre, post, target, l2=1.0, l1=1.0), post


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
