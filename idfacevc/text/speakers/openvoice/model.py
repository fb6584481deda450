"""An OpenVoice V1 base speaker as transformers' VITS (Kim, Kong and Son 2021), of which it is a multi-speaker one.

OpenVoice mixes two predictors of how long each token lasts: the stochastic one, which varies with chance, and the plain
one. transformers has both, but a model of either kind alone.
"""

from __future__ import annotations

import re

from torch import Tensor, nn
from transformers import VitsConfig, VitsModel
from transformers.models.vits.modeling_vits import VitsDurationPredictor, VitsStochasticDurationPredictor

from idfacevc.text.speakers.openvoice.sizes import VitsSizes

# OpenVoice's own settings of inference: noise of the latent and of the durations, share of the stochastic predictor
_NOISE_SCALE, _NOISE_SCALE_DURATION, _STOCHASTIC_SHARE = 0.667, 0.6, 0.2

# names of the checkpoint, as patterns, and what transformers calls the same
_NAMES = (
    (r"^enc_p\.emb", "text_encoder.embed_tokens"),
    (r"^enc_p\.proj", "text_encoder.project"),
    (r"^enc_p\.encoder\.attn_layers\.(\d+)\.conv_([qkv])", r"text_encoder.encoder.layers.\1.attention.\2_proj"),
    (r"^enc_p\.encoder\.attn_layers\.(\d+)\.conv_o", r"text_encoder.encoder.layers.\1.attention.out_proj"),
    (r"^enc_p\.encoder\.attn_layers\.(\d+)", r"text_encoder.encoder.layers.\1.attention"),
    (r"^enc_p\.encoder\.ffn_layers\.(\d+)", r"text_encoder.encoder.layers.\1.feed_forward"),
    (r"^enc_p\.encoder\.norm_layers_1\.(\d+)", r"text_encoder.encoder.layers.\1.layer_norm"),
    (r"^enc_p\.encoder\.norm_layers_2\.(\d+)", r"text_encoder.encoder.layers.\1.final_layer_norm"),
    (r"^emb_g", "embed_speaker"),
    (r"^dec\.ups", "dec.upsampler"),
    (r"^dec\.", "decoder."),
    (r"\.gamma$", ".weight"),
    (r"\.beta$", ".bias"),
    (r"^(flow.*)\.enc\.", r"\1.wavenet."),
    (r"^(flow.*)\.(pre|post)\.", r"\1.conv_\2."),
    (r"^sdp((?:\.post)?.*)\.(pre|proj)\.", r"sdp\1.conv_\2."),
    (r"^(sdp.*)\.(post_)(pre|proj)\.", r"\1.\2conv_\3."),
    (r"^(sdp.*)convs_sep", r"\1convs_dilated"),
    (r"^(sdp.*)convs_1x1", r"\1convs_pointwise"),
    (r"^(sdp.*)\b(post_)?convs\.", r"\1\2conv_dds."),
    (r"\.m$", ".translate"),
    (r"\.logs$", ".log_scale"),
    (r"^sdp", "duration_predictor.stochastic"),
    (r"^dp", "duration_predictor.plain"),
)


class MixedDurations(nn.Module):
    """Log frames of each token (1, 1, T), as transformers' predictors give them: a mean of both.

    Args:
        config: Sizes of the model.
        share: Share of the stochastic predictor.
    """

    def __init__(self, config: VitsConfig, share: float = _STOCHASTIC_SHARE) -> None:
        super().__init__()
        self.stochastic, self.plain = VitsStochasticDurationPredictor(config), VitsDurationPredictor(config)
        self.share = share

    def forward(self, hidden: Tensor, mask: Tensor, speaker: Tensor | None, **options: float) -> Tensor:
        drawn = self.stochastic(hidden, mask, speaker, **options)
        return self.share * drawn + (1 - self.share) * self.plain(hidden, mask, speaker)


def build_model(sizes: VitsSizes) -> VitsModel:
    """An untrained model of these sizes, in evaluation mode."""
    config = VitsConfig(
        vocab_size=sizes.symbols,
        hidden_size=sizes.hidden_channels,
        num_hidden_layers=sizes.n_layers,
        num_attention_heads=sizes.n_heads,
        ffn_dim=sizes.filter_channels,
        ffn_kernel_size=sizes.kernel_size,
        flow_size=sizes.inter_channels,
        num_speakers=sizes.n_speakers,
        speaker_embedding_size=sizes.gin_channels,
        upsample_initial_channel=sizes.upsample_initial_channel,
        upsample_rates=list(sizes.upsample_rates),
        upsample_kernel_sizes=list(sizes.upsample_kernel_sizes),
        resblock_kernel_sizes=list(sizes.resblock_kernel_sizes),
        resblock_dilation_sizes=[list(one) for one in sizes.resblock_dilation_sizes],
        noise_scale=_NOISE_SCALE,
        noise_scale_duration=_NOISE_SCALE_DURATION,
    )
    model = VitsModel(config)
    model.duration_predictor = MixedDurations(config)  # type: ignore[assignment]
    del model.posterior_encoder  # of training
    return model.eval()


def load_weights(model: VitsModel, weights: dict[str, Tensor]) -> None:
    """Take the weights of a checkpoint's `model` entry; a missing, unknown or misshapen one is a `RuntimeError`."""
    kept = {name: weight for name, weight in weights.items() if not name.startswith("enc_q.")}
    for name in [name for name in kept if re.match(r"dec\..*weight_g$", name)]:
        stem = name.removesuffix("_g")  # the decoder's weight norm is folded in: inference needs none
        gain, direction = kept.pop(name), kept.pop(stem + "_v")
        kept[stem] = gain * direction / direction.norm(dim=(1, 2), keepdim=True)
    renamed = {_transformers_name(name): weight for name, weight in kept.items()}
    linear = {name for name in renamed if re.search(r"attention\.\w+_proj\.weight$", name)}
    # the projections of attention are convolutions of width 1 in the checkpoint
    model.load_state_dict({name: weight[..., 0] if name in linear else weight for name, weight in renamed.items()})


def _transformers_name(name: str) -> str:
    name = re.sub(r"^flow\.flows\.(\d+)", lambda match: f"flow.flows.{int(match[1]) // 2}", name)  # odd ones are flips
    name = re.sub(r"^(sdp\.(?:post_)?flows)\.([1-9])", lambda match: f"{match[1]}.{(int(match[2]) + 1) // 2}", name)
    for pattern, replacement in _NAMES:
        name = re.sub(pattern, replacement, name)
    return name
