"""Loss of Speech2Face's voice encoder: three views of how far its features are from those of the true face."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from idfacevc.losses.association import association_loss

DIRECTION, DISTILLATION, TEMPERATURE = 0.025, 200.0, 2.0
CONTRAST, SCALE = 0.1, 1 / 0.07

Layer = Callable[[Tensor], Tensor]


def speech2face_terms(voice: Tensor, face: Tensor, decoder: Layer, classifier: Layer) -> dict[str, Tensor]:
    """The three terms of each sample, (B,), unweighted.

    Args:
        voice, face: features (B, D) of the encoder and of the face network.
        decoder: first layer of the face decoder, fixed.
        classifier: last layer of the face network, fixed, which gives logits (B, classes).
    Returns:
        `decoder`: L1 distance after the decoder's first layer; `direction`: squared distance of the unit vectors;
        `distillation`: cross-entropy of the classes, softened. The last is the entropy of the true face's classes,
        not 0, where both are equal.
    """
    wanted = (classifier(face) / TEMPERATURE).softmax(dim=1)
    found = (classifier(voice) / TEMPERATURE).log_softmax(dim=1)
    return {
        "decoder": (decoder(face) - decoder(voice)).abs().sum(dim=1),
        "direction": (F.normalize(face, dim=1) - F.normalize(voice, dim=1)).square().sum(dim=1),
        "distillation": -(wanted * found).sum(dim=1),
    }


def speech2face_loss(voice: Tensor, face: Tensor, decoder: Layer, classifier: Layer) -> Tensor:
    """Mean over the batch of the weighted terms."""
    terms = speech2face_terms(voice, face, decoder, classifier)
    return (terms["decoder"] + DIRECTION * terms["direction"] + DISTILLATION * terms["distillation"]).mean()


def features_loss(voice: Tensor, face: Tensor) -> Tensor:
    """One minus the cosine, and a little of the contrastive loss over the batch, of features (B, D).

    For face networks without a decoder and a last layer of classes, such as CLIP and FaceNet.
    """
    apart = 1 - F.cosine_similarity(voice, face).mean()
    return apart + CONTRAST * association_loss(voice, face, SCALE)
