"""Equality up to rounding, which differs between processors, measured against the level of what is compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor


def assert_near(found: Any, wanted: Any, share: float = 1e-4, about: str = "") -> None:
    """Shapes agree, and no value is off by more than `share` of the largest that is wanted."""
    found, wanted = (
        np.asarray(values.detach() if isinstance(values, Tensor) else values, dtype=np.float64)
        for values in (found, wanted)
    )
    assert found.shape == wanted.shape, f"{about} {found.shape}, not {wanted.shape}"
    off, level = (float(np.abs(values).max(initial=0.0)) for values in (found - wanted, wanted))
    assert off <= share * level, f"{about} off by {off:.1e}, of at most {level:.1e}"
