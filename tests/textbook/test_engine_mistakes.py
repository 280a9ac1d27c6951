"""What the course's own engine gets wrong, and this one does not: a test for each.

One is not here, as it takes `detect_anomaly`: a write to `.data` between forward and backward.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tinytorch
from tinytorch import Function, Tensor, allclose
from tinytorch.testing import gradcheck

tinytorch.enable_autograd(quiet=True)
ops = tinytorch.ops


def draw(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def tracked(values: Any) -> Tensor:
    return Tensor(values, requires_grad=True)


def test_shared_inputs() -> None:
    """A thousand doublings take each node once, where a walk over all paths would never end."""
    visits = []

    class DoubleBackward(Function):
        def apply(self, grad_output: Any) -> Any:
            visits.append(self)
            return grad_output, grad_output

    x = tracked(np.ones(2))
    y = x
    for _ in range(1000):
        doubled = Tensor(y.data + y.data)
        doubled._grad_fn = DoubleBackward(y, y)
        y = doubled
    y.backward(np.array([1.0, 0.5]))
    assert len(visits) == len(set(visits)) == 1000
    assert x.grad.tolist() == [2.0**1000, 2.0**999]


@pytest.mark.parametrize(
    "step",
    [lambda y: y + y, lambda y: y * 0.5 + y * 0.5, lambda y: y - 1.0],
    ids=["y + y", "y/2 + y/2", "y - 1"],
)
def test_long_chains(step: Callable[[Tensor], Tensor]) -> None:
    """Some thousand operations in a row are no recursion, and cost as much each as ten do."""
    x = tracked(np.array([1.0]))
    y = x
    for _ in range(900):
        y = step(y)
    for _ in range(5000):
        y = y - 1.0
    y.backward(np.array([0.25]))
    slope = float((step(Tensor(np.array([1.0]))).data - step(Tensor(np.array([0.0]))).data)[0])
    assert x.grad.tolist() == [0.25 * slope**900]


def test_sum_over_rows_of_a_square() -> None:
    """The gradient of sum(axis=1) goes along the rows, also where rows and columns are as many."""
    for axis, spread in ((1, lambda g: g[:, None]), (0, lambda g: g[None, :])):
        x, g = tracked(draw(3, 3)), draw(3, seed=1)
        x.sum(axis=axis).backward(g)
        np.testing.assert_array_equal(x.grad, np.broadcast_to(spread(g), (3, 3)))


@pytest.mark.parametrize("name", ["mean", "max", "tanh"])
def test_gradients_that_were_lost(name: str) -> None:
    """mean, max and tanh carry gradients, by the method and by the function."""
    for function in (lambda x: getattr(x, name)(), getattr(ops, name)):
        assert gradcheck(function, [draw(3, 4)]) == 12


def test_layer_normalisation() -> None:
    """Mean and deviation depend on the input: its sum and scale do not matter afterwards."""

    def normalise(x: Tensor) -> Tensor:
        centred = x - x.mean(axis=-1, keepdims=True)
        return centred / (centred * centred).mean(axis=-1, keepdims=True).sqrt()

    gradcheck(normalise, [draw(3, 5)])
    x = tracked(draw(3, 5))
    normalise(x).backward(draw(3, 5, seed=1))
    np.testing.assert_allclose(x.grad.sum(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose((x.grad * x.data).sum(axis=-1), 0, atol=1e-12)
    assert x.grad.all()


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_is_of_one_formula(approximate: str) -> None:
    """The gradient of GELU is that of the very formula that its value comes from."""
    points = np.linspace(-5, 5, 41)
    gradcheck(lambda x: ops.gelu(x, approximate=approximate), [points], eps=1e-5, rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("left", "right"), [((3,), (3,)), ((3,), (3, 2)), ((4, 3), (3,)), ((5, 4, 3), (3,))]
)
def test_products_with_vectors(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    """A matrix product with one or two vectors has a gradient."""
    gradcheck(lambda a, b: a @ b, [draw(*left), draw(*right, seed=1)])


def test_repeated_index() -> None:
    """An element that is picked twice gets both gradients."""
    x = tracked([1.0, 2.0, 3.0])
    x[[0, 0, 1]].backward(np.array([1.0, 10.0, 100.0]))
    assert x.grad.tolist() == [11.0, 100.0, 0.0]


@pytest.mark.parametrize("shapes", [((3, 1), (3,)), ((3,), (3, 1))])
def test_losses_that_would_broadcast(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    """A column against a row is nine errors and not three, and is refused."""
    prediction, target = (Tensor(np.full(shape, 0.5)) for shape in shapes)
    for loss in (ops.mse_loss, ops.binary_cross_entropy, ops.binary_cross_entropy_with_logits):
        with pytest.raises(ValueError, match="shape"):
            loss(prediction, target)


@pytest.mark.parametrize(
    ("loss", "prediction"),
    [
        ("mse_loss", draw(3, 4)),
        ("binary_cross_entropy", 1 / (1 + np.exp(draw(3, 4)))),
        ("binary_cross_entropy_with_logits", draw(3, 4)),
        ("cross_entropy", draw(3, 4)),
    ],
)
def test_gradients_of_targets(loss: str, prediction: Any) -> None:
    """Targets that ask for a gradient get theirs."""
    target = np.random.default_rng(1).uniform(0.1, 0.9, (3, 4))
    gradcheck(getattr(ops, loss), [prediction, target])
    asked = tracked(target)
    getattr(ops, loss)(Tensor(prediction), asked).backward()
    assert asked.grad.all()


@pytest.mark.parametrize("label", [-1, 4])
def test_labels_out_of_range(label: int) -> None:
    """A class that is not there is refused, -1 too."""
    for labels in (np.array([0, label]), Tensor([0.0, float(label)])):
        with pytest.raises(IndexError, match=str(label)):
            ops.cross_entropy(Tensor(draw(2, 4)), labels)


@pytest.mark.parametrize(
    ("function", "value", "slope"),
    [
        (lambda x: 2.0 * x, [2.0, -6.0], [2.0, 2.0]),
        (lambda x: 1.0 - x, [0.0, 4.0], [-1.0, -1.0]),
        (lambda x: 1.0 + x, [2.0, -2.0], [1.0, 1.0]),
        (lambda x: 6.0 / x, [6.0, -2.0], [-6.0, -2.0 / 3]),
        (lambda x: -x, [-1.0, 3.0], [-1.0, -1.0]),
        (lambda x: x**2, [1.0, 9.0], [2.0, -6.0]),
        (lambda x: np.array([10.0, 20.0]) * x, [10.0, -60.0], [10.0, 20.0]),
        (lambda x: np.array([10.0, 20.0]) - x, [9.0, 23.0], [-1.0, -1.0]),
    ],
    ids=["2 * x", "1 - x", "1 + x", "6 / x", "-x", "x ** 2", "array * x", "array - x"],
)
def test_operators(function: Callable[[Tensor], Tensor], value: Any, slope: Any) -> None:
    """A number or an array may stand on the left, and there are signs and powers."""
    x, gradient = tracked([1.0, -3.0]), np.array([0.5, -2.0])
    y = function(x)
    assert isinstance(y, Tensor)
    assert allclose(y, value)
    y.backward(gradient)
    assert allclose(x.grad, gradient * slope)


def test_seed_of_another_shape() -> None:
    """A gradient to start from of a wrong shape is refused, and spoils nothing."""
    x = tracked([1.0, 2.0])
    y = x * x
    for gradient in (np.ones((2, 2)), np.ones(3), np.ones((1, 2)), 1.0):
        with pytest.raises(ValueError, match="shape"):
            y.backward(gradient)
    assert x.grad is None
    y.backward(np.array([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 40.0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.int8, np.bool_])
def test_dtypes_are_kept(dtype: Any) -> None:
    """Arrays keep their dtype as tensors, and floating ones through operations and back."""
    x = Tensor(np.ones(3, dtype))
    assert x.dtype == dtype
    if x.dtype.kind == "f":
        x.requires_grad = True
        y = (x * 2 + 1).sum()
        y.backward()
        assert (y.dtype, x.grad.dtype) == (dtype, dtype)


def test_integers_and_booleans_count_as_such() -> None:
    """Integers stay exact, and comparisons are boolean."""
    large = Tensor(np.array([2**53 + 1]))
    assert (large + 1).data.tolist() == [2**53 + 2]
    assert (large > 0).dtype == np.bool_
