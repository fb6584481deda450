"""Feedback from the synthesiser: how a speaker vector will sound to the speaker encoder (Vclip, Eq. 3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Signature(nn.Module):
    """s(e): a linear map and two hidden layers beside it. Shape: (B, E) -> unit vectors (B, V)."""

    def __init__(self, inputs: int, outputs: int, hidden: int = 1024) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.net = nn.Sequential(
            nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, outputs)
        )
        nn.init.zeros_(self.net[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.net[-1].bias)  # type: ignore[arg-type]

    def forward(self, e: Tensor) -> Tensor:
        return F.normalize(self.linear(e) + self.net(e), dim=1)


def signature_loss(predicted: Tensor, heard: Tensor) -> Tensor:
    """Mean of 1 - cosine between predictions and the encoder's vectors of real syntheses, both (B, V)."""
    return (1 - F.cosine_similarity(predicted, heard, dim=1)).mean()


def fit_signature(
    speakers: Tensor, heard: Tensor, hidden: int = 1024, steps: int = 600, seed: int = 0
) -> tuple[Signature, dict[str, float]]:
    """Train on speaker vectors (n, E) and the encoder's vectors (n, V) of their speech; a tenth is held out.

    Returns:
        The network at its best held-out step, and the mean held-out cosine of it (`signature`), of the training mean
        (`constant`), and, where E = V, of the speaker vector itself (`identity`).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        order = torch.randperm(len(speakers))
        held, rest = order[: max(1, len(order) // 10)], order[max(1, len(order) // 10) :]
        net = Signature(speakers.shape[1], heard.shape[1], hidden)
        optimiser = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=0.05)
        best, state = -1.0, net.state_dict()
        for step in range(steps):
            chosen = rest[torch.randint(len(rest), (min(256, len(rest)),))]
            optimiser.zero_grad()
            signature_loss(net(speakers[chosen]), heard[chosen]).backward()
            optimiser.step()
            if step % 10 == 9:
                with torch.no_grad():
                    cosine = 1 - float(signature_loss(net(speakers[held]), heard[held]))
                if cosine > best:
                    best, state = cosine, {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    figures = {
        "signature": best,
        "constant": 1 - float(signature_loss(heard[rest].mean(dim=0).expand(len(held), -1), heard[held])),
    }
    if speakers.shape[1] == heard.shape[1]:
        figures["identity"] = 1 - float(signature_loss(speakers[held], heard[held]))
    return net.eval(), figures
