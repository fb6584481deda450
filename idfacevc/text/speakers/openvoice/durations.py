"""How long each token lasts: the two duration predictors of a VITS checkpoint, in the direction that inference needs.

The stochastic one (Kim, Kong and Son 2021, appendix A) runs its normalising flow backwards, from noise to log
durations.
Axes: T tokens, D features, G features of a style.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Sizes that no configuration carries.
_FILTER, _KERNEL = 256, 3
_BINS, _TAIL = 10, 5.0  # of the splines
_SMALLEST = 1e-3  # width, height and slope of a spline's bin


class ChannelNorm(nn.Module):
    """Layer norm over the channels of (1, D, T)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.transpose(1, 2), self.gamma.shape, self.gamma, self.beta).transpose(1, 2)


class DurationPredictor(nn.Module):
    """Hidden (1, D, T) and style (1, G, 1) → log frames (1, 1, T), without chance."""

    def __init__(self, width: int, style: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv1d(width, _FILTER, _KERNEL, padding="same")
        self.norm_1 = ChannelNorm(_FILTER)
        self.conv_2 = nn.Conv1d(_FILTER, _FILTER, _KERNEL, padding="same")
        self.norm_2 = ChannelNorm(_FILTER)
        self.proj = nn.Conv1d(_FILTER, 1, 1)
        self.cond = nn.Conv1d(style, width, 1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        x = self.norm_1(torch.relu(self.conv_1(x + self.cond(style))))
        return self.proj(self.norm_2(torch.relu(self.conv_2(x))))


class SeparableConvs(nn.Module):
    """Three dilated depth-wise separable convolutions with residuals: (1, D, T) → same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        kernel, layers = _KERNEL, range(3)
        self.convs_sep = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, groups=channels, dilation=kernel**i, padding="same") for i in layers
        )
        self.convs_1x1 = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in layers)
        self.norms_1 = nn.ModuleList(ChannelNorm(channels) for _ in layers)
        self.norms_2 = nn.ModuleList(ChannelNorm(channels) for _ in layers)

    def forward(self, x: Tensor) -> Tensor:
        for depth, point, norm_1, norm_2 in zip(
            self.convs_sep, self.convs_1x1, self.norms_1, self.norms_2, strict=True
        ):
            x = x + F.gelu(norm_2(point(F.gelu(norm_1(depth(x))))))
        return x


def inverse_spline(y: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor) -> Tensor:
    """x with f(x) = y, where f is the monotonic rational-quadratic spline of Durkan et al. 2019, Eqs. 4 and 6-8.

    Args:
        y: (T,); outside of ±`_TAIL` f is the identity.
        widths, heights: (T, bins) before their softmax.
        slopes: (T, bins - 1) before their softplus, at the inner knots; the outer ones are 1.
    """

    def knots(parts: Tensor) -> Tensor:
        shares = _SMALLEST + (1 - _SMALLEST * _BINS) * torch.softmax(parts, dim=-1)
        inner = shares.cumsum(-1)[:, :-1] * 2 * _TAIL - _TAIL
        return F.pad(F.pad(inner, (1, 0), value=-_TAIL), (0, 1), value=_TAIL)

    knots_x, knots_y = knots(widths), knots(heights)
    slope = F.pad(_SMALLEST + F.softplus(slopes), (1, 1), value=1.0)
    inside = y.abs() <= _TAIL
    bounded = torch.where(inside, y, torch.zeros_like(y))
    bin_ = (bounded[:, None] >= knots_y[:, 1:-1]).sum(-1, keepdim=True)

    def at(values: Tensor, step: int = 0) -> Tensor:
        return values.gather(-1, bin_ + step)[:, 0]

    width, height = at(knots_x, 1) - at(knots_x), at(knots_y, 1) - at(knots_y)
    secant, rise = height / width, bounded - at(knots_y)
    bend = rise * (at(slope) + at(slope, 1) - 2 * secant)
    a, b, c = height * (secant - at(slope)) + bend, height * at(slope) - bend, -secant * rise
    share = 2 * c / (-b - torch.sqrt(b * b - 4 * a * c))
    return torch.where(inside, share * width + at(knots_x), y)


class SplineFlow(nn.Module):
    """Inverse of a coupling layer: of two channels (1, 2, T) the first sets the spline that the second goes through."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pre = nn.Conv1d(1, width, 1)
        self.convs = SeparableConvs(width)
        self.proj = nn.Conv1d(width, 3 * _BINS - 1, 1)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        first, second = z.chunk(2, dim=1)
        h = self.proj(self.convs(self.pre(first) + condition))[0].T  # (T, 3 bins - 1)
        scale = math.sqrt(self.pre.out_channels)
        widths, heights, slopes = h.split([_BINS, _BINS, _BINS - 1], dim=-1)
        moved = inverse_spline(second[0, 0], widths / scale, heights / scale, slopes)
        return torch.cat([first, moved[None, None]], dim=1)


class Affine(nn.Module):
    """Inverse of a scale and shift of each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.m = nn.Parameter(torch.zeros(2, 1))
        self.logs = nn.Parameter(torch.zeros(2, 1))

    def forward(self, z: Tensor) -> Tensor:
        return (z - self.m) * torch.exp(-self.logs)


class StochasticDurationPredictor(nn.Module):
    """Hidden (1, D, T), style (1, G, 1) and noise (1, 2, T) → log frames (1, 1, T)."""

    def __init__(self, width: int, style: int) -> None:
        super().__init__()
        self.pre = nn.Conv1d(width, width, 1)
        self.convs = SeparableConvs(width)
        self.proj = nn.Conv1d(width, width, 1)
        self.cond = nn.Conv1d(style, width, 1)
        # Places 2, 4, 6 and 8 of the checkpoint's list are flips. Its flow 1 is trained but left out of inference.
        self.flows = nn.ModuleDict({"0": Affine()} | {str(place): SplineFlow(width) for place in (3, 5, 7)})

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        condition = self.proj(self.convs(self.pre(x) + self.cond(style)))
        for place in ("7", "5", "3"):
            noise = self.flows[place](noise.flip(1), condition)
        return self.flows["0"](noise.flip(1))[:, :1]
