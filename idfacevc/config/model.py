"""Every size of the acoustic model. A part that comes in several kinds has a class for each, chosen by `kind`.

Numbers are the defaults of the paper (arXiv 2409.00700) where it gives them, else the field's usual choice. "OPEN n"
marks a point that the paper leaves open; docs/how-it-works.md lists them with the choice made here. The first class of
each union is the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from idfacevc.config.front_end import FrontEndSpec
from idfacevc.errors import InputError

# -- face --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClipSpec:
    """Tokens of a CLIP vision transformer (IAQ-CL).

    Attributes:
        name, revision: Hub id or folder of the model; its weights are never copied into a bundle.
        layer: Hidden state that is read, counted as transformers does; -2 is the penultimate layer (OPEN 5).
        drop_cls: Leave the class token out.
    """

    kind: Literal["clip"] = "clip"
    name: str = "openai/clip-vit-base-patch32"
    revision: str | None = "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268"
    layer: int = -2
    drop_cls: bool = False


@dataclass(frozen=True)
class TowerSpec:
    """Sizes of `backbones.tower.FaceTower`, a small network inside the bundle.

    Attributes:
        channels, blocks: Width and number of residual blocks of each stage.
        image_size: Side of the square input in pixels.
    """

    kind: Literal["tower"] = "tower"
    channels: tuple[int, ...] = (32, 64, 128, 256)
    blocks: tuple[int, ...] = (1, 1, 2, 2)
    image_size: int = 72


@dataclass(frozen=True)
class FaceNetSpec:
    """One FaceNet vector as a single token (FVMVC). `name` is a file of weights of facenet-pytorch."""

    kind: Literal["facenet"] = "facenet"
    name: str = "facenet.pt"


@dataclass(frozen=True)
class FaceSpec:
    """What turns pictures of a face into tokens (B, P, D).

    Attributes:
        backbone: The frozen network.
        token_dim: D, 768 for CLIP's ViT-B/32, 512 for FaceNet, the last of the tower's channels.
        crop: "box" is the detector's box enlarged by `margin` of its side on each side (OPEN 4); "aligned" is a
            similarity transform of the landmarks onto the framing of aligned face corpora.
        max_frames: Frames sampled of a video.
        framings: At inference, average over slightly other framings of each crop, so that chance in the framing of a
            photo weighs less.
        frames: "mean" averages a clip's frames (the paper); "random" keeps each of them, and a training draws one anew
            each time (the paper's ablation without IAQ-CL).
    """

    backbone: ClipSpec | TowerSpec | FaceNetSpec = field(default_factory=ClipSpec)
    token_dim: int = 768
    crop: Literal["box", "aligned"] = "box"
    margin: float = 0.32
    max_frames: int = 32
    framings: bool = False
    frames: Literal["mean", "random"] = "mean"


@dataclass(frozen=True)
class SafpqSpec:
    """Face head of the paper: the Self-Adaptive Face-Prompted QFormer, Eqs. 1-3 (OPEN 6).

    Attributes:
        prompts: Learnable queries.
        dim: Width of F_query, and of every voice vector.
        heads, blocks, ffn_dim, dropout: Of its attention and feed-forward layers.
        fuse: How the prompts' answers become one vector.
        paper_equations_only: Without residuals, norms and dropout, as the equations are printed; with `heads` 1 the
            match is complete.
    """

    kind: Literal["safpq"] = "safpq"
    prompts: int = 32
    dim: int = 256
    heads: int = 4
    blocks: int = 1
    ffn_dim: int = 1024
    dropout: float = 0.1
    fuse: Literal["mean", "flatten"] = "mean"
    paper_equations_only: bool = False


@dataclass(frozen=True)
class ChannelAttentionSpec:
    """Face head of FVMVC: channel self-attention over the mean of the tokens."""

    kind: Literal["channel_attention"] = "channel_attention"
    dim: int = 256


@dataclass(frozen=True)
class ReparaSpec:
    """Face head of SP-FaceVC: a Gaussian latent, sampled in training."""

    kind: Literal["repara"] = "repara"
    dim: int = 256
    latent: int = 320


@dataclass(frozen=True)
class AttentionReparaSpec:
    """Face head of FaceVC: channel self-attention, then a Gaussian latent."""

    kind: Literal["attention_repara"] = "attention_repara"
    dim: int = 256
    latent: int = 320


@dataclass(frozen=True)
class MlpSpec:
    """Face head of two linear layers (Face2Speech)."""

    kind: Literal["mlp"] = "mlp"
    dim: int = 256
    ffn_dim: int = 1024


FaceHeadSpec = SafpqSpec | ChannelAttentionSpec | ReparaSpec | AttentionReparaSpec | MlpSpec

# -- speech identity ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClapSafpqSpec:
    """Speech branch of the paper: CLAP tokens, self-attention, FFN (MIDD, Fig. 2).

    Attributes:
        name, revision: Hub id or folder of the CLAP model.
        tap: "tokens" keeps 32 time tokens, "pooled" the one pooled vector (OPEN 9).
        token_dim: Width of the tokens, 1024 for HTSAT-base.
        prompts: Learnable tokens that are pooled in place of the features; 0 pools the features (OPEN 10).
        heads, ffn_dim, dropout: Of its attention and feed-forward layers.
    """

    kind: Literal["clap_safpq"] = "clap_safpq"
    name: str = "laion/larger_clap_general"
    revision: str | None = "ada0c23a36c4e8582805bb38fec3905903f18b41"
    tap: Literal["tokens", "pooled"] = "tokens"
    token_dim: int = 1024
    prompts: int = 0
    heads: int = 4
    ffn_dim: int = 1024
    dropout: float = 0.1


@dataclass(frozen=True)
class ResemblyzerProjectionSpec:
    """Speech branch of FVMVC: Resemblyzer's utterance embedding through channel self-attention."""

    kind: Literal["resemblyzer_projection"] = "resemblyzer_projection"
    token_dim: int = 256


@dataclass(frozen=True)
class DvectorSpec:
    """Speech branch of Face2Speech: Resemblyzer's utterance embedding itself."""

    kind: Literal["dvector"] = "dvector"
    token_dim: int = 256


SpeechSpec = ClapSafpqSpec | ResemblyzerProjectionSpec | DvectorSpec

# -- content -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LifterSpec:
    """Cepstral lifter before a content encoder (SP-FaceVC).

    Attributes:
        cutoff: Cepstral coefficients that stay.
        basis: "dct2", or "dct3" for SP-FaceVC's released order of transforms.
    """

    cutoff: int = 10
    basis: Literal["dct2", "dct3"] = "dct2"


@dataclass(frozen=True)
class VqcpcSpec:
    """Content encoder of the paper: VQ, with VQMIVC's sizes.

    Attributes:
        lifter: Lifter of the mel that it reads, if any.
        hidden, layers: Width and number of the per-frame linear layers.
        dim, codes: Size and number of the codes.
        codebooks: More than 1 quantise residually.
        commitment: Factor of the commitment loss.
        decay: Of the codebook's moving averages.
        restart_threshold: Codes whose smoothed count falls below it are re-seeded from the batch; 0 never does.
    """

    kind: Literal["vqcpc"] = "vqcpc"
    lifter: LifterSpec | None = None
    hidden: int = 512
    layers: int = 4
    dim: int = 64
    codes: int = 512
    codebooks: int = 1
    commitment: float = 0.25
    decay: float = 0.999
    restart_threshold: float = 0.0


@dataclass(frozen=True)
class BottleneckSpec:
    """Content encoder of AutoVC, FaceVC and SP-FaceVC: three convolutions and a BiLSTM of few outputs.

    Attributes:
        lifter: Lifter of the mel that it reads, if any.
        hidden: Width of the convolutions.
        dim: Width of the codes, even.
        every: Mel frames a code stands for, even.
    """

    kind: Literal["autovc_bottleneck"] = "autovc_bottleneck"
    lifter: LifterSpec | None = None
    hidden: int = 512
    dim: int = 64
    every: int = 32

    def __post_init__(self) -> None:
        if self.dim % 2 or self.every % 2:
            raise InputError(f"content.dim {self.dim} and content.every {self.every} must be even for the bottleneck")


@dataclass(frozen=True)
class WhisperSpec:
    """Sizes of `backbones.whisper.WhisperEncoder`; the defaults are those of tiny.en."""

    n_mels: int = 80
    dim: int = 384
    layers: int = 4
    heads: int = 6
    positions: int = 1500


@dataclass(frozen=True)
class WhisperContentSpec:
    """Content from Whisper's frozen encoder, narrowed to `dim` numbers (the demo).

    Attributes:
        whisper: Sizes of the encoder.
        dim: Width of the codes.
        noise: Deviation of the noise on the codes in training.
    """

    kind: Literal["whisper"] = "whisper"
    whisper: WhisperSpec = field(default_factory=WhisperSpec)
    dim: int = 64
    noise: float = 0.1


ContentSpec = VqcpcSpec | BottleneckSpec | WhisperContentSpec

# -- pitch -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NormalisedPitchSpec:
    """Log-F0 of zero mean and unit deviation, 0 where unvoiced (the paper): the decoder makes the register itself.

    Attributes:
        channels: 1, or 2 with a voicing flag (OPEN 1).
    """

    kind: Literal["normalised"] = "normalised"
    channels: int = 1

    @property
    def width(self) -> int:
        """Channels that the decoder reads."""
        return self.channels


@dataclass(frozen=True)
class RegisterPitchSpec:
    """The contour in the register of the voice, as soft bins of log-frequency with a voicing flag.

    A small head reads mean and deviation of log-F0 off the voice, so a contour that is asked for is the one heard.

    Attributes:
        bins, low, high: Number of bins and their outermost frequencies in Hz.
    """

    kind: Literal["register"] = "register"
    bins: int = 32
    low: float = 60.0
    high: float = 500.0

    @property
    def width(self) -> int:
        """Channels that the decoder reads."""
        return self.bins + 1


@dataclass(frozen=True)
class NoPitchSpec:
    """No pitch: the decoder finds the contour in the content (FaceVC, SP-FaceVC)."""

    kind: Literal["none"] = "none"

    @property
    def width(self) -> int:
        """Channels that the decoder reads."""
        return 0


PitchSpec = NormalisedPitchSpec | RegisterPitchSpec | NoPitchSpec

# -- face to voice -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FaceVoiceMemorySpec:
    """The face-voice memory of the paper and of FVMVC.

    Attributes:
        slots, dim: Number and width of the voices; `dim` is that of the face head.
        init_std: Deviation of the initial keys and values.
        scale: Factor of the cosine before the softmax (OPEN 16).
        sharpness: Further factor for faces at inference. A face leaves open which of several voices it gets; their
            mixture would be an average voice, and a sharper address settles for few of them.
        unit: Whether a recalled voice is brought to unit length at inference, for decoders that were trained on unit
            vectors of speech.
    """

    kind: Literal["fv_memory"] = "fv_memory"
    slots: int = 96
    dim: int = 256
    init_std: float = 0.5
    scale: float = 1.0
    sharpness: float = 1.0
    unit: bool = False


@dataclass(frozen=True)
class LinearWarpSpec:
    """One linear layer from the face vector to the voice (FaceVC)."""

    kind: Literal["linear_warp"] = "linear_warp"
    dim: int = 256


@dataclass(frozen=True)
class DirectSpec:
    """The face vector is the voice (SP-FaceVC, Face2Speech)."""

    kind: Literal["direct"] = "direct"
    dim: int = 256


MemorySpec = FaceVoiceMemorySpec | LinearWarpSpec | DirectSpec

# -- decoder -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LstmDecoderSpec:
    """Decoder of the paper, AutoVC's with VQMIVC's sizes; it reads the voice as further channels."""

    kind: Literal["lstm"] = "lstm"
    pre_lstm: int = 512
    conv: int = 512
    convs: int = 3
    kernel: int = 5
    lstm: int = 1024
    lstm_layers: int = 2
    postnet: int = 512
    postnet_layers: int = 5


@dataclass(frozen=True)
class ModulatedDecoderSpec:
    """Dilated convolutions, `conv` wide, each scaled and shifted by the voice; then the postnet."""

    kind: Literal["modulated"] = "modulated"
    blocks: int = 9
    conv: int = 512
    kernel: int = 5
    postnet: int = 512
    postnet_layers: int = 5


@dataclass(frozen=True)
class ConvNeXtDecoderSpec:
    """ConvNeXt blocks, `conv` and `hidden` wide, modulated likewise.

    Attributes:
        early_blocks: Blocks after which the mel before refinement is read.
    """

    kind: Literal["convnext"] = "convnext"
    blocks: int = 9
    early_blocks: int = 5
    conv: int = 512
    hidden: int = 512
    kernel: int = 5


DecoderSpec = LstmDecoderSpec | ModulatedDecoderSpec | ConvNeXtDecoderSpec

# -- all of it ---------------------------------------------------------------------------------------------------------


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
