"""Elements replaced, where a mask holds or at the places of indices."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, add_at
from tinytorch.samples import Sample, bad, sample, uniform

from .indexing import SliceBackward, as_key
from .taking import as_tensor


class MaskedFillBackward(Function):
    """v where the mask holds, x elsewhere. Gradients: the output's, 0 where the other was taken."""

    batched = True

    def forward(self, x: Array, mask: Array, value: Array) -> Array:
        self.save(mask)
        return np.where(mask, value, x)

    def apply(self, grad_output: Array) -> Any:
        (mask,) = self.saved
        need_x, _, need_value = self.needs_input_grad
        return (
            MaskedFillBackward.call(grad_output, mask, 0) if need_x else None,
            None,
            MaskedFillBackward.call(grad_output, ~mask, 0) if need_value else None,
        )


def masked_fill(input: Any, mask: Any, value: Any) -> Tensor:
    """A tensor with one number wherever a mask holds.

    Parameters
    ----------
    input : Tensor
        Any shape.
    mask : Tensor or array
        Boolean, of a shape that broadcasts with that of `input`.
    value : number, or Tensor or array of shape ()
        What is filled in.

    Returns
    -------
    Tensor
        Of the broadcast shape; dtypes promote as in NumPy. The gradient of `input` is the output's,
        0 where the mask holds (also where the output's is infinite or NaN); that of `value` is the
        sum of the output's where it holds.

    Raises
    ------
    TypeError
        If the mask is not boolean.
    ValueError
        If the shapes do not broadcast, or `value` has dimensions.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> masked_fill(x, x > 1.5, -np.inf)
    Tensor(data=[  1. -inf -inf], shape=(3,))
    """
    x, chosen = as_tensor("masked_fill", input), as_tensor("masked_fill", mask, "the mask")
    if chosen.dtype.kind != "b":
        raise TypeError(
            f"masked_fill: the mask should be boolean, but it has dtype {chosen.dtype}; compare "
            "first, as in mask != 0"
        )
    if not isinstance(value, int | float):
        value = as_tensor("masked_fill", value, "the value")
        if value.ndim:
            raise ValueError(
                "masked_fill: the value should be one number, of shape (), but its shape is "
                f"{value.shape}; use where(mask, value, x)"
            )
    try:
        return MaskedFillBackward.call(x, chosen, value)
    except ValueError:
        raise ValueError(
            f"masked_fill: the shapes of the input and of the mask should broadcast, but they are "
            f"{x.shape} and {chosen.shape}"
        ) from None


class IndexPutBackward(Function):
    """y = x, but y[key] = v, or y[key] += v to accumulate.

    Gradients: the output's towards x, but 0 at the key unless v was added; and the output's at the
    key towards v, but 0 for what was overwritten as the key names a place again.
    """

    def forward(self, x: Array, values: Array, *, key: Any, accumulate: bool) -> Array:
        y = np.array(x, np.result_type(x, values))
        if accumulate:
            add_at(y, key, values)
        else:
            y[key] = values
        self.key, self.accumulate = key, accumulate
        overwritten = not accumulate and any(
            isinstance(part, np.ndarray) and part.dtype.kind in "iu" for part in key
        )
        self.save(self._lasting(y) if overwritten and self.needs_input_grad[1] else True)
        return y

    def _lasting(self, y: Array) -> Array:
        """Tell for each of the values whether it is still there, or a later one in its place."""
        latest = np.empty(y.shape, np.intp)
        numbers = np.arange(latest[self.key].size).reshape(latest[self.key].shape)
        latest[self.key] = numbers
        return np.asarray(latest[self.key] == numbers)

    def apply(self, grad_output: Array) -> Any:
        (lasting,) = self.saved
        need_x, need_values = self.needs_input_grad
        grad_x: Any = None
        grad_values: Any = None
        if need_x and self.accumulate:
            grad_x = grad_output
        elif need_x:
            grad_x = IndexPutBackward.call(grad_output, 0, key=self.key, accumulate=False)
        if need_values:
            grad_values = SliceBackward.call(grad_output, key=self.key)
            grad_values = grad_values if lasting is True else grad_values * lasting
        return grad_x, grad_values


def index_put(input: Any, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Tensor:
    """A tensor with values put in, or added, at the places that indices name.

    Parameters
    ----------
    input : Tensor
        Any shape.
    indices : tuple
        One part for each of the first axes: arrays, Tensors or lists of integers or booleans that
        broadcast; also numbers, slices and all else that may stand in ``input[indices]``.
    values : Tensor, array or number
        Of a shape that broadcasts to that of ``input[indices]``.
    accumulate : bool
        Whether the values are added to what is there. Otherwise they replace it, and where one
        place is named repeatedly, the last value stays.

    Returns
    -------
    Tensor
        A new one of the shape of `input`; dtypes promote as in NumPy. The gradient of `values` is
        the output's where they were put, 0 for values that did not stay; that of `input` is the
        output's, 0 where it was replaced.

    Raises
    ------
    IndexError
        If an index is out of range, or if the indices do not broadcast.
    TypeError
        If the indices are no tuple, or one is a float that is not a whole number.
    ValueError
        If the values do not broadcast to the places.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> index_put(x, ([0, 2],), Tensor([10.0, 20.0]))
    Tensor(data=[10.  2. 20.], shape=(3,))
    >>> index_put(x, ([0, 0],), 1.0, accumulate=True)
    Tensor(data=[3. 2. 3.], shape=(3,))
    """
    x = as_tensor("index_put", input)
    if not isinstance(indices, tuple | list):
        raise TypeError(
            "index_put: the indices should be a tuple, of one part for each axis, but a "
            f"{type(indices).__name__} was given; pass (index,)"
        )
    if not isinstance(values, int | float):
        values = as_tensor("index_put", values, "the values")
    key = as_key("index_put", tuple(indices))
    try:
        return IndexPutBackward.call(x, values, key=key, accumulate=bool(accumulate))
    except (IndexError, ValueError) as error:
        raise type(error)(
            f"index_put: values of shape {np.shape(getattr(values, 'data', values))} cannot be put "
            f"at {reprlib.repr(indices)} into a tensor of shape {x.shape}: {error}"
        ) from None


def _index(values: Any) -> Array:
    return np.array(values, np.int64)


def _fillings() -> list[Sample]:
    mask = uniform((2, 3), seed=5) > 0
    return [
        sample(uniform((2, 3)), mask, 0.0),
        sample(uniform((2, 3)), mask, 7),
        sample(uniform((2, 3)), mask, uniform(())),
        sample(uniform((2, 3)), mask[0], 1.5),
        sample(uniform((2, 3)), mask[:, :1], uniform((), seed=2)),
        sample(uniform((3,)), mask, uniform((), seed=2)),
        sample(uniform((2, 1)), mask, 1.0),
        sample(uniform((2, 3)), np.array(True), uniform(())),
        sample(uniform((2, 3)), np.zeros((2, 3), bool), uniform(())),
        sample(uniform(()), np.array(True), 2.0),
        sample(uniform(()), np.array(False), uniform((), seed=2)),
        sample(uniform((0, 3)), mask[0], uniform(())),
    ]


def _puttings() -> list[Sample]:
    x, mask = uniform((4, 3)), uniform((4, 3), seed=5) > 0
    return [
        sample(x, (_index([0, 2]),), uniform((2, 3), seed=2)),
        sample(x, (_index([0, 2]),), uniform((3,), seed=2)),
        sample(x, (_index([0, 0, 2]),), uniform((3, 3), seed=2), accumulate=True),
        sample(x, (_index([0, 0, 2]), _index([1, 1, -1])), uniform((3,), seed=2), True),
        sample(x, (_index([-1, 1]), _index([0, 2])), uniform((), seed=2)),
        sample(x, (_index([[0], [3]]), _index([0, 2])), uniform((2, 2), seed=2)),
        sample(x, (_index([[0], [0]]), _index([0, 2])), uniform((2, 1), seed=2), accumulate=True),
        sample(x, (mask,), uniform((int(mask.sum()),), seed=2)),
        sample(x, (mask,), 1.5),
        sample(x, (mask[:, 0],), uniform((1, 3), seed=2), accumulate=True),
        sample(x, (_index(2),), uniform((3,), seed=2)),
        sample(x, (_index([]),), uniform((0, 3), seed=2)),
        sample(uniform((1,)), (np.array([True]),), uniform((), seed=2)),
        sample(uniform((0, 3)), (_index([]),), 1.0),
    ]


def _plain_fill(x: Any, mask: Any, value: Any) -> Any:
    y = np.array(np.broadcast_arrays(x, mask)[0])
    y[np.broadcast_to(mask, y.shape)] = value
    return y


def _plain_put(x: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    y = np.array(x)
    if accumulate:
        np.add.at(y, indices, values)
    else:
        y[indices] = values
    return y


_X = uniform((4, 3))

OPERATIONS: list[Operation] = [
    Operation(
        masked_fill,
        MaskedFillBackward,
        method="masked_fill",
        torch="masked_fill",
        samples=_fillings,
        reference=_plain_fill,
        bad_inputs=[
            bad(TypeError, "should be a tensor", None, _X > 0, 0.0),
            bad(TypeError, "mask should be boolean, but it has dtype float64", _X, _X, 0.0),
            bad(ValueError, r"value should be one number.*\(3,\)", _X, _X > 0, uniform((3,))),
            bad(ValueError, r"broadcast.*\(4, 3\) and \(4,\)", _X, np.zeros(4, bool), 0.0),
            bad(TypeError, "the value should be a tensor", _X, _X > 0, "zero"),
        ],
    ),
    Operation(
        index_put,
        IndexPutBackward,
        method="index_put",
        torch="index_put",
        samples=_puttings,
        reference=_plain_put,
        bad_inputs=[
            bad(TypeError, "the input should be a tensor", None, (_index([0]),), 0.0),
            bad(TypeError, r"pass \(index,\)", _X, _index([0]), 0.0),
            bad(IndexError, r"index_put.*\(4, 3\).*index 4", _X, (_index([4]),), 0.0),
            bad(IndexError, "too many indices", uniform(()), (_index([0]),), 0.0),
            bad(ValueError, r"shape \(2, 3\).*put at", _X, (_index([0]),), uniform((2, 3))),
            bad(TypeError, "index_put.*not whole", _X, (np.array([0.5]),), 0.0),
            bad(TypeError, "the values should be a tensor", _X, (_index([0]),), "zero"),
        ],
    ),
]
