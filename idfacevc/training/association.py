"""Training of the association heads on stored features (Vclip, section 4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from idfacevc.errors import InputError
from idfacevc.losses.association import association_loss, mined_loss
from idfacevc.models.vclip.heads import Association, AssociationSpec

_DECIDE = 2000  # identities under which pairs of one identity are masked: in a larger corpus they hardly ever meet
SEEDS = 5  # of `small_heads`, whose scores are averaged: a few hundred pairs make chance count
_HARDNESS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)  # of mined negatives, by turns (Learnable PINs' curriculum)
_FEW = 5000  # pairs under which the weight decay is the stronger one


@dataclass(frozen=True)
class Schedule:
    """How to train; the defaults are the specification's.

    Attributes:
        epochs: Largest number of epochs.
        batch: pairs a step.
        rate: highest learning rate; it rises over the first 5 % and falls to 0 as a cosine.
        patience: epochs without a better development AUC after which the training ends.
        held: share of the identities that is kept for development.
        cell_share: share of each batch that is drawn from one cell, where cells are given; within a cell, such as women
            of one age, the loss cannot be lowered by telling cells apart.
        mined: weight of the loss of mined negatives beside that of all; they grow harder as the training goes on.
    """

    epochs: int = 100
    batch: int = 1024
    rate: float = 1e-3
    patience: int = 5
    held: float = 0.1
    cell_share: float = 0.0
    mined: float = 0.0


def fit_association(
    face: Tensor,
    voice: Tensor,
    identity: Tensor,
    spec: AssociationSpec,
    schedule: Schedule | None = None,
    cell: Tensor | None = None,
    seed: int = 0,
) -> tuple[Association, float]:
    """Train both heads on pairs of features.

    Args:
        face: (n, face_dim), or (n, views, face_dim) of which each epoch draws one.
        voice: (n, voice_dim), or (n, views, voice_dim).
        identity: (n,) integers.
        cell: (n,) integers, such as gender and age group.
    Returns:
        the heads at their best development AUC, in evaluation mode, and that AUC.
    """
    schedule = schedule or Schedule()
    face, voice = (values if values.ndim == 3 else values[:, None] for values in (face, voice))
    if not len(face) == len(voice) == len(identity):
        raise InputError(f"{len(face)} faces, {len(voice)} voices and {len(identity)} identities make no pairs")
    generator = torch.Generator().manual_seed(seed)
    names = identity.unique()
    if len(names) < 4:
        raise InputError(f"an association needs pairs of at least 4 identities, not {len(names)}")
    kept = names[torch.randperm(len(names), generator=generator)[: max(2, round(schedule.held * len(names)))]]
    held = torch.isin(identity, kept)
    rest = torch.nonzero(~held)[:, 0]
    masked = identity if len(names) < _DECIDE else None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Association(spec)
        net.set_statistics(face[rest].flatten(0, 1), voice[rest].flatten(0, 1))
        optimiser = torch.optim.AdamW(net.parameters(), schedule.rate, weight_decay=0.05 if len(rest) < _FEW else 0.01)
        steps = schedule.epochs * max(1, len(rest) // schedule.batch)
        rise = min(1.0, max(0.05, 2.5 / steps))  # a rise of one step is divided by zero
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimiser, schedule.rate, steps, pct_start=rise)
        best, state, waited = -1.0, net.state_dict(), 0
        for epoch in range(schedule.epochs):
            hardness = _HARDNESS[epoch * len(_HARDNESS) // schedule.epochs]
            net.train()
            for chosen in _batches(rest, cell, schedule, generator):
                placed = net.of_voices(_view(voice, chosen, generator)), net.of_faces(_view(face, chosen, generator))
                optimiser.zero_grad()
                same = None if masked is None else masked[chosen]
                loss = association_loss(*placed, net.scale, same)
                if schedule.mined:
                    loss = loss + schedule.mined * mined_loss(*placed, hardness, same)
                loss.backward()
                optimiser.step()
                scheduler.step()
            figure = development_auc(net.eval(), face[held, 0], voice[held, 0], identity[held])
            waited = 0 if figure > best else waited + 1
            if figure > best:
                best, state = figure, {name: value.clone() for name, value in net.state_dict().items()}
            if waited >= schedule.patience:
                break
    net.load_state_dict(state)
    return net.eval(), best


@torch.no_grad()
def development_auc(net: Association, face: Tensor, voice: Tensor, identity: Tensor) -> float:
    """Chance that a face (n, F) fits its own voice (n, V) better than that of another identity."""
    scores = net.of_faces(face) @ net.of_voices(voice).T
    others = identity[:, None] != identity
    own = scores.diagonal()[:, None]
    wins = (own > scores).double() + (own == scores).double() / 2
    return float(wins[others].mean())


def _view(values: Tensor, chosen: Tensor, generator: torch.Generator) -> Tensor:
    return values[chosen, torch.randint(values.shape[1], (len(chosen),), generator=generator)]


def _batches(rest: Tensor, cell: Tensor | None, schedule: Schedule, generator: torch.Generator) -> Iterator[Tensor]:
    """Indices of an epoch's batches; the last, incomplete one is left out unless it is the only one."""
    order = rest[torch.randperm(len(rest), generator=generator)]
    size = min(schedule.batch, len(rest))
    for chosen in order[: len(order) // size * size].split(size):
        together = round(schedule.cell_share * size) if cell is not None else 0
        if together and cell is not None:
            drawn = cell[rest[torch.randint(len(rest), (1,), generator=generator)]]
            own = rest[cell[rest] == drawn]
            own = own[torch.randperm(len(own), generator=generator)[:together]]
            chosen = torch.cat([own, chosen[~torch.isin(chosen, own)][: size - len(own)]])
        yield chosen


def small_heads(face: Tensor, voice: Tensor, identity: Tensor, seed: int = 0) -> list[Association]:
    """Heads for a corpus of hundreds of pairs: few units, much dropout, several seeds."""
    spec = AssociationSpec(face.shape[1], voice.shape[1], 64, 128, 0.3, "mlp")
    schedule = Schedule(epochs=60, batch=256, patience=20)
    return [fit_association(face, voice, identity, spec, schedule, seed=seed + one)[0] for one in range(SEEDS)]
