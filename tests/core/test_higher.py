"""Higher derivatives: rules on Tensors, what is tied to the graph, and what is refused."""

from __future__ import annotations

import gc
import itertools
import math
import weakref
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pytest
from tinytorch import (
    Function,
    GradientError,
    SparseGradient,
    Tensor,
    enable_grad,
    from_numpy,
    grad,
    is_grad_enabled,
    no_grad,
)
from tinytorch.operation import CORE, registry
from tinytorch.samples import Sample
from tinytorch.testing import gradgradcheck


def leaf(*shape, dtype=np.float64, seed=0):
    """A tensor that requires gradients, of random numbers between 0.5 and 1.5."""
    data = np.random.default_rng(seed).uniform(0.5, 1.5, size=shape)
    return Tensor(np.asarray(data, dtype), requires_grad=True)


def noise(*shape, seed=7):
    """Random numbers of both signs: a gradient to start from, or weights."""
    return np.random.default_rng(seed).normal(size=shape)


def slope(y, x, **keywords):
    """The gradient of y towards x, with a graph."""
    (g,) = grad(y, x, create_graph=True, **keywords)
    return g


def derivatives(function, x, order):
    """The first derivatives of sum(function(x)), in turn; each is elementwise."""
    y, found = function(x), []
    for _ in range(order):
        y = slope(y.sum(), x)
        found.append(y.data)
    return found


def attached(rule, output):
    """A tensor of the data, made by the rule, in the textbook's form."""
    y = Tensor(output)
    y._grad_fn = rule
    return y


# The plain case.


def test_the_derivatives_of_a_power():
    """5x⁴, 20x³, 60x², 120x and 120."""
    x = leaf(3)
    found = derivatives(lambda x: x**5, x, 5)
    expected = [5 * x.data**4, 20 * x.data**3, 60 * x.data**2, 120 * x.data, np.full(3, 120.0)]
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_backward_with_create_graph_leaves_a_tensor():
    """`.grad` is a Tensor with a graph, whose backward adds the second derivative to it."""
    x = leaf(3)
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    assert type(first) is Tensor
    assert first.requires_grad
    x.zero_grad()
    first.backward(noise(3))
    assert type(x.grad) is np.ndarray
    np.testing.assert_allclose(x.grad, noise(3) * 6 * x.data, rtol=1e-12)


@pytest.mark.parametrize("order", [(True, False), (False, True), (True, True)])
def test_gradients_with_and_without_a_graph_add_up(order):
    """Two backwards into one `.grad` give the sum, and what has a graph keeps it."""
    x = leaf(3)
    for create_graph in order:
        (x**3).sum().backward(create_graph=create_graph)
    np.testing.assert_allclose(x.grad.data, 6 * x.data**2, rtol=1e-12)
    (second,) = grad(x.grad.sum(), x)
    np.testing.assert_allclose(second, sum(order) * 6 * x.data, rtol=1e-12)


def test_without_create_graph_gradients_are_arrays():
    """`tinytorch.grad` gives arrays, of each input's shape and dtype, and leaves `.grad` alone."""
    x, w = leaf(2, 3), leaf(3, dtype=np.float32, seed=1)
    gradients = grad((x * w).sum(), [x, w])
    assert isinstance(gradients, tuple)
    assert [type(g) for g in gradients] == [np.ndarray, np.ndarray]
    assert [(g.shape, g.dtype) for g in gradients] == [(x.shape, x.dtype), (w.shape, w.dtype)]
    assert x.grad is None
    assert w.grad is None


def test_mixed_derivatives():
    """Of sum(a² b³) after a and b: 6 a b², in either order."""
    a, b = leaf(3), leaf(3, seed=1)
    y = (a**2 * b**3).sum()
    by_a, by_b = grad(y, [a, b], create_graph=True)
    for first, other in ((by_a, b), (by_b, a)):
        (mixed,) = grad(first.sum(), other, retain_graph=True)
        np.testing.assert_allclose(mixed, 6 * a.data * b.data**2, rtol=1e-12)


def test_dtypes_of_second_derivatives():
    """In a graph of float32 and float64, each derivative has the dtype of its tensor."""
    x, w = leaf(3, dtype=np.float32), leaf(3, seed=1)
    by_x, by_w = grad((x**2 * w**2).sum(), [x, w], create_graph=True)
    assert (by_x.dtype, by_w.dtype) == (np.float32, np.float64)
    second = grad((by_x.sum() + by_w.sum()), [x, w])
    assert [g.dtype for g in second] == [np.float32, np.float64]
    np.testing.assert_allclose(second[0], 2 * w.data**2 + 4 * x.data * w.data, rtol=1e-5)


@pytest.mark.parametrize("shapes", [((3,), (2, 3)), ((2, 1), (1, 3)), ((), (2, 3)), ((1,), ())])
def test_broadcasting_in_the_second_derivative(shapes):
    """What broadcast is summed again, in each order."""
    arrays = [np.random.default_rng(i).uniform(0.5, 1.5, s) for i, s in enumerate(shapes)]
    gradgradcheck(lambda a, b: a * b**2 / (a + b), arrays)


def test_a_gradient_penalty():
    """The gradient of |∂f/∂x|² towards the weights equals central differences."""
    W, v = leaf(3, 4), leaf(4, seed=1)
    x = leaf(5, 3, seed=2)

    def penalty():
        y = ((x @ W).exp() @ v).sum()
        return (slope(y, x) ** 2).sum()

    for got, weight in zip(grad(penalty(), [W, v]), (W, v), strict=True):
        for index in np.ndindex(weight.shape):
            kept, values = weight.data[index], []
            for step in (1e-6, -1e-6):
                weight.data[index] = kept + step
                values.append(penalty().item())
            weight.data[index] = kept
            np.testing.assert_allclose(got[index], (values[0] - values[1]) / 2e-6, rtol=1e-6)


def smooth_samples():
    """A few samples of each of core's operations, for derivatives of third order."""
    operations = {op for name, op in registry.operations.items() if registry.owners[name] == CORE}
    for operation in sorted(operations, key=lambda op: op.name):
        smooth = [s for s in operation.make_samples() if s.smooth]
        small = [s for s in smooth if 0 < sum(np.size(x) for x in s.inputs) <= 8]
        for number, sample in enumerate(small[:4]):
            yield pytest.param(operation, sample, id=f"{operation.name}-{number}")


@pytest.mark.parametrize(("operation", "sample"), list(smooth_samples()))
def test_third_derivatives_of_cores_operations(operation, sample: Sample):
    """They equal central differences of the second."""

    def first(*inputs):
        y = operation.function(*inputs, **sample.parameters)
        total = Tensor(np.zeros(()))
        leaves = [x for x in inputs if isinstance(x, Tensor)]
        if y.requires_grad and y.dtype == np.float64:
            for x, g in zip(
                leaves,
                grad((y**2).sum(), leaves, create_graph=True, allow_unused=True),
                strict=True,
            ):
                total = total if g is None else total + (g * noise(*x.shape)).sum()
        return total

    gradgradcheck(first, sample.inputs)


def test_a_long_chain():
    """20,000 operations, their gradients' graph and its freeing use no recursion."""
    x = leaf(1)
    y = x
    for _ in range(20_000):
        y = y * 1.00001
    g = slope((y * y).sum(), x)
    (second,) = grad(g.sum(), x)
    np.testing.assert_allclose(second, 2 * 1.00001**40_000, rtol=1e-9)
    del y, g


def test_shared_levels_take_linear_time():
    """60 levels of y = y * y / y: 2⁶⁰ paths, one visit a node, in the second pass too."""
    x = leaf(1)
    y = x
    for _ in range(60):
        y = y * y / y
    g = slope((y**2).sum(), x)
    np.testing.assert_allclose(g.data, 2 * x.data, rtol=1e-9)
    (second,) = grad(g.sum(), x)
    np.testing.assert_allclose(second, [2.0], rtol=1e-9)


def test_grad_leaves_no_circle():
    """Without the garbage collector, everything is freed with the last reference."""
    gc.collect()
    gc.disable()
    try:
        x = leaf(3)
        y = (x**3).exp().sum()
        g = slope(y, x)
        watched = [weakref.ref(y.grad_fn), weakref.ref(g.grad_fn)]
        grad(g.sum(), x)
        del y, g
        assert [ref() for ref in watched] == [None, None]
    finally:
        gc.enable()


# Which saved array is what.


def test_x_times_x_detached():
    """d/dx of x · c with c = x detached is c, which is constant."""
    x = leaf(3)
    g = slope((x * x.detach()).sum(), x)
    np.testing.assert_array_equal(g.data, x.data)
    assert not g.requires_grad or np.all(grad(g.sum(), x, allow_unused=True)[0] == 0)


@pytest.mark.parametrize("swap", [False, True])
def test_x_cubed_with_a_constant_of_the_same_memory(swap):
    """x² · c with c = x, detached: the second derivative is 2c, whichever comes first."""
    x = leaf(3)
    c = x.detach()
    y = c * (x * x) if swap else (x * x) * c
    g = slope(y.sum(), x)
    np.testing.assert_allclose(g.data, 2 * x.data**2)
    np.testing.assert_allclose(grad(g.sum(), x)[0], 2 * x.data)


@pytest.mark.parametrize(
    "share", [Tensor.detach, lambda x: from_numpy(x.data)], ids=["detach", "from_numpy"]
)
def test_a_quotient_of_one_array_and_itself(share):
    """x / c and c / x with c = x detached: the second derivatives are 0 and 2c / x³."""
    x = leaf(3)
    for y, expected in ((x / share(x), 0 * x.data), (share(x) / x, 2 / x.data**2)):
        g = slope(y.sum(), x)
        second = grad(g.sum(), x, allow_unused=True)[0] if g.requires_grad else 0 * x.data
        np.testing.assert_allclose(0 * x.data if second is None else second, expected)


def test_two_leaves_of_one_array():
    """Two leaves that share memory are two variables: ∂²(a² b)/∂a∂b = 2a."""
    array = leaf(3).data
    a, b = from_numpy(array).requires_grad_(), from_numpy(array).requires_grad_()
    by_a, by_b = grad((a * b * a).sum(), [a, b], create_graph=True)
    np.testing.assert_allclose(grad(by_a.sum(), a, retain_graph=True)[0], 2 * array)
    np.testing.assert_allclose(grad(by_b.sum(), a)[0], 2 * array)


class Through(Function):
    """x itself, with a rule that uses it. Gradient (a made-up one): g x."""

    def forward(self, x):
        self.save(x)
        return x

    def apply(self, grad_output):
        (x,) = self.saved
        return grad_output * x


def test_an_output_that_is_the_input():
    """It is a view, and the saved array counts as the input: the second derivative is g."""
    x = leaf(3)
    y = Through.call(x)
    assert y.data is not x.data
    assert np.shares_memory(y.data, x.data)
    g = slope(y, x, grad_outputs=noise(3))
    np.testing.assert_array_equal(g.data, noise(3) * x.data)
    np.testing.assert_array_equal(grad(g.sum(), x)[0], noise(3))


def test_a_chain_of_outputs_that_are_inputs():
    """Each of three has its own place: x·x·x, of slopes 1, x and x² by the made-up rule."""
    x = leaf(3)
    g = slope(Through.call(Through.call(Through.call(x))).sum(), x)
    np.testing.assert_allclose(g.data, x.data**3)
    np.testing.assert_allclose(grad(g.sum(), x)[0], x.data**2 + x.data**3 + x.data**4)


@pytest.mark.parametrize("shape", [(), (1,), (0, 3)])
def test_numpy_scalars_and_empty_arrays_are_recognised(shape):
    """Rules that save an output which NumPy gave as a scalar are differentiable as well."""
    x = leaf(*shape)
    g = slope(x.exp().sum() * x.sqrt().sum(), x)
    assert g.shape == shape
    assert grad(g.sum(), x)[0].shape == shape
    if shape != (0, 3):
        gradgradcheck(lambda x: x.exp().sum() * x.sqrt().sum(), [x.data])


def test_saved_tensors_are_tied():
    """In the plugin's form too, a rule may use `saved_tensors`."""

    class Cube(Function):
        def forward(self, x):
            self.save(x)
            return x**3

        def apply(self, grad_output):
            (x,) = self.saved_tensors
            return grad_output * 3 * x**2

    x = leaf(3)
    found = derivatives(Cube.call, x, 3)
    np.testing.assert_allclose(found[1], 6 * x.data)
    np.testing.assert_allclose(found[2], np.full(3, 6.0))


# What would be wrong in silence is an error.


class Keeping(Function):
    """x², whose rule uses what a subclass keeps: 2x, computed in forward."""

    def forward(self, x):
        self.keep(2 * x)
        return x * x

    def apply(self, grad_output):
        return grad_output * np.reshape(self.kept(), grad_output.shape)

    def keep(self, double):
        self.save(double)

    def kept(self):
        return self.saved[0]


class KeepingAnAttribute(Keeping):
    def keep(self, double):
        self.double = double

    def kept(self):
        return self.double


class KeepingAList(Keeping):
    def keep(self, double):
        self.things = ["double", 2, double]

    def kept(self):
        return self.things[2]


class KeepingATupleInAList(Keeping):
    def keep(self, double):
        self.things = [("double", double)]

    def kept(self):
        return self.things[0][1]


class KeepingADict(Keeping):
    def keep(self, double):
        self.things = {"double": double}

    def kept(self):
        return self.things["double"]


class KeepingAScalar(Keeping):
    def keep(self, double):
        self.double = np.float64(double.item())

    def kept(self):
        return self.double


class KeepingASavedScalar(Keeping):
    def keep(self, double):
        self.save(np.float64(double.item()))


class KeepingAScalarInATuple(Keeping):
    def keep(self, double):
        self.things = (1, np.float32(double.item()))

    def kept(self):
        return self.things[1]


class KeepingAViewOfTheOutput(Keeping):
    def forward(self, x):
        y = np.exp(x)
        self.save(y.reshape(1))
        return y


KEEPING = [Keeping, *Keeping.__subclasses__()]


@pytest.mark.parametrize("kind", KEEPING)
def test_a_floating_array_that_is_neither_input_nor_output(kind):
    """The first derivative works; a second one names the class, the shape and the way out."""
    x = leaf(1)
    y = kind.call(x)
    expected = y.data if kind is KeepingAViewOfTheOutput else 2 * x.data
    np.testing.assert_allclose(grad(y.sum(), x, retain_graph=True)[0], expected, rtol=1e-6)
    with pytest.raises(
        GradientError, match=rf"{kind.__name__}: .*shape \(1?,?\).*neither.*rerun_forward = True"
    ):
        grad(y.sum(), x, create_graph=True)


@pytest.mark.parametrize("kind", [k for k in KEEPING if "Scalar" not in k.__name__])
def test_rerun_forward_makes_it_right(kind):
    """With `rerun_forward = True` the same classes are twice differentiable, and more often."""
    rerun = type(f"Rerun{kind.__name__}", (kind,), {"rerun_forward": True})
    x = leaf(1)
    exponential = kind is KeepingAViewOfTheOutput
    first, second, third = derivatives(lambda x: rerun.call(x) * x, x, 3)
    if exponential:
        expected = [np.exp(x.data) * (x.data + n) for n in (1, 2, 3)]
    else:
        expected = [3 * x.data**2, 6 * x.data, np.full(1, 6.0)]
    for got, want in zip((first, second, third), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_rerun_forward_with_parameters_and_several_inputs():
    """forward gets its keywords, numbers and constant inputs again."""

    class Scaled(Function):
        rerun_forward = True

        def forward(self, x, c, number, *, power):
            t = x**power
            self.save(x, t, c)
            self.rest = number, power
            return t * c * number

        def apply(self, grad_output):
            x, t, c = self.saved
            number, power = self.rest
            gx = grad_output * power * t / x * c * number
            return gx, grad_output * t * number if self.needs_input_grad[1] else None, None

    x, c = leaf(2, 3), leaf(3, seed=1)
    gradgradcheck(lambda x, c: Scaled.call(x, c, 3, power=4), [x.data, c.data])
    gradgradcheck(lambda x: Scaled.call(x, c.data, 3.0, power=4), [x.data])


def test_attributes_that_are_an_input_or_the_output():
    """They are tied as well as what is saved, in lists too."""

    class Exp(Function):
        def forward(self, x):
            self.x = x
            self.ys = [np.exp(x)]
            return self.ys[0]

        def apply(self, grad_output):
            return grad_output * self.ys[0] * (self.x / self.x)

    x = leaf(3)
    for found in derivatives(Exp.call, x, 3):
        np.testing.assert_allclose(found, np.exp(x.data))


def test_a_named_tuple_of_arrays():
    """An attribute may be any kind of tuple that holds inputs."""

    class Kept(NamedTuple):
        x: Any
        factor: int

    class Square(Function):
        def forward(self, x):
            self.kept = Kept(x, 2)
            return x * x

        def apply(self, grad_output):
            return grad_output * self.kept.factor * self.kept.x

    x = leaf(3)
    g = slope(Square.call(x).sum(), x)
    np.testing.assert_allclose(grad(g.sum(), x)[0], np.full(3, 2.0))


def test_containers_of_ones_own_kind():
    """What an attribute is otherwise, a list or dict of another kind without arrays, it stays."""

    class Shape(tuple):
        __slots__ = ()

        def __new__(cls, height, width):
            return super().__new__(cls, (height, width))

    class Square(Function):
        def forward(self, x):
            self.save(x)
            self.shape = Shape(2, 3)
            self.counts = Counter("aab")
            return x * x

        def apply(self, grad_output):
            (x,) = self.saved
            assert type(self.shape) is Shape
            assert self.counts["missing"] == 0
            return grad_output * 2 * x

    x = leaf(3)
    g = slope(Square.call(x).sum(), x)
    np.testing.assert_allclose(grad(g.sum(), x)[0], np.full(3, 2.0))


def test_masks_and_indices_are_constants():
    """Boolean and integer arrays, saved or kept, are no floating arrays."""

    class Masked(Function):
        def forward(self, x):
            self.save(x, x > 1)
            self.order = [np.argsort(x)]
            return np.where(x > 1, x * x, 0)

        def apply(self, grad_output):
            x, mask = self.saved
            assert self.order[0].dtype.kind == "i"
            return np.where(mask, grad_output * 2 * x, 0)

    x = Tensor(np.array([0.5, 1.5, 2.0]), requires_grad=True)
    g = slope(Masked.call(x).sum(), x)
    np.testing.assert_array_equal(grad(g.sum(), x)[0], [0.0, 2.0, 2.0])


def test_a_parameter_is_a_constant():
    """A floating array that was passed by keyword is known not to depend on the inputs."""

    class Weighted(Function):
        def forward(self, x, *, weights):
            self.weights = weights
            self.save(x)
            return x * x * weights

        def apply(self, grad_output):
            (x,) = self.saved
            return grad_output * 2 * x * self.weights

    x, w = leaf(3), noise(3)
    g = slope(Weighted.call(x, weights=w).sum(), x)
    np.testing.assert_allclose(grad(g.sum(), x)[0], 2 * w)


def test_a_rule_that_writes_is_refused():
    """A rule which fills an array by index cannot record itself, and says so."""

    class Filling(Function):
        def forward(self, x):
            self.save(x)
            return x * x

        def apply(self, grad_output):
            (x,) = self.saved
            result = np.zeros_like(x)
            result[...] = grad_output * 2 * x
            return result

    x = leaf(3)
    y = Filling.call(x).sum()
    np.testing.assert_allclose(grad(y, x, retain_graph=True)[0], 2 * x.data)
    with pytest.raises(TypeError, match="in place") as caught:
        grad(y, x, create_graph=True)
    assert "Filling" in "".join(caught.value.__notes__)


@pytest.mark.parametrize(
    "drop", [np.asarray, np.array, float, np.spacing], ids=lambda f: f.__name__
)
def test_a_rule_that_would_drop_the_gradient_is_refused(drop):
    """Making an array or a number of a saved input in the rule raises under create_graph."""

    class Dropping(Function):
        def forward(self, x):
            self.save(x)
            return x * x

        def apply(self, grad_output):
            (x,) = self.saved
            return grad_output * 2 * drop(x)

    x = leaf(1)
    with pytest.raises(TypeError):
        grad(Dropping.call(x), x, create_graph=True)


def test_in_place_by_operator_on_a_fresh_array():
    """`g *= x` on what the rule owns is allowed, and recorded."""

    class Square(Function):
        def forward(self, x):
            self.save(x)
            return x * x

        def apply(self, grad_output):
            (x,) = self.saved
            g = grad_output * 2
            g *= x
            return g

    x = leaf(3)
    g = slope(Square.call(x).sum(), x)
    np.testing.assert_allclose(g.data, 2 * x.data)
    np.testing.assert_allclose(grad(g.sum(), x)[0], np.full(3, 2.0))


# once_differentiable.


class Once(Function):
    """x³, once differentiable."""

    once_differentiable = True

    def forward(self, x):
        self.save(x)
        return x**3

    def apply(self, grad_output):
        (x,) = self.saved
        return grad_output * 3 * x**2


def test_once_differentiable():
    """The gradient is right with create_graph too, and its derivative an error with the name."""
    x = leaf(3)
    g = slope((Once.call(x) * 2).sum(), x)
    np.testing.assert_allclose(g.data, 6 * x.data**2)
    with pytest.raises(GradientError, match=r"Once.*once differentiable"):
        g.sum().backward()
    assert x.grad is None


def test_once_differentiable_towards_the_gradient_that_came_in():
    """The derivative by grad_outputs does not exist either."""
    x, v = leaf(3), leaf(3, seed=1)
    g = slope(Once.call(x), x, grad_outputs=v)
    with pytest.raises(GradientError, match="once differentiable"):
        grad(g.sum(), v)


def test_once_differentiable_elsewhere():
    """Another path of the same gradient can be differentiated, where only that is asked for."""
    x, w = leaf(3), leaf(3, seed=1)
    by_w = slope((Once.call(x) + w**3).sum(), w)
    np.testing.assert_allclose(grad(by_w.sum(), w)[0], 6 * w.data)


def test_once_differentiable_with_a_list_none_and_a_sparse_gradient():
    """Whatever a rule may return, it may return it there."""

    class Odd(Function):
        once_differentiable = True

        def forward(self, a, b, c):
            return a + b + c[0]

        def apply(self, grad_output):
            return [grad_output, None, SparseGradient((2,), 0, grad_output.sum())]

    a, b, c = leaf(3), leaf(3, seed=1), leaf(2, seed=2)
    by_a, by_b, by_c = grad(
        Odd.call(a, b, c).sum(), [a, b, c], create_graph=True, allow_unused=True
    )
    np.testing.assert_array_equal(by_a.data, np.ones(3))
    np.testing.assert_array_equal(by_c.data, [3.0, 0.0])
    assert by_b is None
    with pytest.raises(GradientError, match="once differentiable"):
        by_c.sum().backward()


def test_once_differentiable_in_the_textbooks_form():
    """A rule on `.data`, and one that returns Tensors."""

    class OnData(Function):
        once_differentiable = True

        def apply(self, grad_output):
            (x,) = self.saved_tensors
            return (grad_output * 2 * x.data,)

    class OnTensors(OnData):
        def apply(self, grad_output):
            (x,) = self.saved_tensors
            return (grad_output * 2 * x,)

    x = leaf(3)
    for kind in (OnData, OnTensors):
        g = slope(attached(kind(x), x.data**2).sum(), x)
        np.testing.assert_allclose(g.data, 2 * x.data)
        with pytest.raises(GradientError, match=f"{kind.__name__}.*once differentiable"):
            g.sum().backward()


# Sparse gradients.


class Take(Function):
    """x[key]. Gradient: sparse."""

    def forward(self, x, *, key):
        self.shape, self.key = x.shape, key
        return x[key]

    def apply(self, grad_output):
        return SparseGradient(self.shape, self.key, grad_output)


KEYS = [
    0,
    -1,
    slice(1, 3),
    slice(None, None, -2),
    (slice(None), 1),
    (..., 0),
    None,
    [0, 0, 2],
    np.array([[0, 1], [1, 1]]),
    (np.array([0, 0, 3]), np.array([1, 1, 2])),
    np.array([True, False, True, False]),
    slice(0, 0),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_sparse_gradients_with_a_graph(key):
    """Second derivatives through x[key] equal central differences, repeated entries too."""
    x = np.random.default_rng(0).uniform(0.5, 1.5, (4, 3))
    gradgradcheck(lambda x: Take.call(x, key=key) ** 3, [x])
    gradgradcheck(lambda x: (Take.call(x**2, key=key) ** 2).sum() * x.sum(), [x])


def test_many_sparse_gradients_of_one_array():
    """Sparse ones add up with dense ones, and can be differentiated."""

    def function(x):
        total = (x**3).sum()
        for i in (0, 1, 1):
            total = total + (Take.call(x, key=i) ** 3).sum()
        return total

    x = leaf(2, 3)
    g = slope(function(x), x)
    times = np.array([[2.0], [3.0]])
    np.testing.assert_allclose(g.data, times * 3 * x.data**2)
    np.testing.assert_allclose(grad(g.sum(), x)[0], times * 6 * x.data)


# The textbook's form, unchanged.


class SquareByHand(Function):
    def apply(self, grad_output):
        (x,) = self.saved_tensors
        return (grad_output * 2 * x.data,)


class MatmulByHand(Function):
    def apply(self, grad_output):
        a, b = self.saved_tensors
        grad_a = grad_b = None
        if isinstance(a, Tensor) and a.requires_grad:
            grad_a = np.matmul(grad_output, np.swapaxes(b.data, -2, -1))
        if isinstance(b, Tensor) and b.requires_grad:
            grad_b = np.matmul(np.swapaxes(a.data, -2, -1), grad_output)
        return grad_a, grad_b


class SoftmaxByHand(Function):
    """Its own __init__, with super().__init__, and the output kept in an attribute."""

    def __init__(self, x, output, dim=-1):
        super().__init__(x)
        self.output_data = output.data
        self.dim = dim

    def apply(self, grad_output):
        inner = np.sum(grad_output * self.output_data, axis=self.dim, keepdims=True)
        return (self.output_data * (grad_output - inner),)


class MSEByHand(Function):
    """Its own __init__, without super().__init__, and arrays in attributes."""

    def __init__(self, predictions, targets):
        self.saved_tensors = (predictions, targets)
        self.predictions = predictions.data
        self.targets = targets.data
        self.num_samples = np.size(targets.data)

    def apply(self, grad_output):
        slope = 2.0 * (self.predictions - self.targets) / self.num_samples
        return slope * grad_output, -slope * grad_output


class BCEByHand(Function):
    """Clipping and logarithms on attributes, as in a textbook's loss."""

    def __init__(self, p, targets):
        super().__init__(p, targets)
        self.p, self.targets = p.data, targets.data

    def apply(self, grad_output):
        p = np.clip(self.p, 1e-7, 1 - 1e-7)
        return ((p - self.targets) / (p * (1 - p)) / np.size(self.targets) * grad_output, None)


def softmax(x):
    """Plain NumPy."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_by_hand(x):
    """The textbook's way: the result first, then its rule."""
    result = Tensor(softmax(x.data))
    result._grad_fn = SoftmaxByHand(x, result)
    return result


CASES = {
    "square": (lambda x: attached(SquareByHand(x), x.data**2), [(2, 3)]),
    "matmul": (lambda a, b: attached(MatmulByHand(a, b), a.data @ b.data), [(2, 3), (3, 4)]),
    "batched matmul": (
        lambda a, b: attached(MatmulByHand(a, b), a.data @ b.data),
        [(5, 2, 3), (5, 3, 2)],
    ),
    "softmax": (softmax_by_hand, [(2, 3)]),
    "mse": (
        lambda p, t: attached(MSEByHand(p, t), np.mean((p.data - t.data) ** 2)),
        [(4, 2), (4, 2)],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_textbooks_form_is_twice_differentiable_unchanged(case):
    """Rules on `.data`, attached by hand, record themselves, with matmul and swapaxes too."""
    function, shapes = case
    arrays = [np.random.default_rng(i).uniform(0.5, 1.5, s) for i, s in enumerate(shapes)]
    gradgradcheck(lambda *xs: function(*xs), arrays)
    # In the middle of a graph, where inputs and outputs are no leaves.
    gradgradcheck(lambda *xs: function(*(x**2 for x in xs)) ** 2, arrays)


def test_third_derivatives_in_the_textbooks_form():
    """The graph of the gradient is an ordinary one."""
    x = leaf(3)

    def fourth_power(x):
        square = attached(SquareByHand(x), x.data**2)
        return attached(SquareByHand(square), square.data**2)

    found = derivatives(fourth_power, x, 4)
    expected = [4 * x.data**3, 12 * x.data**2, 24 * x.data, np.full(3, 24.0)]
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_the_textbooks_binary_cross_entropy():
    """With np.clip and np.size on attributes: -(1-2t)/... by central differences of its rule."""
    p = Tensor(np.array([0.2, 0.7, 0.5]), requires_grad=True)
    t = Tensor(np.array([0.0, 1.0, 1.0]))
    loss = -np.mean(t.data * np.log(p.data) + (1 - t.data) * np.log(1 - p.data))
    g = slope(attached(BCEByHand(p, t), loss), p)
    (second,) = grad(g.sum(), p)
    np.testing.assert_allclose(
        second, (t.data / p.data**2 + (1 - t.data) / (1 - p.data) ** 2) / 3, rtol=1e-10
    )


def test_a_tensor_in_an_attribute():
    """A rule that keeps its input itself, in an attribute or a list, does not lose its graph."""

    class OwnName(Function):
        def __init__(self, x):
            self.saved_tensors = (x,)
            self.x = x

        def apply(self, grad_output):
            return (grad_output * 3 * self.x.data**2,)

    class InAList(Function):
        def __init__(self, x):
            super().__init__(x)
            self.inputs = [x]

        def apply(self, grad_output):
            return (grad_output * 3 * self.inputs[0].data ** 2,)

    for kind in (OwnName, InAList):
        x = leaf(3)
        g = slope(attached(kind(x), x.data**3).sum(), x)
        np.testing.assert_allclose(g.data, 3 * x.data**2)
        assert g.requires_grad, f"{kind.__name__}: the second derivative is zero, in silence"
        np.testing.assert_allclose(grad(g.sum(), x)[0], 6 * x.data)


def test_numbers_and_arrays_among_saved_tensors():
    """Raw numbers and arrays stay raw, and are constants."""

    class Scaled(Function):
        def apply(self, grad_output):
            x, number, array = self.saved_tensors
            return grad_output * number * 2 * x.data * array, None, None

    x, c = leaf(3), noise(3)
    g = slope(attached(Scaled(x, 3.0, c), 3.0 * x.data**2 * c).sum(), x)
    np.testing.assert_allclose(g.data, 6 * x.data * c)
    np.testing.assert_allclose(grad(g.sum(), x)[0], 6 * c)


def test_one_tensor_twice_and_once_detached_by_hand():
    """(x, x) is one variable, (x, x.detach()) are two, in the textbook's form as well."""

    class Product(Function):
        def apply(self, grad_output):
            a, b = self.saved_tensors
            return grad_output * b.data, grad_output * a.data if b.requires_grad else None

    x = leaf(3)
    g = slope(attached(Product(x, x), x.data**2).sum(), x)
    np.testing.assert_allclose(grad(g.sum(), x)[0], np.full(3, 2.0))
    y = x**2
    g = slope(attached(Product(y, x.detach()), x.data**3).sum(), x)
    np.testing.assert_allclose(g.data, 2 * x.data**2)
    np.testing.assert_allclose(grad(g.sum(), x)[0], 2 * x.data)


def test_a_textbook_class_that_keeps_a_computed_array():
    """It is an error here too, as it would count as a constant."""

    class Keeping(Function):
        def __init__(self, x):
            super().__init__(x)
            self.double = 2 * x.data

        def apply(self, grad_output):
            return (grad_output * self.double,)

    x = leaf(3)
    y = attached(Keeping(x), x.data**2).sum()
    np.testing.assert_allclose(grad(y, x, retain_graph=True)[0], 2 * x.data)
    with pytest.raises(GradientError, match="neither an input nor the output"):
        grad(y, x, create_graph=True)


def test_an_output_handed_on_with_a_leading_one():
    """A `_grad_fn` on a tensor with extra leading ones serves the second derivative."""
    x = leaf(3)
    rows = x**3
    batched = Tensor(rows.data[np.newaxis])
    batched._grad_fn = rows._grad_fn
    g = slope((batched * noise(4, 3)).sum(), x)
    np.testing.assert_allclose(g.data, noise(4, 3).sum(axis=0) * 3 * x.data**2)
    np.testing.assert_allclose(grad(g.sum(), x)[0], noise(4, 3).sum(axis=0) * 6 * x.data)


def test_rules_that_call_operations():
    """A rule may call another Function, on arrays and on Tensors alike."""

    class Doubled(Function):
        def forward(self, x):
            self.save(x)
            return x**3

        def apply(self, grad_output):
            (x,) = self.saved
            return grad_output * 3 * Square.call(x)

    class Square(Function):
        def forward(self, x):
            self.save(x)
            return x * x

        def apply(self, grad_output):
            (x,) = self.saved
            return 2 * grad_output * x

    gradgradcheck(Doubled.call, [leaf(3).data])


# Grad mode.


def test_create_graph_inside_no_grad():
    """create_graph=True asks for a graph, whatever the mode of the caller, as in PyTorch."""
    x = leaf(3)
    y = (x**3).sum()
    with no_grad():
        g = slope(y, x)
        y.backward(create_graph=True)
        assert not is_grad_enabled()
    for first in (g, x.grad):
        assert first.requires_grad, "the graph was lost"
        np.testing.assert_allclose(grad(first.sum(), x)[0], 6 * x.data)


def test_a_grad_output_keeps_its_graph_inside_no_grad():
    """Also where its shape is fitted to the output's."""
    x, v = leaf(), leaf(1, seed=1)
    y = x**3
    with no_grad():
        g = slope(y, x, grad_outputs=v)
    np.testing.assert_allclose(grad(g, v)[0], 3 * x.data[None] ** 2)


def test_gradients_add_up_inside_no_grad():
    """Two backwards with a graph, the second under no_grad: the sum has both graphs."""
    x = leaf(3)
    y = (x**3).sum()
    y.backward(create_graph=True)
    with no_grad():
        y.backward(create_graph=True)
    np.testing.assert_allclose(grad(x.grad.sum(), x)[0], 12 * x.data)


def test_without_create_graph_nothing_is_recorded_under_enable_grad():
    """A rule which calls operations records nothing in a plain pass."""
    modes = []

    class Probe(Function):
        def forward(self, x):
            return x * 1

        def apply(self, grad_output):
            modes.append(is_grad_enabled())
            return grad_output

    x = leaf(3)
    with enable_grad():
        grad(Probe.call(x).sum(), x)
        grad(Probe.call(x).sum(), x, create_graph=True)
        assert is_grad_enabled()
    assert modes == [False, True]


# Inputs, outputs, seeds.


def test_inputs_that_are_not_leaves():
    """Gradients towards computed tensors, which have graphs, and beside leaves."""
    x = leaf(3)
    y = x**2
    z = (y**3 + x).sum()
    by_y, by_x = grad(z, [y, x], create_graph=True)
    np.testing.assert_allclose(by_y.data, 3 * y.data**2)
    np.testing.assert_allclose(by_x.data, 6 * x.data**5 + 1)
    np.testing.assert_allclose(grad(by_y.sum(), y, retain_graph=True)[0], 6 * y.data)
    np.testing.assert_allclose(grad(by_y.sum(), x)[0], 12 * x.data**3)


def test_an_output_among_the_inputs():
    """The gradient of y towards y is the one it starts from."""
    x = leaf(3)
    y = x**2
    by_y, by_x = grad(y, [y, x], grad_outputs=noise(3))
    np.testing.assert_array_equal(by_y, noise(3))
    np.testing.assert_allclose(by_x, noise(3) * 2 * x.data)
    np.testing.assert_array_equal(grad(x, x, noise(3))[0], noise(3))


def test_an_input_twice():
    """Each mention has the gradient."""
    x = leaf(3)
    a, b = grad((x**2).sum(), [x, x])
    np.testing.assert_array_equal(a, 2 * x.data)
    np.testing.assert_array_equal(b, 2 * x.data)


@pytest.mark.parametrize("create_graph", [False, True])
def test_several_outputs(create_graph):
    """Their gradients add; each has its own grad_output, and None where it has one element."""
    x, w = leaf(3), leaf(3, seed=1)
    outputs = [x * w, (x**2).sum(), w**2]
    gradients = grad(
        outputs, [x, w], [noise(3), None, noise(3, seed=8).tolist()], create_graph=create_graph
    )
    np.testing.assert_allclose(np.asarray(gradients[0].data), noise(3) * w.data + 2 * x.data)
    expected = noise(3) * x.data + noise(3, seed=8) * 2 * w.data
    np.testing.assert_allclose(np.asarray(gradients[1].data), expected)


def test_one_output_behind_another():
    """Outputs may depend on each other, or be the same."""
    x = leaf(3)
    y = x**2
    z = y**2
    (g,) = grad([y.sum(), z.sum(), z.sum()], x)
    np.testing.assert_allclose(g, 2 * x.data + 8 * x.data**3)
    y = x**2
    (g,) = grad([y, y], x, [noise(3), noise(3)])
    np.testing.assert_allclose(g, 4 * noise(3) * x.data)


def test_the_derivative_by_a_grad_output():
    """A seed that requires gradients is part of the graph: ∂(v · 3x²)/∂v = 3x²."""
    x, v = leaf(3), leaf(3, seed=1)
    g = slope(x**3, x, grad_outputs=v)
    by_v, by_x = grad(g.sum(), [v, x])
    np.testing.assert_allclose(by_v, 3 * x.data**2)
    np.testing.assert_allclose(by_x, 6 * x.data * v.data)
    (x**3).backward(v, create_graph=True)
    np.testing.assert_allclose(grad(x.grad.sum(), v)[0], 3 * x.data**2)


def test_a_seed_of_another_dtype():
    """It is cast on the way in, and its own gradient on the way out."""
    x = leaf(3, dtype=np.float32)
    v = leaf(3, seed=1)
    g = slope(x**3, x, grad_outputs=v)
    assert g.dtype == np.float32
    (by_v,) = grad(g.sum(), v)
    assert by_v.dtype == np.float64
    np.testing.assert_allclose(by_v, 3 * x.data.astype(float) ** 2, rtol=1e-5)


@pytest.mark.parametrize("seed", [[[1.0, 2.0]], ((1.0, 2.0),), np.array([[1.0, 2.0]])], ids=repr)
def test_a_nested_sequence_as_seed_of_one_row(seed):
    """For one output of shape (1, 2) it is the seed itself, as it is for backward."""
    x = leaf(1, 2)
    np.testing.assert_allclose(grad(x**2, x, seed)[0], np.array([[1.0, 2.0]]) * 2 * x.data)


def test_seeds_do_not_alias():
    """Gradients share memory neither with the seed nor with each other."""
    x, w, seed = leaf(3), leaf(3, seed=1), noise(3)
    a, b = grad(x + w, [x, w], seed)
    assert not np.shares_memory(a, b)
    assert not np.shares_memory(a, seed)
    (c,) = grad(x, x, seed)
    assert not np.shares_memory(c, seed)
    v = Tensor(seed)
    (d,) = grad(x * 1, x, v, create_graph=True)
    assert not np.shares_memory(d.data, seed)


def test_unused_inputs():
    """An error that says which, or None where that was allowed."""
    x, w, constant = leaf(3), leaf(3, seed=1), Tensor([1.0])
    y = (x**2).sum()
    with pytest.raises(GradientError, match=r"input 1.*allow_unused"):
        grad(y, [x, w])
    with pytest.raises(GradientError, match=r"input 0.*requires_grad"):
        grad(y, [constant])
    for create_graph in (False, True):
        y = (x**2).sum()
        found = grad(y, [w, x, constant], create_graph=create_graph, allow_unused=True)
        assert found[0] is None
        assert found[2] is None
        np.testing.assert_allclose(found[1].data, 2 * x.data)


def test_errors_of_grad():
    """An output that was not computed, a wrong number of seeds, a wrong shape."""
    x = leaf(3)
    y = x**2
    with pytest.raises(GradientError, match="output 1 was not computed"):
        grad([y.sum(), Tensor([1.0])], x)
    with pytest.raises(GradientError, match=r"shape \(3,\)"):
        grad(y, x)
    with pytest.raises(GradientError, match="shape"):
        grad(y, x, noise(2))
    with pytest.raises(ValueError, match=r"2 outputs.*1 grad_outputs"):
        grad([y, y], x, [noise(3)])
    np.testing.assert_allclose(grad(y, x, noise(3))[0], noise(3) * 2 * x.data)


# What is kept and what is released.


@pytest.mark.parametrize(
    ("keywords", "kept"),
    [
        ({}, False),
        ({"retain_graph": True}, True),
        ({"create_graph": True}, True),
        ({"create_graph": True, "retain_graph": False}, False),
        ({"create_graph": False, "retain_graph": None}, False),
    ],
)
@pytest.mark.parametrize("way", ["grad", "backward"])
def test_what_is_retained_by_default(keywords, kept, way):
    """The graph is kept if it was asked for, and by default with create_graph."""
    x = leaf(3)
    y = (x**3).sum()
    if way == "grad":
        grad(y, x, **keywords)
    else:
        y.backward(**keywords)
    if kept:
        np.testing.assert_allclose(grad(y, x)[0], 3 * x.data**2)
    else:
        with pytest.raises(GradientError, match=r"released.*retain_graph=True"):
            grad(y, x)


def test_a_second_derivative_through_a_released_graph():
    """exp'' runs through the node that made exp: if that was released, it says so."""
    x = leaf(3)
    y = x.exp().sum()
    g = slope(y, x, retain_graph=False)
    with pytest.raises(GradientError, match=r"ExpBackward.*released"):
        grad(g.sum(), x)
    g = slope(x.exp().sum(), x)
    np.testing.assert_allclose(grad(g.sum(), x)[0], np.exp(x.data))


def test_releasing_the_second_graph_releases_the_first():
    """A plain backward through the gradient's graph uses both up, as far as it goes."""
    x = leaf(3)
    y = x.exp().sum()
    g = slope(y, x)
    grad(g.sum(), x)
    for used in (g.sum(), y):
        with pytest.raises(GradientError, match="released"):
            grad(used, x)


def test_only_the_way_to_the_inputs_is_run():
    """A rule that leads to no named input is neither run nor released."""
    ran = []

    class Noted(Function):
        def forward(self, x, *, name):
            self.name = name
            self.save(x)
            return x * x

        def apply(self, grad_output):
            (x,) = self.saved
            ran.append(self.name)
            return grad_output * 2 * x

    a, b = leaf(3), leaf(3, seed=1)
    left, right = Noted.call(a, name="left"), Noted.call(b, name="right")
    top = Noted.call(left + right, name="top")
    grad(top.sum(), a, retain_graph=True)
    assert ran == ["top", "left"]
    ran.clear()
    grad(top.sum(), left, create_graph=True)
    assert ran == ["top"]
    ran.clear()
    grad(left.sum(), left)
    assert ran == []
    grad(top.sum(), a)
    assert ran == ["top", "left"]
    right.sum().backward()
    np.testing.assert_allclose(b.grad, 2 * b.data)


def test_a_named_input_is_not_released():
    """grad(z, y) stops at y: what made y is as good as before."""
    x = leaf(3)
    y = x * x
    (g,) = grad((y * y).sum(), y)
    np.testing.assert_allclose(g, 2 * y.data)
    np.testing.assert_allclose(grad(y.sum(), x)[0], 2 * x.data)


def test_a_failure_off_the_way_does_not_matter():
    """A rule that raises, and one that was released, are not asked."""

    class Raising(Function):
        def forward(self, x):
            return x * 1

        def apply(self, grad_output):
            raise RuntimeError("asked")

    x, w = leaf(3), leaf(3, seed=1)
    spent = w**2
    spent.sum().backward()
    y = (x**2 + Raising.call(w) + spent).sum()
    np.testing.assert_allclose(grad(y, x, retain_graph=True)[0], 2 * x.data)
    with pytest.raises(RuntimeError, match="asked"):
        grad(y, w)


def test_nothing_is_half_done():
    """Where a rule fails under create_graph, no `.grad` has changed, and the mode is as before."""

    class Raising(Function):
        def forward(self, x):
            return x * 1

        def apply(self, grad_output):
            raise RuntimeError("boom")

    x, w = leaf(3), leaf(3, seed=1)
    y = (x**2).sum() + Raising.call(w).sum()
    with no_grad():
        with pytest.raises(RuntimeError, match="boom"):
            y.backward(create_graph=True)
        assert not is_grad_enabled()
    assert x.grad is None
    assert w.grad is None


def test_retained_gradients_have_graphs():
    """`retain_grad()` of a computed tensor keeps a Tensor there, with its graph."""
    x = leaf(3)
    y = x**2
    y.retain_grad()
    (y**2).sum().backward(create_graph=True)
    assert type(y.grad) is Tensor
    np.testing.assert_allclose(y.grad.data, 2 * y.data)
    np.testing.assert_allclose(grad(y.grad.sum(), x)[0], 4 * x.data)


def test_newton_steps():
    """A use of it all: Newton's method finds ln 2 as the root of eˣ - 2."""
    x = Tensor(np.array([1.0]), requires_grad=True)
    for _ in itertools.repeat(None, 6):
        g = slope((x.exp() - 2 * x).sum(), x)
        x.data = x.data - g.data / grad(g, x)[0]
    assert math.isclose(x.item(), math.log(2), rel_tol=1e-12)
