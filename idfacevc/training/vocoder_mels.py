"""The mels that an acoustic model makes of known recordings, frame by frame: what a vocoder will be fed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tqdm import tqdm

from idfacevc.audio.io import load_audio
from idfacevc.audio.pitch import log_f0, normalise_lf0, pitch_register
from idfacevc.backbones.registry import speech_backbone
from idfacevc.bundles.model import load_bundle, resolve
from idfacevc.data.corpora.item import Item, audio_source
from idfacevc.data.reading import speech_input
from idfacevc.files import replacing
from idfacevc.models.idfacevc.network import IDFaceVCNet
from idfacevc.pipeline.source import content_codes, mel_blocks

_PIECE = 256  # frames decoded at a time


def write_mels(items: Sequence[Item], checkpoint: str, out: Path, device: torch.device | str = "cpu") -> int:
    """Write `<id>.safetensors` with mel (M, T) for every recording; what is there is kept.

    Returns:
        the number of utterances.
    """
    net = load_bundle(resolve(checkpoint), device).net
    rate = net.spec.front_end.sample_rate
    backbone = speech_backbone(net.spec.speech, device)
    for item in tqdm(items, unit="utterance"):
        target = out / f"{item.id}.safetensors"
        if target.exists():
            continue
        wav = load_audio(audio_source(item.audio), rate)
        (features,) = backbone.tokens([speech_input(backbone, wav, rate)])
        with replacing(target) as temporary:
            save_file({"mel": own_mel(net, wav, features.to(device))}, temporary)
    return len(items)


@torch.inference_mode()
def own_mel(net: IDFaceVCNet, wav: np.ndarray, features: torch.Tensor) -> torch.Tensor:
    """The log-mel (M, T) of a recording (N,) decoded from its own content and pitch in its own voice.

    Also the register is the recording's, so that harmonics lie where the recording has them.

    Args:
        features: speaker features of the recording (P, D).
    """
    pitch = log_f0(wav, net.spec.front_end)
    device = net.mel_mean.device
    codes = torch.cat(list(content_codes(mel_blocks(wav, net), net)))
    lf0, register = (
        torch.from_numpy(normalise_lf0(pitch)).to(device),
        torch.tensor([pitch_register(pitch)], device=device),
    )
    voice = net.speech_voice(features[None]).voice[0]
    frames = torch.arange(len(lf0), device=device)
    return torch.cat(list(net.stream_mel(codes, lf0, voice, frames, _PIECE, register)), dim=1).cpu().contiguous()
