"""Every size of the acoustic model, put together of one file a part.

A part that comes in several kinds has a class for each, chosen by `kind`; the first class of each union is the paper's.
Numbers are the defaults of the paper (arXiv 2409.00700) where it gives them, else the field's usual choice. "OPEN n"
marks a point that the paper leaves open; docs/how-it-works.md lists them with the choice made here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from idfacevc.config.content import ContentSpec, VqcpcSpec
from idfacevc.config.decoder import DecoderSpec, LstmDecoderSpec
from idfacevc.config.face import FaceSpec
from idfacevc.config.face_head import FaceHeadSpec, SafpqSpec
from idfacevc.config.front_end import FrontEndSpec
from idfacevc.config.memory import FaceVoiceMemorySpec, MemorySpec
from idfacevc.config.pitch import NormalisedPitchSpec, PitchSpec
from idfacevc.config.post_filter import PostFilterSpec
from idfacevc.config.speech import ClapSafpqSpec, SpeechSpec
from idfacevc.errors import InputError


@dataclass(frozen=True)
class ModelSpec:
    """Everything that fixes the network's shape.

    Attributes:
        adapter: Stands between an identity branch and the memory: "feed_forward" is the paper's (OPEN 11), "unit"
            brings the vector to unit length alone (FVMVC), "none" leaves it as it is.
    """

    front_end: FrontEndSpec = field(default_factory=FrontEndSpec)
    face: FaceSpec = field(default_factory=FaceSpec)
    face_head: FaceHeadSpec = field(default_factory=SafpqSpec)
    speech: SpeechSpec = field(default_factory=ClapSafpqSpec)
    content: ContentSpec = field(default_factory=VqcpcSpec)
    pitch: PitchSpec = field(default_factory=NormalisedPitchSpec)
    adapter: Literal["feed_forward", "unit", "none"] = "feed_forward"
    memory: MemorySpec = field(default_factory=FaceVoiceMemorySpec)
    decoder: DecoderSpec = field(default_factory=LstmDecoderSpec)
    post_filter: PostFilterSpec = field(default_factory=PostFilterSpec)

    def __post_init__(self) -> None:
        if self.memory.dim != self.face_head.dim:
            raise InputError(
                f"memory.dim {self.memory.dim} and face_head.dim {self.face_head.dim} must agree: "
                "the adapters keep the width"
            )
        if self.speech.kind == "dvector" and self.speech.token_dim != self.face_head.dim:
            raise InputError(
                f"speech.token_dim {self.speech.token_dim} and face_head.dim {self.face_head.dim} must agree: "
                "a dvector is the voice itself"
            )
