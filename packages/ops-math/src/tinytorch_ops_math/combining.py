"""Functions of three operands, elementwise."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor
from tinytorch.samples import Sample, bad, sample, uniform

from .elementwise import not_numbers, operands
from .operands import number


class AddcmulBackward(Function):
    """a + v b c, v a number. Gradients: g, g v c and g v b."""

    batched = True

    def forward(self, a: Array, b: Array, c: Array, *, value: float = 1) -> Array:
        _, need_b, need_c = self.needs_input_grad
        self.save(b if need_c else None, c if need_b else None)
        self.value = value
        return a + b * c * value

    def apply(self, grad_output: Array) -> Any:
        b, c = self.saved
        need_a, need_b, need_c = self.needs_input_grad
        scaled = grad_output * self.value
        return (
            grad_output if need_a else None,
            scaled * c if need_b else None,
            scaled * b if need_c else None,
        )


def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
    """Tensor plus a multiple of the product of two others, elementwise.

    Parameters
    ----------
    input, tensor1, tensor2 : Tensor, array or number
        Of shapes that broadcast. Dtypes promote as in NumPy.
    value : number
        What the product is multiplied with.

    Returns
    -------
    Tensor
        ``input + value * tensor1 * tensor2``, of the broadcast shape. The gradient of `input` is g,
        that of either factor is g times `value` and the other factor.

    Raises
    ------
    TypeError, ValueError
        If an operand is no array of real numbers, `value` is no number, or the shapes do not
        broadcast.

    Examples
    --------
    >>> addcmul(Tensor([1.0, 2.0]), Tensor([3.0, 4.0]), 10.0, value=0.5)
    Tensor(data=[16. 22.], shape=(2,))
    """
    return AddcmulBackward.call(
        *operands("addcmul", input, tensor1, tensor2), value=number("addcmul", "value", value)
    )


class LerpBackward(Function):
    """a + w (b - a). Gradients: g (1 - w), g w, and g (b - a)."""

    batched = True

    def forward(self, a: Array, b: Array, w: Array) -> Any:
        need_a, need_b, need_w = self.needs_input_grad
        self.save(a if need_w else None, b if need_w else None, w if need_a or need_b else None)
        return a + w * (b - a)

    def apply(self, grad_output: Array) -> Any:
        a, b, w = self.saved
        need_a, need_b, need_w = self.needs_input_grad
        return (
            grad_output * (1 - w) if need_a else None,
            grad_output * w if need_b else None,
            grad_output * (b - a) if need_w else None,
        )


def lerp(input: Any, end: Any, weight: Any) -> Tensor:
    """Points on the way from one tensor to another, elementwise.

    Parameters
    ----------
    input, end : Tensor, array or number
        Where the way starts and ends.
    weight : Tensor, array or number
        How much of the way to go: 0 for `input`, 1 for `end`. All three have shapes that broadcast;
        dtypes promote as in NumPy.

    Returns
    -------
    Tensor
        ``input + weight * (end - input)``, of the broadcast shape. The gradient of `input` is
        g (1 - weight), that of `end` is g weight, that of `weight` is g (end - input).

    Raises
    ------
    TypeError, ValueError
        If an operand is no array of real numbers, or the shapes do not broadcast.

    Examples
    --------
    >>> lerp(Tensor([0.0, 10.0]), Tensor([1.0, 20.0]), 0.5)
    Tensor(data=[ 0.5 15. ], shape=(2,))
    """
    return LerpBackward.call(*operands("lerp", input, end, weight))


_TRIPLES: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((), (), ()),
    ((4,), (4,), (4,)),
    ((2, 3), (2, 3), (2, 3)),
    ((2, 3), (3,), ()),
    ((), (2, 1), (3,)),
    ((1,), (2, 3), (2, 1)),
    ((2, 1), (1, 3), (4, 1, 1)),
    ((0, 3), (3,), (1,)),
    ((3,), (0, 3), ()),
)


def _triples(**parameters: Any) -> list[Sample]:
    return [
        sample(*(uniform(shape, seed=seed) for seed, shape in enumerate(shapes)), **parameters)
        for shapes in _TRIPLES
    ]


_SHAPES = bad(
    ValueError, r"broadcast, .*\(2, 3\), \(3,\), \(4,\)", np.ones((2, 3)), np.ones(3), np.ones(4)
)

OPERATIONS: list[Operation] = [
    Operation(
        addcmul,
        AddcmulBackward,
        method="addcmul",
        torch="addcmul",
        reference=lambda a, b, c, value=1: a + value * b * c,
        samples=lambda: [
            *_triples(),
            *_triples(value=-0.5),
            sample(uniform((2, 3)), uniform((3,), seed=1), uniform((2, 1), seed=2), value=0),
        ],
        bad_inputs=[
            *not_numbers("addcmul", np.ones(2), np.ones(2)),
            _SHAPES,
            bad(TypeError, "value should be a real number", *[np.ones(2)] * 3, value="2"),
        ],
    ),
    Operation(
        lerp,
        LerpBackward,
        method="lerp",
        torch="lerp",
        reference=lambda a, b, w: a * (1 - w) + b * w,
        samples=lambda: [
            *_triples(),
            sample(uniform((2, 3)), uniform((2, 3), seed=1), 0.25),
            sample(uniform((2, 3)), uniform((3,), seed=1), 1.5),
            sample(uniform((2, 1)), uniform((3,), seed=1), 0.0),
            sample(uniform((2, 3)), uniform((2, 3), seed=1), 1.0),
        ],
        bad_inputs=[*not_numbers("lerp", np.ones(2), 0.5), _SHAPES],
    ),
]
