"""Every size of the acoustic model, in closed dataclasses.

Numbers are the defaults of the paper (arXiv 2409.00700) where it gives them, else the field's usual choice. "OPEN n"
marks a point that the paper leaves open; the default that we took is listed in docs/how-it-works.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from idfacevc.config.front_end import FrontEndSpec
from idfacevc.errors import InputError


@dataclass(frozen=True)
class TowerSpec:
    """Sizes of `backbones.tower.FaceTower`."""

    channels: tuple[int, ...] = (32, 64, 128, 256)
    blocks: tuple[int, ...] = (1, 1, 2, 2)
    image_size: int = 72


@dataclass(frozen=True)
class FaceSpec:
    """Frozen face backbone: what turns a face crop into tokens (B, P, D).

    Attributes:
        backbone: "clip" (the paper: tokens of a CLIP vision transformer), "tower" (a small network inside the bundle),
            or "facenet" (one 512-d vector as a single token).
        name, revision: hub id or folder of a CLIP model; weights of a hub model are never copied into a bundle.
        layer: hidden state that is read, counted as transformers does; -2 is the paper's penultimate layer (OPEN 5).
        drop_cls: leave the class token out.
        token_dim: D.
        crop: "box" is the detector's box enlarged by `margin` of its side on each side (OPEN 4); "aligned" is a
            similarity transform of the landmarks onto the framing of aligned face corpora.
        max_frames: frames sampled of a video.
        framings: at inference, average over slightly other framings of each crop, so that chance in the framing of a
            photo weighs less.
        frames: "mean" averages a clip's frames (the paper); "random" keeps each of them, and a training draws one anew
            each time (the paper's ablation without IAQ-CL).
    """

    backbone: Literal["clip", "tower", "facenet"] = "clip"
    name: str = "openai/clip-vit-base-patch32"
    revision: str | None = "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268"
    layer: int = -2
    drop_cls: bool = False
    token_dim: int = 768
    crop: Literal["box", "aligned"] = "box"
    margin: float = 0.32
    max_frames: int = 32
    framings: bool = False
    frames: Literal["mean", "random"] = "mean"
    tower: TowerSpec | None = None


@dataclass(frozen=True)
class FaceHeadSpec:
    """What turns face tokens into the face identity F_query.

    Attributes:
        kind: "safpq" is the paper's Self-Adaptive Face-Prompted QFormer, Eqs. 1-3 (OPEN 6). The others read the mean of
            the tokens, for backbones of one vector: "channel_attention" (FVMVC), "repara" (SP-FaceVC: a Gaussian latent
            that is sampled in training), "attention_repara" (FaceVC: both), "mlp".
        prompts, heads, blocks, fuse: of "safpq".
        dim: width of F_query, and of every voice vector.
        ffn_dim: hidden width of "safpq" and "mlp".
        latent: width of the Gaussian of the two "repara".
        equation_exact: drops residuals, norms and dropout and leaves the printed equations; `heads=1` completes the
            match.
    """

    kind: Literal["safpq", "channel_attention", "repara", "attention_repara", "mlp"] = "safpq"
    prompts: int = 32
    dim: int = 256
    heads: int = 4
    blocks: int = 1
    ffn_dim: int = 1024
    dropout: float = 0.1
    fuse: Literal["mean", "flatten"] = "mean"
    latent: int = 320
    equation_exact: bool = False


@dataclass(frozen=True)
class SpeechSpec:
    """Speech identity branch.

    Attributes:
        kind: "clap_safpq" (the paper: CLAP tokens, self-attention, FFN), "resemblyzer_projection" (FVMVC's: the
            utterance embedding through channel self-attention) or "dvector" (Face2Speech's: that embedding itself).
        name, revision: hub id or folder of the CLAP model.
        tap: "tokens" keeps 32 time tokens, "pooled" the one pooled vector (OPEN 9).
        token_dim: width of the incoming features, 1024 for CLAP's HTSAT-base, 256 for Resemblyzer.
        prompts: learnable tokens that are pooled in place of the features; 0 pools the features (OPEN 10).
    """

    kind: Literal["clap_safpq", "resemblyzer_projection", "dvector"] = "clap_safpq"
    name: str = "laion/larger_clap_general"
    revision: str | None = "ada0c23a36c4e8582805bb38fec3905903f18b41"
    tap: Literal["tokens", "pooled"] = "tokens"
    token_dim: int = 1024
    prompts: int = 0


@dataclass(frozen=True)
class WhisperSpec:
    """Sizes of `backbones.whisper.WhisperEncoder`; the defaults are those of tiny.en."""

    n_mels: int = 80
    dim: int = 384
    layers: int = 4
    heads: int = 6
    positions: int = 1500


@dataclass(frozen=True)
class ContentSpec:
    """Content encoder.

    Attributes:
        kind: "vqcpc" is the paper's VQ + CPC encoder (VQMIVC sizes), to which all sizes below belong.
            "autovc_bottleneck" is AutoVC's, which FaceVC and SP-FaceVC use: three convolutions `hidden` wide and a
            BiLSTM of `dim` outputs, of which one frame in `every` is kept. "whisper" reads the wave with the frozen
            encoder of Whisper and narrows its features to `dim` numbers.
        whisper: Sizes of that encoder.
        noise: Deviation of the noise on those numbers in training.
        every: mel frames a kept code of "autovc_bottleneck" stands for.
        transform: "dct_lowpass" lifts the incoming mel: only the first `cutoff` cepstral coefficients stay.
        basis: "dct2", or "dct3" for SP-FaceVC's released order of transforms.
        hidden, layers: width and number of the per-frame linear layers.
        dim, codes: code size and codebook size; `codebooks` > 1 quantises residually (the paper's is 1).
        commitment, decay: of the quantiser.
        restart_threshold: codes whose smoothed count falls below it are re-seeded from the batch; 0 never does.
    """

    kind: Literal["vqcpc", "autovc_bottleneck", "whisper"] = "vqcpc"
    whisper: WhisperSpec = field(default_factory=WhisperSpec)
    noise: float = 0.1
    every: int = 32
    transform: Literal["identity", "dct_lowpass"] = "identity"
    cutoff: int = 10
    basis: Literal["dct2", "dct3"] = "dct2"
    hidden: int = 512
    layers: int = 4
    dim: int = 64
    codes: int = 512
    codebooks: int = 1
    commitment: float = 0.25
    decay: float = 0.999
    restart_threshold: float = 0.0

    def __post_init__(self) -> None:
        if self.kind == "autovc_bottleneck" and (self.dim % 2 or self.every % 2):
            raise InputError(f"content.dim {self.dim} and content.every {self.every} must be even for the bottleneck")


@dataclass(frozen=True)
class PitchSpec:
    """What the decoder is told of pitch.

    Attributes:
        kind: "normalised" is the paper's log-F0 of zero mean and unit deviation, 0 where unvoiced: the decoder makes
            the register from the voice. "register" brings that contour to the mean and the deviation of log-F0 that a
            small head reads off the voice, and gives it as soft bins of log-frequency with a voicing flag: the register
            is explicit, and a contour that is asked for is the contour that is heard. "none" tells it nothing.
        channels: of "normalised": 1, or 2 with a voicing flag (OPEN 1).
        bins, low, high: of "register": number of bins and their outermost frequencies in Hz.
    """

    kind: Literal["normalised", "register", "none"] = "normalised"
    channels: int = 1
    bins: int = 32
    low: float = 60.0
    high: float = 500.0

    @property
    def width(self) -> int:
        """Channels that the decoder reads."""
        return {"normalised": self.channels, "register": self.bins + 1, "none": 0}[self.kind]


@dataclass(frozen=True)
class MemorySpec:
    """What makes a voice of a face vector.

    Attributes:
        kind: "fv_memory" is the face-voice memory of the paper and of FVMVC, to which the rest belongs; "linear_warp"
            one linear layer (FaceVC); "direct" takes the face vector for the voice (SP-FaceVC, Face2Speech).
        dim: width of a voice; that of the face head.
        scale: multiplies the cosine before the softmax (OPEN 16).
        sharpness: multiplies it once more for faces at inference: a face leaves open which of several voices it gets,
            their mixture would be an average voice, and a sharper address settles for few of them. 1 leaves the
            address as it is.
        unit: Whether a recalled voice is brought to unit length at inference, for decoders that were trained on unit
            vectors of speech.
    """

    kind: Literal["fv_memory", "linear_warp", "direct"] = "fv_memory"
    slots: int = 96
    dim: int = 256
    init_std: float = 0.5
    scale: float = 1.0
    sharpness: float = 1.0
    unit: bool = False


@dataclass(frozen=True)
class DecoderSpec:
    """What turns content, pitch and voice into a mel.

    Attributes:
        kind: "lstm" is the paper's AutoVC-style decoder (VQMIVC sizes), which reads the voice as further channels.
            "modulated" is a stack of dilated convolutions, `conv` wide, whose every layer is scaled and shifted by the
            voice. "convnext" is a stack of ConvNeXt blocks, `conv` and `hidden` wide, modulated likewise.
        pre_lstm, convs, lstm, lstm_layers: of "lstm".
        blocks: of "modulated" and "convnext".
        early_blocks: Blocks of "convnext" after which the mel before refinement is read.
        postnet, postnet_layers: the refinement that "lstm" and "modulated" end with.
    """

    kind: Literal["lstm", "modulated", "convnext"] = "lstm"
    hidden: int = 512
    early_blocks: int = 5
    blocks: int = 9
    pre_lstm: int = 512
    conv: int = 512
    convs: int = 3
    kernel: int = 5
    lstm: int = 1024
    lstm_layers: int = 2
    postnet: int = 512
    postnet_layers: int = 5


@dataclass(frozen=True)
class ModelSpec:
    """Everything that fixes the network's shape.

    `adapter` stands between an identity branch and the memory: "feed_forward" is the paper's (OPEN 11), "unit" brings
    the vector to unit length alone (FVMVC), "none" leaves it as it is.
    """

    front_end: FrontEndSpec = field(default_factory=FrontEndSpec)
    face: FaceSpec = field(default_factory=FaceSpec)
    face_head: FaceHeadSpec = field(default_factory=FaceHeadSpec)
    speech: SpeechSpec = field(default_factory=SpeechSpec)
    content: ContentSpec = field(default_factory=ContentSpec)
    pitch: PitchSpec = field(default_factory=PitchSpec)
    adapter: Literal["feed_forward", "unit", "none"] = "feed_forward"
    memory: MemorySpec = field(default_factory=MemorySpec)
    decoder: DecoderSpec = field(default_factory=DecoderSpec)

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


_GONE = {"memory": ("learnable_scale",), "content": ("context", "cpc_steps", "negatives")}  # no part of the network


def current_model(values: Any) -> Any:
    """Plain values of a `ModelSpec` of bundle format 1 as today's classes have them."""
    if not isinstance(values, dict):
        return values
    return {
        part: {key: value for key, value in options.items() if key not in _GONE.get(part, ())}
        if isinstance(options, dict)
        else options
        for part, options in values.items()
    }
