"""Between stages A and B: what a face says about a voice, without decoding anything."""

from __future__ import annotations

from idfacevc.losses.term import Step
from idfacevc.models.idfacevc.content import Quantized
from idfacevc.training.module import Batch
from idfacevc.training.stage_b import StageB


class MemoryStage(StageB):
    """The losses of Eq. 8 that need no mel: L_con, L_id-f, the memory's address and the register.

    A step costs a small part of one of stage B, so that many more faces are seen; the voices stay as stage A left them.
    """

    def make_step(self, batch: Batch, content: Quantized) -> Step:
        face, speech = self.net.face_voice(batch["face"]), self.net.speech_voice(batch["speech"])
        return Step(
            self.net, batch["mel"], batch["speaker"], content.z_q, speech.identity, speech.voice,
            face_identity=face.identity, face_log_address=face.log_address,
            register=batch["register"], voice_register=self.net.pitch.register_of(face.voice),
        )  # fmt: skip
