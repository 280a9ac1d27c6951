"""Convolution: by hand, as a matrix, its adjoint, and its memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
import tinytorch
from hypothesis import given, settings
from hypothesis import strategies as st
from tinytorch import Tensor
from tinytorch_ops_nn import conv1d, conv2d, conv_transpose1d, conv_transpose2d


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def grad(y: Tensor, x: Tensor, weights: Any = None, **options: Any) -> Any:
    (gradient,) = tinytorch.grad(y, [x], weights, **options)
    return gradient


def test_by_hand() -> None:
    """A 2 x 2 kernel on a 3 x 3 image, not turned round; the gradients counted by hand."""
    x = Tensor(np.arange(9.0).reshape(1, 1, 3, 3), requires_grad=True)
    w = Tensor([[[[1.0, 2.0], [3.0, 4.0]]]], requires_grad=True)
    b = Tensor([100.0], requires_grad=True)
    y = conv2d(x, w, b)
    assert y.tolist() == [[[[127, 137], [157, 167]]]]
    y.backward([[[[1.0, 0.0], [0.0, 10.0]]]])
    assert x.grad.tolist() == [[[[1, 2, 0], [3, 4 + 10, 20], [0, 30, 40]]]]
    assert w.grad.tolist() == [[[[0 + 40, 1 + 50], [3 + 70, 4 + 80]]]]
    assert b.grad.tolist() == [11]


def test_numpys_correlation() -> None:
    """One channel in one dimension is np.correlate, in each of its modes."""
    x, w = numbers(9), numbers(4, seed=1)
    for padding, mode in ((0, "valid"), (3, "full")):
        y = conv1d(x[None], w[None, None], padding=padding)
        np.testing.assert_allclose(y.data[0], np.correlate(x, w, mode), rtol=1e-12)
    x_transposed = conv_transpose1d(x[None], w[None, None])
    np.testing.assert_allclose(x_transposed.data[0], np.convolve(x, w), rtol=1e-12)


def test_a_kernel_of_one_is_a_matrix_product() -> None:
    """Over the channels, at each place."""
    x, w = numbers(2, 3, 4, 5), numbers(6, 3, 1, 1, seed=1)
    expected = np.einsum("oc,nchw->nohw", w[..., 0, 0], x)
    np.testing.assert_allclose(conv2d(x, w).data, expected, rtol=1e-12)
    transposed = conv_transpose2d(x, np.swapaxes(w, 0, 1))
    np.testing.assert_allclose(transposed.data, expected, rtol=1e-12)


def test_groups_are_convolutions_beside_each_other() -> None:
    """The channels of a group see no other group's, forward and backward."""
    x, w = Tensor(numbers(2, 4, 5, 5), requires_grad=True), Tensor(numbers(6, 2, 3, 3, seed=1))
    y = conv2d(x, w, groups=2, stride=2, padding=1)
    for group in range(2):
        alone = conv2d(x.data[:, 2 * group :][:, :2], w.data[3 * group :][:3], stride=2, padding=1)
        np.testing.assert_allclose(y.data[:, 3 * group :][:, :3], alone.data, rtol=1e-12)
    weights = numbers(*y.shape)
    weights[:, 3:] = 0
    assert not grad(y, x, weights)[:, 2:].any()


def test_same_padding_has_the_odd_one_at_the_end() -> None:
    """An even kernel needs an odd number of zeros, one more after than before, as in PyTorch."""
    y = conv1d(Tensor([[1.0, 2.0, 3.0]]), Tensor([[[10.0, 1.0]]]), padding="same")
    assert y.tolist() == [[12, 23, 30]]


@st.composite
def arrangements(draw: Any) -> dict[str, Any]:
    """Draw a convolution of one or two axes whose windows fit."""
    axes = draw(st.integers(1, 2))
    integers = lambda low, high: [draw(st.integers(low, high)) for _ in range(axes)]  # noqa: E731
    kernel, stride, dilation, padding = (
        integers(*bounds) for bounds in ((1, 3), (1, 3), (1, 2), (0, 2))
    )
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    sizes = [
        max(span - 2 * p, 1) + draw(st.integers(0, 4))
        for span, p in zip(spans, padding, strict=True)
    ]
    groups, share, filters = (draw(st.integers(1, most)) for most in (2, 2, 4))
    return {
        "x": (draw(st.integers(1, 2)), groups * share, *sizes),
        "w": (groups * filters, share, *kernel),
        "parameters": {
            "stride": tuple(stride),
            "padding": tuple(padding),
            "dilation": tuple(dilation),
            "groups": groups,
        },
    }


@given(arrangements())
@settings(deadline=None)
def test_the_transpose_is_the_adjoint(arrangement: Any) -> None:
    """⟨conv(x, w), y⟩ = ⟨x, conv_transpose(y, w)⟩, and both have each other as gradient."""
    x, w = (
        Tensor(numbers(*arrangement["x"]), requires_grad=True),
        numbers(*arrangement["w"], seed=1),
    )
    parameters = arrangement["parameters"]
    convolve, transpose = (conv1d, conv_transpose1d) if x.ndim == 3 else (conv2d, conv_transpose2d)
    y = convolve(x, w, **parameters)
    g = Tensor(numbers(*y.shape, seed=2), requires_grad=True)
    ends = zip(x.shape[2:], y.shape[2:], w.shape[2:], *(
        parameters[name] for name in ("stride", "padding", "dilation")
    ), strict=True)  # fmt: skip
    left = [size - ((n - 1) * s - 2 * p + d * (k - 1) + 1) for size, n, k, s, p, d in ends]
    gaps = zip(left, parameters["stride"], parameters["dilation"], strict=True)
    assert all(n < max(s, d) for n, s, d in gaps)
    back = transpose(g, w, output_padding=tuple(left), **parameters)
    assert back.shape == x.shape
    np.testing.assert_allclose((y.data * g.data).sum(), (x.data * back.data).sum(), rtol=1e-9)
    np.testing.assert_allclose(grad(y, x, g.data), back.data, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(grad(back, g, x.data), y.data, rtol=1e-9, atol=1e-12)


@given(arrangements())
@settings(deadline=None)
def test_the_gradient_of_the_weight(arrangement: Any) -> None:
    """As y is linear in w, ⟨gradient, w⟩ = ⟨y, g⟩ for any g."""
    x, w = (
        numbers(*arrangement["x"]),
        Tensor(numbers(*arrangement["w"], seed=1), requires_grad=True),
    )
    y = (conv1d if x.ndim == 3 else conv2d)(x, w, **arrangement["parameters"])
    g = numbers(*y.shape, seed=2)
    gradient = grad(y, w, g)
    np.testing.assert_allclose((gradient * w.data).sum(), (y.data * g).sum(), rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("function", [conv2d, conv_transpose2d])
def test_dtypes_stay(function: Any, dtype: Any) -> None:
    """The result and the gradients are in the precision of the operands, with a bias too."""
    leaves = [
        Tensor(numbers(*shape).astype(dtype), requires_grad=True)
        for shape in ((1, 2, 4, 4), (2, 2, 3, 3), (2,))
    ]
    y = function(*leaves)
    y.backward(numbers(*y.shape).astype(dtype))
    assert {y.dtype, *(leaf.grad.dtype for leaf in leaves)} == {np.dtype(dtype)}


def test_dtypes_promote() -> None:
    """A bias of more precision makes the result more precise."""
    y = conv1d(np.ones((1, 2), np.float32), np.ones((1, 1, 2), np.float32), np.full(1, 1e-12))
    assert y.data == 2 + 1e-12


def test_a_gradient_of_zero_windows_of_rest() -> None:
    """What no window reaches, as the stride leaves it over, gets gradient 0."""
    x = Tensor(numbers(1, 1, 6), requires_grad=True)
    y = conv1d(x, numbers(1, 1, 2), stride=4)
    assert y.shape == (1, 1, 2)
    y = conv1d(x, numbers(1, 1, 2), stride=3)
    y.backward(numbers(1, 1, 2))
    assert x.grad[0, 0, [2, 5]].tolist() == [0, 0]
    assert x.grad[0, 0, [0, 1, 3, 4]].all()


def test_only_what_is_needed_is_saved() -> None:
    """Where the input needs no gradient, the weight is not kept, and the other way round."""
    x, w = numbers(1, 2, 4, 4), numbers(3, 2, 3, 3)
    for_weight = conv2d(x, Tensor(w, requires_grad=True)).grad_fn
    for_input = conv2d(Tensor(x, requires_grad=True), w).grad_fn
    assert for_weight is not None
    assert for_input is not None
    assert [saved is None for saved in for_weight.saved] == [False, True]
    assert [saved is None for saved in for_input.saved] == [True, False]


def test_windows_are_copied_once() -> None:
    """A step takes a few times the memory of the windows, and not batch times weight."""
    x, w = numbers(64, 8, 3, 3), Tensor(numbers(64, 8, 3, 3, seed=1), requires_grad=True)
    tracemalloc.start()
    try:
        conv2d(x, w).backward(numbers(64, 64, 1, 1))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * x.nbytes < 64 * w.data.nbytes


def test_a_penalty_on_the_gradient_can_be_trained() -> None:
    """The gradient towards the input is recorded, so that a loss of it has gradients."""
    x, w = (Tensor(numbers(1, 1, n), requires_grad=True) for n in (5, 3))
    slope = grad((conv1d(x, w) ** 2).sum(), x, create_graph=True)
    (slope * slope).sum().backward()

    def penalty(kernel: Any) -> Any:
        matrix = np.array([np.pad(kernel, (i, 2 - i)) for i in range(3)])
        return ((2 * matrix.T @ matrix @ x.data[0, 0]) ** 2).sum()

    for i, step in enumerate(np.eye(3) * 1e-6):
        numeric = (penalty(w.data[0, 0] + step) - penalty(w.data[0, 0] - step)) / 2e-6
        np.testing.assert_allclose(w.grad[0, 0, i], numeric, rtol=1e-6)
