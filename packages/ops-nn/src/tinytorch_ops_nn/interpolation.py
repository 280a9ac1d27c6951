"""Tensors resampled along their last axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, one_of
from tinytorch.samples import Sample, bad, sample, uniform

from .taking import as_tensor, one_each


class ResampleBackward(Function):
    """y[i] = (1 - w[i]) x[low[i]] + w[i] x[high[i]] along an axis, or x[low[i]] without weights.

    Gradient: the output's by the same weights, added up where it came from.
    """

    def forward(
        self, x: Array, *, axis: int, low: Array, high: Array | None, weight: Array | None
    ) -> Array:
        self.places: dict[str, Any] = {"axis": axis, "low": low, "high": high, "weight": weight}
        self.size = x.shape[axis]
        y = np.take(x, low, axis)
        if high is not None and weight is not None:
            step = np.take(x, high, axis)
            step -= y
            step *= _along(weight, x, axis)
            y += step
        return y

    def apply(self, grad_output: Array) -> Any:
        return CollectBackward.call(grad_output, size=self.size, **self.places)


class CollectBackward(Function):
    """What resampling does to gradients: (1 - w) x added up at low, and w x at high.

    Gradient: the output's, resampled.
    """

    def forward(
        self,
        x: Array,
        *,
        size: int,
        axis: int,
        low: Array,
        high: Array | None,
        weight: Array | None,
    ) -> Any:
        self.places: dict[str, Any] = {"axis": axis, "low": low, "high": high, "weight": weight}
        shares: list[tuple[Any, Any]] = (
            [(low, None)] if weight is None else [(low, 1 - weight), (high, weight)]
        )
        if size * len(low) <= _SMALL:
            return _through_matrix(x, size, axis, shares)
        y = np.zeros((*x.shape[:axis], size, *x.shape[axis + 1 :]), x.dtype)
        for places, share in shares:
            _add_sorted(y, x if share is None else x * _along(share, x, axis), places, axis)
        return y

    def apply(self, grad_output: Array) -> Any:
        return ResampleBackward.call(grad_output, **self.places)


_SMALL = 1 << 16
"""Up to how many elements a matrix, most of them 0, makes a faster sum than one by places."""


def _through_matrix(x: Array, size: int, axis: int, shares: Sequence[tuple[Any, Any]]) -> Any:
    """Add up the slices of x along an axis at places, by a product with a matrix of the shares."""
    matrix = np.zeros((x.shape[axis], size), x.dtype)
    for places, share in shares:
        matrix[np.arange(len(matrix)), places] += 1 if share is None else share
    return np.swapaxes(np.matmul(np.swapaxes(x, axis, -1), matrix), axis, -1)


def _add_sorted(y: Array, x: Array, places: Array, axis: int) -> None:
    """Add the slices of x along an axis to those of y at places that never decrease."""
    first = np.flatnonzero(np.diff(places, prepend=-1))
    y[(slice(None),) * axis + (places[first],)] += np.add.reduceat(x, first, axis)


def _along(weight: Array, x: Array, axis: int) -> Array:
    return weight.astype(x.dtype).reshape(-1, *(1,) * (x.ndim - axis - 1))


MODES = {"nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "linear": (1,), "bilinear": (2,),
         "trilinear": (3,)}  # fmt: skip
"""The modes, and for how many axes each is."""


def interpolate(
    input: Any,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
) -> Tensor:
    """Resample a tensor along all axes but the first two.

    Parameters
    ----------
    input : Tensor
        Of shape (n, c, l), (n, c, h, w) or (n, c, d, h, w).
    size : int or sequence of int, optional
        The new lengths.
    scale_factor : float or sequence of float, optional
        By what the lengths are multiplied, and rounded down. One of both is given.
    mode : {"nearest", "nearest-exact", "linear", "bilinear", "trilinear"}
        The element at the place rounded down, the nearest element, or means of the two nearest
        along each of one, two or three axes, weighted by how near they are.
    align_corners : bool, optional
        For the linear modes: whether the centres of the first and last elements stay where they
        are, rather than their edges.
    recompute_scale_factor : bool, optional
        Whether places are computed from the lengths rather than from `scale_factor`.

    Returns
    -------
    Tensor
        Of shape (n, c, ...) with the new lengths; the dtype of `input`, float32 for integers in the
        linear modes. The gradient of an element is the sum of the output's by its weights there.

    Raises
    ------
    TypeError
        If a length is not an integer, or a factor not a number.
    ValueError
        If the input has another number of dimensions than the mode is for, if a length is or
        would be 0, if size and factor are both given or both missing, or if align_corners is given
        for a mode that has none.

    Examples
    --------
    >>> x = Tensor([[[1.0, 3.0]]])
    >>> interpolate(x, scale_factor=2)
    Tensor(data=[[[1. 1. 3. 3.]]], shape=(1, 1, 4))
    >>> interpolate(x, size=3, mode="linear", align_corners=True)
    Tensor(data=[[[1. 2. 3.]]], shape=(1, 1, 3))
    """
    x = as_tensor("interpolate", input)
    one_of("interpolate", "mode", mode, MODES)
    axes = x.ndim - 2
    if axes not in MODES[mode]:
        raise ValueError(
            f"interpolate: mode {mode!r} is for inputs of shape (n, c, ...) with "
            f"{' or '.join(map(str, MODES[mode]))} more axes, but the shape is {x.shape}"
        )
    linear = not mode.startswith("nearest")
    if align_corners is not None and not linear:
        raise ValueError(
            f"interpolate: mode {mode!r} has no corners to align; leave align_corners out, or use "
            "a linear mode"
        )
    sizes, factors = _sizes(x.shape[2:], size, scale_factor)
    if recompute_scale_factor or factors is None:
        factors = [new / old for new, old in zip(sizes, x.shape[2:], strict=True)]
    if linear and x.dtype.kind != "f":
        x = x.astype(np.float32)
    for axis in reversed(range(2, x.ndim)):
        places = (x.shape[axis], sizes[axis - 2], factors[axis - 2])
        if linear:
            low, high, weight = _neighbours(*places, bool(align_corners))
            x = ResampleBackward.call(x, axis=axis, low=low, high=high, weight=weight)
        else:
            low = _nearest(*places, 0.5 if mode == "nearest-exact" else 0.0, x.dtype)
            x = ResampleBackward.call(x, axis=axis, low=low, high=None, weight=None)
    return x


def _sizes(
    lengths: tuple[int, ...], size: Any, scale_factor: Any
) -> tuple[tuple[int, ...], list[float] | None]:
    """Return the new lengths, and the factors if these were given."""
    if (size is None) == (scale_factor is None):
        raise ValueError(
            "interpolate: one of size and scale_factor should be given, but "
            f"size={size} and scale_factor={scale_factor} were"
        )
    if size is not None:
        factors = None
        sizes = one_each("interpolate", "size", size, len(lengths), 1)
    else:
        factors = _factors(scale_factor, len(lengths))
        sizes = tuple(floor(n * factor) for n, factor in zip(lengths, factors, strict=True))
    if min(*lengths, *sizes) < 1:
        raise ValueError(
            f"interpolate: no length may be 0, but axes of lengths {lengths} would get {sizes}"
        )
    return sizes, factors


def _factors(scale_factor: Any, axes: int) -> list[float]:
    given = scale_factor if isinstance(scale_factor, tuple | list) else [scale_factor] * axes
    if not all(isinstance(factor, int | float | np.number) for factor in given):
        raise TypeError(
            f"interpolate: scale_factor should be a number or {axes}, but {scale_factor!r} was "
            "given"
        )
    factors = [float(factor) for factor in given]
    if len(factors) != axes or not all(0 < factor < np.inf for factor in factors):
        raise ValueError(
            f"interpolate: scale_factor should be a positive number or {axes}, one for each axis, "
            f"but {scale_factor!r} was given"
        )
    return factors


def _nearest(old: int, new: int, factor: float, offset: float, dtype: np.dtype[Any]) -> Array:
    """The places that are nearest, in the precision that PyTorch computes them in."""
    kind = np.dtype(np.float64 if dtype == np.float64 else np.float32).type
    places: Array = (np.arange(new, dtype=kind) + offset) * kind(1 / factor)
    return np.minimum(np.floor(places).astype(np.intp), old - 1)


def _neighbours(
    old: int, new: int, factor: float, align_corners: bool
) -> tuple[Array, Array, Array]:
    """The places on both sides, and how far from the first to the second the wanted place is."""
    if align_corners:
        places = np.arange(new) * ((old - 1) / max(new - 1, 1))
    else:
        places = np.maximum((np.arange(new) + 0.5) / factor - 0.5, 0)
    low = np.minimum(places.astype(np.intp), old - 1)
    return low, np.minimum(low + 1, old - 1), np.minimum(places - low, 1)


def _samples() -> list[Sample]:
    line, image = uniform((2, 3, 5)), uniform((1, 2, 4, 3))
    return [
        sample(image, scale_factor=2),
        sample(image, (6, 7)),
        sample(image, 2),
        sample(image, scale_factor=(1.7, 0.4)),
        sample(image, scale_factor=1.3, recompute_scale_factor=True),
        sample(line, 9),
        sample(line, (3,)),
        sample(uniform((1, 1, 2, 3, 2)), scale_factor=(2.0, 1.0, 1.5)),
        sample(image, 5, mode="nearest-exact"),
        sample(image, scale_factor=0.6, mode="nearest-exact"),
        sample(line, 8, mode="linear"),
        sample(line, 3, None, "linear", True),
        sample(image, scale_factor=2, mode="bilinear"),
        sample(image, scale_factor=2, mode="bilinear", align_corners=True),
        sample(image, (3, 8), mode="bilinear", align_corners=False),
        sample(image, (1, 1), mode="bilinear", align_corners=True),
        sample(image, scale_factor=(1.3, 0.7), mode="bilinear"),
        sample(image, scale_factor=1.3, mode="bilinear", recompute_scale_factor=True),
        sample(image, (4, 3), mode="bilinear"),
        sample(uniform((1, 1, 2, 3, 2)), (3, 2, 4), mode="trilinear"),
        sample(uniform((1, 1, 1, 1)), 3, mode="bilinear"),
        sample(uniform((0, 2, 3, 3)), 4, mode="bilinear"),
        sample(uniform((0, 2, 3)), 2),
    ]


def _reference(
    x: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
) -> Any:
    axes = x.ndim - 2
    lengths = np.array(x.shape[2:])
    if size is None:
        factors = np.broadcast_to(scale_factor, axes)
        sizes = np.floor(lengths * factors).astype(int)
    else:
        sizes = np.broadcast_to(size, axes)
    if size is not None or recompute_scale_factor:
        factors = sizes / lengths
    for axis, (old, new, factor) in enumerate(zip(lengths, sizes, factors, strict=True), start=2):
        matrix = np.zeros((new, old))
        for i in range(new):
            if mode.startswith("nearest"):
                place = (i + (0.5 if mode == "nearest-exact" else 0.0)) / factor
                matrix[i, min(int(place), old - 1)] = 1
                continue
            place = i * (old - 1) / max(new - 1, 1) if align_corners else (i + 0.5) / factor - 0.5
            place = min(max(place, 0), old - 1)
            matrix[i] = np.maximum(1 - abs(np.arange(old) - place), 0)
        x = np.moveaxis(np.moveaxis(x, axis, -1) @ matrix.T, -1, axis)
    return x


_IMAGE = uniform((1, 2, 4, 3))

OPERATIONS: list[Operation] = [
    Operation(
        interpolate,
        ResampleBackward,
        torch="nn.functional.interpolate",
        samples=_samples,
        reference=_reference,
        bad_inputs=[
            bad(ValueError, r"1 or 2 or 3 more axes, but the shape is \(\)", uniform(()), 2),
            bad(TypeError, "should be a tensor", None, 2),
            bad(
                ValueError,
                r"'bilinear'.*2 more axes.*\(1, 2, 3\)",
                uniform((1, 2, 3)),
                2,
                mode="bilinear",
            ),
            bad(ValueError, "mode should be one of 'nearest'", _IMAGE, 2, mode="bicubic"),
            bad(ValueError, "one of size and scale_factor", _IMAGE),
            bad(ValueError, "one of size and scale_factor", _IMAGE, 2, 2.0),
            bad(ValueError, "no corners to align", _IMAGE, 2, align_corners=True),
            bad(ValueError, "size should be at least 1, but 0", _IMAGE, 0),
            bad(ValueError, "size should be one integer or 2", _IMAGE, (1, 2, 3)),
            bad(TypeError, r"size should be an integer, but 1\.5", _IMAGE, 1.5),
            bad(ValueError, r"no length may be 0.*\(0, 0\)", _IMAGE, scale_factor=0.1),
            bad(ValueError, "no length may be 0", uniform((1, 2, 0, 3)), 2),
            bad(ValueError, "positive number", _IMAGE, scale_factor=-1.0),
            bad(TypeError, "scale_factor should be a number", _IMAGE, scale_factor="2"),
        ],
    ),
]
