"""Sample inputs of an operation, which its author writes beside it and the tests run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .arrays import Array

SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (4,), (2, 3), (0, 3), (2, 1, 3))
"""Shapes that an elementwise op has to serve: 0-d, empty, one element and several dimensions."""

BROADCASTS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((), ()),
    ((3,), ()),
    ((2, 3), (2, 3)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((1,), (2, 3)),
    ((0, 3), (3,)),
    ((4, 1, 2), (3, 1)),
)
"""Pairs of shapes that a two-place elementwise op has to broadcast."""


class Sample:
    """One call of an operation: ``function(*inputs, **parameters)``.

    Floating arrays among the inputs (also in a list of them) become tensors that require
    gradients. Everything else is passed as it is.

    Parameters
    ----------
    inputs : tuple
        The positional arguments.
    parameters : dict
        The keyword arguments.
    smooth : bool
        Whether the function is differentiable at this point, so that central differences mean
        something. A tie or a kink is not, but is compared with PyTorch all the same.
    """

    def __init__(
        self,
        inputs: tuple[Any, ...],
        parameters: dict[str, Any] | None = None,
        smooth: bool = True,
    ) -> None:
        if not isinstance(inputs, tuple | list) or not isinstance(parameters, dict | None):
            raise TypeError(
                "Sample: the inputs should be a tuple of arguments, (x,) for one x, and the "
                f"parameters a dict, but a {type(inputs).__name__} and a "
                f"{type(parameters).__name__} were given"
            )
        self.inputs = inputs
        self.parameters: dict[str, Any] = {} if parameters is None else parameters
        self.smooth = smooth

    def __repr__(self) -> str:
        parts = [_brief(x) for x in self.inputs]
        parts += [f"{name}={_brief(x)}" for name, x in self.parameters.items()]
        return f"({', '.join(parts)})"


class BadInput:
    """A call that must raise `error`, with `match` (a regular expression) in its message."""

    def __init__(
        self,
        inputs: tuple[Any, ...],
        parameters: dict[str, Any],
        error: type[Exception],
        match: str,
    ) -> None:
        if not (isinstance(error, type) and issubclass(error, Exception)):
            raise TypeError(f"BadInput: error should be a class of exceptions, but it is {error!r}")
        if not isinstance(match, str):
            raise TypeError(f"BadInput: match should be a regular expression, but it is {match!r}")
        self.inputs = inputs
        self.parameters = parameters
        self.error = error
        self.match = match

    def __repr__(self) -> str:
        return f"{Sample(self.inputs, self.parameters)} -> {self.error.__name__}"


def sample(*inputs: Any, **parameters: Any) -> Sample:
    """Return the call with these arguments as a Sample."""
    return Sample(inputs, parameters)


def kink(*inputs: Any, **parameters: Any) -> Sample:
    """Return the call as a Sample at a point where the function is not differentiable."""
    return Sample(inputs, parameters, smooth=False)


def bad(error: type[Exception], match: str, *inputs: Any, **parameters: Any) -> BadInput:
    """Return the call as one that must raise `error` with a message that matches."""
    return BadInput(inputs, parameters, error, match)


def uniform(
    shape: tuple[int, ...] | int,
    low: float = -2.0,
    high: float = 2.0,
    *,
    avoid: Iterable[float] = (),
    seed: int = 0,
) -> Array:
    """Return float64 numbers between `low` and `high`, none nearer than 0.1 to one of `avoid`."""
    try:
        generator = np.random.default_rng([seed, *np.atleast_1d(shape)])
        values = np.asarray(generator.uniform(low, high, shape))
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(
            f"uniform: no numbers from {low!r} to {high!r} can be drawn in shape {shape!r} with "
            f"seed {seed!r}: {error}"
        ) from error
    for point in avoid:
        values = np.where(abs(values - point) < 0.1, point + 0.1 + abs(values - point), values)
    return values


def elementwise(
    domain: tuple[float, float] = (-2.0, 2.0),
    *,
    avoid: Iterable[float] = (),
    **parameters: Any,
) -> Callable[[], list[Sample]]:
    """Return samples of a function of one array, elementwise.

    Parameters
    ----------
    domain : (float, float)
        The numbers that are drawn lie between these.
    avoid : iterable of float
        Points where the function is not differentiable.
    **parameters
        Passed to the function.
    """
    points, (low, high) = tuple(avoid), _ends("elementwise", domain)

    def samples() -> list[Sample]:
        return [Sample((uniform(s, low, high, avoid=points),), parameters) for s in SHAPES] + [
            Sample((np.full((2, 2), point),), parameters, smooth=False) for point in points
        ]

    return samples


def broadcasting(
    left: tuple[float, float] = (-2.0, 2.0),
    right: tuple[float, float] = (-2.0, 2.0),
    **parameters: Any,
) -> Callable[[], list[Sample]]:
    """Return samples of a function of two arrays, elementwise, of shapes that broadcast.

    Parameters
    ----------
    left, right : (float, float)
        The numbers that are drawn for either array lie between these.
    **parameters
        Passed to the function.
    """
    left, right = _ends("broadcasting", left), _ends("broadcasting", right)

    def samples() -> list[Sample]:
        return [
            Sample((uniform(a, *left), uniform(b, *right, seed=1)), parameters)
            for pair in BROADCASTS
            for a, b in {pair, pair[::-1]}
        ]

    return samples


def _ends(name: str, domain: Any) -> tuple[float, float]:
    """Return where a domain begins and ends."""
    if not isinstance(domain, tuple | list) or len(domain) != 2:
        raise TypeError(f"{name}: a domain is a pair of numbers, (low, high), but it is {domain!r}")
    low, high = domain
    return low, high


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_brief, value))}]"
    return repr(value) if not callable(value) else getattr(value, "__name__", "callable")
