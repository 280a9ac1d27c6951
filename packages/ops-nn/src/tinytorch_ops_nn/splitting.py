"""Parts of a tensor, as views: split, chunk, unbind, narrow, select."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from tinytorch import Operation, Tensor, either, one_axis
from tinytorch.samples import Sample, bad, sample, uniform

from .indexing import SliceBackward
from .taking import as_integer, as_tensor


def split(
    tensor: Any,
    split_size_or_sections: int | Sequence[int],
    dim: int | None = None,
    *,
    axis: int | None = None,
) -> tuple[Tensor, ...]:
    """Cut a tensor along an axis into pieces of a given length, or of given lengths.

    Parameters
    ----------
    tensor : Tensor
        Any shape of at least one dimension.
    split_size_or_sections : int or sequence of int
        The length of each piece, where the last may be shorter; or the lengths of all pieces,
        which sum to that of the axis.
    dim, axis : int
        The axis; by default the first.

    Returns
    -------
    tuple of Tensor
        The pieces, of the dtype of `tensor`, whose data they share. The gradient of the tensor is
        theirs, each in its place.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If the axis or a length is not an integer, or both `dim` and `axis` are given.
    ValueError
        If a length is negative, a single one is 0 though the axis is not empty, or several do not
        sum to the length of the axis.

    Examples
    --------
    >>> split(Tensor([1.0, 2.0, 3.0]), 2)
    (Tensor(data=[1. 2.], shape=(2,)), Tensor(data=[3.], shape=(1,)))
    """
    x = as_tensor("split", tensor)
    place = one_axis("split", either("split", axis, dim, default=0), x.ndim)
    length = x.shape[place]
    if isinstance(split_size_or_sections, tuple | list):
        sizes = [as_integer("split", "a section", n, least=0) for n in split_size_or_sections]
        if sum(sizes) != length:
            raise ValueError(
                f"split: the sections should sum to {length}, the length of axis {place} of a "
                f"tensor of shape {x.shape}, but {sizes} was given"
            )
        return _pieces(x, place, accumulate(sizes, initial=0))
    size = as_integer("split", "split_size_or_sections", split_size_or_sections, least=0)
    if size == 0 < length:
        raise ValueError(
            f"split: pieces of length 0 do not fill axis {place} of a tensor of shape {x.shape}; "
            "split_size_or_sections should be at least 1"
        )
    return _pieces(x, place, _ends(length, size))


def chunk(
    input: Any, chunks: int, dim: int | None = None, *, axis: int | None = None
) -> tuple[Tensor, ...]:
    """Cut a tensor along an axis into a number of equal pieces.

    Parameters
    ----------
    input : Tensor
        Any shape of at least one dimension.
    chunks : int
        How many pieces at most: their length is that of the axis divided by `chunks`, rounded up,
        so that the last may be shorter and there may be fewer.
    dim, axis : int
        The axis; by default the first.

    Returns
    -------
    tuple of Tensor
        The pieces, of the dtype of `input`, whose data they share. The gradient of the tensor is
        theirs, each in its place.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If an argument is not an integer, or both `dim` and `axis` are given.
    ValueError
        If `chunks` is not positive.

    Examples
    --------
    >>> chunk(Tensor([1.0, 2.0, 3.0]), 2)
    (Tensor(data=[1. 2.], shape=(2,)), Tensor(data=[3.], shape=(1,)))
    """
    x = as_tensor("chunk", input)
    place = one_axis("chunk", either("chunk", axis, dim, default=0), x.ndim)
    number, length = as_integer("chunk", "chunks", chunks, least=1), x.shape[place]
    if length == 0:
        return _pieces(x, place, [0] * (number + 1))
    return _pieces(x, place, _ends(length, -(-length // number)))


def unbind(input: Any, dim: int | None = None, *, axis: int | None = None) -> tuple[Tensor, ...]:
    """All slices along an axis, which is left out.

    Parameters
    ----------
    input : Tensor
        Any shape of at least one dimension.
    dim, axis : int
        The axis; by default the first.

    Returns
    -------
    tuple of Tensor
        As many as the axis is long, each of the shape of `input` without the axis and of its
        dtype; they share its data. The gradient of the tensor is theirs, each in its place.

    Raises
    ------
    IndexError
        If the axis is out of range.
    TypeError
        If the axis is not an integer, or both `dim` and `axis` are given.

    Examples
    --------
    >>> unbind(Tensor([[1.0, 2.0], [3.0, 4.0]]))
    (Tensor(data=[1. 2.], shape=(2,)), Tensor(data=[3. 4.], shape=(2,)))
    """
    x = as_tensor("unbind", input)
    place = one_axis("unbind", either("unbind", axis, dim, default=0), x.ndim)
    return tuple(_along(x, place, index) for index in range(x.shape[place]))


def narrow(input: Any, dim: int, start: int, length: int) -> Tensor:
    """A stretch of a tensor along an axis.

    Parameters
    ----------
    input : Tensor
        Any shape of at least one dimension.
    dim : int
        The axis.
    start : int
        Where the stretch begins; a negative number counts from the end.
    length : int
        How long it is.

    Returns
    -------
    Tensor
        The shape of `input`, but `length` along the axis; of the dtype of `input`, whose data it
        shares. The gradient of the tensor is the output's in the stretch, and 0 elsewhere.

    Raises
    ------
    IndexError
        If the axis or `start` is out of range.
    TypeError
        If an argument is not an integer.
    ValueError
        If `length` is negative, or the stretch ends beyond the axis.

    Examples
    --------
    >>> narrow(Tensor([1.0, 2.0, 3.0]), 0, 1, 2)
    Tensor(data=[2. 3.], shape=(2,))
    """
    x = as_tensor("narrow", input)
    axis = one_axis("narrow", dim, x.ndim)
    first, count = as_integer("narrow", "start", start), as_integer("narrow", "length", length, 0)
    whole = x.shape[axis]
    if not -whole <= first <= whole:
        raise IndexError(
            f"narrow: start should be from {-whole} to {whole} along axis {axis} of a tensor of "
            f"shape {x.shape}, but {first} was given"
        )
    begin = first if first >= 0 else first + whole
    if begin + count > whole:
        raise ValueError(
            f"narrow: start + length should be at most {whole}, the length of axis {axis} of a "
            f"tensor of shape {x.shape}, but start={first} and length={count} were given"
        )
    return _along(x, axis, slice(begin, begin + count))


def select(input: Any, dim: int, index: int) -> Tensor:
    """One slice of a tensor along an axis, which is left out.

    Parameters
    ----------
    input : Tensor
        Any shape of at least one dimension.
    dim : int
        The axis.
    index : int
        Which slice; a negative number counts from the end.

    Returns
    -------
    Tensor
        The shape of `input` without the axis, the dtype of `input`, whose data it shares. The
        gradient of the tensor is the output's in the slice, and 0 elsewhere.

    Raises
    ------
    IndexError
        If the axis or the index is out of range.
    TypeError
        If an argument is not an integer.

    Examples
    --------
    >>> select(Tensor([[1.0, 2.0], [3.0, 4.0]]), 1, 0)
    Tensor(data=[1. 3.], shape=(2,))
    """
    x = as_tensor("select", input)
    axis, place = one_axis("select", dim, x.ndim), as_integer("select", "index", index)
    length = x.shape[axis]
    if not -length <= place < length:
        raise IndexError(
            f"select: the indices of axis {axis} of a tensor of shape {x.shape} are "
            f"{f'from {-length} to {length - 1}' if length else 'none'}, but {place} was given"
        )
    return _along(x, axis, place)


def _along(x: Tensor, axis: int, part: int | slice) -> Tensor:
    return SliceBackward.call(x, key=(*(slice(None),) * axis, part))


def _pieces(x: Tensor, axis: int, ends: Iterable[int]) -> tuple[Tensor, ...]:
    """Cut at the ends of the pieces, of which the first is where the first piece begins."""
    return tuple(_along(x, axis, slice(*bounds)) for bounds in pairwise(ends))


def _ends(length: int, size: int) -> list[int]:
    """Where pieces of a size end that fill a length, the last of which may be shorter."""
    return [*range(0, length, max(size, 1)), length] if length else [0, 0]


def _numpy_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> tuple[Tensor, ...]:
    """As in NumPy: into a number of equal pieces, or at given places."""
    x = as_tensor("np.split", ary)
    place = one_axis("np.split", axis, x.ndim)
    if not isinstance(indices_or_sections, tuple | list | np.ndarray):
        number = as_integer("np.split", "the number of sections", indices_or_sections, least=1)
        size, rest = divmod(x.shape[place], number)
        if rest:
            raise ValueError(
                f"np.split: axis {place} of a tensor of shape {x.shape} has no {number} equal "
                "pieces; use split or chunk"
            )
        return split(x, [size] * number, place)
    cuts = [as_integer("np.split", "a place to cut", index) for index in indices_or_sections]
    return _pieces(x, place, [0, *cuts, x.shape[place]])


def _splits() -> list[Sample]:
    x = uniform((5, 3))
    return [
        sample(x, 2),
        sample(x, 5),
        sample(x, 9),
        sample(x, 1, dim=-1),
        sample(x, [2, 0, 3]),
        sample(x, (1, 2), 1),
        sample(x, [5], axis=0),
        sample(uniform((2, 3, 4)), 2, dim=-1),
        sample(uniform((1,)), 1),
        sample(uniform((0, 3)), 2),
        sample(uniform((0, 3)), 0),
        sample(uniform((0, 3)), 2, 1),
    ]


def _chunks() -> list[Sample]:
    x = uniform((5, 3))
    return [
        sample(x, 1),
        sample(x, 2),
        sample(x, 4),
        sample(x, 5),
        sample(x, 9),
        sample(x, 2, dim=-1),
        sample(x, 3, axis=1),
        sample(uniform((2, 3, 4)), 2, -2),
        sample(uniform((1,)), 3),
        sample(uniform((0, 3)), 2),
    ]


def _unbindings() -> list[Sample]:
    x = uniform((2, 3, 4))
    return [
        sample(x),
        sample(x, 1),
        sample(x, dim=-1),
        sample(x, axis=-3),
        sample(uniform((1, 3))),
        sample(uniform((3, 1)), 0),
        sample(uniform((3, 3)), 1),
        sample(uniform((4,))),
        sample(uniform((1,)), -1),
        sample(uniform((2, 0))),
        sample(uniform((2, 0)), 0),
    ]


def _stretches() -> list[Sample]:
    x = uniform((5, 3))
    return [
        sample(x, 0, 1, 3),
        sample(x, 1, 0, 3),
        sample(x, -1, 1, 1),
        sample(x, 0, -2, 2),
        sample(x, 0, -5, 5),
        sample(x, 0, 2, 0),
        sample(x, 0, 5, 0),
        sample(x, dim=-2, start=4, length=1),
        sample(uniform((2, 3, 4)), 1, np.int64(1), 2),
        sample(uniform((1,)), 0, 0, 1),
        sample(uniform((0, 3)), 0, 0, 0),
        sample(uniform((0, 3)), 1, 1, 2),
    ]


def _selections() -> list[Sample]:
    x = uniform((2, 3, 4))
    return [
        sample(x, 0, 1),
        sample(x, 1, -3),
        sample(x, -1, 3),
        sample(x, dim=-2, index=0),
        sample(x, 2, np.int64(2)),
        sample(uniform((3, 3)), 1, 1),
        sample(uniform((4,)), 0, -1),
        sample(uniform((1,)), 0, 0),
        sample(uniform((1, 2)), 0, -1),
        sample(uniform((0, 3)), 1, 2),
    ]


def _plain_split(x: Any, size: Any, dim: int = 0, axis: int | None = None) -> Any:
    along = dim if axis is None else axis
    step, n = size, x.shape[along]
    if isinstance(size, int):
        return np.split(x, range(step, n, step) if step else [], along)
    return np.split(x, np.cumsum(size)[:-1], along)


def _plain_chunk(x: Any, chunks: int, dim: int = 0, axis: int | None = None) -> Any:
    along = dim if axis is None else axis
    n = x.shape[along]
    size = int(np.ceil(n / chunks))
    return np.split(x, range(size, n, size) if n else [0] * (chunks - 1), along)


def _plain_unbind(x: Any, dim: int = 0, axis: int | None = None) -> Any:
    return [*np.moveaxis(x, dim if axis is None else axis, 0)]


_NO_AXES = bad(IndexError, "the tensor is 0-d", uniform(()), 1)
_NO_TENSOR = bad(TypeError, "should be a tensor", "rows", 1)

OPERATIONS: list[Operation] = [
    Operation(
        split,
        method="split",
        torch="split",
        numpy={np.split: _numpy_split},
        samples=_splits,
        reference=_plain_split,
        bad_inputs=[
            _NO_AXES,
            _NO_TENSOR,
            bad(ValueError, r"sum to 5.*\(5, 3\).*\[2, 2\]", uniform((5, 3)), [2, 2]),
            bad(ValueError, "at least 0, but -1", uniform((5, 3)), [6, -1]),
            bad(ValueError, r"length 0 do not fill axis 0.*\(5, 3\)", uniform((5, 3)), 0),
            bad(ValueError, "at least 0, but -2", uniform((5, 3)), -2),
            bad(TypeError, r"should be an integer, but 2\.5", uniform((5, 3)), 2.5),
            bad(IndexError, "axes of the tensor are from -2 to 1", uniform((5, 3)), 2, 2),
            bad(TypeError, "axis=0 and dim=1", uniform((5, 3)), 2, 1, axis=0),
        ],
    ),
    Operation(
        chunk,
        method="chunk",
        torch="chunk",
        samples=_chunks,
        reference=_plain_chunk,
        bad_inputs=[
            _NO_AXES,
            _NO_TENSOR,
            bad(ValueError, "chunks should be at least 1, but 0", uniform((5, 3)), 0),
            bad(TypeError, "chunks should be an integer", uniform((5, 3)), [2, 3]),
            bad(IndexError, "axes of the tensor are from -2 to 1", uniform((5, 3)), 2, -3),
            bad(TypeError, "axis=0 and dim=1", uniform((5, 3)), 2, 1, axis=0),
        ],
    ),
    Operation(
        unbind,
        method="unbind",
        torch="unbind",
        samples=_unbindings,
        reference=_plain_unbind,
        bad_inputs=[
            bad(IndexError, "the tensor is 0-d", uniform(())),
            bad(TypeError, "should be a tensor", None),
            bad(IndexError, "axes of the tensor are from -2 to 1", uniform((5, 3)), 2),
            bad(TypeError, "an axis is an integer", uniform((5, 3)), 0.5),
            bad(TypeError, "axis=0 and dim=1", uniform((5, 3)), 1, axis=0),
        ],
    ),
    Operation(
        narrow,
        method="narrow",
        torch="narrow",
        samples=_stretches,
        reference=lambda x, dim, start, length: np.take(
            x, np.arange(x.shape[dim])[start:][:length], dim
        ),
        bad_inputs=[
            bad(IndexError, "the tensor is 0-d", uniform(()), 0, 0, 0),
            bad(TypeError, "should be a tensor", "rows", 0, 0, 0),
            bad(
                IndexError,
                r"start should be from -5 to 5.*\(5, 3\), but 6",
                uniform((5, 3)),
                0,
                6,
                0,
            ),
            bad(ValueError, "at most 5.*start=4 and length=2", uniform((5, 3)), 0, 4, 2),
            bad(ValueError, "length should be at least 0, but -1", uniform((5, 3)), 0, 4, -1),
            bad(TypeError, "start should be an integer", uniform((5, 3)), 0, 0.5, 1),
            bad(IndexError, "axes of the tensor are from -2 to 1", uniform((5, 3)), 2, 0, 1),
        ],
    ),
    Operation(
        select,
        method="select",
        torch="select",
        samples=_selections,
        reference=lambda x, dim, index: np.take(x, index, dim),
        bad_inputs=[
            bad(IndexError, "the tensor is 0-d", uniform(()), 0, 0),
            bad(TypeError, "should be a tensor", None, 0, 0),
            bad(IndexError, r"from -5 to 4, but 5", uniform((5, 3)), 0, 5),
            bad(IndexError, "are none, but 0", uniform((0, 3)), 0, 0),
            bad(TypeError, "index should be an integer", uniform((5, 3)), 0, 1.5),
            bad(IndexError, "axes of the tensor are from -2 to 1", uniform((5, 3)), -3, 0),
        ],
    ),
]
