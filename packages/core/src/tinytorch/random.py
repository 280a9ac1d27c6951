"""The one random generator, which every operation that draws numbers uses."""

from __future__ import annotations

from typing import Any

import numpy as np

_generator = np.random.default_rng()


def manual_seed(seed: int) -> None:
    """Start the random numbers anew from `seed`, so that a run can be repeated.

    Examples
    --------
    >>> manual_seed(0)
    >>> first = rand(3)
    >>> manual_seed(0)
    >>> bool((rand(3) == first).data.all())
    True
    """
    _generator.bit_generator.state = np.random.default_rng(seed).bit_generator.state


def default_generator() -> np.random.Generator:
    """Return the generator that `rand`, `randn` and random operations draw from."""
    return _generator


def get_rng_state() -> dict[str, Any]:
    """Return the state of the generator, for `set_rng_state`."""
    return dict(_generator.bit_generator.state)


def set_rng_state(state: dict[str, Any]) -> None:
    """Bring the generator back into a state that `get_rng_state` returned."""
    _generator.bit_generator.state = state
