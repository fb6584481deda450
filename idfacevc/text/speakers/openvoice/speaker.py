"""OpenVoice V1's English base speaker: a VITS that speaks in several emotional styles.

Only `config.json` and `checkpoint.pth` of a base speaker folder are read; the checkpoint's tensors are loaded without
unpickling anything else.
"""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub import try_to_load_from_cache

from idfacevc.config.reader import from_dict
from idfacevc.errors import InputError
from idfacevc.text.espeak import phonemes
from idfacevc.text.speakers.base import SentenceSpeaker
from idfacevc.text.speakers.openvoice.sizes import VitsSizes
from idfacevc.text.speakers.vits import speak_tokens

HUB = "myshell-ai/OpenVoice"
HUB_FILES = ("checkpoints/base_speakers/EN/config.json", "checkpoints/base_speakers/EN/checkpoint.pth")

# espeak's American IPA → the coarser one of a pronouncing dictionary, in which these checkpoints were trained.
_IPA = (
    ("ː", ""), ("ˌ", ""), ("ɜɹ", "əɹ"), ("ɜ", "əɹ"), ("ɚɹ", "əɹ"), ("ɚ", "əɹ"), ("ɐ", "ə"), ("ʌ", "ə"), ("ᵻ", "ɪ"),
    ("ɒ", "ɑ"), ("oɹ", "ɔɹ"), ("iə", "i"), ("ɾ", "t"), ("ʔ", "t"), ("n̩", "ən"), ("ɡ", "g"), ("r", "ɹ"), ("x", "k"),
    ("ɬ", "l"),
)  # fmt: skip
_VOWELS = "aeiouæɑɔəɛɪʊ"
# Consonants that may begin an English syllable together; the dictionary's stress marks stand before them.
_ONSET = re.compile(rf"((?:s?[ptk][ɹljw]|s?[ptkmnf]|[bdgfθʃ][ɹlw]|dʒ|tʃ|[bdgvðθsʃzhɹlmnfjw])?j?)ˈ(?=[{_VOWELS}])")


class OpenVoiceSpeaker(SentenceSpeaker):
    """The base speaker in `folder`. Its style "default" is named "neutral" here."""

    name = "openvoice"
    language = "en"
    languages: tuple[str, ...] = ("en",)

    def __init__(self, folder: str | Path) -> None:
        from idfacevc.text.speakers.openvoice.model import build_model, load_weights

        folder = Path(folder)
        config = _json(folder / "config.json")
        try:
            self.sample_rate = int(config["data"]["sampling_rate"])
            self._speakers = {_style(name): int(index) for name, index in config["speakers"].items()}
            self._symbols = {symbol: index for index, symbol in enumerate(config["symbols"])}
            self._add_blank = bool(config["data"]["add_blank"])
            sizes = _sizes(config)
        except (KeyError, TypeError, AttributeError, InputError) as error:
            raise InputError(f"{folder / 'config.json'} is not that of an OpenVoice V1 base speaker: {error}") from None
        self.styles = tuple(sorted(self._speakers, key=self._speakers.__getitem__))
        self._model = build_model(sizes)
        try:
            loaded = torch.load(folder / "checkpoint.pth", map_location="cpu", weights_only=True)
            load_weights(self._model, loaded["model"])
        except (OSError, RuntimeError, KeyError, TypeError, pickle.UnpicklingError) as error:
            fault = " ".join(str(error).split())[:200]
            raise InputError(f"{folder / 'checkpoint.pth'} cannot be loaded: {fault}") from None

    def say(self, sentence: str, style: str, speed: float, seed: int) -> np.ndarray:
        tokens = [self._symbols[char] for char in dictionary_ipa(phonemes(sentence)) if char in self._symbols]
        if not tokens:
            return np.zeros(0, np.float32)
        if self._add_blank:
            spaced = [0] * (2 * len(tokens) + 1)
            spaced[1::2] = tokens
            tokens = spaced
        return speak_tokens(self._model, torch.tensor(tokens)[None], self._speakers[style], speed, seed)


def cached_folder() -> Path:
    """The English base speaker in the hub's cache."""
    found = [try_to_load_from_cache(HUB, file) for file in HUB_FILES]
    if not all(isinstance(path, str) for path in found):
        command = f"hf download {HUB} {' '.join(HUB_FILES)}"
        raise InputError(f"the OpenVoice base speaker is not on this machine: run `{command}`")
    return Path(str(found[0])).parent


def dictionary_ipa(ipa: str) -> str:
    """espeak's IPA as the checkpoints spell it: no length, stress before the syllable and only where there are two."""
    for old, new in _IPA:
        ipa = ipa.replace(old, new)
    words = []
    for word in ipa.split(" "):
        groups = re.findall(f"[{_VOWELS}ˈ]+", word)
        words.append(_ONSET.sub(r"ˈ\1", word) if len(groups) > 1 else word.replace("ˈ", ""))
    # A dark l where no vowel follows it.
    return re.sub(rf"l(?=[^{_VOWELS} ]*(?: |$))", "ɫ", " ".join(words))


def _style(name: str) -> str:
    return "neutral" if name == "default" else name


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def _sizes(config: dict[str, Any]) -> VitsSizes:
    model = dict(config["model"])
    if model.get("resblock") != "1":
        raise InputError(f"model.resblock: {model.get('resblock')!r}, known is '1'")
    wanted = VitsSizes.__dataclass_fields__
    values = {key: value for key, value in model.items() if key in wanted}
    values |= {"symbols": len(config["symbols"]), "n_speakers": config["data"]["n_speakers"]}
    return from_dict(VitsSizes, values)
