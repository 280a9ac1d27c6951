"""What the families of reductions over axes have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from tinytorch import Array
from tinytorch.samples import BadInput, Sample, bad, sample, uniform

Axes = int | tuple[int, ...] | list[int] | None


def kept(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape with length 1 in place of the axes: that of a reduction which keeps them."""
    return tuple(1 if axis in axes else length for axis, length in enumerate(shape))


def over_axes(x: Array, **parameters: Any) -> list[Sample]:
    """Return samples of a reduction of `x`, of three axes, over one, several and all of them."""
    calls: list[dict[str, Any]] = [
        {},
        {"axis": 0},
        {"axis": -1},
        {"axis": (0, 2)},
        {"axis": [-1, 1]},
        {"axis": 1, "keepdims": True},
        {"axis": (-1, 0), "keepdims": True},
        {"dim": 1, "keepdim": True},
        {"dim": (0, 1)},
        {"keepdims": True},
    ]
    return [sample(x, **call, **parameters) for call in calls]


def of_few_elements(*, empty: bool = True, **parameters: Any) -> list[Sample]:
    """Return samples of a reduction of one element, and of none along some axis."""
    samples = [
        sample(uniform(()), **parameters),
        sample(uniform(()), axis=-1, **parameters),
        sample(uniform((1, 1)), axis=0, **parameters),
        sample(uniform((0, 3)), axis=1, **parameters),
    ]
    none = [sample(uniform((0, 3)), **parameters), sample(uniform((0, 3)), axis=0, **parameters)]
    return [*samples, *none] if empty else samples


def bad_axes(op: str) -> list[BadInput]:
    """Return calls whose axes no reduction accepts."""
    return [
        bad(IndexError, f"{op}: the axes of the tensor are from -2 to 1", uniform((2, 3)), axis=2),
        bad(IndexError, f"{op}: the axes of the tensor are", uniform(()), axis=1),
        bad(TypeError, f"{op}: axis=0 and dim=1", uniform((2, 3)), axis=0, dim=1),
        bad(TypeError, f"{op}: an axis is an integer", uniform((2, 3)), axis="rows"),
        bad(ValueError, f"{op}: each axis may be named once", uniform((2, 3)), axis=(0, -2)),
    ]


def reference(reduce: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes what a reduction does, of one that takes a tuple of axes."""

    def call(
        x: Array,
        axis: Any = None,
        keepdims: bool = False,
        dim: Any = None,
        keepdim: bool = False,
        **parameters: Any,
    ) -> Any:
        given = axis if dim is None else dim
        axes = range(x.ndim) if given is None else np.atleast_1d(given)
        return reduce(
            x,
            axis=tuple(int(one) for one in axes) if x.ndim else None,
            keepdims=keepdims or keepdim,
            **parameters,
        )

    return call
