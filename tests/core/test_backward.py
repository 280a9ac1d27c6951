"""Backward: seeds, sums, release, failures, dtypes, memory, threads and the textbook's numbers."""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import tracemalloc
import weakref
from fractions import Fraction

import numpy as np
import pytest
from tinytorch import (
    Function,
    GradientError,
    SparseGradient,
    Tensor,
    enable_grad,
    grad,
    is_grad_enabled,
    no_grad,
)


def leaf(*shape, dtype=np.float64, seed=0):
    """A tensor that requires gradients, of random numbers."""
    data = np.random.default_rng(seed).normal(size=shape)
    return Tensor(np.asarray(data, dtype), requires_grad=True)


def noise(*shape, seed=7):
    """A random gradient to start from."""
    return np.random.default_rng(seed).normal(size=shape)


def returning(gradients):
    """A Function of any inputs, whose rule returns what it is told: a value, or a call's result."""

    class Told(Function):
        def forward(self, *inputs):
            self.save(*inputs)
            return sum(np.sum(x) for x in inputs) + np.zeros((2, 3))

        def apply(self, grad_output):
            return gradients(grad_output) if callable(gradients) else gradients

    return Told


# The textbook's worked numbers.


def test_the_first_example(capsys):
    """`y = 3x + 1` prints [3.], which is a NumPy array."""
    x = Tensor([2.0], requires_grad=True)
    y = x * 3 + 1
    y.backward()
    print(x.grad)
    assert capsys.readouterr().out == "[3.]\n"
    assert type(x.grad) is np.ndarray


def test_the_sum_of_squares_of_a_matrix_product():
    """(1 2) by (3 4)ᵀ is 11: gradients 2·11·W and 2·11·x."""
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    W = Tensor([[3.0], [4.0]], requires_grad=True)
    y = x.matmul(W)
    loss = (y * y).sum()
    loss.backward()
    assert loss.item() == 121.0
    assert x.grad.tolist() == [[66.0, 88.0]]
    assert W.grad.tolist() == [[22.0], [44.0]]


def test_the_square_of_a_linear_function():
    """loss = (xW + b)²: 2zW, 2zx and 2z, for one number."""
    x, W, b = (Tensor([v], requires_grad=True) for v in (2.0, 3.0, 1.0))
    z = x * W + b
    (z * z).backward()
    assert (x.grad.tolist(), W.grad.tolist(), b.grad.tolist()) == ([42.0], [28.0], [14.0])


def test_two_backward_calls_accumulate():
    """Mini-batches add up until zero_grad."""
    w = Tensor([2.0], requires_grad=True)
    (w * 3).backward()
    (w * 4).backward()
    assert w.grad.tolist() == [7.0]
    w.zero_grad()
    (w * 5).backward()
    assert w.grad.tolist() == [5.0]


def test_ten_iterations_without_zero_grad():
    """The printed mistake: every iteration adds its gradient to all earlier ones."""
    w = Tensor([1.0], requires_grad=True)
    seen = []
    for _ in range(10):
        (w * 2).backward()
        seen.append(w.grad.item())
    assert seen == [2.0 * n for n in range(1, 11)]


def test_the_derivatives_of_the_table():
    """Sum, difference, product, quotient, matrix product, sum over elements, reshape, transpose."""
    a, b, g = leaf(2, 3), leaf(2, 3, seed=1), noise(2, 3)
    for y, grad_a, grad_b in (
        (a + b, g, g),
        (a - b, g, -g),
        (a * b, g * b.data, g * a.data),
        (a / b, g / b.data, -g * a.data / b.data**2),
    ):
        a.zero_grad()
        b.zero_grad()
        y.backward(g)
        np.testing.assert_allclose(a.grad, grad_a)
        np.testing.assert_allclose(b.grad, grad_b)
    for y, seed, grad_a in (
        (a @ b.T, noise(2, 2), noise(2, 2) @ b.data),
        (a.sum(), 2.5, np.full((2, 3), 2.5)),
        (a.reshape(3, 2), g.reshape(3, 2), g),
        (a.T, g.T, g),
    ):
        a.zero_grad()
        y.backward(seed)
        np.testing.assert_allclose(a.grad, grad_a)


def test_sum_over_an_axis_of_a_square_matrix():
    """The gradient of row sums is spread along rows, also where the shapes would not tell."""
    x = leaf(3, 3)
    x.sum(axis=1).backward(noise(3))
    np.testing.assert_array_equal(x.grad, np.repeat(noise(3)[:, None], 3, axis=1))


# The seed.


@pytest.mark.parametrize(
    "gradient", [noise(2), Tensor(noise(2)), noise(2).tolist(), tuple(noise(2))], ids=type
)
def test_the_seed_may_be_an_array_a_tensor_or_a_sequence(gradient):
    """Whatever it is, it is the gradient at the output."""
    x = leaf(2)
    (x * 2).backward(gradient)
    np.testing.assert_allclose(x.grad, noise(2) * 2, rtol=1e-6)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
@pytest.mark.parametrize("seed", [3, 3.0, np.float32(3), np.array(3.0)], ids=repr)
def test_the_seed_of_one_element_may_be_a_number(shape, seed):
    """A number of any kind fits an output of one element."""
    x = leaf(*shape)
    (x * 2).backward(seed)
    np.testing.assert_array_equal(x.grad, np.full(shape, 6.0))


@pytest.mark.parametrize("seed", [0.1, [0.1]], ids=type)
def test_a_python_seed_is_weak(seed):
    """A Python number takes the precision of the output: it is not rounded to float32 before."""
    x = leaf(1)
    (x * 1).backward(seed)
    assert x.grad.item() == 0.1


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_one_element_needs_no_seed(shape):
    """It starts from 1 there."""
    x = leaf(*shape)
    (x * 2).backward()
    np.testing.assert_array_equal(x.grad, np.full(shape, 2.0))


@pytest.mark.parametrize("shape", [(2,), (0,), (2, 3)])
def test_several_elements_need_a_seed(shape):
    """A ValueError with the shape, which is a RuntimeError as well; the graph stays usable."""
    x = leaf(*shape)
    y = x * x
    for kind in (ValueError, RuntimeError, GradientError):
        with pytest.raises(kind, match=r"shape \("):
            y.backward()
    y.backward(noise(*shape))
    np.testing.assert_allclose(x.grad, noise(*shape) * 2 * x.data)


@pytest.mark.parametrize("seed", [noise(3), noise(1, 2), noise(2, 1), noise(4), 1.0, [[1.0, 2.0]]])
def test_a_seed_of_another_shape_is_refused(seed):
    """The message says `shape`, and graph and gradients are as before."""
    x = leaf(2)
    (x * 1).backward(noise(2))
    y = x * x
    with pytest.raises(ValueError, match=r"shape.*\(2,\)"):
        y.backward(seed)
    np.testing.assert_array_equal(x.grad, noise(2))
    y.backward(noise(2))
    np.testing.assert_allclose(x.grad, noise(2) * (1 + 2 * x.data))


@pytest.mark.parametrize("seed", ["ab", np.array([1j, 2]), [None, None]], ids=repr)
def test_a_seed_that_is_no_number_is_refused(seed):
    """Text and complex numbers are no gradients: the message says what they were given for."""
    with pytest.raises(
        TypeError, match=r"given to backward\(\) should be an array of shape \(2,\)"
    ):
        (leaf(2) * 2).backward(seed)


def test_the_seed_is_cast_and_not_kept():
    """Integers and other precisions are cast to the output's; the array stays the caller's."""
    x = leaf(2, dtype=np.float32)
    seed = np.array([1, 2])
    x.backward(seed)
    assert x.grad.dtype == np.float32
    x.zero_grad()
    seed = np.array([1.0, 2.0], np.float32)
    x.backward(seed)
    assert not np.shares_memory(x.grad, seed)
    seed[:] = 9
    assert x.grad.tolist() == [1.0, 2.0]


def test_backward_from_a_leaf():
    """The gradient of a leaf towards itself is the seed."""
    x = leaf(2)
    x.backward(noise(2))
    np.testing.assert_array_equal(x.grad, noise(2))


def test_backward_of_what_requires_no_gradient():
    """An error that says why, for constants and for what no_grad computed."""
    with no_grad():
        y = leaf(1) * 2
    for x in (Tensor([1.0]), y, leaf(1).detach()):
        with pytest.raises(GradientError, match="requires_grad=True"):
            x.backward()
    for whole in (Tensor(np.array([1])), leaf(1).astype(np.int64)):
        with pytest.raises(GradientError, match=r"int64.*only floating"):
            whole.sum().backward()
        with pytest.raises(GradientError, match=r"output 0 has dtype int64"):
            grad(whole, leaf(1))


def test_backward_works_under_no_grad():
    """The grad mode is for recording; what was recorded can be differentiated in any mode."""
    x = leaf(1)
    y = x * 2
    with no_grad():
        y.backward()
        assert not is_grad_enabled()
    assert x.grad.tolist() == [2.0]


# Sums.


def test_a_node_runs_once_when_all_its_gradients_are_there():
    """A diamond: the node at its top runs once, on the sum."""
    seen = []

    class Probe(Function):
        def forward(self, x):
            return x * 1

        def apply(self, grad_output):
            seen.append(grad_output.copy())
            return grad_output

    x = leaf(2)
    y = Probe.call(x)
    ((y * 2 + y) * 3 + y.exp() * y).backward(noise(2))
    (total,) = seen
    np.testing.assert_allclose(total, noise(2) * (9 + np.exp(y.data) * (1 + y.data)))
    np.testing.assert_array_equal(x.grad, total)


def test_old_and_new_nodes_meet():
    """The order of recording decides, not the order of discovery."""
    x = leaf(2)
    a = x * 2
    b = a * 3
    c = a.exp()
    d = b * c
    e = a + d
    e.backward(noise(2))
    np.testing.assert_allclose(x.grad, noise(2) * (2 + 6 * np.exp(a.data) * (1 + a.data)))


def test_an_input_named_twice_gets_both_gradients():
    """x * x, x + x and x @ x."""
    x = leaf(2, 2)
    (x * x + x + x).backward(noise(2, 2), retain_graph=True)
    np.testing.assert_allclose(x.grad, noise(2, 2) * 2 * (x.data + 1))
    x.zero_grad()
    (x @ x).backward(noise(2, 2))
    np.testing.assert_allclose(x.grad, noise(2, 2) @ x.data.T + x.data.T @ noise(2, 2))


def test_only_leaves_keep_gradients():
    """A computed tensor keeps none, a constant gets none."""
    x, c = leaf(2), Tensor(noise(2))
    y = x * c
    y.sum().backward()
    with pytest.warns(UserWarning, match=r"retain_grad\(\)"):
        assert y.grad is None
    assert c.grad is None
    assert x.grad is not None


def test_a_leaf_that_is_not_reached_keeps_what_it_has():
    """Neither None nor an earlier gradient changes."""
    x, y = leaf(2), leaf(2)
    (y * 1).backward(noise(2))
    x.sum().backward()
    np.testing.assert_array_equal(y.grad, noise(2))


# Shapes and counts.


@pytest.mark.parametrize(
    ("shape", "position"), [((4,), 0), ((4,), 1), ((3, 2), 1), ((), 0), ((2,), 1)], ids=str
)
def test_a_wrong_shaped_gradient_is_named(shape, position):
    """The Function, the position of the input and both shapes."""
    gradients = [noise(2, 3), noise(2, 3)]
    gradients[position] = noise(*shape)
    x, y = leaf(2, 3), leaf(2, 3)
    z = returning(tuple(gradients)).call(x, y)
    with pytest.raises(GradientError) as caught:
        z.backward(noise(2, 3))
    for part in ("Told", f"input {position}", str(shape), "(2, 3)"):
        assert part in str(caught.value)
    assert x.grad is y.grad is None


@pytest.mark.parametrize(
    "gradients", [(), (noise(2, 3),), (noise(2, 3),) * 3, noise(2, 3)], ids=len
)
def test_a_wrong_number_of_gradients_is_named(gradients):
    """Too few or too many: the Function, how many were expected and how many came."""
    x, y = leaf(2, 3), leaf(2, 3)
    count = len(gradients) if isinstance(gradients, tuple) else 1
    with pytest.raises(GradientError, match=rf"Told.*2 inputs.*{count}"):
        returning(gradients).call(x, y).backward(noise(2, 3))
    assert x.grad is y.grad is None


@pytest.mark.parametrize(
    "gradient",
    [
        "a",
        np.array([1j] * 3),
        np.array(["1"] * 3, object),
        np.array([["1"] * 3]),
        Fraction(1, 3),
        {},
    ],
    ids=str,
)
def test_a_gradient_that_is_no_number_is_named(gradient):
    """The Function, the position and what came instead."""
    x = leaf(3)
    with pytest.raises((GradientError, TypeError), match=r"Told.*input 0"):
        returning((gradient,)).call(x).backward(noise(2, 3))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 3), (2, 1), (1, 1), (2, 3)])
def test_gradients_of_the_broadcast_shape_are_summed_down(shape):
    """A rule may return the gradient of what its input was broadcast to."""
    x = leaf(*shape)
    returning(lambda g: (g,)).call(x).backward(noise(2, 3))
    lost = 2 - len(shape)
    expected = noise(2, 3).sum(axis=tuple(range(lost)))
    for axis, length in enumerate(shape):
        if length == 1 and expected.shape[axis] != 1:
            expected = expected.sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(x.grad, expected)


def test_broadcasting_against_nothing():
    """Against an empty array the sum over no elements is zero, in the input's shape."""
    x = leaf(1, 3)
    (x * np.zeros((0, 3))).backward(np.zeros((0, 3)))
    assert x.grad.tolist() == [[0.0, 0.0, 0.0]]


# Failures.


class Fault(Exception):
    """What a rule raises in these tests."""


@pytest.mark.parametrize(
    "fault", [Fault, KeyboardInterrupt, SystemExit, RecursionError, StopIteration]
)
def test_a_rule_that_raises_leaves_everything_as_it_was(fault):
    """No .grad has changed, whichever leaves had their gradients already; nor has the grad mode."""

    def fail(g):
        raise fault

    x, y, z = leaf(3), leaf(2, 3), leaf(2, 3)
    (x.sum() + y.sum()).backward()
    before = x.grad, y.grad
    bad = returning(fail).call(x)
    for output in (bad + y * z, y * z + bad, (bad + y) * (bad + z)):
        with pytest.raises(fault):
            output.backward(noise(2, 3))
        assert x.grad is before[0]
        assert y.grad is before[1]
        assert z.grad is None
        assert x.grad.tolist() == [1.0] * 3
        assert is_grad_enabled()
    (x.sum() + z.sum()).backward()
    assert x.grad.tolist() == [2.0] * 3


def test_an_error_of_a_rule_says_which_rule():
    """The exception is the rule's own, with a note that names the Function and the gradient."""

    def fail(g):
        raise Fault("why")

    with pytest.raises(Fault, match="why") as caught:
        returning(fail).call(leaf(3)).backward(noise(2, 3))
    (note,) = caught.value.__notes__
    assert "Told" in note
    assert "(2, 3)" in note


def test_a_rule_cannot_leak_a_grad_mode():
    """Rules run without recording, and what one does to the mode ends with the backward."""
    seen = []

    def leak(g):
        seen.append(is_grad_enabled())
        no_grad().__enter__()
        return g.sum(axis=0)

    returning(leak).call(leaf(3)).backward(noise(2, 3))
    assert seen == [False]
    assert is_grad_enabled()


def test_a_backward_inside_a_rule():
    """A rule may record and run a backward of its own, on another graph."""
    w = leaf(3)

    def nested(g):
        with enable_grad():
            (w * 2).backward(noise(3))
        return g.sum(axis=0)

    x = leaf(3)
    returning(nested).call(x).backward(noise(2, 3))
    np.testing.assert_array_equal(w.grad, noise(3) * 2)
    np.testing.assert_allclose(x.grad, noise(2, 3).sum(axis=0))


# Releasing.


def test_a_second_backward_says_what_to_do():
    """It says `released` and `retain_graph=True`, and which node; no gradient has changed."""
    x, y = leaf(2), leaf(2)
    z = x * x
    z.backward(noise(2))
    before = x.grad.copy()
    for output in (z, z + y):
        with pytest.raises(GradientError, match=r"MulBackward.*released.*retain_graph=True"):
            output.backward(noise(2))
        np.testing.assert_array_equal(x.grad, before)
        assert y.grad is None


def test_a_second_backward_through_a_node_of_the_textbooks_form():
    """Nodes attached by hand are released as well."""

    class Square(Function):
        def apply(self, grad_output):
            (x,) = self.saved_tensors
            return (grad_output * 2 * x.data,)

    x = leaf(2)
    y = Tensor(x.data**2)
    y._grad_fn = Square(x)
    y.backward(noise(2), retain_graph=True)
    y.backward(noise(2))
    np.testing.assert_allclose(x.grad, 2 * noise(2) * 2 * x.data)
    with pytest.raises(GradientError, match=r"Square.*released.*retain_graph=True"):
        y.backward(noise(2))
    with pytest.raises(GradientError, match=r"released.*retain_graph=True"):
        y._grad_fn.apply(noise(2))


def test_retain_graph():
    """With retain_graph=True a graph can be gone through as often as one likes."""
    x = leaf(2)
    z = (x * x).exp()
    for _ in range(3):
        z.backward(noise(2), retain_graph=True)
    np.testing.assert_allclose(x.grad, 3 * noise(2) * z.data * 2 * x.data)
    z.backward(noise(2), retain_graph=False)
    with pytest.raises(GradientError, match="released"):
        z.backward(noise(2), retain_graph=True)


def test_a_node_that_saved_nothing_serves_again():
    """There is nothing to release in a sum of sums."""
    x = leaf(2)
    y = (x + x).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [4.0, 4.0]


def test_two_outputs_of_one_graph():
    """The second backward through shared nodes needs the first to retain them."""
    x = leaf(2)
    shared = x * x
    a, b = shared.sum(), shared.exp().sum()
    a.backward(retain_graph=True)
    b.backward()
    np.testing.assert_allclose(x.grad, 2 * x.data * (1 + np.exp(shared.data)))


def test_a_node_lets_go_as_soon_as_its_rule_has_run():
    """During one backward, an array saved late is gone when an earlier rule runs."""
    state = []

    class Watch(Function):
        def forward(self, x):
            return x * 1

        def apply(self, grad_output):
            state.append(array() is None)
            return grad_output

    x = leaf(1000)
    late = Watch.call(x).exp()
    array = weakref.ref(late.data)
    loss = (late * late).sum()
    del late
    loss.backward()
    assert state == [True]


def test_saved_arrays_are_freed_after_backward():
    """The graph may be kept; what its nodes had saved is not, unless it was asked for."""
    x = leaf(1000)
    t = x.exp()
    array = weakref.ref(t.data)
    loss = t.sum()
    del t
    loss.backward(retain_graph=True)
    assert array() is not None
    loss.backward()
    assert array() is None
    assert loss.grad_fn is not None


@pytest.mark.parametrize("fails", [False, True])
def test_a_step_leaves_no_reference_cycles(fails):
    """With the collector off, everything that a step made dies when the program lets go of it."""

    def rule(g):
        if fails:
            raise Fault
        return g.sum(axis=0)

    w, b = leaf(3, 4), leaf(4, seed=1)
    told = returning(rule)
    gc.collect()
    gc.disable()
    try:
        hidden = (Tensor(noise(5, 3)) @ w + b).exp()
        out = told.call(hidden.mean(axis=0) @ np.ones((4, 3)))
        loss = (out * out).sum()
        alive = [weakref.ref(t.data) for t in (hidden, out, loss)]
        alive += [weakref.ref(t.grad_fn) for t in (hidden, out, loss)]
        with contextlib.suppress(Fault):
            loss.backward(retain_graph=True)
        del hidden, out, loss
        assert [ref() for ref in alive] == [None] * len(alive)
    finally:
        gc.enable()


# Aliasing and dtypes; random graphs are in test_aliasing.py.


def test_a_gradient_is_an_array_of_its_own_that_can_be_written_to():
    """Also where the rule handed on what came in, a view, or an array that is no real one."""
    cases = {
        "add": lambda a, b: a + b,
        "reshape": lambda a, b: a.reshape(3, 2) + b.reshape(3, 2),
        "transpose": lambda a, b: a.T + b.T,
        "broadcast": lambda a, b: a.broadcast_to((4, 2, 3)) + b,
        "sum": lambda a, b: a.sum() + b.sum(),
    }
    for name, function in cases.items():
        a, b = leaf(2, 3), leaf(2, 3, seed=1)
        y = function(a, b)
        seed = noise(*y.shape)
        y.backward(seed)
        assert not np.may_share_memory(a.grad, b.grad), name
        assert not np.may_share_memory(a.grad, seed), name
        b_before = b.grad.copy()
        a.grad += 1
        np.testing.assert_array_equal(b.grad, b_before)


def test_a_rule_that_returns_what_it_saved_does_not_give_it_away():
    """A gradient that is an array of the graph's is copied before it becomes a .grad."""
    x = leaf(2, 3)
    data = noise(2, 3)
    y = returning((data,)).call(x)
    y.backward(noise(2, 3), retain_graph=True)
    assert not np.may_share_memory(x.grad, data)
    (z := returning(lambda g: x.data).call(x)).backward(noise(2, 3))
    assert z.shape == (2, 3)
    assert not np.may_share_memory(x.grad, x.data)


def test_sums_are_made_in_nobodys_array():
    """What a rule returned for two inputs, or to two places, is added up elsewhere."""
    data = noise(2, 3)
    before = data.copy()
    x = leaf(2, 3)
    told = returning((data, data))
    (told.call(x, x) + told.call(x, x)).backward(noise(2, 3))
    np.testing.assert_array_equal(data, before)
    np.testing.assert_allclose(x.grad, 4 * before)


def test_an_earlier_gradient_that_the_program_kept_does_not_change():
    """Accumulation makes a new array: a kept gradient is a record of what it was."""
    x = leaf(2)
    x.sum().backward()
    kept = x.grad
    x.sum().backward()
    assert kept.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("returned", [np.float16, np.float32, np.float64, np.int64, np.bool_])
def test_each_gradient_has_the_dtype_of_its_tensor(dtype, returned):
    """Whatever a rule returns is cast on the way."""
    x = leaf(3, dtype=dtype)
    y = x * 1
    y.retain_grad()
    returning((np.ones(3, returned),)).call(y).backward(noise(2, 3))
    assert x.grad.dtype == y.grad.dtype == dtype
    assert x.grad.tolist() == [1.0] * 3


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * x + x.exp() * 2 + x.sum(),
        lambda x: x * np.array([2.0, 3.0]),
        lambda x: (x + np.ones((2, 3))) * x,
        lambda x: x.broadcast_to((4,)),
        lambda x: x.reshape(1) * 2,
        lambda x: x * np.zeros((0, 3)),
    ],
    ids=["0d", "product", "sums", "broadcast_to", "reshape", "empty"],
)
def test_grad_is_an_array_also_in_0d(function):
    """NumPy gives scalars for sums and products in 0-d; `.grad`, retained or not, is an array."""
    x = leaf()
    y = x * 1
    y.retain_grad()
    output = function(y)
    for _ in range(2):
        output.backward(noise(*output.shape), retain_graph=True)
        assert type(x.grad) is type(y.grad) is np.ndarray
        assert x.grad.shape == y.grad.shape == ()


def test_a_rule_gets_an_array_also_in_0d():
    """The gradient that was summed down to a 0-d input is an array for the next rule, too."""
    seen = []

    class Probe(Function):
        def forward(self, x):
            return x * 1

        def apply(self, grad_output):
            seen.append(type(grad_output))
            return grad_output

    (Probe.call(leaf()) * np.ones(3)).backward(noise(3))
    assert seen == [np.ndarray]


# Sparse gradients.


class Pick(Function):
    """x[key], with the gradient that it hands back kept sparse."""

    def forward(self, x, *, key):
        self.shape, self.key = x.shape, key
        return x[key]

    def apply(self, grad_output):
        return SparseGradient(self.shape, self.key, grad_output)


def test_sparse_gradients_add_up_with_each_other_and_with_dense_ones():
    """In any order, at leaves and on the way, and into arrays of the engine's only."""
    g = noise(2, 3)
    for make in (
        lambda x: Pick.call(x, key=slice(0, 2)) + Pick.call(x, key=slice(1, 3)) + x.sum(),
        lambda x: x.sum() + Pick.call(x, key=slice(0, 2)) + Pick.call(x, key=slice(1, 3)),
        lambda x: Pick.call(x, key=slice(0, 2)) + x.sum() + Pick.call(x, key=slice(1, 3)),
    ):
        expected = np.full((4, 3), g.sum())
        expected[0:2] += g
        expected[1:3] += g
        x = leaf(4, 3)
        make(x).backward(g)
        np.testing.assert_allclose(x.grad, expected)
        x = leaf(4, 3)
        make(x * 2).backward(g)
        np.testing.assert_allclose(x.grad, 2 * expected)


def test_one_buffer_takes_all_gradients_of_an_edge():
    """From the second gradient on, dense or sparse, all are added into one array, in place.

    So it is with arrays that are not small: those wait, and are added up many at once.
    """
    size = 2000
    buffers = []

    class Seen(SparseGradient):
        def add_into(self, buffer):
            buffers.append(buffer)
            super().add_into(buffer)

    sparse = returning(lambda g: Seen((size,), slice(0, 1), np.ones(1)))
    dense = returning(lambda g: np.ones(size))
    for first, second in ((sparse, dense), (dense, sparse)):
        x = leaf(size)
        sum(f.call(x) for f in (first, second) * 5).backward(noise(2, 3))
        assert x.grad.tolist() == [10.0] + [5.0] * (size - 1)
        assert {id(buffer) for buffer in buffers} == {id(x.grad)}
        buffers.clear()


def test_a_sparse_gradient_does_not_write_into_a_dense_one_of_somebody_else():
    """The dense gradient that arrived first is a rule's: the entries are added to a copy."""
    data = noise(2, 3)
    before = data.copy()
    x = leaf(2, 3)
    dense = returning((data,)).call(x)
    sparse = Pick.call(x, key=np.array([0, 0]))
    (sparse + dense).backward(noise(2, 3), retain_graph=True)
    (dense + sparse).backward(noise(2, 3))
    np.testing.assert_array_equal(data, before)


def test_a_sparse_gradient_is_cast_to_the_dtype_of_its_tensor():
    """Values of another precision are added into a buffer of the tensor's."""
    x = leaf(4, dtype=np.float32)
    returning(lambda g: SparseGradient((4,), slice(0, 3), g.sum(axis=0))).call(x).backward(
        noise(2, 3)
    )
    assert x.grad.dtype == np.float32
    np.testing.assert_allclose(x.grad[:3], noise(2, 3).sum(axis=0), rtol=1e-6)
    assert x.grad[3] == 0


def test_a_sparse_gradient_of_another_shape_is_named():
    """As a dense one is: the Function, the position, both shapes."""
    x = leaf(4)
    with pytest.raises(GradientError, match=r"Told.*input 0.*\(5,\).*\(4,\)"):
        returning(SparseGradient((5,), slice(0, 3), noise(3))).call(x).backward(noise(2, 3))


def test_a_thousand_slices_cost_no_thousand_copies():
    """The peak of memory in backward is a few copies of the array, not one a slice."""
    x = leaf(1_000, 250)
    parts = [Pick.call(x, key=i) for i in range(1_000)]
    total = sum(parts[1:], start=parts[0])
    tracemalloc.start()
    total.backward(noise(250))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_allclose(x.grad, np.broadcast_to(noise(250), (1_000, 250)))
    assert peak < 6 * x.data.nbytes


# Threads.


def test_two_threads_lose_no_accumulation():
    """Backward passes onto shared leaves from several threads add up exactly."""
    leaves = [Tensor(np.zeros(50), requires_grad=True) for _ in range(20)]
    rounds, workers = 150, 4
    start = threading.Barrier(workers)
    failures = []

    def work():
        try:
            start.wait()
            for _ in range(rounds):
                sum((w * 3.0 for w in leaves), start=Tensor(0.0)).sum().backward()
        except BaseException as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert failures == []
    for w in leaves:
        np.testing.assert_array_equal(w.grad, np.full(50, 3.0 * rounds * workers))


def test_a_kept_gradient_leaves_the_waiting_nodes_alone():
    """retain_grad() on a tensor while older nodes wait for their turn loses none of them."""
    x = leaf(3)
    branches = [x * float(n) for n in range(2, 6)]
    for branch in branches:
        branch.retain_grad()
    g = noise(3)
    sum(branch * branch for branch in branches).backward(g)
    for n, branch in zip(range(2, 6), branches, strict=True):
        np.testing.assert_allclose(branch.grad, 2 * n * x.data * g)
    np.testing.assert_allclose(x.grad, sum(2 * n * n for n in range(2, 6)) * x.data * g)
