"""Elements in order, and where the largest and the smallest are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, either, from_numpy, one_axis
from tinytorch.samples import BadInput, Sample, bad, kink, sample, uniform

from .elementwise import not_numbers
from .operands import integers, operand


class Ordered(NamedTuple):
    """Elements in order, and where they were.

    Parameters
    ----------
    values : Tensor
        The elements, through which gradients flow.
    indices : Tensor
        The place of each along the axis, in the tensor that was ordered.
    """

    values: Tensor
    indices: Tensor


class PickBackward(Function):
    """Elements of x at places along an axis, none twice. Gradient: the output's, at its places."""

    def forward(self, x: Array, *, places: Array, axis: int) -> Array:
        self.places, self.axis, self.length = places, axis, x.shape[axis]
        return np.take_along_axis(x, places, axis)

    def apply(self, grad_output: Array) -> Any:
        return PlaceBackward.call(
            grad_output, places=self.places, axis=self.axis, length=self.length
        )


class PlaceBackward(Function):
    """Zeros along an axis, but x at its places. Gradient: the output's, picked there."""

    def forward(self, x: Array, *, places: Array, axis: int, length: int) -> Array:
        self.places, self.axis = places, axis
        shape = (*x.shape[:axis], length, *x.shape[axis + 1 :])
        spread = np.zeros(shape, x.dtype)
        np.put_along_axis(spread, places, x, axis)
        return spread

    def apply(self, grad_output: Array) -> Any:
        return PickBackward.call(grad_output, places=self.places, axis=self.axis)


class ArgMax(Function):
    """Where the largest element of x is. Gradient: none, for the result are integers."""

    def forward(self, x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
        place = _place_of_extreme("argmax", x, axis)
        return np.asarray(np.argmax(x, place, keepdims=keepdims))


class ArgMin(Function):
    """Where the smallest element of x is. Gradient: none, for the result are integers."""

    def forward(self, x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
        place = _place_of_extreme("argmin", x, axis)
        return np.asarray(np.argmin(x, place, keepdims=keepdims))


class ArgSort(Function):
    """Where the elements of x are, in their order. Gradient: none, for the result are integers."""

    def forward(self, x: Array, *, axis: int, descending: bool = False) -> Any:
        if not descending:
            return np.argsort(x, axis, kind="stable")
        # Backwards there and back again, so that equal elements keep their order.
        order = np.argsort(np.flip(x, axis), axis, kind="stable")
        return x.shape[axis] - 1 - np.flip(order, axis)


def _place_of_extreme(op: str, x: Array, axis: Any) -> int | None:
    """Return the axis to search along, or None for all elements in a row."""
    place = None if axis is None else one_axis(op, axis, x.ndim or 1)
    if x.ndim == 0:
        return None
    if (x.size if place is None else x.shape[place]) == 0:
        raise ValueError(
            f"{op}: there is no extreme of no elements, and the shape is {x.shape}; check that the "
            "tensor is not empty along the axis"
        )
    return place


def argmax(
    x: Any,
    axis: int | None = None,
    keepdims: bool = False,
    *,
    dim: int | None = None,
    keepdim: bool = False,
) -> Tensor:
    """Where the largest element is, along an axis or of all elements in a row.

    Parameters
    ----------
    x : Tensor
        Any shape with at least one element along the axis.
    axis, dim : int, optional
        The axis to search along; all elements in a row if left out.
    keepdims, keepdim : bool
        Keep the axes, with length 1.

    Returns
    -------
    Tensor
        Integers, which have no gradient, of the shape of `x` without the axis: the place of the
        first of the largest elements, or of the first NaN.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If both `axis` and `dim` are given, the axis is not an integer, or `x` is no array of real
        numbers.
    ValueError
        If there are no elements.

    Examples
    --------
    >>> argmax(Tensor([[1.0, 3.0], [5.0, 2.0]]), axis=1)
    Tensor(data=[1 0], shape=(2,))
    """
    return ArgMax.call(
        operand("argmax", x), axis=either("argmax", axis, dim), keepdims=keepdims or keepdim
    )


def argmin(
    x: Any,
    axis: int | None = None,
    keepdims: bool = False,
    *,
    dim: int | None = None,
    keepdim: bool = False,
) -> Tensor:
    """Where the smallest element is, along an axis or of all elements in a row.

    Parameters
    ----------
    x : Tensor
        Any shape with at least one element along the axis.
    axis, dim : int, optional
        The axis to search along; all elements in a row if left out.
    keepdims, keepdim : bool
        Keep the axes, with length 1.

    Returns
    -------
    Tensor
        Integers, which have no gradient, of the shape of `x` without the axis: the place of the
        first of the smallest elements, or of the first NaN.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If both `axis` and `dim` are given, the axis is not an integer, or `x` is no array of real
        numbers.
    ValueError
        If there are no elements.

    Examples
    --------
    >>> argmin(Tensor([[1.0, 3.0], [5.0, 2.0]]), axis=1)
    Tensor(data=[0 1], shape=(2,))
    """
    return ArgMin.call(
        operand("argmin", x), axis=either("argmin", axis, dim), keepdims=keepdims or keepdim
    )


def argsort(
    x: Any,
    dim: int | None = None,
    descending: bool = False,
    stable: bool = True,
    *,
    axis: int | None = None,
) -> Tensor:
    """Places of the elements along an axis, in the order of the elements.

    Parameters
    ----------
    x : Tensor
        Any shape. A 0-d tensor counts as its own row.
    dim, axis : int
        The axis to sort along; by default the last.
    descending : bool
        Largest first.
    stable : bool
        Equal elements keep their order in any case.

    Returns
    -------
    Tensor
        Integers, which have no gradient, of the shape of `x`. NaN counts as the largest.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If both `dim` and `axis` are given, the axis is not an integer, or `x` is no array of real
        numbers.
    ValueError
        If `x` is a sequence whose rows differ in length.

    Examples
    --------
    >>> argsort(Tensor([2.0, 3.0, 1.0]))
    Tensor(data=[2 0 1], shape=(3,))
    """
    x = operand("argsort", x)
    place = one_axis("argsort", either("argsort", axis, dim, default=-1), x.ndim or 1)
    row = x if x.ndim else x.reshape(1)
    return ArgSort.call(row, axis=place, descending=descending).reshape(x.shape)


def sort(
    x: Any,
    dim: int | None = None,
    descending: bool = False,
    stable: bool = True,
    *,
    axis: int | None = None,
) -> Ordered:
    """Elements along an axis in their order, and where they were.

    Parameters
    ----------
    x : Tensor
        Any shape. A 0-d tensor counts as its own row.
    dim, axis : int
        The axis to sort along; by default the last.
    descending : bool
        Largest first.
    stable : bool
        Equal elements keep their order in any case.

    Returns
    -------
    Ordered
        The values and the indices, each of the shape of `x`. NaN counts as the largest. The
        gradient of the values goes back to where they were. ``np.sort(x)`` gives the values alone.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If both `dim` and `axis` are given, the axis is not an integer, or `x` is no array of real
        numbers.
    ValueError
        If `x` is a sequence whose rows differ in length.

    Examples
    --------
    >>> values, indices = sort(Tensor([2.0, 3.0, 1.0]))
    >>> values, indices
    (Tensor(data=[1. 2. 3.], shape=(3,)), Tensor(data=[2 0 1], shape=(3,)))
    """
    x = operand("sort", x)
    place = one_axis("sort", either("sort", axis, dim, default=-1), x.ndim or 1)
    row = x if x.ndim else x.reshape(1)
    places = argsort(_array(row), place, descending)
    return Ordered(*(part.reshape(x.shape) for part in _picked(row, places, place)))


def topk(
    x: Any,
    k: int,
    dim: int | None = None,
    largest: bool = True,
    sorted: bool = True,
    *,
    axis: int | None = None,
) -> Ordered:
    """Largest elements along an axis, the largest first, and where they were.

    Parameters
    ----------
    x : Tensor
        Any shape. A 0-d tensor counts as a row of one.
    k : int
        How many, up to the length of the axis.
    dim, axis : int
        The axis to search along; by default the last.
    largest : bool
        If false, the smallest elements instead, the smallest first.
    sorted : bool
        They are in order in any case.

    Returns
    -------
    Ordered
        The values and the indices, each of the shape of `x` with k in place of the length of the
        axis. NaN counts as the largest; which of equal elements are chosen is not defined, but
        those keep their order. The gradient of the values goes back to where they were.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If both `dim` and `axis` are given, the axis or `k` is not an integer, or `x` is no array of
        real numbers.
    ValueError
        If `k` is negative, or there are fewer elements.

    Examples
    --------
    >>> values, indices = topk(Tensor([2.0, 3.0, 1.0]), 2)
    >>> values, indices
    (Tensor(data=[3. 2.], shape=(2,)), Tensor(data=[1 0], shape=(2,)))
    """
    x = operand("topk", x)
    place = one_axis("topk", either("topk", axis, dim, default=-1), x.ndim or 1)
    (count,) = integers("topk", "k", k)
    row = x if x.ndim else x.reshape(1)
    if not 0 <= count <= row.shape[place]:
        raise ValueError(
            f"topk: k should be from 0 to {row.shape[place]}, the length of axis {place} of the "
            f"shape {x.shape}, but it is {count}"
        )
    chosen = _picked(row, _places_of_extremes(_array(row), count, place, largest), place)
    return Ordered(*(part.reshape(()) for part in chosen)) if count and not x.ndim else chosen


def _array(x: Any) -> Array:
    return x.data if isinstance(x, Tensor) else x


def _picked(x: Any, places: Any, axis: int) -> Ordered:
    values = PickBackward.call(x, places=places, axis=axis)
    return Ordered(values, from_numpy(places) if isinstance(x, Tensor) else places)


def _places_of_extremes(x: Array, count: int, axis: int, largest: bool) -> Array:
    """Return where the so many largest (or smallest) elements are, in their order."""
    length = x.shape[axis]
    if count == 0:
        places = np.empty((*x.shape[:axis], 0, *x.shape[axis + 1 :]), np.intp)
    elif largest:
        places = np.argpartition(x, length - count, axis)
        places = np.take(places, range(length - count, length), axis)
    else:
        places = np.take(np.argpartition(x, count - 1, axis), range(count), axis)
    places.sort(axis)  # so that equal elements keep their order
    order = argsort(np.take_along_axis(x, places, axis), axis, largest)
    return np.take_along_axis(places, np.asarray(order), axis)


def _numpy_argsort(a: Any, axis: int | None = -1, kind: Any = None, stable: Any = None) -> Tensor:
    return argsort(a.reshape(-1) if axis is None else a, axis or 0)


def _numpy_sort(a: Any, axis: int | None = -1, kind: Any = None, stable: Any = None) -> Tensor:
    return sort(a.reshape(-1) if axis is None else a, axis or 0).values


def _distinct(*shape: int) -> Array:
    """Return numbers that are all different, so that a small step changes no order."""
    count = int(np.prod(shape))
    return np.random.default_rng(count).permutation(count).reshape(shape) - count / 2.5


_TIES = np.array([[1.0, 3.0, 3.0, 0.0], [2.0, 2.0, 2.0, 2.0], [-1.0, -1.0, 5.0, -0.0]])


def _searches() -> list[Sample]:
    x = _distinct(2, 3, 4)
    return [
        sample(x),
        *(sample(x, axis) for axis in (0, 1, -1)),
        sample(x, 1, True),
        sample(x, dim=-2, keepdim=True),
        sample(x, axis=2, keepdims=True),
        sample(x, keepdims=True),
        sample(_distinct(5)),
        sample(uniform(())),
        sample(uniform(()), axis=-1),
        sample(uniform((1,)), 0),
        sample(uniform((0, 3)), 1),
        kink(_TIES, 1),
        kink(np.array([1.0, np.nan, 0.0, np.nan])),
    ]


def _orders() -> list[Sample]:
    x = _distinct(2, 3, 4)
    return [
        sample(x),
        *(sample(x, axis) for axis in (0, 1, -1)),
        sample(x, 1, True),
        sample(x, dim=-2, descending=True),
        sample(x, axis=2),
        sample(_distinct(5)),
        sample(_distinct(7), descending=True, stable=True),
        sample(uniform(())),
        sample(uniform(()), 0, True),
        sample(uniform((1,)), 0),
        sample(uniform((0, 3)), 0),
        sample(uniform((0, 3)), 1, True),
        kink(_TIES, 1, stable=True),
        kink(_TIES, 1, True, stable=True),
        kink(_TIES, 0, True, stable=True),
        kink(np.array([1.0, np.nan, 0.0, np.nan]), stable=True),
        kink(np.array([1.0, np.nan, 0.0, np.nan]), descending=True, stable=True),
    ]


def _choices() -> list[Sample]:
    x = _distinct(2, 3, 4)
    return [
        *(sample(x, k) for k in (0, 1, 2, 4)),
        sample(x, 2, 0),
        sample(x, 2, 1, False),
        sample(x, 3, -1, largest=False),
        sample(x, 1, dim=-2, sorted=True),
        sample(x, 2, axis=1),
        sample(_distinct(9), 5),
        sample(_distinct(1), 1),
        sample(uniform(()), 1),
        sample(uniform((0, 3)), 2),
        sample(uniform((0, 3)), 0, 0),
        kink(np.array([1.0, np.nan, 0.0, 2.0]), 2),
        kink(np.array([1.0, np.nan, 0.0, 2.0]), 2, largest=False),
    ]


def _plain_search(search: Callable[..., Any]) -> Callable[..., Any]:
    def call(
        x: Array, axis: Any = None, keepdims: bool = False, dim: Any = None, keepdim: bool = False
    ) -> Any:
        given = axis if dim is None else dim
        return search(x, given if x.ndim else None, keepdims=keepdims or keepdim)

    return call


def _plain_argsort(
    x: Array, dim: Any = None, descending: bool = False, stable: bool = True, axis: Any = None
) -> Any:
    """Sort each row by Python's sorted, which is stable either way; NaN is the largest."""
    given = -1 if dim is None and axis is None else axis if dim is None else dim

    def places(row: Array) -> Any:
        keys = [(bool(np.isnan(number)), float(number)) for number in row]
        order = sorted(range(len(row)), key=keys.__getitem__, reverse=descending)
        return np.array(order, dtype=np.int64)

    if x.size == 0:
        return np.zeros(x.shape, np.int64)
    return np.apply_along_axis(places, given, np.atleast_1d(x)).reshape(x.shape)


def _plain_sort(x: Array, *args: Any, **names: Any) -> Any:
    dim = args[0] if args else names.get("dim", names.get("axis", -1))
    places = _plain_argsort(x, *args, **names)
    return np.take_along_axis(x, places, dim) if x.ndim else x, places


def _plain_topk(
    x: Array,
    k: int,
    dim: Any = None,
    largest: bool = True,
    sorted: bool = True,
    axis: Any = None,
) -> Any:
    given = -1 if dim is None and axis is None else axis if dim is None else dim
    ordered = _plain_sort(x, given, largest)
    return tuple(np.take(part, range(k), given) if x.ndim else part for part in ordered)


def _bad_axis(op: str, *others: Any) -> list[BadInput]:
    return [
        bad(IndexError, f"{op}: the axes of the tensor are", uniform((2, 3)), *others, 2),
        bad(IndexError, f"{op}: the axes of the tensor are", uniform(()), *others, 1),
        bad(TypeError, f"{op}: axis=0 and dim=1", uniform((2, 3)), *others, axis=0, dim=1),
        bad(TypeError, f"{op}: an axis is an integer", uniform((2, 3)), *others, "rows"),
        bad(TypeError, f"{op}: an axis is an integer", uniform((2, 3)), *others, (0, 1)),
        *not_numbers(op, *others),
    ]


def _bad_searches(op: str) -> list[BadInput]:
    return [
        *_bad_axis(op),
        bad(ValueError, f"{op}: .*no elements", uniform((0, 3))),
        bad(ValueError, f"{op}: .*no elements", uniform((0, 3)), axis=0),
    ]


OPERATIONS: list[Operation] = [
    Operation(
        argmax,
        ArgMax,
        method="argmax",
        torch="argmax",
        numpy=[np.argmax],
        samples=_searches,
        reference=_plain_search(np.argmax),
        bad_inputs=_bad_searches("argmax"),
        twice_differentiable=False,
    ),
    Operation(
        argmin,
        ArgMin,
        method="argmin",
        torch="argmin",
        numpy=[np.argmin],
        samples=_searches,
        reference=_plain_search(np.argmin),
        bad_inputs=_bad_searches("argmin"),
        twice_differentiable=False,
    ),
    Operation(
        argsort,
        ArgSort,
        method="argsort",
        torch="argsort",
        numpy={np.argsort: _numpy_argsort},
        samples=_orders,
        reference=_plain_argsort,
        bad_inputs=_bad_axis("argsort"),
        twice_differentiable=False,
    ),
    Operation(
        sort,
        method="sort",
        torch="sort",
        numpy={np.sort: _numpy_sort},
        samples=_orders,
        reference=_plain_sort,
        bad_inputs=_bad_axis("sort"),
    ),
    Operation(
        topk,
        method="topk",
        torch="topk",
        samples=_choices,
        reference=_plain_topk,
        bad_inputs=[
            *_bad_axis("topk", 1),
            bad(ValueError, "k should be from 0 to 3, .*axis 1 .*but it is 4", uniform((2, 3)), 4),
            bad(ValueError, "k should be from 0 to 2, .*but it is -1", uniform((2, 3)), -1, 0),
            bad(ValueError, "k should be from 0 to 1", uniform(()), 2),
            bad(TypeError, "k should be an integer", uniform((2, 3)), 1.5),
        ],
    ),
]
