"""Small random VITS models, saved in the formats of the real ones."""

from __future__ import annotations

import json
import re
from pathlib import Path

import torch
from transformers import VitsConfig, VitsModel, VitsTokenizer

LETTERS = "_ abcdefghijklmnopqrstuvwxyz'-"
SYMBOLS = [*"_,.!?-~…NQabdefghijklmnopstuvwxyzɑæʃʑçɯɪɔɛɹðəɫɥɸʊɾʒθβŋɦˈˌ→↓↑ "]


def vits(vocabulary: int, speakers: int = 1, stochastic: bool = True) -> VitsModel:
    """A model of about 50,000 parameters whose tokens last three to four frames."""
    torch.manual_seed(0)
    model = VitsModel(
        VitsConfig(
            vocab_size=vocabulary,
            hidden_size=16,
            num_hidden_layers=2,
            ffn_dim=24,
            flow_size=16,
            spectrogram_bins=20,
            duration_predictor_filter_channels=256,
            posterior_encoder_num_wavenet_layers=2,
            num_speakers=speakers,
            speaker_embedding_size=8 if speakers > 1 else 0,
            upsample_initial_channel=32,
            upsample_rates=[16, 8],
            upsample_kernel_sizes=[32, 16],
            resblock_kernel_sizes=[3, 5],
            resblock_dilation_sizes=[[1, 3, 5], [1, 3, 5]],
            use_stochastic_duration_prediction=stochastic,
            sampling_rate=16000,
        )
    ).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" not in name:
                weight.normal_(0, 0.15)
        if stochastic:
            model.duration_predictor.flows[0].translate[0] = -1.2
        else:
            model.duration_predictor.proj.bias.fill_(1.2)
    return model


def save_vits(folder: Path, speakers: int = 1, phonemes: bool = False) -> Path:
    """What `save_pretrained` leaves of a model and its tokenizer."""
    symbols = [*LETTERS] if not phonemes else SYMBOLS
    (folder / "vocab.json").write_text(json.dumps({symbol: index for index, symbol in enumerate(symbols)}))
    tokenizer = VitsTokenizer(folder / "vocab.json", pad_token="_", unk_token="_", phonemize=phonemes)
    vits(len(tokenizer), speakers).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def openvoice_weights(stochastic: VitsModel, plain: VitsModel) -> dict[str, torch.Tensor]:
    """The weights of two transformers models (durations of one, the rest of the other) under OpenVoice's names.

    Flows and decoder are weight-normalised there, with a direction of arbitrary length.
    """
    renamed = {}
    for name, weight in stochastic.state_dict().items():
        # The attention's projections are convolutions of width 1 there.
        linear = name.endswith("_proj.weight") and ".attention." in name
        renamed[_openvoice_name(name, "sdp")] = weight[..., None] if linear else weight
    for name, weight in plain.state_dict().items():
        if name.startswith("duration_predictor"):
            renamed[_openvoice_name(name, "dp")] = weight
    for name in [name for name in renamed if re.match(r"dec\.(ups|resblocks).*weight$", name)]:
        weight = renamed.pop(name)
        renamed[name + "_g"] = weight.norm(dim=(1, 2), keepdim=True)
        renamed[name + "_v"] = weight * (0.5 + torch.rand(weight.shape[0], 1, 1))
    return renamed


def _openvoice_name(name: str, durations: str) -> str:
    for pattern, replacement in (
        (r"^text_encoder\.embed_tokens", "enc_p.emb"),
        (r"^text_encoder\.project", "enc_p.proj"),
        (r"^text_encoder\.encoder\.layers\.(\d+)\.attention\.emb", r"enc_p.encoder.attn_layers.\1.emb"),
        (r"^text_encoder\.encoder\.layers\.(\d+)\.attention\.([qkv])_proj", r"enc_p.encoder.attn_layers.\1.conv_\2"),
        (r"^text_encoder\.encoder\.layers\.(\d+)\.attention\.out_proj", r"enc_p.encoder.attn_layers.\1.conv_o"),
        (r"^text_encoder\.encoder\.layers\.(\d+)\.feed_forward", r"enc_p.encoder.ffn_layers.\1"),
        (r"^text_encoder\.encoder\.layers\.(\d+)\.layer_norm", r"enc_p.encoder.norm_layers_1.\1"),
        (r"^text_encoder\.encoder\.layers\.(\d+)\.final_layer_norm", r"enc_p.encoder.norm_layers_2.\1"),
        (r"^duration_predictor", durations),
        (r"^posterior_encoder", "enc_q"),
        (r"^embed_speaker", "emb_g"),
        (r"^decoder\.upsampler", "dec.ups"),
        (r"^decoder", "dec"),
        (r"parametrizations\.weight\.original0", "weight_g"),
        (r"parametrizations\.weight\.original1", "weight_v"),
        (r"wavenet", "enc"),
        (r"conv_dds", "convs"),
        (r"convs_dilated", "convs_sep"),
        (r"convs_pointwise", "convs_1x1"),
        (r"translate", "m"),
        (r"log_scale", "logs"),
        (r"(norm[\w.]*)weight", r"\1gamma"),
        (r"(norm[\w.]*)bias", r"\1beta"),
    ):
        name = re.sub(pattern, replacement, name)
    if not name.startswith("dec."):
        name = name.replace("conv_pre", "pre").replace("conv_proj", "proj").replace("conv_post", "post")
    # transformers keeps no flips in its lists of flows.
    name = re.sub(r"^flow\.flows\.(\d+)", lambda match: f"flow.flows.{2 * int(match[1])}", name)
    return re.sub(r"^(sdp\.(?:post_)?flows)\.([1-9])", lambda match: f"{match[1]}.{2 * int(match[2]) - 1}", name)


def save_openvoice(folder: Path) -> tuple[Path, VitsModel, VitsModel]:
    """A base speaker folder (config.json, checkpoint.pth), and the two transformers models that it was made of."""
    stochastic, plain = vits(len(SYMBOLS), 3), vits(len(SYMBOLS), 3, stochastic=False)
    rest = {name: weight for name, weight in stochastic.state_dict().items() if not name.startswith("duration")}
    plain.load_state_dict(rest, strict=False)
    config = {
        "data": {"sampling_rate": 22050, "filter_length": 38, "hop_length": 128, "add_blank": True, "n_speakers": 3,
                 "text_cleaners": ["cjke_cleaners2"]},
        "model": {
            "inter_channels": 16, "hidden_channels": 16, "filter_channels": 24, "n_heads": 2, "n_layers": 2,
            "kernel_size": 3, "p_dropout": 0.1, "resblock": "1", "resblock_kernel_sizes": [3, 5],
            "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5]], "upsample_rates": [16, 8],
            "upsample_initial_channel": 32, "upsample_kernel_sizes": [32, 16], "gin_channels": 8,
        },
        "symbols": SYMBOLS,
        "speakers": {"default": 1, "whispering": 2, "angry": 0},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    torch.save({"model": openvoice_weights(stochastic, plain), "iteration": 1}, folder / "checkpoint.pth")
    return folder, stochastic, plain
