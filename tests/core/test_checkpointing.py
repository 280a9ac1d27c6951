"""checkpoint: the same gradients for less memory, at the price of one more forward."""

from __future__ import annotations

import tracemalloc
import weakref

import numpy as np
import pytest
import tinytorch
from tinytorch import (
    Function,
    GradientError,
    Tensor,
    checkpoint,
    checkpoint_sequential,
    default_generator,
    func,
    get_rng_state,
    grad,
    is_grad_enabled,
    manual_seed,
    no_grad,
)


def leaf(*shape, dtype=np.float64, seed=0):
    """A tensor that requires gradients, of random numbers between 0.5 and 1.5."""
    data = np.random.default_rng(seed).uniform(0.5, 1.5, size=shape)
    return Tensor(np.asarray(data, dtype), requires_grad=True)


def noise(*shape, seed=7):
    """Random numbers of both signs."""
    return np.random.default_rng(seed).normal(size=shape)


def dropout(x):
    """x with about half of its elements set to zero, drawn from the one generator."""
    return x * (default_generator().random(x.shape) > 0.5) * 2.0


class Counted:
    """A function that counts how often it is run."""

    def __init__(self, function):
        self.function = function
        self.runs = 0

    def __call__(self, *args, **kwargs):
        self.runs += 1
        return self.function(*args, **kwargs)


def same(got, want, **tolerance):
    """Compare two sequences of gradients."""
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(np.asarray(getattr(a, "data", a)), b, **tolerance)


# The same gradients.

FUNCTIONS = {
    "elementwise": lambda x, w: x.exp() * w / (x + w) ** 2,
    "matmul": lambda x, w: (x.reshape(-1, 1) @ w.reshape(1, -1)).exp(),
    "reductions": lambda x, w: x.max() * w.sum() + (x * w).mean(axis=0),
    "nothing saved": lambda x, w: x + w - x,
    "the input": lambda x, w: x,
    "one tensor twice": lambda x, w: x * x * x.exp() * w * w,
    "numpy": lambda x, w: np.where(x > 1, np.sqrt(x), w) * np.clip(w, 0.7, 1.2),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_gradients_are_the_same(function):
    """To the last bit, towards every input."""
    x, w = leaf(4), leaf(4, seed=1)
    plain, packed = function(x, w), checkpoint(function, x, w)
    np.testing.assert_array_equal(packed.data, plain.data)
    seed = noise(*plain.shape)
    got = grad(packed, [x, w], seed, allow_unused=True)
    for a, b in zip(got, grad(plain, [x, w], seed, allow_unused=True), strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a, b)


def test_in_the_middle_of_a_graph():
    """Between other operations, with inputs that are no leaves, by backward."""
    x, w = leaf(4), leaf(4, seed=1)

    def loss(segment):
        return (segment(x**2, w.exp()) * x).sum()

    loss(lambda a, b: (a * b).exp()).backward()
    expected = x.grad, w.grad
    x.zero_grad()
    w.zero_grad()
    loss(lambda a, b: checkpoint(lambda a, b: (a * b).exp(), a, b)).backward()
    same((x.grad, w.grad), expected)


def test_captured_parameters():
    """Tensors that the function refers to get their gradients, leaves and computed ones."""
    x, w, v = leaf(3), leaf(3, seed=1), leaf(3, seed=2)
    computed = v**2

    def function(x):
        return (x * w).exp() * computed

    expected = grad(function(x).sum(), [x, w, v], retain_graph=True)
    same(grad(checkpoint(function, x).sum(), [x, w, v]), expected)


def test_an_input_that_requires_no_gradient():
    """Data as input, and all that learns captured."""
    data, w = Tensor(noise(5, 3)), leaf(3, 2)
    (got,) = grad(checkpoint(lambda x: (x @ w).exp(), data).sum(), w)
    np.testing.assert_array_equal(got, grad((data @ w).exp().sum(), w)[0])


def test_arguments_of_all_kinds():
    """Containers of tensors, numbers, None, text and keywords come as they were given."""
    a, b, c = leaf(3), leaf(3, seed=1), leaf(3, seed=2)
    seen = []

    def function(tree, number, nothing, text, *, scale):
        seen.append((number, nothing, text, type(tree["b"])))
        return (tree["a"] * tree["b"][0]).exp() * number * scale

    y = checkpoint(function, {"a": a, "b": (b,)}, 3, None, "text", scale=c)
    expected = grad(((a * b).exp() * 3 * c).sum(), [a, b, c])
    same(grad(y.sum(), [a, b, c]), expected, rtol=1e-12)
    assert seen == [(3, None, "text", tuple)] * 2


def test_results_of_all_kinds():
    """Whatever the function returns is returned."""
    x = leaf(3)
    result = checkpoint(lambda x: {"y": [x.exp(), 3], "z": (x * x).sum(), "n": None}, x)
    assert result["y"][1] == 3
    assert result["n"] is None
    got = grad([result["y"][0].sum(), result["z"]], x)
    np.testing.assert_allclose(got[0], np.exp(x.data) + 2 * x.data)
    assert checkpoint(lambda: "text") == "text"


def test_one_tensor_as_two_inputs():
    """checkpoint(f, x, x) has the gradient of both together."""
    x = leaf(3)

    def function(a, b):
        return a.exp() * b**2

    (expected,) = grad(function(x, x).sum(), x)
    np.testing.assert_allclose(grad(checkpoint(function, x, x).sum(), x)[0], expected)


def test_only_some_of_the_gradients():
    """Towards one input, one captured tensor, or one of several results."""
    x, w = leaf(3), leaf(3, seed=1)

    def function(x):
        return (x * w).exp(), (x + w) ** 3

    for output in (0, 1):
        for target in (x, w):
            (expected,) = grad(function(x)[output].sum(), target)
            (got,) = grad(checkpoint(function, x)[output].sum(), target)
            np.testing.assert_array_equal(got, expected)


def test_the_textbooks_form():
    """A Function that is attached by hand may be inside."""

    class Square(Function):
        def apply(self, grad_output):
            (x,) = self.saved_tensors
            return (grad_output * 2 * x.data,)

    def function(x):
        y = Tensor(x.data**2)
        y._grad_fn = Square(x)
        return y.exp()

    x = leaf(3)
    (g,) = grad(checkpoint(function, x).sum(), x, create_graph=True)
    (expected,) = grad(function(x).sum(), x, create_graph=True)
    np.testing.assert_allclose(g.data, expected.data)
    np.testing.assert_allclose(grad(g.sum(), x)[0], grad(expected.sum(), x)[0])


# How often the function runs.


def test_the_function_runs_exactly_twice():
    """Once forward, and once for backward, however much it saved."""
    function = Counted(lambda x: ((x.exp() * x).exp() * x).sqrt())
    x = leaf(3)
    y = checkpoint(function, x)
    assert function.runs == 1
    y.sum().backward()
    assert function.runs == 2


def test_it_runs_once_where_nothing_asks():
    """Under no_grad, without anything that requires gradients, or without a backward."""
    function = Counted(lambda x: (x.exp() * x).exp())
    x = leaf(3)
    with no_grad():
        y = checkpoint(function, x)
        assert not y.requires_grad
        assert not is_grad_enabled()
    assert not checkpoint(function, x.detach()).requires_grad
    checkpoint(function, x)
    assert function.runs == 3


def test_backward_under_no_grad():
    """The second run records, whatever the mode of the caller of backward."""
    x = leaf(3)
    y = checkpoint(lambda x: x.exp() * x, x).sum()
    with no_grad():
        y.backward()
        assert not is_grad_enabled()
    np.testing.assert_allclose(x.grad, np.exp(x.data) * (1 + x.data))


def test_retain_graph():
    """Each backward through a kept graph runs the function again and gives the same."""
    function = Counted(lambda x: (x.exp() * x).exp())
    x = leaf(3)
    y = checkpoint(function, x).sum()
    first, second = grad(y, x, retain_graph=True)[0], grad(y, x, retain_graph=True)[0]
    assert function.runs == 3
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(grad(y, x)[0], first)
    with pytest.raises(GradientError, match=r"released.*retain_graph"):
        grad(y, x)


def test_alternating_gradients_of_a_kept_graph():
    """Gradients towards one input and the other, in turn, which use what was saved in part."""
    x, w = leaf(3), leaf(3, seed=1)

    def function(x, w):
        return (x.exp() * w.exp()).exp() * (x / w)

    y = checkpoint(function, x, w).sum()
    expected = grad(function(x, w).sum(), [x, w])
    for place in (0, 1, 1, 0, 0, 1):
        (got,) = grad(y, [x, w][place], retain_graph=True)
        np.testing.assert_array_equal(got, expected[place])
    same(grad(y, [x, w]), expected)


# Memory.


def test_only_inputs_are_kept():
    """After the forward, every array in between is gone; after backward, the second ones too."""
    between = []

    def function(x):
        y = x.exp()
        z = (y * y).exp()
        between.extend(weakref.ref(t.data) for t in (y, z))
        return z.sum()

    x = leaf(3)
    loss = checkpoint(function, x)
    assert [ref() is None for ref in between] == [True] * 2
    loss.backward(retain_graph=True)
    assert [ref() is None for ref in between] == [True] * 4


def test_nothing_is_kept_for_what_was_not_asked():
    """Arrays of the second run that no rule took, as their input was not named, are let go of."""
    between = []

    def function(x, w):
        y, z = x.exp(), w.exp()
        between.extend(weakref.ref(t.data) for t in (y, z))
        return (y * z).exp().sum()

    x, w = leaf(3), leaf(3, seed=1)
    loss = checkpoint(function, x, w)
    grad(loss, x, retain_graph=True)
    assert [ref() is None for ref in between] == [True] * 4


def peak(run):
    """The most memory that was in use during `run`, above what was in use before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        run()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def network(layers, width, batch):
    """The layers of a network of ReLUs, and its input; all weights require gradients."""
    generator = np.random.default_rng(0)
    weights = [
        Tensor(
            generator.normal(size=(width, width)).astype(np.float32) * (2 / width) ** 0.5,
            requires_grad=True,
        )
        for _ in range(layers)
    ]
    functions = [lambda x, w=w: (x @ w + 0.1).maximum(0.0) for w in weights]
    x = Tensor(generator.normal(size=(batch, width)).astype(np.float32), requires_grad=True)
    return functions, x


def test_the_peak_of_fifty_layers():
    """50 layers of 512 at batch 256: activations fall to about 2 √50 / 50 of what they were.

    Gradients are asked for at the input, so that those of the weights, which are as large with and
    without, do not cover what is compared.
    """
    functions, x = network(50, 512, 256)

    def plain():
        y = x
        for function in functions:
            y = function(y)
        gradients.append(grad(y.sum(), x)[0])

    gradients = []
    whole = peak(plain)
    parts = peak(lambda: gradients.append(grad(checkpoint_sequential(functions, 7, x).sum(), x)[0]))
    np.testing.assert_array_equal(*gradients)
    activation = 256 * 512 * 4
    assert whole > 95 * activation  # two are saved in each layer
    assert parts < 0.4 * whole, f"{parts / 1e6:.1f} MB of {whole / 1e6:.1f} MB"


def test_the_peak_grows_with_the_square_root():
    """16 times the layers, in 4 times the segments, take about 4 times the memory, not 16."""
    peaks = []
    for layers, segments in ((16, 4), (256, 16)):
        functions, x = network(layers, 32, 512)
        run = lambda f=functions, s=segments, x=x: grad(checkpoint_sequential(f, s, x).sum(), x)  # noqa: E731 - a peak takes a call
        peaks.append(peak(run))
    assert peaks[1] < 6 * peaks[0], peaks


# Nested.


def test_nested():
    """Checkpoints within checkpoints, beside and after each other."""
    x, w = leaf(3), leaf(3, seed=1)

    def inner(x):
        return (x * w).exp() / 3

    def middle(x):
        return checkpoint(inner, checkpoint(inner, x) * x) + x

    def outer(x):
        return checkpoint(middle, x) * checkpoint(inner, x).sum()

    def flat(x):
        a = inner(inner(x) * x) + x
        return a * inner(x).sum()

    expected = grad(flat(x).sum(), [x, w])
    same(grad(outer(x).sum(), [x, w]), expected, rtol=1e-12)
    same(grad(checkpoint(outer, x).sum(), [x, w]), expected, rtol=1e-12)
    same(grad(checkpoint(lambda x: checkpoint(outer, x), x).sum(), [x, w]), expected, rtol=1e-12)


def test_how_often_nested_functions_run():
    """Two levels: the inner function once more for the outer, and once for itself."""
    inner = Counted(lambda x: x.exp() * x)
    outer = Counted(lambda x: checkpoint(inner, x * 2) * x)
    x = leaf(3)
    checkpoint(outer, x).sum().backward()
    assert outer.runs == 2
    assert inner.runs == 3


def test_nested_checkpoints_keep_inputs_only():
    """What an inner checkpoint keeps is recomputed by the outer one."""
    between = []

    def outer(x):
        y = x.exp()
        between.append(weakref.ref(y.data))
        return checkpoint(lambda y: y.exp() * y, y)

    x = leaf(3)
    loss = checkpoint(outer, x).sum()
    assert between[0]() is None
    loss.backward()
    a = np.exp(x.data)
    np.testing.assert_allclose(x.grad, np.exp(a) * (1 + a) * a)


# Random numbers.


@pytest.mark.parametrize("nested", [False, True])
def test_random_numbers_are_drawn_again(nested):
    """Dropout masks in backward are those of forward; the gradients are those without."""
    x = leaf(50)

    def function(x):
        return dropout(dropout(x.exp()) * x)

    def packed(x):
        return checkpoint(lambda x: checkpoint(function, x) * dropout(x), x)

    def plain(x):
        return function(x) * dropout(x)

    manual_seed(3)
    expected = grad((plain(x) if nested else function(x)).sum(), x)
    manual_seed(3)
    y = packed(x) if nested else checkpoint(function, x)
    default_generator().random(17)
    same(grad(y.sum(), x), expected, rtol=1e-12)


def test_the_state_of_the_generator_is_as_without():
    """Neither checkpoint nor its backward changes what is drawn afterwards."""
    x = leaf(5)

    def function(x):
        return dropout(x.exp()) * x

    drawn = []
    for segment in (function, lambda x: checkpoint(function, x)):
        manual_seed(5)
        y = segment(x)
        between = default_generator().random(3)
        y.sum().backward()
        drawn.append([between, default_generator().random(3)])
    np.testing.assert_array_equal(*drawn)


def test_rand_and_randn_inside():
    """Tensors of random numbers are the same again, and seeds set inside stay inside."""
    x = leaf(5)

    def function(x):
        noisy = x * tinytorch.rand(5, dtype=np.float64) + tinytorch.randn(5, dtype=np.float64)
        return noisy.exp()

    manual_seed(1)
    (expected,) = grad(function(x).sum(), x)
    manual_seed(1)
    y = checkpoint(function, x).sum()
    state = get_rng_state()
    np.testing.assert_array_equal(grad(y, x)[0], expected)
    assert get_rng_state() == state


def test_each_segment_draws_its_own():
    """Two checkpoints after one another do not share their masks."""
    x = Tensor(np.ones(200), requires_grad=True)
    manual_seed(0)
    y = checkpoint(dropout, checkpoint(dropout, x))
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, y.data)
    assert 20 < np.count_nonzero(y.data) < 80


# Higher derivatives.


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_second_derivatives(function):
    """They are those without a checkpoint, towards inputs and grad_outputs."""
    x, w = leaf(4), leaf(4, seed=1)
    v = Tensor(noise(*function(x, w).shape), requires_grad=True)
    found = []
    for segment in (function, lambda *xs: checkpoint(function, *xs)):
        y = segment(x * 1.0, w * 1.0) ** 2
        gradients = grad(y, [x, w], v, create_graph=True, allow_unused=True)
        total = 0.0
        for place, g in enumerate(gradients):
            if g is not None:
                total = total + (g * noise(4, seed=place)).sum()
        found.append(grad(total, [x, w, v], allow_unused=True))
    for a, b in zip(*found, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12)


def test_third_derivatives():
    """Of x⁵, from one kept graph."""
    x = leaf(3)
    y = checkpoint(lambda x: x * x * (x * x * x), x)
    for expected in (5 * x.data**4, 20 * x.data**3, 60 * x.data**2):
        (y,) = grad(y.sum(), x, create_graph=True)
        np.testing.assert_allclose(y.data, expected, rtol=1e-12)


def test_nested_second_derivatives():
    """Through two levels, with a captured parameter."""
    x, w = leaf(3), leaf(3, seed=1)

    def inner(x):
        return (x * w).exp()

    def outer(x, inner):
        return (inner(x) * x * x).sum()

    found = []
    for y in (
        outer(x, inner),
        checkpoint(lambda x: outer(x, lambda x: checkpoint(inner, x)), x),
    ):
        (g,) = grad(y, x, create_graph=True)
        found.append(grad(g.sum(), [x, w]))
    same(found[1], found[0], rtol=1e-12)


def test_recomputed_arrays_are_not_mistaken_for_others():
    """A recomputed array may get the id of one that was freed; it is still what it was.

    Of a / b only b and the quotient are saved. Should the new b be taken for the a that is gone,
    the second derivative would be wrong, now and then.
    """
    a, b = leaf(2), leaf(2, seed=1)

    def function(a, b):
        return ((a * 1.0) / (b * 1.0)).exp().sum()

    (g,) = grad(function(a, b), b, create_graph=True)
    (expected,) = grad(g.sum(), b)
    wrong = 0
    for _ in range(1000):
        a, b = leaf(2), leaf(2, seed=1)
        (g,) = grad(checkpoint(function, a, b), b, create_graph=True)
        wrong += not np.allclose(grad(g.sum(), b)[0], expected, rtol=1e-10)
    assert wrong == 0


def test_rerun_forward_inside():
    """A rule whose forward is run again on Tensors keeps its second derivative."""

    class Exp(Function):
        rerun_forward = True

        def forward(self, x):
            doubled = 2 * np.exp(x)
            self.save(x, doubled)
            return doubled / 2

        def apply(self, grad_output):
            _, doubled = self.saved
            return grad_output * doubled / 2

    x = leaf(3)
    (g,) = grad(checkpoint(lambda x: Exp.call(x * 1.0), x).sum(), x, create_graph=True)
    assert g.requires_grad, "the second derivative is zero, in silence"
    np.testing.assert_allclose(grad(g.sum(), x)[0], np.exp(x.data))


def test_dropout_in_second_derivatives():
    """The masks are the same in the second derivative as well."""
    x = leaf(30)
    found = []
    for segment in (dropout, lambda x: checkpoint(dropout, x)):
        manual_seed(2)
        (g,) = grad((segment(x * x * x) * x).sum(), x, create_graph=True)
        found.append(grad(g.sum(), x)[0])
    np.testing.assert_allclose(found[1], found[0])


def test_gradients_inside_a_checkpoint():
    """A function that differentiates within itself, as a gradient penalty does."""
    x, w = leaf(3), leaf(3, seed=1)

    def penalty(x):
        (g,) = grad((w * x**3).sum(), x, create_graph=True)
        return (g * g).sum()

    expected = grad(penalty(x), [x, w])
    same(grad(checkpoint(penalty, x), [x, w]), expected, rtol=1e-12)


def test_functional_transforms_inside_a_checkpoint():
    """func.grad of a function, as an inner step of MAML does."""
    x = leaf(3)

    def function(x):
        return (func.grad(lambda z: (z**3).sum())(x) ** 2).sum()

    same(grad(checkpoint(function, x), x), [36 * x.data**3], rtol=1e-12)


def test_a_hessian_through_a_checkpoint():
    """func.hessian and func.hvp see through it."""
    x, v = leaf(3).data, noise(3)

    def function(x):
        return checkpoint(lambda x: (x**4).sum(), x)

    np.testing.assert_allclose(func.hessian(function)(x), np.diag(12 * x**2), atol=1e-12)
    np.testing.assert_allclose(func.hvp(function, (x,), (v,))[1], 12 * x**2 * v)


# What goes wrong.


def test_a_function_that_saves_other_shapes():
    """An error names the shapes; no `.grad` has changed."""
    sizes = iter([2, 3])

    def function(x):
        return x.broadcast_to((next(sizes), 3)).exp().sum()

    x = leaf(3)
    y = checkpoint(function, x)
    with pytest.raises(GradientError, match=r"checkpoint: .*2, 3.*3, 3.*same each time"):
        y.backward()
    assert x.grad is None


@pytest.mark.parametrize("counts", [(1, 2), (2, 1)])
def test_a_function_that_saves_more_or_less(counts):
    """One operation more, or fewer, the second time."""
    times = iter(counts)

    def function(x):
        for _ in range(next(times)):
            x = x.exp()
        return x.sum()

    x = leaf(3)
    with pytest.raises(GradientError, match=r"same each time"):
        checkpoint(function, x).backward()


def test_a_function_that_saves_another_dtype():
    """float32 where it was float64 is another result, not a less precise gradient."""
    dtypes = iter([np.float64, np.float32])

    def function(x):
        return x.astype(next(dtypes)).exp().sum()

    x = leaf(3)
    with pytest.raises(GradientError, match=r"float64.*float32"):
        checkpoint(function, x).backward()


def test_a_function_that_fails_the_second_time():
    """Its error comes through, nothing has changed, and a kept graph can be tried again."""
    failing = iter([False, True, False])

    def function(x):
        if next(failing):
            raise OSError("no memory")
        return dropout(x.exp()).sum()

    x = leaf(3)
    y = checkpoint(function, x)
    state = get_rng_state()
    with pytest.raises(OSError, match="no memory"):
        y.backward(retain_graph=True)
    assert x.grad is None
    assert get_rng_state() == state
    assert is_grad_enabled()
    y.backward()
    np.testing.assert_allclose(x.grad.sum(), y.item())


def test_a_function_that_fails_the_first_time():
    """Its error comes through, and nothing is packed afterwards."""

    def function(x):
        raise KeyError("mine")

    x = leaf(3)
    with pytest.raises(KeyError, match="mine"):
        checkpoint(function, x)
    y = x.exp()
    np.testing.assert_array_equal(y.grad_fn.saved[0], y.data)


def test_once_differentiable_inside():
    """What has no second derivative says so through a checkpoint as well."""

    class Once(Function):
        once_differentiable = True

        def forward(self, x):
            self.save(x)
            return x**3

        def apply(self, grad_output):
            (x,) = self.saved
            return grad_output * 3 * x**2

    x = leaf(3)
    (g,) = grad(checkpoint(lambda x: Once.call(x * 1), x).sum(), x, create_graph=True)
    np.testing.assert_allclose(g.data, 3 * x.data**2)
    with pytest.raises(GradientError, match="Once"):
        g.sum().backward()


# checkpoint_sequential.


@pytest.mark.parametrize("segments", [1, 2, 3, 4, 7])
def test_checkpoint_sequential(segments):
    """Any number of segments gives the gradients without, and runs each function twice."""
    w = [leaf(3, seed=i) for i in range(7)]
    functions = [Counted(lambda x, w=w: (x * w + 1).sqrt()) for w in w]
    x = leaf(3)
    y = x
    for function in functions:
        y = function.function(y)
    expected = grad(y.sum(), [x, *w])
    packed = checkpoint_sequential(functions, segments, x)
    np.testing.assert_array_equal(packed.data, y.data)
    same(grad(packed.sum(), [x, *w]), expected)
    assert [function.runs for function in functions] == [2] * 7


@pytest.mark.parametrize(("count", "segments"), [(7, 1), (7, 3), (10, 4), (50, 7), (5, 5)])
def test_segments_of_about_equal_length(count, segments):
    """As many as were asked for, none longer than another by more than one function."""
    run = []

    def numbered(number):
        def function(x):
            run.append(number)
            return (x * x + 1).sqrt()

        return function

    x = leaf(2)
    y = checkpoint_sequential([numbered(i) for i in range(count)], segments, x)
    assert run == list(range(count))
    run.clear()
    y.sum().backward()  # the last segment is run again first
    starts = [i for i in range(count) if i == 0 or run[i] != run[i - 1] + 1]
    lengths = np.diff([*starts, count])
    assert len(lengths) == segments
    assert lengths.max() - lengths.min() <= 1
    assert sorted(run) == list(range(count))


def test_checkpoint_sequential_hands_on_whatever_there_is():
    """A function's result, a tuple say, is the next one's argument, across segments too."""
    x, w = leaf(3), leaf(3, seed=1)
    functions = [
        lambda pair: (pair[0].exp(), pair[1]),
        lambda pair: (pair[0] * pair[1], pair[0]),
        lambda pair: pair[0] / pair[1],
    ]
    for segments in (1, 2, 3):
        y = checkpoint_sequential(functions, segments, (x, w))
        same(grad(y.sum(), [x, w]), grad((x.exp() * w / x.exp()).sum(), [x, w]), atol=1e-12)


@pytest.mark.parametrize("segments", [0, -1, 4])
def test_a_wrong_number_of_segments(segments):
    """The message has both numbers."""
    with pytest.raises(ValueError, match=rf"3 functions.*{segments} were asked for"):
        checkpoint_sequential([Tensor.exp] * 3, segments, leaf(3))


def test_checkpoint_sequential_under_no_grad():
    """It is the functions, one after another."""
    function = Counted(lambda x: x.exp())
    with no_grad():
        y = checkpoint_sequential([function] * 3, 2, leaf(3))
    assert not y.requires_grad
    assert function.runs == 3
