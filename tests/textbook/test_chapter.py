"""The chapter's worked numbers, and its ways of using the engine."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import tinytorch
from tinytorch import Function, Tensor

tinytorch.enable_autograd(quiet=True)


class Recorded:
    """Gradient rules as a student writes them: tensors are stored, and nothing else is set up."""

    class Plus(Function):
        def __init__(self, left: Tensor, right: Tensor) -> None:
            self.saved_tensors = (left, right)

        def apply(self, grad_output: Any) -> Any:
            return grad_output, grad_output

    class Times(Function):
        def apply(self, grad_output: Any) -> Any:
            left, right = self.saved_tensors
            to_left = grad_output * right.data if left.requires_grad else None
            to_right = grad_output * left.data if right.requires_grad else None
            return to_left, to_right

    class Product(Function):
        def apply(self, grad_output: Any) -> Any:
            left, right = self.saved_tensors
            to_left = to_right = None
            if left.requires_grad:
                to_left = np.matmul(grad_output, np.swapaxes(right.data, -2, -1))
            if right.requires_grad:
                to_right = np.matmul(np.swapaxes(left.data, -2, -1), grad_output)
            return to_left, to_right


def tracked(values: Any) -> Tensor:
    return Tensor(values, requires_grad=True)


def test_first_example(capsys: pytest.CaptureFixture[str]) -> None:
    """3x + 1 has the slope 3, and printing the gradient shows it."""
    x = Tensor([2.0], requires_grad=True)
    y = x * 3 + 1
    y.backward()
    print(x.grad)
    assert capsys.readouterr().out == "[3.]\n"
    np.testing.assert_array_equal(y.data, [7])


def test_comparison_with_pytorch() -> None:
    """The square of a row times a column: 11² = 121, with gradients 22 times the other."""
    x, W = tracked([[1.0, 2.0]]), tracked([[3.0], [4.0]])
    y = x.matmul(W)
    loss = (y * y).sum()
    loss.backward()
    assert (y.data.tolist(), float(loss.data)) == ([[11.0]], 121.0)
    assert f"x.grad: {x.grad}" == "x.grad: [[66. 88.]]"
    assert f"W.grad: {W.grad}" == "W.grad: [[22.]\n [44.]]"


@pytest.mark.parametrize("square", [lambda z: z**2, lambda z: z * z], ids=["power", "product"])
def test_chain_rule(square: Any) -> None:
    """(x W + b)² at 2, 3 and 1: the sum's gradient is 14, which x and W get times the other."""
    x, W, b = tracked([2.0]), tracked([3.0]), tracked([1.0])
    product = x * W
    total = product + b
    product.retain_grad()
    total.retain_grad()
    square(total).backward()
    assert [t.grad.tolist() for t in (total, product, b, x, W)] == [[14], [14], [14], [42], [28]]


def test_record_attached_by_hand() -> None:
    """z = x + y with core's own class attached: both get the gradient of z."""
    x, y = tracked([1.0, 2.0]), tracked([3.0, 4.0])
    z = Tensor(x.data + y.data)
    z._grad_fn = tinytorch.AddBackward(x, y)
    assert z.requires_grad
    assert isinstance(z._grad_fn, tinytorch.AddBackward)
    z.backward(np.array([0.5, -2.0]))
    assert (x.grad.tolist(), y.grad.tolist()) == ([0.5, -2.0], [0.5, -2.0])


def test_automatic_record() -> None:
    """An operator leaves the record that the chapter names, and a leaf has none."""
    x, y = tracked([1.0]), tracked([2.0])
    records = [x + y, x - y, x * y, x / y, x.reshape(1, 1) @ y.reshape(1, 1), x.sum()]
    names = [type(z._grad_fn).__name__ for z in records]
    kinds = ["Add", "Sub", "Mul", "Div", "Matmul", "Sum"]
    assert names == [f"{kind}Backward" for kind in kinds]
    assert x._grad_fn is None


def test_student_rule_without_super() -> None:
    """A subclass whose constructor only stores its tensors works: that gives it its edges."""
    x, y = tracked([1.0, 2.0]), tracked([3.0, 4.0])
    doubled = y * 2
    z = Tensor(x.data + doubled.data)
    z.requires_grad = True
    z._grad_fn = Recorded.Plus(x, doubled)
    (z * Tensor([5.0, 7.0])).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([5.0, 7.0], [10.0, 14.0])


def test_student_rules_in_a_row() -> None:
    """Rules on `saved_tensors` carry a gradient through a network of their own."""
    x, W, scale = tracked([[1.0, 2.0]]), tracked([[3.0], [4.0]]), Tensor([[10.0]])
    y = Tensor(x.data @ W.data)
    y._grad_fn = Recorded.Product(x, W)
    z = Tensor(y.data * scale.data)
    z._grad_fn = Recorded.Times(y, scale)
    z.backward()
    assert (x.grad.tolist(), W.grad.tolist()) == ([[30.0, 40.0]], [[10.0], [20.0]])
    assert scale.grad is None


def test_student_rule_attached_before_requires_grad() -> None:
    """The record and `requires_grad` may be set in either order."""
    x = tracked([3.0])
    y = Tensor(x.data * x.data)
    y._grad_fn = Recorded.Times(x, x)
    y.requires_grad = True
    assert isinstance(y._grad_fn, Recorded.Times)
    y.backward(np.array([2.0]))
    assert x.grad.tolist() == [12.0]


def test_what_a_function_keeps() -> None:
    """A Function holds the tensors that it is made from, and a raw number as it is."""
    x, y = tracked([1.0]), Tensor([2.0])
    node = Recorded.Times(x, y)
    assert [tensor.data.tolist() for tensor in node.saved_tensors] == [[1.0], [2.0]]
    assert [tensor.requires_grad for tensor in node.saved_tensors] == [True, False]
    assert len(node.next_functions) == 2
    assert node.next_functions[1] is None
    assert Recorded.Times(x, 3.0).saved_tensors[1] == 3.0


def test_base_rule() -> None:
    """The base class has no rule."""
    with pytest.raises(NotImplementedError):
        Function(tracked([1.0])).apply(np.array([1.0]))


def test_recursive_walk() -> None:
    """The chapter's recursive walk, written over `next_functions`, finds the same gradients."""
    x, W = tracked([[1.0, 2.0]]), tracked([[3.0], [4.0]])
    y = x.matmul(W)
    loss = (y * y).sum()
    found: dict[Any, Any] = {}

    def walk(node: Any, gradient: Any) -> None:
        if not isinstance(node, Function):
            found[node] = found.get(node, 0) + gradient
            return
        for edge, share in zip(node.next_functions, results(node, gradient), strict=True):
            if edge is not None:
                walk(edge, share)

    walk(loss._grad_fn, np.ones(()))
    loss.backward()
    assert [gradient.tolist() for gradient in found.values()] == [x.grad.tolist(), W.grad.tolist()]


def results(node: Function, gradient: Any) -> Any:
    answer = node.apply(gradient)
    return answer if isinstance(answer, tuple) else (answer,)


def test_accumulation() -> None:
    """A second backward adds to the gradient of the first, and zero_grad() starts again."""
    x = tracked([2.0])
    (x * 3).backward()
    (x * 5).backward()
    assert x.grad.tolist() == [8.0]
    x.zero_grad()
    assert x.grad is None
    (x * 5).backward()
    assert x.grad.tolist() == [5.0]


def test_ten_iterations_without_zero_grad() -> None:
    """The gradients of ten iterations add up: tenfold if they are equal, their sum if not."""
    same, different = tracked([2.0]), tracked([2.0])
    for iteration in range(10):
        (same * same).backward()
        (different * iteration).backward()
    assert same.grad.tolist() == [40.0]
    assert different.grad.tolist() == [45.0]


def test_large_batch_in_chunks() -> None:
    """The gradients of four chunks add up to those of the whole batch."""
    rng = np.random.default_rng(0)
    batch, W = rng.normal(size=(32, 3)), Tensor(rng.normal(size=(3, 2)), requires_grad=True)
    for chunk in np.split(batch, 4):
        (Tensor(chunk).matmul(W) ** 2).sum().backward()
    in_chunks = W.grad
    W.zero_grad()
    (Tensor(batch).matmul(W) ** 2).sum().backward()
    np.testing.assert_allclose(in_chunks, W.grad)


def test_memory_of_a_linear_layer() -> None:
    """x @ W + b of 32 × 512 by 512 × 768 keeps x and W, and leaves gradients: 3.3 MB in all."""
    x, W, b = (Tensor(np.ones(s, np.float32), True) for s in ((32, 512), (512, 768), (768,)))
    product = x @ W
    y = product + b
    kept = [array.nbytes for array in (*product._grad_fn.saved, *y._grad_fn.saved)]
    assert kept == [65_536, 1_572_864]
    y.backward(np.ones(y.shape))
    left = [tensor.grad.nbytes for tensor in (x, W, b)]
    assert left == [65_536, 1_572_864, 3_072]
    assert sum(kept) + sum(left) == 3_279_872


def test_memory_of_a_network() -> None:
    """Layers 784 → 512 → 256 → 128 → 10 keep their inputs for 64 samples: 0.43 MB with the last."""
    widths = [784, 512, 256, 128, 10]
    x = Tensor(np.ones((64, 784), np.float32))
    kept = []
    for inputs, outputs in pairwise(widths):
        W = Tensor(np.zeros((inputs, outputs), np.float32), requires_grad=True)
        product = x @ W
        kept.append(product._grad_fn.saved[0].nbytes)
        assert product._grad_fn.saved[0] is x.data
        x = product.relu()
    assert kept == [200_704, 131_072, 65_536, 32_768]
    assert sum(kept) + x.data.nbytes == 432_640


def test_cost_of_backward(monkeypatch: pytest.MonkeyPatch) -> None:
    """A matrix product costs two in backward, and one where only the weight asks for it."""
    calls = []
    matmul = np.matmul

    def counted(*args: Any) -> Any:
        calls.append(args)
        return matmul(*args)

    monkeypatch.setattr(np, "matmul", counted)
    for x, products in ((tracked(np.ones((3, 5))), 2), (Tensor(np.ones((3, 5))), 1)):
        y = x @ tracked(np.ones((5, 2)))
        assert len(calls) == 1
        y.backward(np.ones((3, 2)))
        assert len(calls) - 1 == products
        calls.clear()


def test_requires_grad_is_opt_in() -> None:
    """A new tensor asks for no gradient, and what is computed asks where an input does."""
    data, weight = Tensor([1.0]), tracked([2.0])
    assert not data.requires_grad
    assert not (data * 2).requires_grad
    assert (data * weight).requires_grad
    (data * weight).backward()
    assert data.grad is None


def test_gradient_for_several_numbers() -> None:
    """Without a gradient backward takes 1 for one number of any shape, and refuses several."""
    x = tracked([[2.0]])
    (x * 3).backward()
    assert x.grad.tolist() == [[3.0]]
    several = tracked([1.0, 2.0])
    with pytest.raises(ValueError, match="gradient"):
        (several * 3).backward()
    (several * 3).backward(np.array([1.0, 10.0]))
    assert several.grad.tolist() == [3.0, 30.0]


@pytest.mark.parametrize("gradient", [np.array([1.0, -2.0]), Tensor([1.0, -2.0]), [1.0, -2.0]])
def test_kinds_of_gradient(gradient: Any) -> None:
    """The gradient to start from may be an array, a Tensor or a list."""
    x = tracked([1.0, 2.0])
    (x * 3).backward(gradient)
    assert x.grad.tolist() == [3.0, -6.0]


def test_a_hundred_layers() -> None:
    """One backward flows through a hundred layers of weights, to each of them."""
    rng = np.random.default_rng(0)
    weights = [tracked(rng.normal(0, 0.3, (10, 10))) for _ in range(100)]
    x = Tensor(rng.normal(size=(4, 10)))
    for W in weights:
        x = (x @ W).tanh() + x
    (x * x).mean().backward()
    assert all(W.grad is not None and W.grad.any() for W in weights)


def test_shared_embedding() -> None:
    """A table used in two places gets the gradients of both."""
    table = tracked([[1.0], [2.0]])
    first, second = tinytorch.ops.embedding([0, 1], table), tinytorch.ops.embedding([1, 1], table)
    (first * 10 + second).sum().backward()
    assert table.grad.tolist() == [[10.0], [12.0]]


def test_enabling(capsys: pytest.CaptureFixture[str]) -> None:
    """Enabling may be said often, and prints only if it does something and is not quiet."""
    with tinytorch.isolated_registry(fresh=True):
        tinytorch.enable_autograd(quiet=True)
        tinytorch.enable_autograd()
        assert capsys.readouterr().out == ""
    with tinytorch.isolated_registry(fresh=True):
        tinytorch.enable_autograd()
        assert "tinytorch-core" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (Tensor([1.0, 2.0], requires_grad=True), "data=[1. 2.], shape=(2,), requires_grad=True"),
        (Tensor([1.0, 2.0]), "data=[1. 2.], shape=(2,)"),
        (Tensor(3.0), "data=3., shape=()"),
    ],
    ids=["tracked", "plain", "number"],
)
def test_repr(tensor: Tensor, text: str) -> None:
    """A tensor shows its data, its shape, and whether it asks for gradients."""
    assert repr(tensor) == f"Tensor({text})"


def test_attributes() -> None:
    """A tensor has the attributes of the course: arrays of NumPy, and plain numbers about them."""
    x = tracked([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert (x.shape, x.size, x.dtype) == ((2, 3), 6, np.float32)
    assert x.numpy() is x.data
    (x * 2).sum().backward()
    assert type(x.grad) is np.ndarray
    assert x.grad.shape == x.shape


def test_spellings() -> None:
    """Methods take their arguments in the ways that the course writes them."""
    array = np.arange(24.0).reshape(2, 3, 4)
    x = Tensor(array)
    for given, expected in (
        (x.reshape(4, 6), array.reshape(4, 6)),
        (x.reshape((4, -1)), array.reshape(4, -1)),
        (x.transpose(), array.swapaxes(1, 2)),
        (x.transpose(0, 2), array.swapaxes(0, 2)),
        (x.transpose(dim0=-1, dim1=0), array.swapaxes(0, 2)),
        (x.T, array.swapaxes(1, 2)),
        (x.sum(axis=1, keepdims=True), array.sum(1, keepdims=True)),
        (x.sum(), array.sum()),
        (x.mean(axis=-1), array.mean(-1)),
        (x.mean(0, True), array.mean(0, keepdims=True)),
        (x.max(axis=0), array.max(0)),
        (x.max(axis=2, keepdims=True), array.max(2, keepdims=True)),
        (x @ x.transpose(), array @ array.swapaxes(1, 2)),
        (x.matmul(x.T), array @ array.swapaxes(1, 2)),
    ):
        np.testing.assert_array_equal(given.data, expected)
        assert given.shape == np.shape(expected)


def test_only_leaves_keep_gradients() -> None:
    """Unlike in the course, a computed tensor keeps its gradient only if it was asked to."""
    x = tracked([1.0])
    y = x * 2
    z = x * 3
    z.retain_grad()
    (y + z).backward()
    with pytest.warns(UserWarning, match=r"retain_grad\(\)"):
        assert y.grad is None
    assert z.grad.tolist() == [1.0]
