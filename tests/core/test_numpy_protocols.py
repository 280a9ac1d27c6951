"""NumPy's functions on Tensors: what is recorded, what is refused, and what has no gradient."""

from __future__ import annotations

import inspect
import operator
import warnings

import numpy as np
import pytest
from tinytorch import Function, Operation, Tensor, grad, isolated_registry, no_grad
from tinytorch.operation import CORE, Plugin, registry


def leaf(*shape, dtype=np.float64, seed=0):
    """A tensor that requires gradients, of random numbers between 0.5 and 1.5."""
    data = np.random.default_rng(seed).uniform(0.5, 1.5, size=shape)
    return Tensor(np.asarray(data, dtype), requires_grad=True)


def noise(*shape, seed=7):
    """Random numbers of both signs."""
    return np.random.default_rng(seed).normal(size=shape)


def agree(x, by_numpy, by_method):
    """Both ways give one result, of one kind, and one gradient towards x."""
    got, want = by_numpy(x), by_method(x)
    assert type(got) is Tensor
    np.testing.assert_array_equal(got.data, want.data)
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    assert got.requires_grad
    assert type(got.grad_fn) is type(want.grad_fn)
    seed = noise(*got.shape)
    np.testing.assert_array_equal(grad(got, x, seed)[0], grad(want, x, seed)[0])


W = noise(3, 4)
C = noise(2, 3)
MASK = noise(2, 3) > 0

PAIRS = {
    "add": (lambda x: np.add(x, C), lambda x: x + C),
    "subtract": (lambda x: np.subtract(C, x), lambda x: C - x),
    "multiply": (lambda x: np.multiply(x, 2), lambda x: x * 2),
    "divide": (lambda x: np.divide(1.5, x), lambda x: 1.5 / x),
    "true_divide": (lambda x: np.true_divide(x, C), lambda x: x / C),
    "negative": (np.negative, operator.neg),
    "power": (lambda x: np.power(x, 3), lambda x: x**3),
    "power of": (lambda x: np.power(2.0, x), lambda x: 2.0**x),
    "exp": (np.exp, lambda x: x.exp()),
    "log": (np.log, lambda x: x.log()),
    "sqrt": (np.sqrt, lambda x: x.sqrt()),
    "abs": (np.abs, lambda x: x.abs()),
    "absolute": (np.absolute, lambda x: x.abs()),
    "maximum": (lambda x: np.maximum(x, 1.0), lambda x: x.maximum(1.0)),
    "minimum": (lambda x: np.minimum(1.0, x), lambda x: x.minimum(1.0)),
    "matmul": (lambda x: np.matmul(x, W), lambda x: x @ W),
    "matmul, right": (lambda x: np.matmul(W.T, x.T), lambda x: W.T @ x.T),
    "sum": (np.sum, lambda x: x.sum()),
    "sum, axis": (lambda x: np.sum(x, axis=1), lambda x: x.sum(axis=1)),
    "sum, by position": (lambda x: np.sum(x, 0), lambda x: x.sum(axis=0)),
    "sum, axes": (lambda x: np.sum(x, (0, -1)), lambda x: x.sum(axis=(0, 1))),
    "sum, kept": (
        lambda x: np.sum(x, axis=-1, keepdims=True),
        lambda x: x.sum(axis=1, keepdims=True),
    ),
    "sum, defaults": (
        lambda x: np.sum(x, axis=None, dtype=None, out=None, keepdims=False),
        lambda x: x.sum(),
    ),
    "sum, by keyword": (lambda x: np.sum(a=x, axis=0), lambda x: x.sum(axis=0)),
    "mean": (lambda x: np.mean(x, axis=0), lambda x: x.mean(axis=0)),
    "max": (lambda x: np.max(x, axis=1), lambda x: x.max(axis=1)),
    "amax": (lambda x: np.amax(x, 0), lambda x: x.max(axis=0)),
    "min": (lambda x: np.min(x, axis=1, keepdims=True), lambda x: x.min(axis=1, keepdims=True)),
    "amin": (np.amin, lambda x: x.min()),
    "reshape": (lambda x: np.reshape(x, (3, 2)), lambda x: x.reshape(3, 2)),
    "reshape, -1": (lambda x: np.reshape(x, -1), lambda x: x.reshape(-1)),
    "swapaxes": (lambda x: np.swapaxes(x, 0, 1), lambda x: x.transpose(0, 1)),
    "swapaxes, named": (lambda x: np.swapaxes(x, axis2=-1, axis1=-2), lambda x: x.T),
    "expand_dims": (lambda x: np.expand_dims(x, 1), lambda x: x.unsqueeze(1)),
    "squeeze": (lambda x: np.squeeze(x.reshape(2, 1, 3)), lambda x: x.reshape(2, 1, 3).squeeze()),
    "squeeze, axis": (
        lambda x: np.squeeze(x.reshape(2, 1, 3), axis=1),
        lambda x: x.reshape(2, 1, 3).squeeze(1),
    ),
    "broadcast_to": (
        lambda x: np.broadcast_to(x, (4, 2, 3)),
        lambda x: x.broadcast_to((4, 2, 3)),
    ),
    "copy": (np.copy, lambda x: x.clone()),
    "matrix_transpose": (np.matrix_transpose, lambda x: x.T),
    "clip": (lambda x: np.clip(x, 0.8, 1.2), lambda x: x.clip(0.8, 1.2)),
    "clip, one bound": (lambda x: np.clip(x, None, 1.2), lambda x: x.clip(max=1.2)),
    "clip, a bound": (lambda x: np.clip(C, 0.0, x), lambda x: Tensor(C).clip(0.0, x)),
    "add.reduce": (np.add.reduce, lambda x: x.sum(axis=0)),
    "add.reduce, axis": (lambda x: np.add.reduce(x, axis=1), lambda x: x.sum(axis=1)),
    "add.reduce, by position": (lambda x: np.add.reduce(x, -1), lambda x: x.sum(axis=1)),
    "add.reduce, all": (lambda x: np.add.reduce(x, axis=None), lambda x: x.sum()),
    "add.reduce, kept": (
        lambda x: np.add.reduce(x, keepdims=True),
        lambda x: x.sum(axis=0, keepdims=True),
    ),
    "maximum.reduce": (np.maximum.reduce, lambda x: x.max(axis=0)),
    "minimum.reduce": (lambda x: np.minimum.reduce(x, 1), lambda x: x.min(axis=1)),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_numpy_function_is_the_method(pair):
    """Value, dtype, recorded rule and gradient are those of the method or operator."""
    agree(leaf(2, 3), *pair)


def test_every_function_that_core_names_is_in_the_table():
    """A NumPy function that an operation of core stands for has a row above."""
    named = {
        function.__name__
        for name, operation in registry.operations.items()
        if registry.owners[name] == CORE
        for function in operation.numpy_functions
    }
    rows = {name.split(",")[0] for name in PAIRS} | {"where"}
    assert {name for name in named if name not in rows} == set()


@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (4,)])
def test_shapes_of_all_kinds(shape):
    """0-d and empty tensors give Tensors, too, never NumPy scalars."""
    x = leaf(*shape)
    for y in (np.exp(x), np.sum(x), np.multiply(x, x), np.float64(2) * x):
        assert type(y) is Tensor
        assert type(y.data) is np.ndarray
        assert y.requires_grad


@pytest.mark.parametrize("kind", [np.asarray, Tensor])
def test_where(kind):
    """The condition may be an array or a Tensor; both branches are recorded."""
    x, y = leaf(2, 3), leaf(3, seed=1)
    result = np.where(kind(MASK), x, y)
    assert type(result) is Tensor
    np.testing.assert_array_equal(result.data, np.where(MASK, x.data, y.data))
    by_x, by_y = grad(result, [x, y], C)
    np.testing.assert_array_equal(by_x, np.where(MASK, C, 0))
    np.testing.assert_allclose(by_y, np.where(MASK, 0, C).sum(axis=0))


def test_where_with_one_tensor():
    """One Tensor among the arguments is enough, wherever it stands."""
    x = leaf(2, 3)
    for result, taken in (
        (np.where(x.data > 1, 0.0, x), x.data <= 1),
        (np.where(x > 1, x, C), x.data > 1),
    ):
        np.testing.assert_array_equal(grad(result, x, C)[0], np.where(taken, C, 0))
    chosen = np.where(x > 1, C, 0.0)
    assert type(chosen) is Tensor
    assert not chosen.requires_grad
    np.testing.assert_array_equal(chosen.data, np.where(x.data > 1, C, 0.0))
    with pytest.raises(TypeError):
        np.where(x > 1)


def test_a_composition_is_recorded():
    """`np.exp(x) @ W` gives the gradients of `x.exp() @ W`, twice differentiable."""
    x, w = leaf(2, 3), leaf(3, 4, seed=1)
    seed = noise(2, 4)
    for got, want in zip(
        grad(np.exp(x) @ w, [x, w], seed), grad(x.exp() @ w, [x, w], seed), strict=True
    ):
        np.testing.assert_array_equal(got, want)
    (g,) = grad(np.sum(np.exp(x)), x, create_graph=True)
    np.testing.assert_allclose(grad(np.sum(g), x)[0], np.exp(x.data))


def test_nothing_is_recorded_where_nothing_is_asked_for():
    """Under no_grad, and for tensors that require no gradients."""
    x = leaf(3)
    with no_grad():
        assert not np.exp(x).requires_grad
    assert not np.exp(x.detach()).requires_grad


def test_integers_give_float32_as_in_the_methods():
    """np.exp of an integer tensor is float32, where NumPy alone gives float64."""
    assert np.exp(Tensor(np.array([1, 2]))).dtype == np.float32


# Arrays and NumPy scalars on the left.

OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    operator.eq,
    operator.ne,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
]

LEFT = [
    np.array([0.5, 1.0, 2.0]),
    np.array(2.0),
    np.float64(1.5),
    np.float32(1.5),
    np.int64(2),
    np.array([[1.0], [2.0]]),
    np.array([True, False, True]),
]


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
@pytest.mark.parametrize("left", LEFT, ids=lambda x: f"{type(x).__name__}-{x.dtype}-{x.shape}")
def test_numpy_on_the_left(op, left):
    """The result is a Tensor of NumPy's value and dtype, recorded where it is arithmetic."""
    x = leaf(3)
    y = op(left, x)
    assert type(y) is Tensor
    expected = op(left, x.data)
    np.testing.assert_array_equal(y.data, expected)
    assert y.dtype == expected.dtype
    assert y.requires_grad == (y.dtype.kind == "f")


@pytest.mark.parametrize("left", LEFT[:4], ids=lambda x: f"{type(x).__name__}-{x.shape}")
def test_numpy_on_the_left_of_float32(left):
    """A NumPy scalar is strong: float64 beside float32 is float64; the gradient is float32."""
    x = leaf(3, dtype=np.float32)
    y = left * x
    assert y.dtype == (left * x.data).dtype
    (g,) = grad(y.sum(), x)
    assert g.dtype == np.float32


def test_a_matrix_on_the_left():
    """array @ tensor, and the truth of array == tensor."""
    x = leaf(3, 4)
    y = C @ x
    assert type(y) is Tensor
    np.testing.assert_allclose(grad(y, x, noise(2, 4))[0], C.T @ noise(2, 4))
    assert (x.data == x).data.all()


@pytest.mark.parametrize(
    "op", [operator.and_, operator.or_, operator.xor], ids=lambda op: op.__name__
)
def test_masks_with_an_array_on_the_left(op):
    """Boolean arrays and boolean tensors combine."""
    a, t = np.array([True, False, True]), Tensor(np.array([True, True, False]))
    got = op(a, t)
    assert type(got) is Tensor
    np.testing.assert_array_equal(got.data, op(a, t.data))


# What is refused.

OUT = {
    "keyword": lambda x, a: np.exp(x, out=a),
    "position": lambda x, a: np.exp(x, a),
    "tuple": lambda x, a: np.exp(x, out=(a,)),
    "two operands": lambda x, a: np.add(a, x, a),
    "into a tensor": lambda x, a: np.exp(a, out=x),
    "into a tensor without gradient": lambda x, a: np.add(a, a, out=x.detach()),
    "sum": lambda x, a: np.sum(x, out=np.zeros(())),
    "sum by position": lambda x, a: np.sum(x, None, None, np.zeros(())),
    "clip": lambda x, a: np.clip(x, 0, 1, a),
    "max": lambda x, a: np.max(x, 0, np.zeros(())),
    "reduce": lambda x, a: np.add.reduce(x, out=np.zeros(())),
    "a comparison": lambda x, a: np.less(x, 1, out=np.zeros(3, bool)),
    "argmax": lambda x, a: np.argmax(x, out=np.zeros((), int)),
}


@pytest.mark.parametrize("call", OUT.values(), ids=OUT)
def test_out_is_refused(call):
    """No array is written to where a gradient could be lost, and the message names out."""
    x, a = leaf(3), np.full(3, 5.0)
    with pytest.raises(TypeError, match="out"):
        call(x, a)
    np.testing.assert_array_equal(a, np.full(3, 5.0))
    np.testing.assert_array_equal(x.data, leaf(3).data)


@pytest.mark.parametrize(
    "op",
    [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow],
    ids=lambda op: op.__name__,
)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_an_array_changed_in_place_by_a_tensor(op, requires_grad):
    """`array += tensor` raises and leaves the array as it was."""
    a = np.full(3, 5.0)
    x = Tensor(noise(3), requires_grad=requires_grad)
    with pytest.raises(TypeError, match="out="):
        op(a, x)
    np.testing.assert_array_equal(a, np.full(3, 5.0))


def test_a_matrix_changed_in_place_by_a_tensor():
    """So does `array @= tensor`."""
    a = np.eye(3)
    with pytest.raises(TypeError, match="out="):
        a @= leaf(3, 3)
    np.testing.assert_array_equal(a, np.eye(3))


UNKNOWN = {
    "where of exp": lambda x: np.exp(x, where=MASK),
    "dtype of exp": lambda x: np.exp(x, dtype=np.float32),
    "casting of add": lambda x: np.add(x, x, casting="unsafe"),
    "axes of matmul": lambda x: np.matmul(x, x, axes=[(0, 1), (1, 0), (0, 1)]),
    "dtype of sum": lambda x: np.sum(x, dtype=np.float32),
    "initial of sum": lambda x: np.sum(x, initial=3.0),
    "where of mean": lambda x: np.mean(x, where=MASK),
    "initial of max": lambda x: np.max(x, initial=9.0),
    "where of reduce": lambda x: np.add.reduce(x, where=MASK),
    "dtype of reduce": lambda x: np.add.reduce(x, dtype=np.float32),
    "order of reshape": lambda x: np.reshape(x, (3, 2), order="F"),
    "order by position": lambda x: np.reshape(x, (3, 2), "F"),
    "subok of broadcast_to": lambda x: np.broadcast_to(x, (2, 2, 3), subok=True),
    "order of copy": lambda x: np.copy(x, order="F"),
    "casting of clip": lambda x: np.clip(x, 0, 1, casting="unsafe"),
    "no such": lambda x: np.sum(x, nonsense=1),
}


@pytest.mark.parametrize("call", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_keywords_raise(call):
    """A keyword that the operation does not have is an error, never dropped."""
    with pytest.raises(TypeError, match=r"keyword|given"):
        call(leaf(2, 3))


def test_an_unknown_keyword_is_named():
    """The message says which function, which keyword, and no name that users never wrote."""
    x = leaf(2, 3)
    for call, function, keyword in (
        (lambda: np.exp(x, dtype=np.float32), "exp", "dtype"),
        (lambda: np.sum(x, initial=3.0), "sum", "initial"),
        (lambda: np.clip(x, 0, 1, casting="unsafe"), "clip", "casting"),
        (lambda: np.reshape(x, (3, 2), order="F"), "reshape", "order"),
    ):
        with pytest.raises(TypeError) as caught:
            call()
        message = str(caught.value)
        assert function in message
        assert keyword in message
        assert "_numpy" not in message


@pytest.mark.skipif(
    "min" not in inspect.signature(np.clip).parameters, reason="np.clip has min= since NumPy 2.1"
)
def test_the_newer_names_of_bounds():
    """np.clip(x, min=...) is x.clip(min=...)."""
    x = leaf(3)
    np.testing.assert_array_equal(np.clip(x, min=0.8).data, x.clip(min=0.8).data)


def test_both_names_of_one_bound():
    """np.clip(x, 0, min=1) is an error in NumPy, and here."""
    with pytest.raises((TypeError, ValueError)):
        np.clip(noise(3), 0, min=1)
    with pytest.raises((TypeError, ValueError)):
        np.clip(leaf(3), 0, min=1)


WITHOUT = {
    "nextafter": lambda x: np.nextafter(x, 2.0),
    "spacing": np.spacing,
    "ldexp": lambda x: np.ldexp(x, 2),
    "frexp": np.frexp,
    "interp": lambda x: np.interp(x, [0.0, 2.0], [0.0, 1.0]),
    "partition": lambda x: np.partition(x, 1),
    "unwrap": np.unwrap,
    "apply_along_axis": lambda x: np.apply_along_axis(np.sum, 0, x),
    "histogram": np.histogram,
    "array2string": np.array2string,
    "linalg.eig": lambda x: np.linalg.eig(x.reshape(1, 3)),
    "fft.fft": np.fft.fft,
    "subtract.reduce": lambda x: np.subtract.reduce(x),
    "add.accumulate": lambda x: np.add.accumulate(x),
    "add.outer": lambda x: np.add.outer(x, x),
    "add.reduceat": lambda x: np.add.reduceat(x, [0, 1]),
    "add.at": lambda x: np.add.at(np.zeros(3), [0, 1, 1], x),
    "copyto": lambda x: np.copyto(np.zeros(3), x),
    "put": lambda x: np.put(np.zeros(3), [0, 1, 2], x),
}


@pytest.mark.parametrize("name", WITHOUT)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_a_function_without_an_operation_raises(name, requires_grad):
    """It is named, with its module, and neither an object array nor a detached result comes out."""
    x = Tensor(noise(3), requires_grad=requires_grad)
    with pytest.raises(TypeError, match=rf"np\.{name} has no recorded operation") as caught:
        WITHOUT[name](x)
    assert "x.data" in str(caught.value)


def test_a_ufunc_of_ones_own():
    """np.frompyfunc makes ufuncs that would be called on the tensor's elements as objects."""
    with pytest.raises(TypeError, match="no recorded operation"):
        np.frompyfunc(lambda t: t * 2, 1, 1)(leaf(3))


OBJECTS = {
    "asarray": np.asarray,
    "array": np.array,
    "asanyarray": np.asanyarray,
    "ascontiguousarray": np.ascontiguousarray,
    "array of objects": lambda x: np.array(x, dtype=object),
    "list": lambda x: np.array([x, x]),
    "list of 0-d": lambda x: np.array([x.sum(), x.sum()]),
    "list as objects": lambda x: np.asarray([x], dtype=object),
    "sum of a list": lambda x: np.sum([x, x]),
    "exp of a list": lambda x: np.exp([x, x]),
    "vectorize": np.vectorize(lambda t: t * 2),
    "assignment": lambda x: np.zeros(3).__setitem__(slice(None), x),
    "an index": lambda x: np.arange(3)[x],
    "full": lambda x: np.full(3, x),
    "stacked list with a number": lambda x: np.add(x, [x.sum(), 1.0, 2.0]),
    "operator with a list": lambda x: x * [x.sum(), 1.0, 2.0],
}


@pytest.mark.parametrize("make", OBJECTS.values(), ids=OBJECTS)
def test_arrays_made_of_a_tensor_that_requires_gradients(make):
    """They ask for detach(); no array of objects, and no lost gradient."""
    with pytest.raises(TypeError, match=r"detach\(\)|item\(\)|no recorded operation"):
        make(leaf(3))


def test_arrays_made_of_a_tensor_without_gradient():
    """np.asarray shares where it may, np.array copies, dtype and lists work."""
    x = Tensor(noise(3))
    assert np.asarray(x) is x.data or np.shares_memory(np.asarray(x), x.data)
    assert not np.shares_memory(np.array(x), x.data)
    assert np.asarray(x, dtype=np.float32).dtype == np.float32
    stacked = np.array([x, x])
    assert stacked.dtype == np.float64
    np.testing.assert_array_equal(stacked, [x.data, x.data])
    np.testing.assert_allclose(x, x.data)


def test_object_arrays_are_refused_as_operands():
    """An array of objects beside a tensor is an error, on either side."""
    x, objects = leaf(2), np.array([1, 2], dtype=object)
    for call in (lambda: np.add(x, objects), lambda: objects * x):
        with pytest.raises(TypeError, match="object"):
            call()


@pytest.mark.parametrize("other", [None, 1j, "a", {}, object()], ids=lambda x: type(x).__name__)
def test_operands_of_no_use(other):
    """np.add(x, other) is a TypeError, as x + other is."""
    with pytest.raises(TypeError):
        np.add(leaf(3), other)
    with pytest.raises(TypeError):
        leaf(3) + other


# Functions that no gradient comes from.

NO_GRADIENT = {
    "isnan": np.isnan,
    "isfinite": np.isfinite,
    "signbit": np.signbit,
    "equal": lambda x: np.equal(x, 1.0),
    "less": lambda x: np.less(1.0, x),
    "isclose": lambda x: np.isclose(x, x),
    "logical_and": lambda x: np.logical_and(x > 1, x > 0),
    "logical_not": lambda x: np.logical_not(x > 1),
    "invert": lambda x: np.invert(x > 1),
    "any": lambda x: np.any(x > 1, axis=0),
    "all": lambda x: np.all(x > 1, axis=1),
    "logical_and.reduce": lambda x: np.logical_and.reduce(x > 1),
    "logical_or.reduce": lambda x: np.logical_or.reduce(x > 1, axis=1),
    "argmax": lambda x: np.argmax(x, axis=1),
    "argmin": lambda x: np.argmin(x, axis=0),
    "argsort": lambda x: np.argsort(x, axis=-1),
    "zeros_like": np.zeros_like,
    "ones_like": lambda x: np.ones_like(x, dtype=np.float32),
    "full_like": lambda x: np.full_like(x, 3.0),
}


@pytest.mark.parametrize("call", NO_GRADIENT.values(), ids=NO_GRADIENT)
def test_functions_without_gradient(call):
    """They give NumPy's result as a Tensor that requires no gradient."""
    x = leaf(2, 3)
    got = call(x)
    expected = call(Tensor(x.data).data)
    assert type(got) is Tensor
    assert not got.requires_grad
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got.data, expected)


def test_functions_whose_result_is_a_python_value():
    """Shapes, dtypes and truths are plain Python and NumPy values."""
    x = leaf(2, 3)
    assert np.shape(x) == (2, 3)
    assert np.ndim(x) == 2
    assert np.size(x) == 6
    assert np.size(x, 1) == 3
    assert np.result_type(x, np.float32) == np.float64
    assert np.allclose(x, x.data) is True
    assert np.array_equal(x, x) is True
    assert np.shares_memory(x, x.data)
    assert np.count_nonzero(x) == 6
    assert np.argmax(x).item() == x.data.argmax()
    assert bool(np.any(x > 2)) is False


def test_full_like_an_array_of_a_tensor():
    """np.full_like(array, tensor) would take the value out of the graph: it raises."""
    with pytest.raises(TypeError):
        np.full_like(noise(3), leaf())


# Foreign types.


class Foreign:
    """A type with protocols of its own, which knows what to do with Tensors."""

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        return "foreign ufunc"

    def __array_function__(self, function, types, args, kwargs):
        return "foreign function"


class Declining:
    """A type with protocols of its own, which leaves everything to others."""

    def __array_ufunc__(self, *args, **kwargs):
        return NotImplemented

    def __array_function__(self, *args, **kwargs):
        return NotImplemented


def test_foreign_types_have_their_turn():
    """Tensor's side says NotImplemented, so that the other type's protocol decides."""
    x, foreign = leaf(3), Foreign()
    assert np.add(x, foreign) == "foreign ufunc"
    assert np.add(foreign, x) == "foreign ufunc"
    assert np.where(x > 1, x, foreign) == "foreign function"
    assert np.concatenate([x, foreign]) == "foreign function"
    for value in (x.__array_ufunc__(np.add, "__call__", x, foreign),):
        assert value is NotImplemented
    types = (Tensor, Foreign)
    assert x.__array_function__(np.where, types, (True, x, foreign), {}) is NotImplemented


def test_nobody_knows():
    """Where the other type declines as well, NumPy raises a TypeError."""
    x, other = leaf(3), Declining()
    for call in (lambda: np.add(x, other), lambda: np.concatenate([x, other])):
        with pytest.raises(TypeError):
            call()


def test_subclasses_of_arrays():
    """Masked arrays and the like count as arrays only where nothing of theirs is lost."""
    x = leaf(3)
    view = noise(3).view(type("Sub", (np.ndarray,), {}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = np.add(view, x)
    assert type(y) is Tensor
    assert type(y.data) is np.ndarray
    assert y.requires_grad


# Plugins.


class CosBackward(Function):
    """cos x. Gradient: -g sin x."""

    def forward(self, x):
        self.save(x)
        return np.cos(x)

    def apply(self, grad_output):
        (x,) = self.saved
        return grad_output * -np.sin(x)


def cosine(x):
    """Cosine, elementwise."""
    return CosBackward.call(x)


@pytest.fixture
def fresh():
    """A registry with core's operations only, which is as it was afterwards."""
    with isolated_registry():
        registry.restart()
        registry.enable([])
        yield registry


def test_a_plugins_numpy_functions(fresh):
    """An Operation that names NumPy functions serves them, and only while it is registered."""
    x = leaf(3)
    with pytest.raises(TypeError, match=r"np\.cos has no recorded operation"):
        np.cos(x)
    with isolated_registry():
        registry.register(Plugin("cosines", "cosines"), [Operation(cosine, numpy=[np.cos])])
        (g,) = grad(np.cos(x).sum(), x)
        np.testing.assert_allclose(g, -np.sin(x.data))
    with pytest.raises(TypeError, match=r"np\.cos has no recorded operation"):
        np.cos(x)


def test_two_plugins_with_one_numpy_function(fresh):
    """The second is refused, by the function's name."""
    from tinytorch import PluginError

    registry.register(Plugin("cosines", "cosines"), [Operation(cosine, numpy=[np.cos])])

    def other(x):
        """Cosine."""
        return cosine(x)

    with pytest.raises(PluginError, match=r"np\.cos.*cosines"):
        registry.register(Plugin("other", "other"), [Operation(other, numpy=[np.cos])])


def test_a_numpy_function_of_several_operands(fresh):
    """`*operands` reach the operation one by one, as NumPy was given them."""
    seen = []

    def summed_products(subscripts, *operands, optimize=False):
        """What einsum got."""
        seen.append((subscripts, operands))
        return operands[0] * operands[1]

    registry.register(Plugin("sums", "sums"), [Operation(summed_products, numpy=[np.einsum])])
    x, y = leaf(3), leaf(3, seed=1)
    result = np.einsum("i,i->i", x, y)
    assert seen[0][0] == "i,i->i"
    assert seen[0][1][0] is x
    np.testing.assert_allclose(result.data, x.data * y.data)


def test_tensors_inside_lists_reach_the_operation(fresh):
    """np.concatenate([x, y]) is dispatched by what is in the list."""

    class JoinBackward(Function):
        """Arrays one after another. Gradients: the output's parts."""

        def forward(self, *arrays):
            self.bounds = np.cumsum([len(a) for a in arrays])[:-1]
            return np.concatenate(arrays)

        def apply(self, grad_output):
            return tuple(np.split(grad_output, self.bounds))

    def join(arrays, axis=0):
        """Arrays one after another."""
        assert axis == 0
        return JoinBackward.call(*arrays)

    registry.register(Plugin("joins", "joins"), [Operation(join, numpy=[np.concatenate])])
    x, y = leaf(3), leaf(2, seed=1)
    joined = np.concatenate([x, noise(4), y])
    assert joined.shape == (9,)
    by_x, by_y = grad(joined, [x, y], noise(9, seed=8))
    np.testing.assert_array_equal(by_x, noise(9, seed=8)[:3])
    np.testing.assert_array_equal(by_y, noise(9, seed=8)[7:])
    with pytest.raises(TypeError, match="dtype"):
        np.concatenate([x, y], dtype=np.float32)


def test_an_error_of_the_operation_comes_through(fresh):
    """A TypeError from inside an operation is not disguised as one about keywords."""

    def failing(x):
        """Always fails."""
        raise TypeError("the operation's own fault")

    registry.register(Plugin("fails", "fails"), [Operation(failing, numpy=[np.cos, np.round])])
    for call in (np.cos, np.round):
        with pytest.raises(TypeError, match="the operation's own fault"):
            call(leaf(3))
