"""Speech branches: what turns a recording into the identity of its speaker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
