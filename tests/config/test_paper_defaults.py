"""A model without any setting is the paper's: the values are written down here once more, with where they come from."""

from __future__ import annotations

from dataclasses import asdict

from idfacevc.config.model import ModelSpec
from idfacevc.data.conversion import ConversionDataModule

# "OPEN n" is a point that the paper leaves open, with the choice of docs/how-it-works.md
PAPER = {
    # VQMIVC's features, which FVMVC and the paper follow: 16 kHz, 25 ms windows every 10 ms, magnitude, log10
    "front_end": {
        "sample_rate": 16000, "n_fft": 400, "hop_length": 160, "win_length": 400, "n_mels": 80, "fmin": 80.0,
        "fmax": 7600.0, "log": "log10", "floor": 1e-10,
    },
    "face": {
        # Implementation details: CLIP ViT-B/32, frozen, penultimate layer (OPEN 5)
        "backbone": {
            "kind": "clip", "name": "openai/clip-vit-base-patch32",
            "revision": "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268", "layer": -2, "drop_cls": False,
        },
        "token_dim": 768,  # ViT-B/32
        "crop": "box", "margin": 0.32, "max_frames": 32,  # OPEN 4
        "framings": False,
        "frames": "mean",  # IAQ-CL: the arithmetic mean over frames
    },
    # Eqs. 1-3; sizes OPEN 6
    "face_head": {
        "kind": "safpq", "prompts": 32, "dim": 256, "heads": 4, "blocks": 1, "ffn_dim": 1024, "dropout": 0.1,
        "fuse": "mean", "paper_equations_only": False,
    },
    # Implementation details: CLAP, HTSAT-base (OPEN 9); MIDD: SAFPQ without cross-attention, no prompts (OPEN 10)
    "speech": {
        "kind": "clap_safpq", "name": "laion/larger_clap_general",
        "revision": "ada0c23a36c4e8582805bb38fec3905903f18b41", "tap": "tokens", "token_dim": 1024, "prompts": 0,
        "heads": 4, "ffn_dim": 1024, "dropout": 0.1,
    },
    # VQMIVC's encoder: four layers of 512, 512 codes of 64, moving averages 0.999, commitment 0.25
    "content": {
        "kind": "vqcpc", "lifter": None, "hidden": 512, "layers": 4, "dim": 64, "codes": 512, "codebooks": 1,
        "commitment": 0.25, "decay": 0.999, "restart_threshold": 0.0,
    },
    "pitch": {"kind": "normalised", "channels": 1},  # OPEN 1
    "adapter": "feed_forward",  # Fig. 2 (OPEN 11)
    # FVMVC: 96 slots of 256, N(0, 0.5^2), no temperature (OPEN 16)
    "memory": {
        "kind": "fv_memory", "slots": 96, "dim": 256, "init_std": 0.5, "scale": 1.0, "sharpness": 1.0, "unit": False,
    },
    # VQMIVC's decoder: LSTM 512, three convolutions of 512 and kernel 5, two LSTMs of 1024, postnet of five layers
    "decoder": {
        "kind": "lstm", "pre_lstm": 512, "conv": 512, "convs": 3, "kernel": 5, "lstm": 1024, "lstm_layers": 2,
        "postnet": 512, "postnet_layers": 5,
    },
    "post_filter": {"contrast": 0.0, "width": 4.0},  # none
}  # fmt: skip


def test_the_model_without_settings_is_the_papers() -> None:
    assert asdict(ModelSpec()) == PAPER


def test_the_data_without_settings_are_the_papers() -> None:
    data = ConversionDataModule("features")
    assert (data.crop_frames, data.batch_size, data.seed) == (128, 256, 520)  # 1.28 s; batch and seed of FVMVC
    assert (data.epoch_clips, data.balance) == (0, 0.0)  # every clip once
