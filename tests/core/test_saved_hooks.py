"""saved_tensors_hooks: what is packed, when it is unpacked, and that gradients do not change."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from tinytorch import (
    Function,
    GradientError,
    SparseGradient,
    Tensor,
    checkpoint,
    func,
    grad,
    no_grad,
    saved_tensors_hooks,
)


def leaf(*shape, dtype=np.float64, seed=0):
    """A tensor that requires gradients, of random numbers between 0.5 and 1.5."""
    data = np.random.default_rng(seed).uniform(0.5, 1.5, size=shape)
    return Tensor(np.asarray(data, dtype), requires_grad=True)


def noise(*shape, seed=7):
    """Random numbers of both signs."""
    return np.random.default_rng(seed).normal(size=shape)


class Noting(saved_tensors_hooks):
    """Hooks that copy, and note what they were given."""

    def __init__(self):
        self.packed, self.unpacked = [], []
        super().__init__(self.pack, self.unpack)

    def pack(self, array):
        self.packed.append(array)
        return ("packed", array.copy())

    def unpack(self, packed):
        name, array = packed
        assert name == "packed"
        self.unpacked.append(array)
        return array.copy()


def test_pack_and_unpack_are_called():
    """pack for every array that is saved, in the forward; unpack for each, in the backward."""
    x, w = leaf(3), leaf(3, seed=1)
    hooks = Noting()
    with hooks:
        y = (x * w).exp().sum()
    assert len(hooks.packed) == 3
    assert all(type(array) is np.ndarray for array in hooks.packed)
    assert any(array is x.data for array in hooks.packed)
    assert any(array is w.data for array in hooks.packed)
    assert hooks.unpacked == []
    y.backward()
    assert len(hooks.unpacked) == 3
    np.testing.assert_allclose(x.grad, np.exp(x.data * w.data) * w.data)
    np.testing.assert_allclose(w.grad, np.exp(x.data * w.data) * x.data)


def test_nothing_is_packed_where_nothing_is_saved():
    """Not under no_grad, not without an input that requires gradients, not for a sum."""
    x = leaf(3)
    with Noting() as hooks:
        with no_grad():
            x * x
        x.detach().exp()
        (x + 1).sum()
    assert hooks.packed == []


def test_numbers_are_not_packed():
    """A Python number that a rule saves is none of the hooks' business."""
    x = leaf(3)
    with Noting() as hooks:
        y = (x * 3.0).sum()
    assert all(isinstance(array, np.ndarray) for array in hooks.packed)
    y.backward()
    np.testing.assert_array_equal(x.grad, np.full(3, 3.0))


def test_outside_the_block_nothing_is_packed():
    """What was recorded before or after keeps its arrays; what was inside is unpacked later."""
    x = leaf(3)
    before = x * x
    with Noting() as hooks:
        inside = before * before
    after = inside * inside
    assert len(hooks.packed) == 2
    after.sum().backward()
    assert len(hooks.unpacked) == 2
    np.testing.assert_allclose(x.grad, 8 * x.data**7)


def test_float16_compression():
    """Activations in float16: gradients within its precision, and in the dtype they had."""
    x, w = leaf(20, 30), leaf(30, 10, seed=1)

    def loss():
        return ((x @ w / 30).exp().sqrt() * noise(20, 10)).sum()

    exact = grad(loss(), [x, w])
    kept = []

    def compress(array):
        kept.append(array.astype(np.float16))
        return kept[-1]

    with saved_tensors_hooks(compress, lambda packed: packed.astype(np.float64)):
        y = loss()
    for got, want in zip(grad(y, [x, w]), exact, strict=True):
        assert got.dtype == np.float64
        assert not np.array_equal(got, want)
        np.testing.assert_allclose(got, want, rtol=1e-2, atol=2e-2)
    assert kept
    assert {array.dtype for array in kept} == {np.dtype(np.float16)}


def test_on_disk(tmp_path):
    """Activations in files, which are read in backward and can be removed then."""
    x = leaf(4, 5)

    def pack(array):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.npy"
        np.save(path, array)
        return path

    with saved_tensors_hooks(pack, np.load):
        y = ((x @ x.T).exp() * noise(4, 4)).sum()
    files = list(tmp_path.iterdir())
    assert len(files) >= 3
    (exact,) = grad(((x @ x.T).exp() * noise(4, 4)).sum(), x)
    np.testing.assert_array_equal(grad(y, x)[0], exact)


def test_integer_and_boolean_arrays_are_packed_too():
    """Masks that a rule saves are arrays like others."""

    class Masked(Function):
        def forward(self, x):
            self.save(x > 1, np.argsort(x))
            return np.where(x > 1, x, 0)

        def apply(self, grad_output):
            mask, order = self.saved
            assert mask.dtype == bool
            assert order.dtype.kind == "i"
            return np.where(mask, grad_output, 0)

    x = leaf(5)
    with Noting() as hooks:
        y = Masked.call(x)
    assert [array.dtype.kind for array in hooks.packed] == ["b", "i"]
    (g,) = grad(y, x, noise(5))
    np.testing.assert_array_equal(g, np.where(x.data > 1, noise(5), 0))


# Nesting.


def test_only_the_innermost_hooks_are_called():
    """And the outer ones again after the inner block."""
    x = leaf(3)
    with Noting() as outer:
        y = x.exp()
        with Noting() as inner:
            y = y.exp()
        y = y.exp()
    assert (len(outer.packed), len(inner.packed)) == (2, 1)
    y.sum().backward()
    assert (len(outer.unpacked), len(inner.unpacked)) == (2, 1)
    a = np.exp(x.data)
    b = np.exp(a)
    np.testing.assert_allclose(x.grad, a * b * np.exp(b))


def test_one_object_entered_twice():
    """The hooks of one object may be nested in themselves, and used again."""
    x = leaf(3)
    hooks = Noting()
    with hooks:
        with hooks:
            x.exp()
        x.exp()
    assert len(hooks.packed) == 2
    x.exp()
    assert len(hooks.packed) == 2
    with hooks:
        x.exp()
    assert len(hooks.packed) == 3


def test_the_hooks_end_with_an_exception():
    """Leaving the block by an error restores what was before."""
    x = leaf(3)
    hooks = Noting()
    with pytest.raises(RuntimeError, match="boom"), hooks:
        raise RuntimeError("boom")
    x.exp()
    assert hooks.packed == []


def test_hooks_belong_to_their_thread():
    """Another thread's operations are not packed."""
    x = leaf(3)
    with Noting() as hooks:
        thread = threading.Thread(target=lambda: x.exp())
        thread.start()
        thread.join()
    assert hooks.packed == []


# Kept graphs.


def test_retain_graph():
    """Each backward unpacks anew, and gives the same."""
    x = leaf(3)
    with Noting() as hooks:
        y = (x * x).exp().sum()
    first, second, third = (
        grad(y, x, retain_graph=True)[0],
        grad(y, x, retain_graph=True)[0],
        grad(y, x)[0],
    )
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, third)
    assert len(hooks.unpacked) == 9
    with pytest.raises(GradientError, match=r"released.*retain_graph"):
        grad(y, x)


def test_an_unpack_that_fails():
    """The error comes through with the rule's name, no `.grad` changes, and one can try again."""
    x = leaf(3)
    fail = [True]

    def unpack(packed):
        if fail.pop() if fail else False:
            raise OSError("the disk is gone")
        return packed

    with saved_tensors_hooks(np.copy, unpack):
        y = x.exp().sum()
    with pytest.raises(OSError, match="the disk is gone"):
        y.backward()
    assert x.grad is None
    y.backward()
    np.testing.assert_allclose(x.grad, np.exp(x.data))


def test_a_pack_that_fails():
    """The operation raises, as pack did."""
    x = leaf(3)

    def pack(array):
        raise OSError("the disk is full")

    with saved_tensors_hooks(pack, np.copy), pytest.raises(OSError, match="the disk is full"):
        x.exp()


def test_saved_tensors_are_unpacked():
    """A rule that reads `saved_tensors` gets the arrays, not what pack made of them."""

    class Square(Function):
        def forward(self, x):
            self.save(x)
            return x * x

        def apply(self, grad_output):
            (x,) = self.saved_tensors
            return grad_output * 2 * x.data

    x = leaf(3)
    with Noting():
        y = Square.call(x)
    np.testing.assert_array_equal(y.grad_fn.saved_tensors[0].data, x.data)
    np.testing.assert_allclose(grad(y, x, noise(3))[0], noise(3) * 2 * x.data)


# Higher derivatives. `pack` and `unpack` make new arrays, so that identity has to be remembered.


def second(function, *inputs, hooks=None):
    """The derivatives of sum(v · gradient of function) towards all inputs."""
    with hooks or Noting():
        y = function(*inputs)
    total = 0.0
    for number, g in enumerate(grad(y, inputs, create_graph=True)):
        total = total + (g * noise(*g.shape, seed=number)).sum()
    return grad(total, inputs, allow_unused=True)


class NoHooks:
    """A block that does nothing."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


FUNCTIONS = {
    "square": lambda a, b: (a * a * b * b).sum(),
    "one array in two places": lambda a, b: ((a * a) * (a / a) * b).sum(),
    "product": lambda a, b: (a * b).exp().sum(),
    "quotient": lambda a, b: ((a * 1.0) / (b * 1.0)).sum(),
    "quotient of one": lambda a, b: ((a * b) / (a * b + a)).sum(),
    "power": lambda a, b: ((a * 1.0) ** (b * 1.0)).sum(),
    "matmul": lambda a, b: ((a.reshape(3, 1) @ b.reshape(1, 3)) ** 3).sum(),
    "extremes": lambda a, b: (a**3).max() * b.min() ** 2 + (a * b).maximum(a).sum() * a.sum(),
    "output": lambda a, b: (a.exp().sqrt() * b.log().exp()).sum() * a.sum().exp(),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_higher_derivatives_through_packed_arrays(function):
    """The second derivatives are those without hooks, whatever object unpack returns."""
    a, b = leaf(3), leaf(3, seed=1)
    expected = second(function, a, b, hooks=NoHooks())
    for got, want in zip(second(function, a, b), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_third_derivatives_through_packed_arrays():
    """Backwards under hooks pack what the gradient's own graph saves."""
    x = leaf(3)
    with Noting() as hooks:
        (g,) = grad((x**5).sum(), x, create_graph=True)
        packed = len(hooks.packed)
        (h,) = grad(g.sum(), x, create_graph=True)
        assert len(hooks.packed) > packed
    np.testing.assert_allclose(g.data, 5 * x.data**4)
    np.testing.assert_allclose(h.data, 20 * x.data**3)
    np.testing.assert_allclose(grad(h.sum(), x)[0], 60 * x.data**2)


def test_packed_arrays_are_not_mistaken_for_others():
    """A new array may get the id of one that was freed; it is still what it was packed as.

    Of a / b only b and the quotient are saved. With a freed, the unpacked b often lies where a
    lay. Should it be taken for a, the second derivative towards b is 0 instead of 2 a / b³.
    """
    a, b = leaf(4), leaf(4, seed=1)
    for _ in range(1000):
        with saved_tensors_hooks(np.ndarray.tolist, np.array):
            y = ((a * 1.0) / (b * 1.0)).sum()
        (g,) = grad(y, b, create_graph=True)
        (h,) = grad(g.sum(), b)
        np.testing.assert_allclose(h, 2 * a.data / b.data**3, rtol=1e-12)


def test_rerun_forward_under_hooks():
    """A rule whose forward is run again keeps its place in the graph."""

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
    with Noting():
        y = Exp.call(x)
    (g,) = grad(y.sum(), x, create_graph=True)
    assert g.requires_grad, "the second derivative is zero, in silence"
    np.testing.assert_allclose(grad(g.sum(), x)[0], np.exp(x.data))


class KeepingInAList(Function):
    """x², with the input in a list."""

    def forward(self, x):
        self.save(x)
        self.things = [x, "x"]
        return x * x

    def apply(self, grad_output):
        return grad_output * 2 * self.things[0]


class KeepingInADict(Function):
    """x², with the input in a dict."""

    def forward(self, x):
        self.save(x)
        self.things = {"x": x}
        return x * x

    def apply(self, grad_output):
        return grad_output * 2 * self.things["x"]


class KeepingInAnAttribute(Function):
    """x², with the input in an attribute and nothing saved."""

    def forward(self, x):
        self.x = x
        return x * x

    def apply(self, grad_output):
        return grad_output * 2 * self.x


@pytest.mark.parametrize("kind", [KeepingInAList, KeepingInADict, KeepingInAnAttribute])
def test_attributes_under_hooks(kind):
    """An input in an attribute, or in a container there, is tied to the graph as without hooks."""
    x = leaf(3)
    for block in (NoHooks(), Noting()):
        with block:
            y = kind.call(x * 1.0)
        (g,) = grad(y.sum(), x, create_graph=True)
        np.testing.assert_allclose(g.data, 2 * x.data)
        np.testing.assert_allclose(grad(g.sum(), x)[0], np.full(3, 2.0))


def test_x_times_x_detached_under_hooks():
    """Two inputs of one memory stay two."""
    x = leaf(3)
    with Noting():
        y = (x * x) * x.detach()
    (g,) = grad(y.sum(), x, create_graph=True)
    np.testing.assert_allclose(grad(g.sum(), x)[0], 2 * x.data)


def test_what_is_neither_input_nor_output_is_refused_under_hooks():
    """A floating array that would count as constant is an error all the same."""

    class Keeping(Function):
        def forward(self, x):
            self.save(2 * x)
            return x * x

        def apply(self, grad_output):
            return grad_output * self.saved[0]

    x = leaf(3)
    with Noting():
        y = Keeping.call(x).sum()
    with pytest.raises(GradientError, match="neither an input nor the output"):
        grad(y, x, create_graph=True)


def test_sparse_gradients_and_the_textbooks_form_under_hooks():
    """Both do what they do without."""

    class Take(Function):
        def forward(self, x, *, key):
            self.shape, self.key = x.shape, key
            self.save(x)
            return x[key] ** 2

        def apply(self, grad_output):
            (x,) = self.saved
            return SparseGradient(
                self.shape, self.key, grad_output * 2 * Pick.call(x, key=self.key)
            )

    class Pick(Function):
        def forward(self, x, *, key):
            self.shape, self.key = x.shape, key
            return x[key]

        def apply(self, grad_output):
            return SparseGradient(self.shape, self.key, grad_output)

    class Square(Function):
        def apply(self, grad_output):
            (x,) = self.saved_tensors
            return (grad_output * 2 * x.data,)

    x = leaf(4)
    with Noting():
        taken = Take.call(x, key=[0, 0, 2])
        y = Tensor(taken.data**2)
        y._grad_fn = Square(taken)
    (g,) = grad(y.sum(), x, create_graph=True)
    times = np.array([2.0, 0.0, 1.0, 0.0])
    np.testing.assert_allclose(g.data, times * 4 * x.data**3)
    np.testing.assert_allclose(grad(g.sum(), x)[0], times * 12 * x.data**2)


def test_functional_transforms_under_hooks():
    """jacobian and hessian unpack what they need, rows in batches too."""
    x = leaf(3).data

    def function(x):
        return (x * x).exp() / (x + 1)

    plain = func.jacobian(function)(x), func.hessian(lambda x: function(x).sum())(x)
    with Noting() as hooks:
        packed = func.jacobian(function)(x), func.hessian(lambda x: function(x).sum())(x)
    assert hooks.unpacked
    for got, want in zip(packed, plain, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("inside", [True, False])
def test_with_a_checkpoint(inside):
    """Hooks around a checkpoint, or within one, leave the gradients as they are."""
    x = leaf(3)

    def function(x):
        return ((x * x).exp() * x).sum()

    def hooked(x):
        with Noting():
            return function(x)

    expected = second(function, x, hooks=NoHooks())
    if inside:
        got = second(lambda x: checkpoint(hooked, x * 1.0), x, hooks=NoHooks())
    else:
        got = second(lambda x: checkpoint(function, x * 1.0), x)
    np.testing.assert_allclose(got[0], expected[0], rtol=1e-12)
