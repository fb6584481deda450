"""LAION's own CLAP checkpoints become a folder that `speech.name` takes.

Only the audio branch (HTSAT) is taken; its tensors have other names there, and query, key and value in one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from idfacevc.errors import InputError

_BRANCH = "audio_branch."
_RENAMED = {
    "bn0.": "batch_norm.",
    ".norm1.": ".layernorm_before.",
    ".norm2.": ".layernorm_after.",
    ".attn.proj.": ".attention.output.dense.",
    ".attn.": ".attention.self.",
    ".mlp.fc1.": ".intermediate.dense.",
    ".mlp.fc2.": ".output.dense.",
}
# the front end and the classifier, which transformers has elsewhere or not at all; masks, which it computes
_LEFT_OUT = re.compile(r"spectrogram_extractor|logmel_extractor|tscam_conv|head\.|attn_mask")


def audio_branch(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The audio branch of a LAION state dict, named as `transformers.ClapAudioModel` names it."""
    named: dict[str, Tensor] = {}
    for key, value in state.items():
        _, found, name = key.partition(_BRANCH)
        if not found or _LEFT_OUT.search(name):
            continue
        for theirs, ours in _RENAMED.items():
            name = name.replace(theirs, ours)
        name = f"audio_encoder.{name}"
        if ".qkv." in name:
            for part, one in zip(("query", "key", "value"), value.chunk(3), strict=True):
                named[name.replace("qkv", part)] = one.clone()
        else:
            named[name] = value
    return named


def build(named: dict[str, Tensor]) -> Any:
    """The `ClapAudioModel` of these tensors; its sizes are read off them.

    Raises:
        InputError: where tensors are missing.
    """
    from transformers import ClapAudioConfig, ClapAudioModel

    try:
        width = len(named["audio_encoder.patch_embed.proj.weight"])
        blocks = [re.search(r"layers\.(\d+)\.blocks\.(\d+)\.", name) for name in named]
        places = {(int(found[1]), int(found[2])) for found in blocks if found}
        stages = range(1 + max(stage for stage, _ in places))
        table = "audio_encoder.layers.{}.blocks.0.attention.self.relative_position_bias_table"
        config = ClapAudioConfig(
            patch_embeds_hidden_size=width,
            hidden_size=width * 2 ** (len(stages) - 1),
            depths=[sum(stage == one for one, _ in places) for stage in stages],
            num_attention_heads=[named[table.format(stage)].shape[1] for stage in stages],
        )
        model = ClapAudioModel(config)
        model.load_state_dict(named)
    except (KeyError, ValueError, RuntimeError) as error:
        raise InputError(f"no audio branch without fusion is in that checkpoint ({str(error)[:80]})") from error
    return model.eval()


def import_clap(checkpoint: Path, folder: Path) -> None:
    """Write the folder that `speech.name` can be: weights, sizes and preprocessing.

    Raises:
        InputError: for a file that is no LAION checkpoint of an HTSAT without fusion. Nothing in it is executed.
    """
    from transformers import ClapFeatureExtractor

    scalar = np.float64(0).__reduce__()[0]  # what rebuilds a number; older numpy has it under another name
    kinds = [kind for kind in vars(np.dtypes).values() if isinstance(kind, type)]
    allowed: list[Any] = [np.dtype, scalar, (scalar, "numpy.core.multiarray.scalar"), *kinds]
    try:
        with torch.serialization.safe_globals(allowed):  # such checkpoints hold their scores as numpy numbers
            content = torch.load(checkpoint, map_location="cpu", weights_only=True)
        state = content.get("state_dict", content)
    except Exception as error:  # torch.load and pickle raise whatever they meet in a foreign file
        raise InputError(f"{checkpoint}: cannot be read as a LAION checkpoint") from error
    build(audio_branch(state)).save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
