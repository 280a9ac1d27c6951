"""The one random generator, which every operation that draws numbers uses.

It is made when it is first asked for: `numpy.random` takes longer to import than all of core.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

_made: dict[str, np.random.Generator] = {}


def manual_seed(seed: int) -> None:
    """Start the random numbers anew from `seed`, so that a run can be repeated.

    Parameters
    ----------
    seed : int
        Not negative.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is negative.

    Examples
    --------
    >>> manual_seed(0)
    >>> first = rand(3)
    >>> manual_seed(0)
    >>> bool((rand(3) == first).data.all())
    True
    """
    try:
        number = operator.index(seed)
    except TypeError:
        raise TypeError(f"manual_seed: a seed is an integer, but {seed!r} was given") from None
    if number < 0:
        raise ValueError(f"manual_seed: a seed is not negative, but {number} was given")
    default_generator().bit_generator.state = np.random.default_rng(number).bit_generator.state


def default_generator() -> np.random.Generator:
    """Return the generator that `rand`, `randn` and random operations draw from.

    Returns
    -------
    numpy.random.Generator
        Always the same one.

    Examples
    --------
    >>> kept = default_generator().random((2, 3)) < 0.5
    >>> kept.shape
    (2, 3)
    """
    if not _made:  # of two threads that come here at once, both get what the first one made
        _made.setdefault("default", np.random.default_rng())
    return _made["default"]


def get_rng_state() -> dict[str, Any]:
    """Return the state of the generator, for `set_rng_state`.

    Returns
    -------
    dict
        The state of NumPy's bit generator.

    Examples
    --------
    >>> state = get_rng_state()
    >>> first = rand(3)
    >>> set_rng_state(state)
    >>> bool((rand(3) == first).data.all())
    True
    """
    return dict(default_generator().bit_generator.state)


def set_rng_state(state: dict[str, Any]) -> None:
    """Bring the generator back into a state that `get_rng_state` returned.

    Parameters
    ----------
    state : dict
        What `get_rng_state` returned.

    Raises
    ------
    TypeError
        If it is not a dict.
    ValueError
        If it is the state of another kind of generator, or none at all.

    Examples
    --------
    >>> state = get_rng_state()
    >>> first = rand(3)
    >>> set_rng_state(state)
    >>> bool((rand(3) == first).data.all())
    True
    """
    if not isinstance(state, dict):
        raise TypeError(
            "set_rng_state: the state should be a dict, as get_rng_state returns it, but it is a "
            f"{type(state).__name__}"
        )
    try:
        default_generator().bit_generator.state = state
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(
            "set_rng_state: the state should be one that get_rng_state returned, but NumPy's "
            f"generator does not take it: {error!r}"
        ) from error
