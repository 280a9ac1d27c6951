"""Function: its two forms, what it saves, where its edges go, what the engine asks of it."""

from __future__ import annotations

import gc
import weakref
from fractions import Fraction

import numpy as np
import pytest
from tinytorch import (
    Function,
    GradientError,
    Tensor,
    is_grad_enabled,
    no_grad,
    ops,
)


class Softplus(Function):
    """log(1 + e^x), in the plugin's form."""

    def forward(self, x):
        self.save(x)
        return np.logaddexp(0, x)

    def apply(self, grad_output):
        (x,) = self.saved
        return grad_output / (1 + np.exp(-x))


class Square(Function):
    """x^2, in the textbook's form."""

    def apply(self, grad_output):
        (x,) = self.saved_tensors
        return (grad_output * 2 * x.data,)


class PrintedAdd(Function):
    """The sum as the textbook prints it: an __init__ of its own, and none of the base class."""

    def __init__(self, a, b):
        self.saved_tensors = (a, b)

    def apply(self, grad_output):
        return grad_output, grad_output


class PrintedMul(Function):
    """The product as the textbook prints it."""

    def apply(self, grad_output):
        a, b = self.saved_tensors
        grad_a = grad_b = None
        if a.requires_grad:
            grad_a = grad_output * b.data
        if b.requires_grad:
            grad_b = grad_output * a.data
        return grad_a, grad_b


def leaf(*shape, dtype=np.float64, seed=0):
    """A tensor that requires gradients, of random numbers."""
    data = np.random.default_rng(seed).normal(size=shape)
    return Tensor(np.asarray(data, dtype), requires_grad=True)


def noise(*shape, seed=7):
    """A random gradient to start from."""
    return np.random.default_rng(seed).normal(size=shape)


def by_hand(value, node):
    """A tensor computed apart, with a node attached to it."""
    y = Tensor(value)
    y._grad_fn = node
    return y


# The textbook's form.


def test_a_rule_attached_by_hand():
    """A result computed apart gets its node afterwards, and requires gradients from then on."""
    x = leaf(3)
    y = Tensor(x.data**2)
    assert not y.requires_grad
    y.requires_grad, y._grad_fn = True, Square(x)
    assert y.requires_grad
    assert not y.is_leaf
    g = noise(3)
    y.backward(g)
    np.testing.assert_allclose(x.grad, g * 2 * x.data)
    with pytest.warns(UserWarning, match=r"retain_grad\(\)"):
        assert y.grad is None


def test_assigning_the_node_alone_sets_requires_grad():
    """`_grad_fn` is enough: no second switch has to be set."""
    x = leaf(2)
    y = by_hand(x.data**2, Square(x))
    assert y.requires_grad
    z = y * 3
    z.backward(noise(2))
    np.testing.assert_allclose(x.grad, noise(2) * 6 * x.data)


def test_the_printed_sum_without_super_init():
    """`z = x + y` with the printed AddBackward: assigning saved_tensors sets the edges."""
    x, y = leaf(3), leaf(3, seed=1)
    z = by_hand(x.data + y.data, PrintedAdd(x, y))
    g = noise(3)
    (z * z).backward(g)
    np.testing.assert_allclose(x.grad, g * 2 * z.data)
    np.testing.assert_allclose(y.grad, g * 2 * z.data)


def test_the_printed_product():
    """The printed MulBackward, which asks its saved tensors for requires_grad and data."""
    x, c = leaf(3), Tensor(noise(3))
    z = by_hand(x.data * c.data, PrintedMul(x, c))
    g = noise(3, seed=8)
    z.backward(g)
    np.testing.assert_allclose(x.grad, g * c.data)
    assert c.grad is None


def test_printed_functions_chain_with_recorded_operations():
    """Nodes attached by hand and recorded ones may follow each other in any order."""
    x = leaf(3)
    y = x * 2
    z = by_hand(y.data**2, Square(y))
    w = by_hand(z.data + x.data, PrintedAdd(z, x))
    g = noise(3)
    (w - x * 0.5).backward(g)
    np.testing.assert_allclose(x.grad, g * (8 * x.data + 0.5))


def test_edges_are_taken_when_the_function_is_made():
    """What happens to an input afterwards does not reach the node."""
    x = leaf(2)
    node = Square(x)
    value = x.data**2
    x._grad_fn = (leaf(2, seed=1) * 2)._grad_fn
    y = by_hand(value, node)
    old = x.data
    y.backward(noise(2))
    np.testing.assert_allclose(x.grad, noise(2) * 2 * old)


def test_a_tensor_may_be_named_again_as_its_own_result():
    """`x._grad_fn = F(x)` is no circle: the edge goes to what x was."""
    x = leaf(2)
    start = x.detach().clone()
    y = x * 1
    y._grad_fn = Square(y)
    y.backward(noise(2))
    np.testing.assert_allclose(x.grad, noise(2) * 2 * start.data)


def test_raw_numbers_come_back_raw():
    """What was no tensor when the node was made is none in saved_tensors."""
    x, array = leaf(2), np.ones(2)
    saved = Function(x, 2, 2.5, None, array, True, (2, 3)).saved_tensors
    assert isinstance(saved[0], Tensor)
    assert saved[1:4] == (2, 2.5, None)
    assert type(saved[1]) is int
    assert saved[4] is array
    assert saved[5] is True
    assert saved[6] == (2, 3)


def test_saved_tensors_are_tied_to_the_graph():
    """They have the data and requires_grad of the inputs, and lead where the inputs lead."""
    x, c = leaf(2), Tensor(noise(2))
    y = x * 2
    a, b, d = Function(x, y, c).saved_tensors
    assert [t.requires_grad for t in (a, b, d)] == [True, True, False]
    for given, kept in ((x, a), (y, b), (c, d)):
        assert np.shares_memory(given.data, kept.data)
    assert b.grad_fn is y.grad_fn
    a.backward(noise(2))
    np.testing.assert_array_equal(x.grad, noise(2))


def test_next_functions():
    """The node of a computed input, the accumulator of a leaf, None where nothing is asked."""
    x = leaf(2)
    y = x * 2
    node = Function(y, x, Tensor([1.0]), 3)
    assert node.next_functions[0] is y.grad_fn
    assert node.next_functions[1] is y.grad_fn.next_functions[0]
    assert node.next_functions[2:] == (None, None)
    assert node.needs_input_grad == (True, True, False, False)


def test_a_base_function_has_no_rule():
    """`apply` of the base class raises NotImplementedError that names the class."""
    with pytest.raises(NotImplementedError, match="Function"):
        Function(leaf(2)).apply(noise(2))

    class Half(Function):
        pass

    y = by_hand(np.ones(2), Half(leaf(2)))
    with pytest.raises(NotImplementedError, match="Half"):
        y.backward(noise(2))
    with pytest.raises(NotImplementedError, match="Half"):
        Half.call(leaf(2))


def test_only_a_function_can_be_a_grad_fn():
    """Anything else is a TypeError that names what was given."""
    y = Tensor([1.0])
    with pytest.raises(TypeError, match=r"Function.*str"):
        y._grad_fn = "AddBackward"
    assert not y.requires_grad


def test_a_grad_fn_can_be_taken_away():
    """Without its node a tensor is a leaf again."""
    x = leaf(2)
    y = x * 2
    y._grad_fn = None
    assert y.is_leaf
    y.sum().backward()
    assert x.grad is None
    assert y.grad.tolist() == [1.0, 1.0]


def test_one_function_on_two_tensors_is_two_names_for_one_result():
    """Their gradients add."""
    x = leaf(2)
    node = Square(x)
    y, z = by_hand(x.data**2, node), by_hand(x.data**2, node)
    a, b = noise(2), noise(2, seed=8)
    (y * a + z * b).sum().backward()
    np.testing.assert_allclose(x.grad, (a + b) * 2 * x.data)


@pytest.mark.parametrize("shape", [(1, 3), (1, 1, 3)])
@pytest.mark.parametrize("recorded", [True, False])
def test_a_grad_fn_handed_on_with_extra_leading_ones(shape, recorded):
    """The gradient is summed down to what the Function made, directly and through operations."""
    x = leaf(3)
    y = x * x if recorded else by_hand(x.data**2, Square(x))
    z = by_hand(y.data.reshape(shape), y._grad_fn)
    g = noise(4, 2, 3)
    (z + np.zeros((4, 2, 3))).backward(g, retain_graph=True)
    np.testing.assert_allclose(x.grad, g.sum(axis=(0, 1)) * 2 * x.data)
    x.zero_grad()
    z.backward(noise(*shape))
    np.testing.assert_allclose(x.grad, noise(*shape).reshape(3) * 2 * x.data)


def test_a_grad_fn_handed_on_to_a_shape_that_does_not_fit():
    """Whoever finds out, the error names the Function and both shapes."""
    x = leaf(4)
    y = x * x
    with pytest.raises(
        GradientError, match=r"MulBackward.*\(2,\).*\(4,\)|MulBackward.*\(4,\).*\(2"
    ):
        by_hand(np.ones(2), y._grad_fn).backward(noise(2))
    assert x.grad is None


def test_a_function_made_without_recording_leads_nowhere():
    """Under no_grad no edges are taken."""
    x = leaf(2)
    with no_grad():
        node = Square(x)
    assert node.next_functions == (None,)


@pytest.mark.parametrize("form", ["tensor", "list", "single"])
def test_a_rule_may_return_tensors_lists_or_one_gradient(form):
    """A Tensor counts as its array, a list as a tuple, and one gradient needs no tuple."""

    class Double(Function):
        def apply(self, grad_output):
            g = grad_output * 2
            return {"tensor": (Tensor(g),), "list": [g], "single": g}[form]

    x = leaf(2)
    by_hand(x.data * 2, Double(x)).backward(noise(2))
    np.testing.assert_array_equal(x.grad, noise(2) * 2)
    assert type(x.grad) is np.ndarray


# The plugin's form.


def test_forward_and_rule_in_one_class():
    """`call` runs forward on arrays, wraps the result and records the node."""
    x = leaf(3)
    y = Softplus.call(x)
    np.testing.assert_array_equal(y.data, np.logaddexp(0, x.data))
    assert type(y.grad_fn) is Softplus
    g = noise(3)
    y.backward(g)
    np.testing.assert_allclose(x.grad, g / (1 + np.exp(-x.data)))


@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 3)])
def test_forward_gets_arrays_and_what_it_was_given_raw(shape):
    """Tensors arrive as their arrays, Python numbers as themselves, sequences as arrays."""
    seen = []

    class Probe(Function):
        def forward(self, *inputs, **parameters):
            seen.extend(inputs)
            seen.append(parameters)
            return np.array(inputs[0])

    x = leaf(*shape)
    masked = np.ma.masked_array([1.0, 2.0], [True, False])
    Probe.call(x, 2, 2.5, None, True, np.float64(3), [1, 2], masked, alpha="a")
    assert seen[0] is x.data
    assert seen[1:5] == [2, 2.5, None, True]
    assert [type(v) for v in seen[1:3]] == [int, float]
    assert type(seen[5]) is np.float64
    np.testing.assert_array_equal(seen[6], np.array([1, 2], np.float32))
    assert type(seen[7]) is np.ndarray
    assert seen[8] == {"alpha": "a"}


def test_nothing_is_kept_unless_an_input_requires_a_gradient():
    """Plain tensors, and any tensor under no_grad, give a plain tensor."""
    y = Softplus.call(Tensor([1.0]))
    assert isinstance(y, Tensor)
    assert not y.requires_grad
    with no_grad():
        assert not Softplus.call(leaf(2)).requires_grad


@pytest.mark.parametrize(
    "value", [np.array([0.5]), np.array(0.5), 0.5, np.float64(0.5), [0.5]], ids=repr
)
def test_arrays_in_array_out(value):
    """Without a tensor among the inputs the result is an array and nothing is recorded."""
    y = Softplus.call(value)
    assert type(y) is np.ndarray
    np.testing.assert_allclose(y, np.logaddexp(0, np.asarray(value)), rtol=1e-6)


def test_a_rule_may_call_operations():
    """On the arrays that a rule has, operations compute arrays; nothing is recorded."""

    class Cube(Function):
        def forward(self, x):
            self.save(x)
            return ops.multiply(ops.multiply(x, x), x)

        def apply(self, grad_output):
            (x,) = self.saved
            assert not is_grad_enabled()
            result = ops.multiply(ops.multiply(grad_output, 3), ops.power(x, 2))
            assert type(result) is np.ndarray
            return result

    x = leaf(3)
    Cube.call(x).backward(noise(3))
    np.testing.assert_allclose(x.grad, noise(3) * 3 * x.data**2)


def test_a_node_made_by_hand_can_be_asked_at_once():
    """`XBackward(inputs).apply(g)`, with parameters by keyword or after the inputs."""
    a, b = leaf(2, 3), leaf(2, 3, seed=1)
    g = noise(2, 3)
    nodes = {name: type(y.grad_fn) for name, y in _recorded(a, b).items()}
    assert [c.__name__ for c in nodes.values()] == [f"{name}Backward" for name in nodes]

    np.testing.assert_array_equal(nodes["Add"](a, b).apply(g), (g, g))
    np.testing.assert_array_equal(nodes["Sub"](a, b).apply(g), (g, -g))
    np.testing.assert_allclose(nodes["Mul"](a, b).apply(g), (g * b.data, g * a.data))
    np.testing.assert_allclose(nodes["Div"](a, b).apply(g), (g / b.data, -g * a.data / b.data**2))
    grad_a, grad_b = nodes["Matmul"](a, b.T).apply(noise(2, 2))
    np.testing.assert_allclose(grad_a, noise(2, 2) @ b.data)
    np.testing.assert_allclose(grad_b, a.data.T @ noise(2, 2))
    for node in (nodes["Sum"](a, 1), nodes["Sum"](a, axis=1), nodes["Sum"](a, (1,), False)):
        spread = node.apply(noise(2))
        np.testing.assert_array_equal(spread, np.repeat(noise(2)[:, None], 3, 1))
    for node in (nodes["Reshape"](a, (3, 2)), nodes["Reshape"](a, shape=(3, 2))):
        np.testing.assert_array_equal(node.apply(g.reshape(3, 2)), g)
    for node in (
        nodes["Transpose"](a),
        nodes["Transpose"](a, 0, 1),
        nodes["Transpose"](a, dim0=0, dim1=1),
    ):
        np.testing.assert_array_equal(node.apply(g.T), g)


def _recorded(a, b):
    return {
        "Add": a + b,
        "Sub": a - b,
        "Mul": a * b,
        "Div": a / b,
        "Matmul": a @ b.T,
        "Sum": a.sum(),
        "Reshape": a.reshape(3, 2),
        "Transpose": a.T,
    }


def test_a_node_of_the_plugins_form_can_be_attached_by_hand():
    """`z._grad_fn = AddBackward(x, y)`, with the gradients of broadcast inputs summed."""
    x, y = leaf(3), leaf(2, 1, seed=1)
    node = type((x + y).grad_fn)(x, y)
    z = by_hand(x.data + y.data, node)
    g = noise(2, 3)
    z.backward(g)
    np.testing.assert_allclose(x.grad, g.sum(axis=0))
    np.testing.assert_allclose(y.grad, g.sum(axis=1, keepdims=True))


def test_too_many_arguments_by_hand():
    """The error names the class and what it takes."""
    with pytest.raises(TypeError, match="AddBackward takes a, b"):
        type((leaf(2) + 1).grad_fn)(leaf(2), 1, 2)


def test_saved_tensors_of_the_plugins_form():
    """They are what `saved` holds, as tensors: inputs and output tied, the rest constant."""

    class Probe(Function):
        def forward(self, x, c):
            y = x * c
            self.save(x, c, y, x > 0, None, 2.5)
            return y

    for shape in ((2,), ()):
        x, c = leaf(*shape), Tensor(noise(*shape))
        y = Probe.call(x, c)
        saved = y.grad_fn.saved_tensors
        assert [isinstance(s, Tensor) for s in saved] == [True] * 4 + [False] * 2
        assert [s.requires_grad for s in saved[:4]] == [True, False, True, False]
        assert saved[2].grad_fn is y.grad_fn
        assert saved[4:] == (None, 2.5)


def test_an_output_that_is_an_input_becomes_a_view():
    """The result of an operation that does nothing is another tensor with another array object."""

    class Same(Function):
        def forward(self, x):
            return x

        def apply(self, grad_output):
            return grad_output

    x = leaf(2)
    y = Same.call(x)
    assert y.data is not x.data
    assert np.shares_memory(y.data, x.data)
    y.backward(noise(2))
    np.testing.assert_array_equal(x.grad, noise(2))
    array = noise(2)
    assert Same.call(array) is not array


def test_one_array_with_two_edges_is_told_apart():
    """In `x * x.detach()` forward gets two array objects; in `x * x` it gets one."""

    class Probe(Function):
        def forward(self, a, b):
            self.save(a, b)
            return a * b

        def apply(self, grad_output):
            a, b = self.saved
            return grad_output * b, grad_output * a

    x = leaf(2)
    apart = Probe.call(x, x.detach())
    a, b = apart.grad_fn.saved
    assert a is not b
    assert [t.requires_grad for t in apart.grad_fn.saved_tensors] == [True, False]
    apart.backward(noise(2))
    np.testing.assert_allclose(x.grad, noise(2) * x.data)
    a, b = Probe.call(x, x).grad_fn.saved
    assert a is b


def test_needs_input_grad():
    """A rule is told, also in forward, which gradients are asked for; it may leave out others."""
    seen = []

    class Probe(Function):
        def forward(self, a, b):
            seen.append(self.needs_input_grad)
            return a + b

        def apply(self, grad_output):
            seen.append(self.needs_input_grad)
            return None, grad_output

    c, x = Tensor(noise(2)), leaf(2)
    Probe.call(c, x).backward(noise(2))
    assert seen == [(False, True)] * 2
    np.testing.assert_array_equal(x.grad, noise(2))


def test_a_gradient_that_nobody_asked_for_is_dropped():
    """A rule that returns all gradients is right, too: also a wrong-shaped one goes nowhere."""

    class Sloppy(Function):
        def forward(self, a, b):
            return a + b

        def apply(self, grad_output):
            return grad_output, "not asked for"

    x, c = leaf(2), Tensor(noise(2))
    Sloppy.call(x, c).backward(noise(2))
    np.testing.assert_array_equal(x.grad, noise(2))
    assert c.grad is None


def test_none_is_no_gradient():
    """Where a rule returns None, nothing arrives: the leaf behind keeps no gradient at all."""

    class Stop(Function):
        def forward(self, x):
            return x * 1

        def apply(self, grad_output):
            return None

    x = leaf(2)
    Stop.call(x * 2).backward(noise(2))
    assert x.grad is None


@pytest.mark.parametrize("kind", [np.int64, np.bool_])
def test_an_output_that_is_not_floating_is_not_recorded(kind):
    """Indices and masks carry no gradient, whatever the inputs require."""

    class Convert(Function):
        def forward(self, x):
            return x.astype(kind)

    y = Convert.call(leaf(2))
    assert y.dtype == kind
    assert not y.requires_grad


@pytest.mark.parametrize(
    "output", [np.array([1j]), np.array(["a"]), "a", None, [Fraction(1, 3)]], ids=str
)
def test_an_output_that_no_tensor_holds_is_named(output):
    """A forward that returns nothing, text or complex numbers is an error that names the class."""

    class Strange(Function):
        def forward(self, x):
            return output

    with pytest.raises(TypeError, match="Strange"):
        Strange.call(leaf(1))


def test_an_input_that_no_tensor_holds_is_named():
    """The error of an operand says which Function it was for."""
    for value in ("a", 1j, object(), np.complex64(1)):
        with pytest.raises(TypeError, match="Softplus"):
            Softplus.call(value)


def test_saved_arrays_are_those_of_the_forward_and_no_more():
    """An addition keeps nothing, a product what the other side needs, a sum no array."""
    x, c = leaf(2), Tensor(noise(2))
    assert (x + c).grad_fn.saved == ()
    assert x.sum().grad_fn.saved == ()
    assert x.reshape(2, 1).grad_fn.saved == ()
    kept = [s for s in (x * c).grad_fn.saved if s is not None]
    assert len(kept) == 1
    assert kept[0] is c.data


def test_attributes_of_an_author_do_not_meet_the_engines():
    """An author may keep shape, params, dtype, data, inputs and the like on the node."""

    class Author(Function):
        def forward(self, x, *, scale):
            for name in ("shape", "dtype", "data", "inputs", "params", "grad", "edge", "name"):
                setattr(self, name, scale)
            return x * scale

        def apply(self, grad_output):
            return grad_output * self.shape

    x = leaf(2)
    Author.call(x, scale=3.0).backward(noise(2))
    np.testing.assert_allclose(x.grad, noise(2) * 3)


def test_repr_is_the_name_of_the_class():
    """A node shows which operation it is."""
    assert repr(Softplus.call(leaf(2)).grad_fn) == "Softplus"
    assert repr((leaf(2) + 1).grad_fn) == "AddBackward"


# Memory.


def test_an_intermediate_array_that_no_rule_needs_is_freed():
    """An addition keeps no inputs alive: the array goes when the program lets go of the tensor."""
    x = leaf(1000)
    t = x * 2
    array = weakref.ref(t.data)
    y = t + 1
    del t
    assert array() is None
    y.backward(noise(1000))
    np.testing.assert_array_equal(x.grad, noise(1000) * 2)


def test_what_a_node_saved_is_freed_with_the_graph():
    """A graph dropped without a backward frees its arrays at once, without the collector."""
    gc.disable()
    try:
        t = leaf(1000) * 2
        array = weakref.ref(t.data)
        y = t.exp() * t
        del t
        assert array() is not None
        del y
        assert array() is None
    finally:
        gc.enable()
