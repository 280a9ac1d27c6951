"""Every registered operation agrees with PyTorch's, in value and gradient, on all its samples.

A sample is run in both dtypes and in several memory layouts, with a random gradient at the output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import tinytorch
import torch
from tinytorch import Operation, Tensor, from_numpy
from tinytorch.missing import HINTS
from tinytorch.operation import registry
from tinytorch.samples import Sample, uniform

from . import higher
from .counterparts import FAMILIES, constant, counterpart

tinytorch.enable_autograd(quiet=True, strict=True)

OPERATIONS = [op for name, op in registry.operations.items() if name == op.name]


class Case(NamedTuple):
    """One output of an operation for one of its samples."""

    operation: Operation
    sample: Sample
    number: int
    output: int
    is_floating: bool

    def __str__(self) -> str:
        return f"{self.operation.name}-{self.number}-{self.output}"


def _cases(operation: Operation) -> Iterator[Case]:
    for number, sample in enumerate(operation.make_samples()):
        result = operation.function(*sample.inputs, **sample.parameters)
        outputs = result if isinstance(result, list | tuple) else [result]
        for position, output in enumerate(outputs):
            yield Case(operation, sample, number, position, output.dtype.kind == "f")


CASES = [case for op in OPERATIONS if op.torch for case in _cases(op)]

NOT_COMPARED_BY_NAME = {
    "astype": "PyTorch has dtypes of its own; see test_conversion",
    **{name: reason for family in FAMILIES for name, reason in family.NOT_COMPARED.items()},
}
"""Operations of ours that name no function of PyTorch, and why."""

TOLERANCES = {
    np.float64: {"rtol": 1e-10, "atol": 1e-12},
    np.float32: {"rtol": 2e-5, "atol": 2e-6},
}
LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "contiguous": lambda array: array,
    "columns first": np.asfortranarray,
    "every other element": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
    "backwards": lambda array: array[::-1].copy()[::-1],
}


class Both:
    """The arguments of one call, for us and for PyTorch."""

    def __init__(self, sample: Sample, dtype: Any, arrange: Callable[[Any], Any]) -> None:
        self.dtype = dtype
        self.arrange = arrange
        self.leaves: list[tuple[Tensor, torch.Tensor]] = []
        self.inputs = [self._both(value) for value in sample.inputs]
        self.parameters = {name: self._both(value) for name, value in sample.parameters.items()}

    def _both(self, value: Any) -> tuple[Any, Any]:
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return self._leaf(value)
        if isinstance(value, list | tuple) and any(isinstance(x, np.ndarray) for x in value):
            pairs = [self._both(x) for x in value]
            ours, theirs = zip(*pairs, strict=True)
            return list(ours), list(theirs)
        return value, constant(value, self.dtype)

    def _leaf(self, values: Any) -> tuple[Tensor, torch.Tensor]:
        array = values.astype(self.dtype)
        ours = from_numpy(self.arrange(array) if array.ndim else array).requires_grad_()
        self.leaves.append((ours, torch.tensor(array, requires_grad=True)))
        return self.leaves[-1]

    def outputs(self, operation: Operation, number: int) -> tuple[Tensor, torch.Tensor]:
        ours = operation.function(
            *(value for value, _ in self.inputs),
            **{name: value for name, (value, _) in self.parameters.items()},
        )
        theirs = counterpart(operation)(
            *(value for _, value in self.inputs),
            **{name: value for name, (_, value) in self.parameters.items()},
        )
        if isinstance(ours, list | tuple):
            assert len(ours) == len(theirs)
            return ours[number], theirs[number]
        return ours, theirs


def check(
    ours: Tensor,
    theirs: torch.Tensor,
    leaves: Iterable[tuple[Tensor, torch.Tensor]],
    arrange: Callable[[Any], Any] = lambda array: array,
    *,
    rtol: float,
    atol: float,
) -> None:
    """Values and gradients are equal, shapes and dtypes too; the output's gradient is random."""
    expected = theirs.detach().numpy()
    assert (ours.shape, ours.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(ours.data, expected, rtol, atol)
    assert ours.requires_grad == theirs.requires_grad
    if not ours.requires_grad:
        return
    seed = np.asarray(np.random.default_rng(ours.size).normal(size=ours.shape), ours.dtype)
    theirs.backward(torch.tensor(seed))
    ours.backward(arrange(seed) if seed.ndim else seed)
    for leaf, other in leaves:
        assert (leaf.grad is None) == (other.grad is None)
        if leaf.grad is not None and other.grad is not None:
            assert leaf.grad.dtype == leaf.dtype
            np.testing.assert_allclose(leaf.grad, other.grad.numpy(), rtol, atol)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_operation(case: Case, record_property: Callable[[str, object], None]) -> None:
    """The operation gives PyTorch's value and gradient for one of its samples."""
    operation, sample = case.operation, case.sample
    for dtype, tolerances in TOLERANCES.items():
        for layout, arrange in LAYOUTS.items():
            both = Both(sample, dtype, arrange)
            try:
                check(*both.outputs(operation, case.output), both.leaves, arrange, **tolerances)
            except Exception as error:
                error.add_note(f"in {operation.name}{sample}, {dtype.__name__}, {layout}")
                raise
    record_property("operation", operation.name)
    record_property("comparisons", len(TOLERANCES) * len(LAYOUTS))


class Difference(NamedTuple):
    """Where a higher derivative of ours is not PyTorch's, and why."""

    operation: str
    applies: Callable[..., bool]
    """Whether it shows in the call with these arguments."""
    reason: str
    has_derivative: bool = True
    """Whether central differences mean something there, so that they can decide."""

    def is_in(self, operation: Operation, sample: Sample) -> bool:
        return operation.name == self.operation and self.applies(
            *sample.inputs, **sample.parameters
        )


DIFFERENCES = [
    Difference(
        "power",
        lambda base, exponent: isinstance(exponent, np.ndarray) and not np.all(base),
        "PyTorch multiplies 0 by log 0 and gets NaN; ours leaves the term out, as both do in the "
        "first derivative",
        has_derivative=False,
    ),
    *(
        Difference(
            name,
            lambda input, target, *_, ignore_index=-100, reduction="mean", **__: (
                target.dtype.kind == "i"
                and reduction == "mean"
                and bool((target == ignore_index).all())
            ),
            "the mean loss of no labels is NaN; its second derivative towards what it is "
            "multiplied with is 0 by ours, a sum over no inputs, and NaN by PyTorch's",
            has_derivative=False,
        )
        for name in ("cross_entropy", "nll_loss")
    ),
    Difference(
        "triplet_margin_loss",
        lambda *_, eps=1e-6, **__: eps == 0,
        "a distance of 0 has no second derivative; ours is 0, and PyTorch's NaN",
        has_derivative=False,
    ),
    Difference(
        "kl_div",
        lambda input, target, reduction="mean", **_: reduction == "batchmean" and not input.size,
        "the mean over no batch is NaN; its second derivative towards what it is multiplied with "
        "is 0 by ours, a sum over no inputs, and NaN by PyTorch's",
        has_derivative=False,
    ),
    Difference(
        "embedding",
        lambda input, weight, padding_idx=None: not input.size,
        "PyTorch cannot reshape nothing in its second derivative, and raises",
    ),
    Difference(
        "std",
        lambda x, *_, correction=1, **__: x.size > correction and not np.ptp(x),
        "the deviation of equal elements has no derivative; the gradient is 0 by convention, and "
        "its derivative 0 by ours, NaN by PyTorch's",
        has_derivative=False,
    ),
    Difference(
        "norm",
        lambda x, p="fro", *_, **__: p not in (1, np.inf, -np.inf) and not np.all(x),
        "PyTorch's second derivative is NaN where an element is 0; ours is 0, as the first is",
        has_derivative=False,
    ),
    Difference(
        "logaddexp",
        lambda input, other: bool(np.any(np.isinf(input) | np.isinf(other))),
        "PyTorch's second derivative is NaN where an operand is -∞; ours is 0, the limit",
        has_derivative=False,
    ),
    Difference(
        "atan2",
        lambda input, other: not np.all((input != 0) | (other != 0)),
        "the gradient at the origin is 0 by convention; its derivative is 0 by ours, NaN by "
        "PyTorch's",
        has_derivative=False,
    ),
    Difference(
        "vector_norm",
        lambda x, ord=2, dim=None, *_, **__: (
            ord not in (0, 1, np.inf, -np.inf)
            and not np.all(x)
            and (1 < ord < 2 or not np.all(np.linalg.vector_norm(x, axis=dim)))
        ),
        "a norm has no second derivative where it is 0, nor one of order below 2 where an element "
        "is 0; ours is 0 there, and PyTorch's NaN",
        has_derivative=False,
    ),
    *(
        Difference(
            name,
            lambda *_, output_padding=0, **__: bool(np.any(output_padding)),
            "PyTorch refuses output_padding in the second derivative, and raises",
        )
        for name in ("conv_transpose1d", "conv_transpose2d")
    ),
    Difference(
        "normalize",
        lambda x, p=2, *_, **__: p == 2 and bool(x.size) and not x.any(),
        "the second derivative of a vector of zeros is NaN by PyTorch's, for the norm has none "
        "there; by ours it is that of x / eps",
        has_derivative=False,
    ),
    Difference(
        "cosine_similarity",
        lambda x1, x2, **_: bool(x1.size) and not x1.any(),
        "the second derivative of a vector of zeros is NaN by PyTorch's, for the norm has none "
        "there; by ours it is that of x / eps",
        has_derivative=False,
    ),
    Difference(
        "prelu",
        lambda x, weight: x.size and not x.any(),
        "at the kink PyTorch takes one side in the first derivative and the other in the second",
        has_derivative=False,
    ),
    Difference(
        "layer_norm",
        lambda input, *operands, **parameters: input.size,
        "PyTorch's third derivative counts mean and variance as constants",
    ),
    Difference(
        "batch_norm",
        lambda input, mean, variance, weight=None, bias=None, training=False, **parameters: (
            training and input.size
        ),
        "PyTorch's third derivative counts mean and variance as constants",
    ),
    Difference(
        "instance_norm",
        lambda input, *operands, use_input_stats=True, **parameters: use_input_stats and input.size,
        "PyTorch's third derivative counts mean and variance as constants",
    ),
]


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.operation.twice_differentiable and c.is_floating], ids=str
)
def test_higher_derivatives(case: Case, record_property: Callable[[str, object], None]) -> None:
    """Derivatives of the first three orders are PyTorch's, or else what is listed decides."""
    operation, sample = case.operation, case.sample
    both = Both(sample, np.float64, LAYOUTS["contiguous"])
    ours = higher.Derivatives(
        higher.OURS,
        lambda: both.outputs(operation, case.output)[0],
        [leaf for leaf, _ in both.leaves],
    )
    (listed,) = [d for d in DIFFERENCES if d.is_in(operation, sample)] or [None]
    try:
        theirs = higher.Derivatives(
            higher.THEIRS,
            lambda: both.outputs(operation, case.output)[1],
            [leaf for _, leaf in both.leaves],
        )
        higher.compare(ours.orders, theirs.orders)
    except (AssertionError, RuntimeError) as error:
        if listed is None:
            error.add_note(f"in {operation.name}{sample}")
            raise
        if listed.has_derivative:
            higher.compare(ours.orders, ours.by_differences())
        record_property("different", listed.reason)
    else:
        assert listed is None, f"PyTorch agrees, though it is listed that {listed.reason}"
    record_property("higher", operation.name)


def test_differences_exist() -> None:
    """What is listed as different shows in some sample."""
    for difference in DIFFERENCES:
        assert any(difference.is_in(c.operation, c.sample) for c in CASES), difference.reason


def test_none_escapes() -> None:
    """Each operation names its counterpart, or is listed with a reason; no package is left out.

    But those over MPI, for PyTorch's counterparts need several processes too.
    """
    present = {registry.owners[op.name].distribution for op in OPERATIONS}
    assert present == {"tinytorch-core", *HINTS} - {"tinytorch-ops-mpi"}
    assert {op.name for op in OPERATIONS if not op.torch} == set(NOT_COMPARED_BY_NAME)


@pytest.mark.parametrize(
    ("start", "end"), [("float64", "float32"), ("float32", "float64"), ("float64", "int64")]
)
def test_conversion(start: str, end: str) -> None:
    """A gradient passes a conversion to floats in the dtype of the input, and none to integers."""
    array = uniform((2, 3)).astype(start)
    ours, theirs = Tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)
    outputs = ours.astype(end), theirs.to(getattr(torch, end))
    check(*outputs, [(ours, theirs)], **TOLERANCES[np.float32])


X = np.random.default_rng(0).normal(size=(4, 3, 5))
KEYS: list[Any] = [
    0,
    -1,
    (1, 2, 3),
    (1, -3, -5),
    (),
    ...,
    None,
    True,
    slice(None),
    slice(1, None),
    slice(-2, None),
    slice(None, None, 2),
    slice(2, 2),
    slice(-100, 100),
    (slice(None), 1),
    (..., 0),
    (0, ..., 0),
    (None, 0, None, ..., None),
    (slice(None), None, slice(1, 3)),
    (slice(0, 4, 3), slice(None), slice(4, 5)),
    [0],
    [0, 0, 1],
    [3, 3, 3, 3],
    [-1, 0, -4],
    [],
    (slice(None), [2, 0]),
    (slice(None), slice(None), [4, 4, 0]),
    (..., [0, 0]),
    ([0, 1], [2, 2]),
    ([0, 0], [1, 1], [2, 2]),
    ([[0], [1]], [0, 2, 0]),
    ([0, 1, 0], slice(None), [4, 4, 4]),
    (slice(1, 3), [0, 0], [1, 1]),
    (None, [0, 0]),
    ([1, 1], None),
    np.array(2),
    np.array([1, 1, 0]),
    np.array([[0, 1], [1, 3]]),
    (np.array([[0], [3]]), np.array([[1, 1]])),
    (slice(None), np.array([[0, 0], [2, 1]])),
    np.array([True, False, True, True]),
    X > 0,
    X[..., 0] > 0,
    (X > 9),
    (slice(None), np.array([True, False, True])),
    (X[..., 0] > 0, [0]),
    (np.array([True, False, True, False]), slice(None), [1, 1]),
]


@pytest.mark.parametrize("number", range(len(KEYS)))
def test_getitem(number: int) -> None:
    """Indexing gives PyTorch's elements, and a gradient that counts repeated ones."""
    key = KEYS[number]
    ours, theirs = Tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True)
    check(ours[key], theirs[_for_torch(key)], [(ours, theirs)], **TOLERANCES[np.float64])


@pytest.mark.parametrize("number", range(len(KEYS)))
def test_higher_derivatives_of_getitem(number: int) -> None:
    """So do the second and third derivative of what is nonlinear in the elements."""
    key = KEYS[number]
    ours, theirs = Tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True)
    higher.compare(
        higher.Derivatives(higher.OURS, lambda: ours[key] ** 3, [ours]).orders,
        higher.Derivatives(higher.THEIRS, lambda: theirs[_for_torch(key)] ** 3, [theirs]).orders,
    )


@pytest.mark.parametrize("number", range(len(KEYS)))
def test_getitem_by_tensors(number: int) -> None:
    """Indices and masks that are tensors of ours mean what arrays mean."""
    key = KEYS[number]
    ours, theirs = Tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True)
    check(
        ours[_with_arrays_as(from_numpy, key)],
        theirs[_for_torch(key)],
        [(ours, theirs)],
        **TOLERANCES[np.float64],
    )


def _for_torch(key: Any) -> Any:
    return _with_arrays_as(torch.tensor, key)


def _with_arrays_as(kind: Callable[[Any], Any], key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(_with_arrays_as(kind, part) for part in key)
    return kind(key) if isinstance(key, np.ndarray) else key
