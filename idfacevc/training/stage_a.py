"""Stage A: voice conversion pretraining, the voice taken from speech (OPEN 14)."""

from __future__ import annotations

from idfacevc.losses.reconstruction import reconstruction_loss
from idfacevc.models.content import Quantized
from idfacevc.training.conversion import Batch, ConversionModule, Losses, identity_loss


class StageA(ConversionModule):
    """L_A = L_rec + L_vq + L_cpc + mi L_MI + id_speech L_id-s, the decoder driven by e_s.

    Where pitch has a register (`config.PitchSpec`), the decoder is given the utterance's own, and its head learns it.
    """

    def losses(self, batch: Batch, content: Quantized) -> Losses:
        speech = self.net.speech_voice(batch["speech"])
        pre, post = self.net.decode(content.z_q, batch["lf0"], speech.voice, batch["register"])
        logs = {"rec": reconstruction_loss(pre, post, batch["mel"], self.loss.rec_l2, self.loss.rec_l1)}
        logs["id_speech"] = identity_loss(self.speech_classifier(speech.identity), batch["speaker"])
        total = logs["rec"] + self.loss.id_speech * logs["id_speech"] + self.content_losses(content, logs)
        total = total + self.code_loss(post, content, logs)
        total = total + self.register_loss(speech.voice, batch["register"], logs)
        return Losses(total, logs, speech.identity, [post])
