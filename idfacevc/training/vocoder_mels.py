"""The mels that an acoustic model makes of known recordings, frame by frame: what a vocoder will be fed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tqdm import tqdm

from idfacevc.analysis import analyse
from idfacevc.audio.io import load_audio, replacing
from idfacevc.checkpoints import load_bundle, resolve
from idfacevc.data.demo import speech_items
from idfacevc.data.features import speech_network
from idfacevc.data.items import audio_source
from idfacevc.data.reading import SPEECH_RATE, hearing
from idfacevc.models.idfacevc import IDFaceVCNet

_PIECE = 256  # frames decoded at a time


def write_mels(corpora: Path, checkpoint: str, out: Path, device: torch.device | str = "cpu") -> int:
    """Write `<id>.safetensors` with mel (M, T) for every utterance of the corpora; what is there is kept.

    Returns:
        the number of utterances.
    """
    net = load_bundle(resolve(checkpoint), device).net
    rate = net.spec.front_end.sample_rate
    hear, encode = hearing(net.spec.speech), speech_network(net.spec.speech, device)
    items = speech_items(corpora)
    for item in tqdm(items, unit="utterance"):
        target = out / f"{item.id}.safetensors"
        if target.exists():
            continue
        wav = load_audio(audio_source(item.audio), rate)
        (features,) = encode([hear(wav if rate == SPEECH_RATE else load_audio((wav, rate), SPEECH_RATE))])
        with replacing(target) as temporary:
            save_file({"mel": own_mel(net, wav, torch.from_numpy(features).to(device))}, temporary)
    return len(items)


@torch.inference_mode()
def own_mel(net: IDFaceVCNet, wav: np.ndarray, features: torch.Tensor) -> torch.Tensor:
    """The log-mel (M, T) of a recording (N,) decoded from its own content and pitch in its own voice.

    Args:
        features: speaker features of the recording (P, D).
    """
    source = analyse(wav, net)
    device = net.mel_mean.device
    voice = net.speech_voice(features[None]).voice[0]
    frames = torch.arange(len(source.lf0), device=device)
    pieces = net.stream_mel(source.codes.to(device), source.lf0.to(device), voice, frames, _PIECE)
    return torch.cat(list(pieces), dim=1).cpu().contiguous()
