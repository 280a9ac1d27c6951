"""Borders around a tensor, and parts cut off its ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, at_least_single, one_of
from tinytorch.samples import Sample, bad, sample, uniform

from .taking import as_integer, as_tensor

Widths = Sequence[tuple[int, int]]
"""For each axis how much is added before and after; negative numbers cut off."""


class PadBackward(Function):
    """x with a number around it, or cut off. Gradient: the output's with the opposite widths."""

    def forward(self, x: Array, *, widths: Widths, value: float = False) -> Array:
        self.widths = widths
        return enlarged(x, widths, value)

    def apply(self, grad_output: Array) -> Any:
        return PadBackward.call(grad_output, widths=opposite(self.widths))


def enlarged(x: Array, widths: Widths, value: float = False) -> Array:
    """Return an array with a number around it, or cut off where a width is negative; maybe x."""
    if all(width <= 0 for pair in widths for width in pair):
        return x[_inner(x.shape, opposite(widths))]
    shape = [length + left + right for length, (left, right) in zip(x.shape, widths, strict=True)]
    y = np.full(shape, value, np.result_type(x.dtype, value))
    y[_inner(y.shape, widths)] = x[_inner(x.shape, opposite(widths))]
    return y


def opposite(widths: Widths) -> Widths:
    """Return the widths that undo others."""
    return [(-left, -right) for left, right in widths]


def _inner(shape: Sequence[int], widths: Widths) -> tuple[slice, ...]:
    """Where the inside of a border lies; negative widths make none."""
    return tuple(
        slice(max(left, 0), max(length - max(right, 0), 0))
        for length, (left, right) in zip(shape, widths, strict=True)
    )


class ExtendBackward(Function):
    """x continued beyond its ends by its own elements. Gradient: the output's, folded back."""

    def forward(self, x: Array, *, widths: Widths, mode: str) -> Any:
        self.widths, self.mode = widths, mode
        return np.pad(x, widths, _IN_NUMPY[mode])  # type: ignore[call-overload]  # one of its modes

    def apply(self, grad_output: Array) -> Any:
        return FoldBackward.call(grad_output, widths=self.widths, mode=self.mode)


class FoldBackward(Function):
    """Borders folded back onto the elements they came from. Gradient: the output's, extended."""

    def forward(self, x: Array, *, widths: Widths, mode: str) -> Array:
        self.widths, self.mode = widths, mode
        for axis, (left, right) in enumerate(widths):
            if left or right:
                x = np.moveaxis(_folded(np.moveaxis(x, axis, 0), left, right, mode), 0, axis)
        return x

    def apply(self, grad_output: Array) -> Any:
        return ExtendBackward.call(grad_output, widths=self.widths, mode=self.mode)


def _folded(x: Array, left: int, right: int, mode: str) -> Array:
    """Fold the ends of the first axis back."""
    n = len(x) - left - right
    inside, before, after = x[left : left + n].copy(), x[:left], x[left + n :]
    if mode == "reflect":
        inside[1 : left + 1] += before[::-1]
        inside[n - 1 - right : n - 1] += after[::-1]
    elif mode == "circular":
        inside[n - left :] += before
        inside[:right] += after
    else:
        inside[0] += at_least_single(before).sum(axis=0)
        inside[-1] += at_least_single(after).sum(axis=0)
    return inside


_IN_NUMPY = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""What NumPy calls the modes that continue a tensor by its own elements."""

_LONGEST = {"reflect": -1, "circular": 0}
"""How much longer than the axis a border may be."""


def pad(
    input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Put a border around a tensor, or cut off its ends.

    Parameters
    ----------
    input : Tensor
        Any shape.
    pad : sequence of int
        How much is added before and after the last axis, then before and after the last but one,
        and so on: an even number of lengths, for as many axes as `input` has or fewer. Negative
        ones cut off.
    mode : {"constant", "reflect", "replicate", "circular"}
        What the border holds: one number; the elements mirrored at the first and the last, which
        are not repeated; the first and the last repeated; or the elements from the other end.
    value : float, optional
        The number of mode "constant", 0 by default.

    Returns
    -------
    Tensor
        Each axis longer by what is added; the dtype of `input`. The gradient of an element is the
        sum of the output's wherever it stands.

    Raises
    ------
    TypeError
        If a length is not an integer.
    ValueError
        If the number of lengths is odd or too large, if more is cut off than there is, if a
        reflected border is as long as the axis or a circular one longer, or if a value is given
        for another mode than "constant".

    Examples
    --------
    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> pad(x, (1, 2))
    Tensor(data=[0. 1. 2. 3. 0. 0.], shape=(6,))
    >>> pad(x, (1, 2), mode="reflect")
    Tensor(data=[2. 1. 2. 3. 2. 1.], shape=(6,))
    """
    x = as_tensor("pad", input)
    widths = _checked_widths(x.shape, pad)
    one_of("pad", "mode", mode, ("constant", *_IN_NUMPY))
    if mode == "constant":
        return PadBackward.call(x, widths=widths, value=False if value is None else value)
    if value is not None:
        raise ValueError(
            f"pad: the border of mode {mode!r} is made of the tensor, but value={value} was given; "
            "leave it out, or use mode='constant'"
        )
    if any(width < 0 for pair in widths for width in pair):
        kept = [(min(left, 0), min(right, 0)) for left, right in widths]
        x = PadBackward.call(x, widths=kept)
        widths = [(max(left, 0), max(right, 0)) for left, right in widths]
    _require_enough(x.shape, widths, mode)
    return ExtendBackward.call(x, widths=widths, mode=mode)


def _checked_widths(shape: tuple[int, ...], pad: Any) -> list[tuple[int, int]]:
    """Return the widths of all axes, first to last, from PyTorch's, which go from the last on."""
    if not isinstance(pad, tuple | list):
        raise TypeError(
            f"pad: the lengths should be a sequence, before and after the last axis first, but "
            f"{pad!r} was given"
        )
    lengths = [as_integer("pad", "a length", length) for length in pad]
    if len(lengths) % 2 or len(lengths) > 2 * len(shape):
        raise ValueError(
            f"pad: two lengths for each axis are needed, and a tensor of shape {shape} has "
            f"{len(shape)} axes, but {len(lengths)} were given: {pad}"
        )
    pairs = list(zip(lengths[::2], lengths[1::2], strict=True))[::-1]
    widths = [(0, 0)] * (len(shape) - len(pairs)) + pairs
    for axis, (length, (left, right)) in enumerate(zip(shape, widths, strict=True)):
        if length + min(left, 0) + min(right, 0) < 0 or length + left + right < 0:
            raise ValueError(
                f"pad: {left} before and {right} after cut more off than axis {axis} has in a "
                f"tensor of shape {shape}"
            )
    return widths


def _require_enough(shape: tuple[int, ...], widths: Widths, mode: str) -> None:
    for axis, (length, pair) in enumerate(zip(shape, widths, strict=True)):
        longest = length + _LONGEST[mode] if mode in _LONGEST else max(pair) * bool(length)
        if max(pair) > max(longest, 0):
            raise ValueError(
                f"pad: mode {mode!r} makes a border of at most {max(longest, 0)} from axis {axis} "
                f"of a tensor of shape {shape}, but {max(pair)} was asked for"
            )


def _numpy_pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    """As in NumPy: pairs from the first axis on, or one pair or number for all of them."""
    x = as_tensor("np.pad", array)
    widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2))
    names = {"constant": "constant", **{theirs: ours for ours, theirs in _IN_NUMPY.items()}}
    one_of("np.pad", "mode of a tensor", mode, names)
    value = None if mode != "constant" else np.asarray(constant_values).item()
    return pad(x, widths[::-1].reshape(-1).tolist(), names[mode], value)


def _samples() -> list[Sample]:
    x, image = uniform((2, 5)), uniform((2, 3, 4, 5))
    modes = {"reflect": (2, 1, 1, 3), "replicate": (2, 1, 4, 0), "circular": (2, 5, 1, 4)}
    return [
        sample(x, (1, 2)),
        sample(x, [0, 1], value=2.5),
        sample(x, (1, 0, 2, 1), "constant", -1.0),
        sample(x, (-1, -2)),
        sample(x, (-1, 2, 1, -1), value=0.5),
        sample(x, (-2, -3)),
        sample(x, (0, 0)),
        sample(x, ()),
        sample(image, (1, 2, 0, 1, 1, 1)),
        sample(uniform(()), ()),
        sample(uniform((1,)), (2, 0)),
        sample(uniform((0, 3)), (1, 1)),
        sample(uniform((0, 3)), (0, 0, 1, 2), value=1.0),
        *(sample(image, lengths, mode=mode) for mode, lengths in modes.items()),
        *(sample(x, (1, 3), mode) for mode in modes),
        *(sample(x, (-1, 2), mode) for mode in modes),
        *(sample(uniform((1, 2, 3)), (2, 0), mode) for mode in modes),
        sample(uniform((2, 4, 4)), (3, 3, 3, 3), "reflect"),
        sample(uniform((1, 1, 1)), (4, 2), "replicate"),
        sample(uniform((0, 2, 3)), (1, 2), "reflect"),
    ]


def _reference(x: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    pairs = [*zip(pad[::2], pad[1::2], strict=True)]
    pairs = ([(0, 0)] * (x.ndim - len(pairs))) + pairs[::-1]
    y = x[
        tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, pairs, strict=True))
    ]
    widths = [(max(a, 0), max(b, 0)) for a, b in pairs]
    if mode == "constant":
        return np.pad(y, widths, constant_values=value or 0.0) if widths else y
    return np.pad(y, widths, _IN_NUMPY[mode])  # type: ignore[call-overload]  # one of its modes


_X = uniform((2, 5))

OPERATIONS: list[Operation] = [
    Operation(
        pad,
        PadBackward,
        torch="nn.functional.pad",
        numpy={np.pad: _numpy_pad},
        samples=_samples,
        reference=_reference,
        bad_inputs=[
            bad(TypeError, "should be a tensor", None, (1, 1)),
            bad(ValueError, r"has 0 axes, but 2 were given", uniform(()), (1, 1)),
            bad(ValueError, r"two lengths for each axis.*\(2, 5\).*but 1 were", _X, (1,)),
            bad(ValueError, r"has 2 axes, but 6 were", _X, (1, 1, 1, 1, 1, 1)),
            bad(TypeError, "should be a sequence", _X, 1),
            bad(TypeError, r"a length should be an integer, but 0\.5", _X, (1, 0.5)),
            bad(ValueError, r"-3 before and -3 after.*axis 1.*\(2, 5\)", _X, (-3, -3)),
            bad(ValueError, "mode should be one of 'constant'", _X, (1, 1), "mirror"),
            bad(ValueError, "at most 4 from axis 1.*but 5", _X, (5, 0), "reflect"),
            bad(ValueError, "at most 5 from axis 1.*but 6", _X, (0, 6), "circular"),
            bad(ValueError, "at most 0 from axis 1.*but 1", uniform((2, 0)), (1, 0), "replicate"),
            bad(ValueError, "value=1.0 was given", _X, (1, 1), "reflect", 1.0),
        ],
    ),
]
