"""Normalization: exact statistics, running ones, what has no spread, and half precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch_ops_nn as nn
from hypothesis import given, settings
from hypothesis import strategies as st
from tinytorch import Tensor, from_numpy

RNG = np.random.default_rng(0)


def test_layer_norm_by_hand() -> None:
    """(1, 2, 3, 4) has mean 2.5 and variance 1.25; weight and bias come after."""
    y = nn.layer_norm(Tensor([[1.0, 2.0, 3.0, 4.0]], dtype=np.float64), 4, eps=0.0)
    np.testing.assert_allclose(y.data, [np.array([-1.5, -0.5, 0.5, 1.5]) / np.sqrt(1.25)])
    weight, bias = Tensor([1.0, 2.0, 3.0, 4.0]), Tensor([0.0, 0.0, 1.0, 1.0])
    scaled = nn.layer_norm(Tensor([[1.0, 2.0, 3.0, 4.0]], dtype=np.float64), 4, weight, bias, 0.0)
    np.testing.assert_allclose(scaled.data, y.data * weight.data + bias.data)


def test_rms_norm_by_hand() -> None:
    """(1, 7) has the mean square 25; the default eps is that of the dtype."""
    x = np.array([1.0, 7.0])
    np.testing.assert_allclose(nn.rms_norm(Tensor(x), 2).data, x / 5, rtol=1e-12)
    tiny = np.array([1e-4, 0.0], np.float32)
    expected = 1e-4 / np.sqrt(0.5e-8 + np.finfo(np.float32).eps)
    np.testing.assert_allclose(nn.rms_norm(Tensor(tiny), 2).data[0], expected, rtol=1e-6)


NORMS: dict[str, Any] = {
    "layer": lambda x: nn.layer_norm(x, 6),
    "rms": lambda x: nn.rms_norm(x, 6),
    "group": lambda x: nn.group_norm(x, 2),
    "one group": lambda x: nn.group_norm(x, 1),
    "instance": nn.instance_norm,
    "batch": lambda x: nn.batch_norm(x, None, None, training=True),
}


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_rows_without_spread(norm: Any) -> None:
    """Where all is zero the output is zero and the gradient finite, thanks to eps."""
    x = Tensor(np.zeros((3, 4, 6)), requires_grad=True)
    y = norm(x)
    y.backward(RNG.normal(size=y.shape))
    assert not y.data.any()
    assert x.grad is not None
    assert np.isfinite(x.grad).all()


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_half_precision(norm: Any) -> None:
    """Sums are taken in single precision: values whose squares overflow give what they should."""
    x = (RNG.normal(size=(3, 4, 6)) * 1000).astype(np.float16)
    leaf = Tensor(x, requires_grad=True)
    y = norm(leaf)
    assert y.dtype == np.float16
    np.testing.assert_allclose(y.data, norm(Tensor(x.astype(float))).data, rtol=2e-3, atol=2e-3)
    y.backward(RNG.normal(size=y.shape))
    assert leaf.grad is not None
    assert leaf.grad.dtype == np.float16
    assert np.isfinite(leaf.grad).all()


@pytest.mark.parametrize("kind", sorted(NORMS.keys() - {"rms"}))
def test_a_large_mean_is_taken_away_first(kind: str) -> None:
    """A mean of 1e6 costs no more than its own rounding: the squares are of what is left."""
    norm = NORMS[kind]
    x = RNG.integers(-8, 8, size=(3, 4, 6)).astype(np.float32)
    far = norm(Tensor(x + np.float32(2.0**20))).data
    np.testing.assert_allclose(far, norm(Tensor(x)).data, atol=2e-2)


@pytest.mark.parametrize("kind", ["layer", "rms", "one group"])
def test_scaling_changes_nothing(kind: str) -> None:
    """Twice the input gives the same output, and its gradient is along no multiple of the input."""
    norm = NORMS[kind]
    x = Tensor(RNG.normal(size=(2, 4, 6)), requires_grad=True)
    y = norm(x)
    np.testing.assert_allclose(norm(x.detach() * 2).data, y.data, rtol=1e-4, atol=1e-5)
    y.backward(RNG.normal(size=y.shape))
    along = np.sum(np.asarray(x.grad) * x.data, axis=(1, 2))
    np.testing.assert_allclose(along, 0, atol=1e-3)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(2, 4))
@settings(deadline=None, max_examples=25)
def test_groups_between_instance_and_layer(n: int, groups: int, each: int, places: int) -> None:
    """One group of all channels is a layer norm, and a group a channel an instance norm."""
    x = Tensor(np.random.default_rng(0).normal(size=(n, groups * each, places)))
    np.testing.assert_allclose(
        nn.group_norm(x, 1).data, nn.layer_norm(x, x.shape[1:]).data, rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(
        nn.group_norm(x, x.shape[1]).data, nn.instance_norm(x).data, rtol=1e-9, atol=1e-12
    )
    one = nn.group_norm(x, groups).data[:, :each]
    alone = nn.layer_norm(Tensor(x.data[:, :each]), (each, places)).data
    np.testing.assert_allclose(one, alone, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("wrap", [lambda array: array, from_numpy])
def test_running_statistics_move_in_place(wrap: Any) -> None:
    """Arrays and Tensors alike move towards the batch by momentum, with the unbiased variance."""
    x = RNG.normal(size=(4, 3, 5))
    mean, variance = np.array([1.0, 2.0, 3.0]), np.array([0.5, 1.0, 2.0])
    expected_mean = 0.75 * mean + 0.25 * x.mean((0, 2))
    expected_variance = 0.75 * variance + 0.25 * x.var((0, 2), ddof=1)
    nn.batch_norm(Tensor(x), wrap(mean), wrap(variance), training=True, momentum=0.25)
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-12)
    np.testing.assert_allclose(variance, expected_variance, rtol=1e-12)


def test_running_statistics_of_instances() -> None:
    """Those of an instance norm move towards the average over the batch."""
    x = RNG.normal(size=(4, 3, 5))
    mean, variance = np.zeros(3), np.ones(3)
    nn.instance_norm(Tensor(x), mean, variance)
    np.testing.assert_allclose(mean, 0.1 * x.mean(2).mean(0), rtol=1e-12)
    np.testing.assert_allclose(variance, 0.9 + 0.1 * x.var(2, ddof=1).mean(0), rtol=1e-12)


def test_running_statistics_of_single_precision() -> None:
    """Buffers keep their own dtype, and are moved once, however often the gradient is taken."""
    mean, variance = np.zeros(3, np.float32), np.ones(3, np.float32)
    x = Tensor(RNG.normal(size=(4, 3)), requires_grad=True)
    y = nn.batch_norm(x, mean, variance, training=True)
    moved = mean.copy()
    (y * y).sum().backward(create_graph=True)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(mean, moved)
    np.testing.assert_allclose(mean, 0.1 * x.data.mean(0), rtol=1e-5)


def test_evaluation_changes_no_statistics() -> None:
    """In evaluation the running statistics are used, left alone, and those of the batch ignored."""
    mean, variance = np.array([1.0, -1.0]), np.array([4.0, 0.25])
    x = np.array([[3.0, 0.0], [1.0, -1.0]])
    y = nn.batch_norm(Tensor(x), mean, variance, eps=0.0)
    np.testing.assert_allclose(y.data, [[1.0, 2.0], [0.0, 0.0]])
    assert (mean.tolist(), variance.tolist()) == ([1.0, -1.0], [4.0, 0.25])


def test_evaluation_does_not_hang_on_the_buffers() -> None:
    """Buffers that move between forward and backward do not change the gradient."""
    mean, variance = np.zeros(2), np.full(2, 4.0)
    x = Tensor(np.ones((3, 2)), requires_grad=True)
    y = nn.batch_norm(x, mean, variance, eps=0.0)
    variance[:] = 100.0
    g = RNG.normal(size=(3, 2))
    y.backward(g)
    np.testing.assert_allclose(x.grad, g / 2, rtol=1e-12)


def test_an_empty_batch_is_no_nan() -> None:
    """A batch of nothing gives nothing, and parameters a gradient of zeros; NumPy is silent."""
    weight = Tensor(np.ones(4), requires_grad=True)
    y = nn.group_norm(Tensor(np.ones((2, 4, 0))), 2, weight)
    y.backward(np.ones((2, 4, 0)))
    assert weight.grad is not None
    assert weight.grad.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: nn.layer_norm(x, 3), ValueError, r"\(2, 4, 6\) and normalized_shape is \(3,\)"),
        (lambda x: nn.layer_norm(x, 6, np.ones(4)), ValueError, r"weight.*\(6,\).*\(4,\)"),
        (lambda x: nn.group_norm(x, 3), ValueError, r"divide.*it is 3.*\(2, 4, 6\)"),
        (lambda x: nn.batch_norm(x, None, None), ValueError, "running_mean is None"),
        (
            lambda x: nn.batch_norm(x[:1, :, :1], None, None, training=True),
            ValueError,
            r"more than one element.*\(1, 4, 1\)",
        ),
        (
            lambda x: nn.batch_norm(x, [0.0] * 4, [1.0] * 4),
            TypeError,
            "running_mean should be a floating Tensor or array.*in place",
        ),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    """An error names the op, what was expected, and the shapes that were given."""
    with pytest.raises(error, match=message):
        call(Tensor(np.ones((2, 4, 6))))
