"""One small model for all tests."""

from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.model import (
    ContentSpec,
    DecoderSpec,
    FaceHeadSpec,
    FaceSpec,
    MemorySpec,
    ModelSpec,
    SpeechSpec,
    TowerSpec,
)


def tiny_spec(**changes: object) -> ModelSpec:
    """A `ModelSpec` of a few thousand weights; keywords replace parts of it."""
    parts: dict[str, object] = {
        "front_end": FrontEndSpec(floor=1e-5),
        "face": FaceSpec(
            backbone="tower", name="", revision=None, token_dim=16, crop="aligned",
            tower=TowerSpec(channels=(8, 16), blocks=(1, 1), image_size=24),
        ),
        "face_head": FaceHeadSpec(prompts=4, dim=32, heads=2, ffn_dim=48),
        "speech": SpeechSpec(kind="resemblyzer_projection", name="", revision=None, token_dim=256),
        "content": ContentSpec(hidden=32, layers=2, dim=16, codes=24),
        "memory": MemorySpec(slots=12, dim=32),
        "decoder": DecoderSpec(pre_lstm=24, conv=24, convs=2, lstm=24, lstm_layers=2, postnet=16, postnet_layers=3),
    }  # fmt: skip
    return ModelSpec(**{**parts, **changes})  # type: ignore[arg-type]
