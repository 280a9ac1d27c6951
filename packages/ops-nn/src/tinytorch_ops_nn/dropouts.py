"""Dropout: elements left out at random."""

from __future__ import annotations

from typing import Any

import numpy as np
from tinytorch import Array, Function, Operation, Tensor, default_generator
from tinytorch.samples import Sample, bad, sample, uniform

from .operands import floating, probability

Generator = np.random.Generator | int | None


class DropoutBackward(Function):
    """x / (1 - p) where an element is kept, 0 elsewhere. Gradient: g / (1 - p), or 0."""

    def forward(self, x: Array, kept: Array, *, p: float) -> Any:
        self.scale = 1 / (1 - p) if p < 1 else 0.0
        self.save(kept)
        return self._drop(x, kept)

    def apply(self, grad_output: Array) -> Any:
        (kept,) = self.saved
        return self._drop(grad_output, kept), None

    def _drop(self, x: Any, kept: Any) -> Any:
        remaining = x * kept
        remaining *= self.scale
        return remaining


def dropout(
    input: Any, p: float = 0.5, training: bool = True, *, generator: Generator = None
) -> Tensor:
    """Each element left out with a probability, and the others enlarged, to keep the mean.

    Parameters
    ----------
    input : Tensor
        Any shape.
    p : float
        The probability of 0 in place of an element, from 0 to 1; the others are divided by 1 - p.
    training : bool
        Whether to do so at all; `input` is returned as it is if not.
    generator : numpy.random.Generator or int, optional
        Where the random numbers come from, or a seed for them; by default
        `tinytorch.default_generator`, which `tinytorch.manual_seed` seeds.

    Returns
    -------
    Tensor
        The shape and dtype of `input`, float32 for integers. The gradient is g / (1 - p) where the
        element was kept, and 0 elsewhere.

    Raises
    ------
    ValueError
        If `p` is not from 0 to 1.
    TypeError
        If `p` is not a number, or `generator` is something else.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014), JMLR 15:1929-1958.

    Examples
    --------
    >>> dropout(Tensor([1.0, 1.0, 1.0, 1.0]), 0.5, generator=0)
    Tensor(data=[2. 2. 2. 0.], shape=(4,))
    >>> dropout(Tensor([1.0]), training=False)
    Tensor(data=[1.], shape=(1,))
    """
    x, probable = floating("dropout", input), probability("dropout", "p", p)
    source = random_source("dropout", generator)
    if not training or probable == 0:
        same: Tensor = x.reshape(x.shape)
        return same
    return DropoutBackward.call(x, draw_kept(source, x.shape, probable), p=probable)


def random_source(op: str, generator: Generator) -> np.random.Generator:
    """Return the generator that is given, or made from the seed that is given, or core's."""
    if generator is None:
        return default_generator()
    if isinstance(generator, np.random.Generator):
        return generator
    if isinstance(generator, int | np.integer) and generator >= 0:
        return np.random.default_rng(generator)
    raise TypeError(
        f"{op}: generator should be a numpy.random.Generator, or a seed that is an integer and "
        f"not negative, but it is {generator!r}"
    )


def draw_kept(source: np.random.Generator, shape: tuple[int, ...], p: float) -> Array:
    """Return booleans of a shape, each true with the probability 1 - p."""
    return np.asarray(source.random(shape, dtype=np.float32) >= p)


def _dropouts() -> list[Sample]:
    shapes: list[tuple[int, ...]] = [(), (1,), (4,), (2, 3), (0, 3), (2, 1, 3)]
    return [
        *(sample(uniform(shape), generator=3) for shape in shapes),
        *(sample(uniform((3, 4)), p, generator=1) for p in (0, 0.1, 0.9, 1, 1.0)),
        sample(uniform((3, 4)), 0.5, training=False),
        sample(uniform((3, 4)), 0.25, True, generator=2),
    ]


def _plain_dropout(
    input: Any, p: float = 0.5, training: bool = True, generator: Generator = None
) -> Any:
    if not training or p == 0:
        return input
    drawn = np.random.default_rng(generator).random(input.shape, dtype=np.float32)
    return np.where(drawn < p, 0.0, input / max(1 - p, 1e-9))


OPERATIONS: list[Operation] = [
    Operation(
        dropout,
        DropoutBackward,
        torch="nn.functional.dropout",
        samples=_dropouts,
        reference=_plain_dropout,
        bad_inputs=[
            bad(ValueError, "p should be from 0 to 1, but it is 1.5", uniform((2, 3)), 1.5),
            bad(ValueError, "p should be from 0 to 1, but it is -0.1", uniform((2, 3)), -0.1),
            bad(ValueError, "p should be from 0 to 1, but it is nan", uniform(()), float("nan")),
            bad(TypeError, "p should be a number", uniform((2, 3)), "half"),
            bad(TypeError, "generator should be", uniform((2, 3)), generator="seed"),
            bad(TypeError, "generator should be", uniform((2, 3)), generator=-1),
            bad(TypeError, "input should be a tensor of real numbers", "text"),
        ],
    ),
]
