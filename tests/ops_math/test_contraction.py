"""einsum against NumPy's, over drawn equations; its forms, its order, and its messages."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinytorch import Tensor, grad
from tinytorch.func import jacobian
from tinytorch.testing import gradcheck
from tinytorch_ops_math import ContractBackward, einsum, tensordot

RNG = np.random.default_rng(0)
LENGTHS = {"a": 2, "b": 3, "c": 4, "d": 1, "E": 2}


@st.composite
def equations(draw: Any) -> tuple[str, list[tuple[int, ...]]]:
    """Draw an equation for one to four operands, and their shapes."""
    letters = st.sampled_from(sorted(LENGTHS))
    terms = draw(st.lists(st.text(letters, max_size=3), min_size=1, max_size=4))
    dots = draw(st.lists(st.booleans(), min_size=len(terms), max_size=len(terms)))
    shapes, written = [], []
    for term, dotted in zip(terms, dots, strict=True):
        place = draw(st.integers(0, len(term)))
        covered = draw(st.sampled_from([(), (2,), (3, 2), (1, 2), (3, 1)])) if dotted else ()
        lengths = [LENGTHS[x] for x in term]
        shapes.append((*lengths[:place], *covered, *lengths[place:]))
        written.append(term[:place] + "..." * dotted + term[place:])
    equation = ",".join(written)
    if draw(st.booleans()):
        used = sorted(set("".join(terms)))
        result = draw(st.permutations(used))[: draw(st.integers(0, len(used)))]
        place = draw(st.integers(0, len(result)))
        equation += f"->{''.join(result[:place])}{'...' * any(dots)}{''.join(result[place:])}"
    return equation, shapes


@given(equations())
@settings(deadline=None, max_examples=200)
def test_any_equation_is_numpys(drawn: tuple[str, list[tuple[int, ...]]]) -> None:
    """Value and gradient are those of NumPy's einsum, for any number of operands."""
    equation, shapes = drawn
    arrays = [RNG.normal(size=shape) for shape in shapes]
    expected = np.einsum(equation, *arrays)
    tensors = [Tensor(x, requires_grad=True) for x in arrays]
    result = einsum(equation, *tensors)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result.data, expected, rtol=1e-10, atol=1e-10)
    g = RNG.normal(size=result.shape)
    result.backward(g)
    for position, tensor in enumerate(tensors):
        # It is linear in each operand, so that a difference is exact but for rounding.
        direction = RNG.normal(size=tensor.shape)
        others = [*arrays[:position], direction, *arrays[position + 1 :]]
        slope = (g * np.einsum(equation, *others)).sum()
        assert tensor.grad is not None
        np.testing.assert_allclose((tensor.grad * direction).sum(), slope, rtol=1e-8, atol=1e-8)


def test_common_equations_are_one_node() -> None:
    """Two operands without repeated or lone letters are contracted in one step, by name."""
    x, y = (Tensor(RNG.normal(size=(3, 3)), requires_grad=True) for _ in range(2))
    node = einsum("ij,jk", x, y).grad_fn
    while node is not None and not isinstance(node, ContractBackward):
        (node,) = node.next_functions
    assert node is not None
    assert [edge.next_functions for edge in node.next_functions] == [(), ()]


def test_length_one_broadcasts() -> None:
    """An axis of length 1 stands for any length of its letter, as in PyTorch."""
    x, y = RNG.normal(size=(2, 1)), RNG.normal(size=(3, 4))
    result = einsum("ij,jk->ik", Tensor(x), Tensor(y))
    np.testing.assert_allclose(result.data, x * y.sum(axis=0))
    assert gradcheck(lambda a, b: einsum("ij,jk->jik", a, b), [x, y])


def test_dots_that_the_result_lacks_are_summed() -> None:
    """As in PyTorch; NumPy refuses such an equation."""
    x = RNG.normal(size=(2, 3, 4))
    np.testing.assert_allclose(einsum("...i->i", Tensor(x)).data, x.sum(axis=(0, 1)))


def test_lists_of_numbers() -> None:
    """Numbers in place of letters, with an Ellipsis, and with or without a list for the result."""
    x, y = RNG.normal(size=(5, 2, 3)), RNG.normal(size=(3, 4))
    tensors = Tensor(x, requires_grad=True), Tensor(y)
    for lists in (([..., 0, 1], [1, 2]), ([..., 0, 1], [1, 2], [2, ..., 0])):
        result = einsum(tensors[0], lists[0], tensors[1], *lists[1:])
        expected: Any = np.einsum(x, lists[0], y, *lists[1:])
        np.testing.assert_allclose(result.data, expected)
        assert result.requires_grad


def test_numpys_einsum_is_recorded() -> None:
    """np.einsum on tensors is this operation, in both of its forms, whatever `optimize` says."""
    x, y = Tensor(RNG.normal(size=(2, 3)), requires_grad=True), RNG.normal(size=(3, 4))
    calls: list[Any] = [
        lambda x, y: np.einsum("ij,jk", x, y),
        lambda x, y: np.einsum("ij,jk->ki", x, y, optimize=True),
        lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [0, 2], optimize="greedy"),
    ]
    for call in calls:
        result = call(x, y)
        np.testing.assert_allclose(result.data, call(x.data, y))
        assert result.requires_grad
    with pytest.raises(TypeError, match=r"np.einsum: the keyword dtype="):
        np.einsum("ij->i", x, dtype=np.float64)


@pytest.mark.parametrize("installed", [True, False])
def test_order_of_contraction(installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain is not multiplied out at once, with opt_einsum or without it."""
    if installed:
        pytest.importorskip("opt_einsum")
    else:
        monkeypatch.setitem(sys.modules, "opt_einsum", None)  # which makes its import fail
    side = 40 + installed  # another shape, so that no order is remembered
    shapes = [(side, 2), (2, side), (side, 2), (2, side), (side, 3)]
    arrays = [RNG.normal(size=shape) for shape in shapes]
    tensors = [Tensor(x, requires_grad=True) for x in arrays]
    result = einsum("ab,bc,cd,de,ef->af", *tensors)
    np.testing.assert_allclose(result.data, np.linalg.multi_dot(arrays))
    result.sum().backward()
    largest, waiting = 0, [result.grad_fn]
    while waiting:
        node: Any = waiting.pop()
        assert len(node.next_functions) <= 2
        if isinstance(node, ContractBackward):
            largest = max(largest, node._shape[0] * node._shape[1])
        waiting += node.next_functions
    assert largest == side * 3  # no product of side times side was made


def test_a_step_of_three_operands() -> None:
    """Where an order joins more than two at once, they are joined one after another."""
    arrays = [RNG.normal(size=3) for _ in range(3)]
    result = einsum("i,i,i->", *map(Tensor, arrays))
    np.testing.assert_allclose(result.item(), np.prod(arrays, axis=0).sum())


def test_the_result_is_a_tensor_of_its_own() -> None:
    """Where an equation changes nothing, the result still is not the operand."""
    x = Tensor(RNG.normal(size=(2, 3)), requires_grad=True)
    y = einsum("ij->ij", x)
    assert y is not x
    assert y.grad_fn is not None


def test_jacobian_by_a_batch_of_gradients() -> None:
    """The rule takes a batch of gradients at once, and gives the matrix that it multiplies by."""
    x, y = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4))
    both: Any = jacobian(lambda a, b: einsum("ij,jk->ki", a, b), argnums=(0, 1))(
        Tensor(x), Tensor(y)
    )
    expected_x = np.einsum("jk,il->kilj", y, np.eye(2))
    expected_y = np.einsum("ij,kl->kijl", x, np.eye(4))
    np.testing.assert_allclose(np.asarray(both[0]), expected_x)
    np.testing.assert_allclose(np.asarray(both[1]), expected_y)


def test_jacobian_of_tensordot() -> None:
    """Likewise where the labels of the axes are numbers."""
    x, y = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4))
    whole: Any = jacobian(lambda b: tensordot(Tensor(x), b, 1))(Tensor(y))
    np.testing.assert_allclose(np.asarray(whole), np.einsum("ij,kl->ikjl", x, np.eye(4)))


def test_third_derivative_of_a_trilinear_form() -> None:
    """Three operands: differentiated once towards each, the form is the tensor of its numbers."""
    core = RNG.normal(size=(2, 3, 4))
    x, y, z = (Tensor(RNG.normal(size=n), requires_grad=True) for n in (2, 3, 4))
    (gx,) = grad(einsum("abc,a,b,c->", core, x, y, z), [x], create_graph=True)
    (gy,) = grad(gx, [y], np.array([1.0, 0.0]), create_graph=True)
    (gz,) = grad(gy, [z], np.array([0.0, 0.0, 1.0]))
    np.testing.assert_allclose(gz, core[0, 2])


def test_float32_and_mixtures() -> None:
    """Dtypes promote as in NumPy, and each gradient has its own."""
    x = Tensor(RNG.normal(size=3).astype(np.float32), requires_grad=True)
    y = Tensor(RNG.normal(size=3), requires_grad=True)
    assert einsum("i,i", x, x).dtype == np.float32
    mixed = einsum("i,i", x, y)
    assert mixed.dtype == np.float64
    mixed.backward()
    assert x.grad is not None
    assert x.grad.dtype == np.float32
    assert (
        einsum("i,i", Tensor([1, 2], dtype=np.int64), Tensor([3, 4], dtype=np.int64)).item() == 11
    )


def test_messages_name_equation_and_shapes() -> None:
    """An error says which letter, which lengths, and which shapes."""
    expected = r"'j' in 'ij,jk' have lengths 3 and 2; the shapes are \(2, 3\), \(2, 4\)"
    with pytest.raises(ValueError, match=expected):
        einsum("ij,jk", Tensor(np.ones((2, 3))), Tensor(np.ones((2, 4))))
