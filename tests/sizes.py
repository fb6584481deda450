"""One small model for all tests."""

from idfacevc.config.content import VqcpcSpec
from idfacevc.config.decoder import LstmDecoderSpec
from idfacevc.config.face import FaceSpec, TowerSpec
from idfacevc.config.face_head import SafpqSpec
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.memory import FaceVoiceMemorySpec
from idfacevc.config.model import ModelSpec
from idfacevc.config.speech import ResemblyzerProjectionSpec


def tiny_spec(**changes: object) -> ModelSpec:
    """A `ModelSpec` of a few thousand weights; keywords replace parts of it."""
    parts: dict[str, object] = {
        "front_end": FrontEndSpec(floor=1e-5),
        "face": FaceSpec(TowerSpec(channels=(8, 16), blocks=(1, 1), image_size=32), token_dim=16, crop="aligned"),
        "face_head": SafpqSpec(prompts=4, dim=32, heads=2, ffn_dim=48),
        "speech": ResemblyzerProjectionSpec(),
        "content": VqcpcSpec(hidden=32, layers=2, dim=16, codes=24),
        "memory": FaceVoiceMemorySpec(slots=12, dim=32),
        "decoder": LstmDecoderSpec(pre_lstm=24, conv=24, convs=2, lstm=24, lstm_layers=2, postnet=16, postnet_layers=3),
    }  # fmt: skip
    return ModelSpec(**{**parts, **changes})  # type: ignore[arg-type]
