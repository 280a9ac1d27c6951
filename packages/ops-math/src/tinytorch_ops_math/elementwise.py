"""What the families of functions of each element have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np
from tinytorch import Array, Function, Operation, in_common_dtype
from tinytorch.samples import SHAPES, BadInput, Sample, bad, broadcasting, sample, uniform

from .operands import operand


class Elementwise(Function):
    """A ufunc of NumPy's, of each element. Gradient: by the rule of the subclass, from x."""

    batched = True
    ufunc: ClassVar[Any]

    def forward(self, x: Array) -> Any:
        self.save(x)
        return self.ufunc(floating(x))


def floating(x: Any) -> Array:
    """Return `x` as an array, float32 for integers; NumPy would take float16 for small ones."""
    array = np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(np.float32)


def all_floating(*operands: Any) -> tuple[Any, ...]:
    """Return operands as they are where one is floating, so that dtypes promote as in NumPy."""
    if any(isinstance(x, np.ndarray) and x.dtype.kind == "f" for x in operands):
        return operands
    return tuple(map(floating, operands))


def above_minus_infinity(y: Any) -> Any:
    """Return y, or the least finite number for -∞, which can be taken from -∞ (e^-∞ is 0)."""
    return np.maximum(y, np.finfo(y.dtype).min)


def operands(op: str, *values: Any) -> tuple[Any, ...]:
    """Return what broadcasts together: numbers as they are, the rest as Tensors and arrays.

    All that are floating come in one dtype.

    Raises
    ------
    TypeError, ValueError
        Naming the operation, where a value is nothing that a tensor can hold, or the shapes do not
        broadcast.
    """
    ready = in_common_dtype(
        *(x if type(x) in (int, float, bool) else operand(op, x) for x in values)
    )
    shapes = [getattr(x, "shape", ()) for x in ready]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(
            f"{op}: the shapes should broadcast, but they are {', '.join(map(str, shapes))}; each "
            "length must be equal or 1, counted from the last"
        ) from None
    return ready


def not_numbers(op: str, *others: Any) -> list[BadInput]:
    """Return calls that no function of real numbers accepts; `others` follow the first operand."""
    return [
        bad(TypeError, f"{op}: .*holds real numbers.*complex128", np.ones(2, complex), *others),
        bad(TypeError, f"{op}: .*holds real numbers.*<U5", "three", *others),
        bad(TypeError, f"{op}: .*holds numbers.*NoneType", None, *others),
        bad(ValueError, f"{op}: .*rows of equal length", [[1.0], [1.0, 2.0]], *others),
    ]


def unary(
    function: Callable[..., Any],
    backward: type[Function],
    domain: tuple[float, float],
    *,
    avoid: Iterable[float] = (),
    points: Iterable[Sample] = (),
    bad_inputs: Iterable[BadInput] = (),
    **parts: Any,
) -> Operation:
    """Return the Operation of a function of each element, which bears PyTorch's name.

    Its samples are drawn from the domain, of all shapes, and near either end, none of them near a
    point to avoid. `points` and `bad_inputs` are more; `parts` are as in Operation.
    """
    low, high = domain
    kinks = tuple(avoid)

    def draw(shape: tuple[int, ...], low: float, high: float, seed: int = 0) -> Sample:
        return sample(uniform(shape, low, high, avoid=kinks, seed=seed))

    def samples() -> list[Sample]:
        return [
            *(draw(shape, low, high) for shape in (*SHAPES, (1, 1), (3, 0))),
            draw((3, 2, 2), low, (3 * low + high) / 4),
            draw((3, 3), (low + 3 * high) / 4, high),
            *points,
        ]

    name = function.__name__
    return Operation(
        function,
        backward,
        method=name,
        torch=name,
        samples=samples,
        bad_inputs=[*not_numbers(name), *bad_inputs],
        **parts,
    )


def pairs(
    left: tuple[float, float] = (-2.0, 2.0), right: tuple[float, float] = (-2.0, 2.0)
) -> list[Sample]:
    """Return samples of a function of two operands: of shapes that broadcast, and numbers."""
    x, y = uniform((2, 3), *left, seed=2), uniform((2, 3), *right, seed=3)
    return [
        *broadcasting(left, right)(),
        sample(x, float(y[0, 0])),
        sample(float(x[0, 0]), y),
        sample(x, np.float64(y[1, 1])),
        sample(uniform((), *left), uniform((3, 0), *right)),
    ]


def not_together(op: str) -> BadInput:
    """Return a call of a function of two operands whose shapes do not broadcast."""
    return bad(
        ValueError, rf"{op}: .*\(2, 3\), \(4,\)", uniform((2, 3), 0.5, 1.0), uniform((4,), 0.5, 1.0)
    )
