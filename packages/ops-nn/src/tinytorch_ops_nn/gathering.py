"""Elements picked and added up along an axis, by index."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import numpy as np
from tinytorch import (
    Array,
    Function,
    Operation,
    Tensor,
    add_at,
    as_indices,
    check_range,
    one_axis,
)
from tinytorch.samples import Sample, bad, sample, uniform

from .indexing import SliceBackward
from .taking import as_tensor


class GatherAlongBackward(Function):
    """y[i, j] = x[index[i, j], j], along axis 0 here. Gradient: added up where it was picked."""

    def forward(self, x: Array, index: Array, *, axis: int) -> Array:
        self.save(index)
        self.axis, self.shape = axis, x.shape
        others = [slice(length) for length in index.shape]
        others[axis] = slice(None)
        return np.take_along_axis(x[tuple(others)], index, axis)

    def apply(self, grad_output: Array) -> Any:
        (index,) = self.saved
        gathered = ScatterAddBackward.call(
            None, index, grad_output, axis=self.axis, shape=self.shape
        )
        return gathered, None


class ScatterAddBackward(Function):
    """y = x, and y[index[i, j], j] += s[i, j] for all i and j, along axis 0 here.

    Gradients: the output's towards x, and the output's at the places of the index towards s. For x
    there may be None, which stands for zeros.
    """

    def forward(
        self, x: Array | None, index: Array, source: Array, *, axis: int, shape: tuple[int, ...]
    ) -> Array:
        self.save(index)
        self.axis = axis
        dtype = source.dtype if x is None else np.result_type(x, source)
        y = np.zeros(shape, dtype) if x is None else np.array(x, dtype, order="C")
        # In one dimension NumPy adds without a detour over a buffer.
        add_at(
            y.reshape(-1),
            _places(index, axis, shape).reshape(-1),
            source.astype(dtype, copy=False).reshape(-1),
        )
        return y

    def apply(self, grad_output: Array) -> Any:
        (index,) = self.saved
        need_x, _, need_source = self.needs_input_grad
        return (
            grad_output if need_x else None,
            None,
            GatherAlongBackward.call(grad_output, index, axis=self.axis) if need_source else None,
        )


def _places(index: Array, axis: int, shape: tuple[int, ...]) -> Array:
    """Where what an index along an axis names lies in the flat array of a shape."""
    units = [prod(shape[other + 1 :]) for other in range(len(shape))]
    lengths = [1 if other == axis else n for other, n in enumerate(index.shape)]
    steps = (np.arange(n) * unit for n, unit in zip(lengths, units, strict=True))
    places: Array = index * units[axis] + reduce(np.add.outer, steps)
    return places


def index_select(input: Any, dim: int, index: Any) -> Tensor:
    """Slices of a tensor along an axis, in the order of an index.

    Parameters
    ----------
    input : Tensor
        Any shape of at least one dimension.
    dim : int
        The axis.
    index : array, Tensor or sequence
        Of shape (n,), or () for one: integers from 0 to the length of the axis minus 1, which may
        be repeated; floats that are whole numbers will do.

    Returns
    -------
    Tensor
        The shape of `input`, but n along the axis; the dtype of `input`. The gradient of a slice is
        the sum of the output's wherever it was picked.

    Raises
    ------
    IndexError
        If the axis or an index is out of range.
    TypeError
        If the index holds something else than whole numbers.
    ValueError
        If the index has several dimensions.

    Examples
    --------
    >>> index_select(Tensor([[1.0, 2.0, 3.0]]), 1, [2, 2, 0])
    Tensor(data=[[3. 3. 1.]], shape=(1, 3))
    """
    x = as_tensor("index_select", input)
    axis = one_axis("index_select", dim, x.ndim)
    places = _checked_index("index_select", index, x.shape[axis])
    if places.ndim > 1:
        raise ValueError(
            f"index_select: the index should have one dimension, but its shape is {places.shape}; "
            "use x[index], or take_along_dim"
        )
    return SliceBackward.call(x, key=(*(slice(None),) * axis, places.reshape(-1)))


def gather(input: Any, dim: int, index: Any) -> Tensor:
    """Elements of a tensor, where an index of its own tells for each where along an axis it is.

    Parameters
    ----------
    input : Tensor
        Any shape of at least one dimension.
    dim : int
        The axis.
    index : array, Tensor or sequence
        As many dimensions as `input`, and along the other axes no longer: integers from 0 to the
        length of the axis minus 1; floats that are whole numbers will do.

    Returns
    -------
    Tensor
        The shape of `index`, the dtype of `input`. For ``dim=0`` in two dimensions it is
        ``input[index[i, j], j]`` at (i, j). The gradient of an element is the sum of the output's
        wherever it was picked.

    Raises
    ------
    IndexError
        If the axis or an index is out of range.
    TypeError
        If the index holds something else than whole numbers.
    ValueError
        If the shape of the index does not fit.

    Examples
    --------
    >>> gather(Tensor([[1.0, 2.0], [3.0, 4.0]]), 1, [[0, 0], [1, 0]])
    Tensor(data=[[1. 1.]
                 [4. 3.]], shape=(2, 2))
    """
    x = as_tensor("gather", input)
    axis = one_axis("gather", dim, x.ndim)
    places = _checked_index("gather", index, x.shape[axis])
    _require_to_fit("gather", "the input", x.shape, places.shape, axis)
    return GatherAlongBackward.call(x, places, axis=axis)


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Tensor:
    """Add elements to a tensor, where an index tells for each where along an axis it goes.

    Parameters
    ----------
    input : Tensor
        Any shape of at least one dimension.
    dim : int
        The axis.
    index : array, Tensor or sequence
        As many dimensions as `input`, and along the other axes no longer: integers from 0 to the
        length of the axis minus 1, which may be repeated; floats that are whole numbers will do.
    src : Tensor
        What is added: as many dimensions as `index`, and nowhere shorter. What lies beyond the
        shape of `index` is left out.

    Returns
    -------
    Tensor
        The shape of `input`; dtypes promote as in NumPy. For ``dim=0`` in two dimensions,
        ``src[i, j]`` is added at ``[index[i, j], j]``. The gradient of `input` is the output's,
        that of an element of `src` the output's where it went.

    Raises
    ------
    IndexError
        If the axis or an index is out of range.
    TypeError
        If the index holds something else than whole numbers.
    ValueError
        If the shape of `index` or `src` does not fit.

    Examples
    --------
    >>> scatter_add(Tensor([0.0, 10.0]), 0, [1, 1, 0], Tensor([1.0, 2.0, 3.0]))
    Tensor(data=[ 3. 13.], shape=(2,))
    """
    x, source = as_tensor("scatter_add", input), as_tensor("scatter_add", src, "src")
    axis = one_axis("scatter_add", dim, x.ndim)
    places = _checked_index("scatter_add", index, x.shape[axis])
    _require_to_fit("scatter_add", "the input", x.shape, places.shape, axis)
    _require_to_fit("scatter_add", "src", source.shape, places.shape, None)
    if source.shape != places.shape:
        source = SliceBackward.call(source, key=tuple(slice(n) for n in places.shape))
    return ScatterAddBackward.call(x, places, source, axis=axis, shape=x.shape)


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Tensor:
    """Elements of a tensor by index along an axis; the other axes broadcast.

    Parameters
    ----------
    input : Tensor
        Any shape.
    indices : array, Tensor or sequence
        As many dimensions as `input`, of lengths that broadcast but along the axis: integers from 0
        to the length of the axis minus 1; floats that are whole numbers will do.
    dim : int, optional
        The axis. Without it both are taken as flat.

    Returns
    -------
    Tensor
        Of the broadcast shape, but the length of `indices` along the axis; the dtype of `input`.
        The gradient of an element is the sum of the output's wherever it was picked.

    Raises
    ------
    IndexError
        If the axis or an index is out of range.
    TypeError
        If the indices are something else than whole numbers.
    ValueError
        If the numbers of dimensions differ, or the shapes do not broadcast.

    Examples
    --------
    >>> x = Tensor([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]])
    >>> take_along_dim(x, np.argsort(x.data, axis=1), dim=1)
    Tensor(data=[[1. 2. 3.]
                 [4. 5. 6.]], shape=(2, 3))
    """
    x, index = as_tensor("take_along_dim", input), as_indices("take_along_dim", indices)
    if dim is None:
        x, index, axis = x.reshape(-1), index.reshape(-1), 0
    else:
        axis = one_axis("take_along_dim", dim, x.ndim)
    index = _checked_index("take_along_dim", index, x.shape[axis])
    shape, index_shape = list(x.shape), list(index.shape)
    try:
        if x.ndim != index.ndim:
            raise ValueError
        shape[axis] = index_shape[axis] = 1
        common = np.broadcast_shapes(tuple(shape), tuple(index_shape))
    except ValueError:
        raise ValueError(
            f"take_along_dim: the shapes of the input and of the indices should broadcast but "
            f"along axis {axis}, with as many dimensions, but they are {x.shape} and {index.shape}"
        ) from None
    before, after = common[:axis], common[axis + 1 :]
    wide: Any = np.broadcast_to(x, (*before, x.shape[axis], *after))
    index = np.broadcast_to(index, (*before, index.shape[axis], *after))
    return GatherAlongBackward.call(wide, index, axis=axis)


def _checked_index(op: str, index: Any, length: int) -> Array:
    places = as_indices(op, index).astype(np.intp, copy=False)
    check_range(op, places, length)
    return places


def _require_to_fit(
    op: str, what: str, shape: tuple[int, ...], index: tuple[int, ...], axis: int | None
) -> None:
    """Refuse an index of other dimensions than a shape, or longer but along the axis."""
    fits = len(shape) == len(index) and all(
        n <= length or place == axis
        for place, (length, n) in enumerate(zip(shape, index, strict=True))
    )
    if not fits:
        along = "" if axis is None else f" but along axis {axis}"
        raise ValueError(
            f"{op}: the index should have as many dimensions as {what}, and be no longer{along}, "
            f"but the shapes are {index} and {shape}"
        )


def _numpy_take(a: Any, indices: Any, axis: int | None = None) -> Tensor:
    """As in NumPy: indices of any shape, negative ones too, and flat without an axis."""
    x = as_tensor("np.take", a)
    flat, place = (x.reshape(-1), 0) if axis is None else (x, one_axis("np.take", axis, x.ndim))
    return SliceBackward.call(flat, key=(*(slice(None),) * place, indices))


def _numpy_take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Tensor:
    """As in NumPy, where negative indices count from the end."""
    places = as_indices("np.take_along_axis", indices)
    x = as_tensor("np.take_along_axis", arr)
    length = x.size if axis is None else x.shape[one_axis("np.take_along_axis", axis, x.ndim)]
    return take_along_dim(x, np.where(places < 0, places + length, places), axis)


def _index(values: Any) -> Array:
    return np.array(values, np.int64)


def _selections() -> list[Sample]:
    x = uniform((4, 3))
    return [
        sample(x, 0, _index([2, 0, 2, 3])),
        sample(x, 1, _index([1])),
        sample(x, -1, _index([2, 1, 0])),
        sample(x, dim=-2, index=_index([3, 3, 3])),
        sample(x, 0, _index([])),
        sample(x, 0, _index(2)),
        sample(uniform((2, 3, 4)), 1, _index([2, 0])),
        sample(uniform((1,)), 0, _index([0, 0])),
        sample(uniform((3,)), 0, _index([0, 2]).astype(np.int32)),
        sample(uniform((0, 3)), 1, _index([1, 1])),
        sample(uniform((0, 3)), 0, _index([])),
    ]


def _gatherings() -> list[Sample]:
    x = uniform((4, 3))
    return [
        sample(x, 0, _index([[0, 3, 1], [2, 3, 1]])),
        sample(x, 1, _index([[0, 0], [2, 1], [1, 1], [0, 2]])),
        sample(x, -1, _index([[2, 2, 2, 2, 0]])),
        sample(x, dim=-2, index=_index([[1, 1], [1, 1], [3, 0]])),
        sample(x, 0, _index([[3]])),
        sample(x, 0, np.zeros((0, 3), np.int64)),
        sample(x, 0, np.zeros((2, 0), np.int64)),
        sample(uniform((2, 3, 2)), 1, _index([[[2, 0]], [[1, 1]]])),
        sample(uniform((3, 3)), 1, _index([[0, 1, 2], [2, 0, 1], [1, 1, 1]])),
        sample(uniform((4,)), 0, _index([3, 3, 0])),
        sample(uniform((1,)), 0, _index([0, 0])),
        sample(uniform((0, 3)), 1, np.zeros((0, 2), np.int64)),
    ]


def _additions() -> list[Sample]:
    return [
        *(
            Sample((s.inputs[0], dim, index, uniform(index.shape, seed=3)))
            for s in _gatherings()
            if not s.parameters
            for dim, index in [s.inputs[1:]]
        ),
        sample(uniform((4, 3)), -2, _index([[1, 1]]), uniform((1, 2), seed=3)),
        sample(uniform((2,)), 0, _index([1, 1]), uniform((3,), seed=3)),
        sample(uniform((2, 2)), 0, _index([[1], [1], [0]]), uniform((4, 3), seed=3)),
    ]


def _takings() -> list[Sample]:
    x = uniform((4, 3))
    return [
        sample(x, _index([[0, 3, 1], [2, 3, 1]]), 0),
        sample(x, _index([[0], [2], [2], [1]]), 1),
        sample(x, _index([[2, 2, 0, 1]]), -1),
        sample(x, _index([[1]]), dim=0),
        sample(x, _index([11, 0, 0])),
        sample(x, _index([[1, 2], [3, 3]])),
        sample(uniform((1, 3)), _index([[0, 2], [1, 1]]), 1),
        sample(uniform((2, 1, 3)), _index([[[0], [1]]]), 2),
        sample(uniform((3,)), np.argsort(uniform((3,))), 0),
        sample(uniform((3, 3)), np.argsort(uniform((3, 3)), axis=1), 1),
        sample(uniform(()), _index([0, 0])),
        sample(uniform(()), _index(0)),
        sample(uniform((0, 3)), np.zeros((0, 1), np.int64), 1),
    ]


def _plain_gather(x: Any, dim: int, index: Any) -> Any:
    places = [*np.indices(index.shape)]
    places[dim] = index
    return x[tuple(places)]


def _plain_scatter_add(x: Any, dim: int, index: Any, src: Any) -> Any:
    y = x + np.zeros((), src.dtype)
    for place in np.ndindex(index.shape):
        to = [*place]
        to[dim] = index[place]
        y[tuple(to)] += src[place]
    return y


def _plain_take_along(x: Any, indices: Any, dim: int | None = None) -> Any:
    if dim is None:
        return x.reshape(-1)[indices.reshape(-1)]
    return np.take_along_axis(x, indices, dim)


_X = uniform((4, 3))

OPERATIONS: list[Operation] = [
    Operation(
        index_select,
        SliceBackward,
        method="index_select",
        torch="index_select",
        numpy={np.take: _numpy_take},
        samples=_selections,
        reference=lambda x, dim, index: np.take(x, np.atleast_1d(index), dim),
        bad_inputs=[
            bad(IndexError, "the tensor is 0-d", uniform(()), 0, _index([0])),
            bad(TypeError, "should be a tensor", None, 0, _index([0])),
            bad(IndexError, "index_select.*from 0 to 3, but 4", _X, 0, _index([0, 4])),
            bad(IndexError, "from 0 to 3, but -1", _X, 0, _index([-1])),
            bad(ValueError, r"one dimension, but its shape is \(1, 2\)", _X, 0, _index([[0, 1]])),
            bad(TypeError, "not whole", _X, 0, np.array([0.5])),
            bad(TypeError, "dtype bool", _X, 0, np.array([True])),
            bad(IndexError, "axes of the tensor are from -2 to 1", _X, 2, _index([0])),
        ],
    ),
    Operation(
        gather,
        GatherAlongBackward,
        method="gather",
        torch="gather",
        samples=_gatherings,
        reference=_plain_gather,
        bad_inputs=[
            bad(IndexError, "the tensor is 0-d", uniform(()), 0, _index(0)),
            bad(TypeError, "should be a tensor", None, 0, _index([0])),
            bad(IndexError, "gather.*from 0 to 2, but 3", _X, 1, _index([[0, 3]])),
            bad(IndexError, "from 0 to 2, but -1", _X, 1, _index([[-1]])),
            bad(
                ValueError,
                r"no longer but along axis 1.*\(5, 1\) and \(4, 3\)",
                _X,
                1,
                np.zeros((5, 1), int),
            ),
            bad(ValueError, r"as many dimensions.*\(1,\) and \(4, 3\)", _X, 1, _index([0])),
            bad(TypeError, "not whole", _X, 0, np.array([[0.5]])),
            bad(IndexError, "axes of the tensor are from -2 to 1", _X, 2, _index([[0]])),
        ],
    ),
    Operation(
        scatter_add,
        ScatterAddBackward,
        method="scatter_add",
        torch="scatter_add",
        samples=_additions,
        reference=_plain_scatter_add,
        bad_inputs=[
            bad(IndexError, "the tensor is 0-d", uniform(()), 0, _index(0), uniform(())),
            bad(TypeError, "the input should be a tensor", None, 0, _index([0]), uniform((1,))),
            bad(TypeError, "src should be a tensor", _X, 0, _index([[0]]), "ones"),
            bad(IndexError, "scatter_add.*from 0 to 3, but 4", _X, 0, _index([[4]]), _X),
            bad(
                ValueError,
                r"dimensions as src.*\(2, 1\) and \(1, 1\)",
                _X,
                0,
                _index([[0], [1]]),
                uniform((1, 1)),
            ),
            bad(ValueError, r"as many dimensions as the input", _X, 0, _index([0]), uniform((1,))),
            bad(TypeError, "not whole", _X, 0, np.array([[0.5]]), _X),
        ],
    ),
    Operation(
        take_along_dim,
        GatherAlongBackward,
        method="take_along_dim",
        torch="take_along_dim",
        numpy={np.take_along_axis: _numpy_take_along_axis},
        samples=_takings,
        reference=_plain_take_along,
        bad_inputs=[
            bad(IndexError, "the tensor is 0-d", uniform(()), _index(0), 0),
            bad(TypeError, "should be a tensor", None, _index([0])),
            bad(IndexError, "take_along_dim.*from 0 to 3, but 4", _X, _index([[4, 0, 0]]), 0),
            bad(IndexError, "from 0 to 11, but 12", _X, _index([12])),
            bad(ValueError, r"\(4, 3\) and \(2,\)", _X, _index([0, 1]), 0),
            bad(ValueError, r"broadcast but along axis 0.*\(1, 2\)", _X, _index([[0, 1]]), 0),
            bad(TypeError, "not whole", _X, np.array([[0.5]]), 0),
            bad(IndexError, "axes of the tensor are from -2 to 1", _X, _index([[0]]), 2),
        ],
    ),
]
