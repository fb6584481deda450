"""Between stages A and B: what a face says about a voice, without decoding anything."""

from __future__ import annotations

from idfacevc.losses.contrastive import contrastive_loss
from idfacevc.losses.memory import address_loss
from idfacevc.models.idfacevc.content import Quantized
from idfacevc.models.idfacevc.memory import FaceVoiceMemory, address_entropy
from idfacevc.training.module import Batch, Losses, identity_loss
from idfacevc.training.stage_b import StageB


class MemoryStage(StageB):
    """The terms of Eq. 8 that need no mel: con L_con + id_face L_id-f + fv * address L_addr, and the register.

    A step costs a small part of one of stage B, so that many more faces are seen; the voices stay as stage A left them.
    """

    def losses(self, batch: Batch, content: Quantized) -> Losses:
        weight, net = self.loss, self.net
        face, speech = net.face_voice(batch["face"]), net.speech_voice(batch["speech"])
        assert isinstance(net.memory, FaceVoiceMemory) and face.log_address is not None, "there is no memory to address"
        log_speech = net.memory.log_speech_address(speech.voice).detach()
        logs = {
            "con": contrastive_loss(
                face.identity, speech.identity, batch["speaker"], weight.tau,
                self.stage.symmetric, self.stage.normalise_positives,
            ),
            "id_face": identity_loss(self.face_classifier(face.identity), batch["speaker"]),
            "address": address_loss(log_speech, face.log_address),
            "address_entropy": address_entropy(face.log_address),
            "speech_entropy": address_entropy(log_speech),
        }  # fmt: skip
        total = (
            weight.con * logs["con"]
            + weight.id_face * logs["id_face"]
            + weight.fv * weight.fv_parts.address * logs["address"]
            + self.register_loss(face.voice, batch["register"], logs)
        )
        return Losses(total, logs, speech.identity, [])
