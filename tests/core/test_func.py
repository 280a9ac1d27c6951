"""tinytorch.func: grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
import tinytorch
from tinytorch import (
    Function,
    GradientError,
    MatmulBackward,
    SparseGradient,
    Tensor,
    checkpoint,
    func,
    no_grad,
)
from tinytorch.containers import leaves as leaves_of
from tinytorch.operation import CORE, Operation, registry
from tinytorch.samples import Sample, sample


def array(*shape, seed=0, dtype=np.float64):
    """Random numbers between 0.5 and 1.5."""
    drawn = np.random.default_rng(seed).uniform(0.5, 1.5, size=shape)
    return np.asarray(drawn, dtype)


def noise(*shape, seed=7):
    """Random numbers of both signs."""
    return np.random.default_rng(seed).normal(size=shape)


def numeric_jacobian(function, x, eps=1e-6):
    """The Jacobian of a function of one array, by central differences."""
    x = np.array(x)
    columns = []
    for index in np.ndindex(x.shape):
        kept = x[index]
        values = []
        for step in (eps, -eps):
            x[index] = kept + step
            values.append(np.array(function(Tensor(x)).data))
        x[index] = kept
        columns.append((values[0] - values[1]) / (2 * eps))
    stacked = np.stack(columns, axis=-1) if columns else np.zeros((*function(Tensor(x)).shape, 0))
    return stacked.reshape(*stacked.shape[:-1], *x.shape)


W = noise(3, 4)
A = noise(3, 3)

VECTOR_FUNCTIONS = {
    "elementwise": lambda x: x.exp() * x**2 / (x + 1),
    "matmul": lambda x: (x @ W).exp(),
    "softmax": lambda x: x.exp() / x.exp().sum(axis=-1, keepdims=True),
    "reductions": lambda x: x.max(axis=-1) * x.mean() + x.sum(axis=0).sum(),
    "shapes": lambda x: x.reshape(-1, 1).T.broadcast_to((2, x.size)).squeeze(),
    "choices": lambda x: np.where(x > 1, x**2, 2 * x).clip(0.3, 2.0).maximum(0.9 * x),
    "numpy": lambda x: np.sqrt(np.abs(x)) @ W,
}


class Point(NamedTuple):
    """A named tuple, as models are kept in."""

    w: Any
    b: Any


# Against closed forms.


def test_grad():
    """Of sum(x²): 2x."""
    x = array(3)
    np.testing.assert_allclose(func.grad(lambda x: (x**2).sum())(x), 2 * x)


def test_value_and_grad():
    """The value, and the gradient."""
    x = array(3)
    value, slope = func.value_and_grad(lambda x: (x**3).sum())(x)
    np.testing.assert_allclose(value, (x**3).sum())
    np.testing.assert_allclose(slope, 3 * x**2)


def test_vjp():
    """v J, as often as it is asked for."""
    x = array(3)
    output, pull_back = func.vjp(lambda x: x @ W, x)
    np.testing.assert_allclose(output, x @ W)
    for seed in (1, 2):
        v = noise(4, seed=seed)
        (got,) = pull_back(v)
        np.testing.assert_allclose(got, W @ v)


def test_jvp():
    """J v."""
    x, v = array(3), noise(3)
    output, product = func.jvp(lambda x: x @ W, (x,), (v,))
    np.testing.assert_allclose(output, x @ W)
    np.testing.assert_allclose(product, v @ W)


def test_jacobian():
    """Of x W: Wᵀ."""
    np.testing.assert_allclose(func.jacobian(lambda x: x @ W)(array(3)), W.T)


def test_hessian():
    """Of xᵀ A x: A + Aᵀ."""
    hessian = func.hessian(lambda x: x @ A @ x)(array(3))
    assert type(hessian) is np.ndarray
    np.testing.assert_allclose(hessian, A + A.T)


def test_hvp():
    """The value, and (A + Aᵀ) v."""
    x, v = array(3), noise(3)
    value, product = func.hvp(lambda x: x @ A @ x, (x,), (v,))
    np.testing.assert_allclose(value, x @ A @ x)
    np.testing.assert_allclose(product, (A + A.T) @ v)


# Against central differences.


@pytest.mark.parametrize("function", VECTOR_FUNCTIONS.values(), ids=VECTOR_FUNCTIONS)
@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_first_derivatives_by_central_differences(function, shape):
    """jacobian is what differences say; vjp and jvp are its products from either side."""
    x = array(*shape)
    expected = numeric_jacobian(function, x)
    jacobian = func.jacobian(function)(x)
    np.testing.assert_allclose(jacobian, expected, rtol=1e-6, atol=1e-8)
    output, pull_back = func.vjp(function, x)
    v, t = noise(*output.shape), noise(*shape)
    np.testing.assert_allclose(
        pull_back(v)[0], np.tensordot(v, expected, v.ndim), rtol=1e-6, atol=1e-8
    )
    _, product = func.jvp(function, (x,), (t,))
    np.testing.assert_allclose(product, np.tensordot(expected, t, t.ndim), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("function", VECTOR_FUNCTIONS.values(), ids=VECTOR_FUNCTIONS)
def test_second_derivatives_by_central_differences(function):
    """hessian is the Jacobian of the gradient; hvp its product, and it is symmetric."""

    def scalar(x):
        return (function(x) ** 2).sum()

    x, v = array(3), noise(3)
    hessian = func.hessian(scalar)(x)
    gradient = func.grad(scalar)
    np.testing.assert_allclose(hessian, numeric_jacobian(gradient, x), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(func.hvp(scalar, (x,), (v,))[1], hessian @ v, rtol=1e-9, atol=1e-12)


def test_third_order():
    """jacobian of hessian, and three nested grads, in closed form: of sum(x⁴) it is 24x."""
    x = array(2)
    third = func.jacobian(func.hessian(lambda x: (x**4).sum()))(x)
    expected = np.zeros((2, 2, 2))
    expected[[0, 1], [0, 1], [0, 1]] = 24 * x
    np.testing.assert_allclose(third, expected, rtol=1e-10, atol=1e-12)

    def again(function):
        return func.grad(lambda x: function(x).sum())

    np.testing.assert_allclose(again(again(again(lambda x: x**4)))(x), 24 * x)


NESTINGS = {
    "grad of hvp": lambda f, x, v: func.grad(lambda x: (func.hvp(f, (x,), (v,))[1] * v).sum())(x),
    "grad of jvp of grad": lambda f, x, v: func.grad(
        lambda x: (func.jvp(func.grad(f), (x,), (v,))[1] * v).sum()
    )(x),
    "hvp of a directional derivative": lambda f, x, v: func.hvp(
        lambda x: func.jvp(f, (x,), (v,))[1], (x,), (v,)
    )[1],
    "jvp of hvp": lambda f, x, v: func.jvp(lambda x: func.hvp(f, (x,), (v,))[1], (x,), (v,))[1],
    "jacobian of hessian": lambda f, x, v: func.jacobian(func.hessian(f))(x) @ v @ v,
    "vjp of vjp": lambda f, x, v: func.vjp(
        lambda x: func.vjp(lambda x: (func.grad(f)(x) * v).sum(), x)[1](np.ones(()))[0], x
    )[1](v)[0],
    "hessian of a directional derivative": lambda f, x, v: (
        func.hessian(lambda x: (func.grad(f)(x) * v).sum())(x) @ v
    ),
}


@pytest.mark.parametrize("nest", NESTINGS.values(), ids=NESTINGS)
def test_every_nesting_gives_the_third_derivative(nest):
    """The third derivative along v twice, by whatever transforms it is reached."""

    def function(x):
        return (x.exp() * x).sum() * (x**2).sum()

    x, v = array(3), noise(3)

    def along(step):
        return func.hvp(function, (x + step * v,), (v,))[1]

    expected = (along(1e-5) - along(-1e-5)) / 2e-5
    np.testing.assert_allclose(nest(function, x, v), expected, rtol=1e-7, atol=1e-8)


# Arguments.


def test_argnums():
    """One argument, or several in the order that is named, the others as they are."""

    def function(a, b, c):
        return (a * b**2 * c**3).sum()

    a, b, c = array(3), array(3, seed=1), array(3, seed=2)
    by_a, by_b, by_c = b**2 * c**3, 2 * a * b * c**3, 3 * a * b**2 * c**2
    np.testing.assert_allclose(func.grad(function)(a, b, c), by_a)
    np.testing.assert_allclose(func.grad(function, argnums=1)(a, b, c), by_b)
    got = func.grad(function, argnums=(2, 0))(a, b, c)
    assert isinstance(got, tuple)
    np.testing.assert_allclose(got[0], by_c)
    np.testing.assert_allclose(got[1], by_a)
    (got,) = func.grad(function, argnums=(1,))(a, b, c)
    np.testing.assert_allclose(got, by_b)


@pytest.mark.parametrize("transform", [func.grad, func.value_and_grad, func.jacobian, func.hessian])
def test_argnums_from_the_end(transform):
    """-1 is the last argument, as in JAX and PyTorch, never a silent zero."""

    def function(a, b):
        return (a * b**3).sum()

    a, b = array(3), array(3, seed=1)
    for negative, positive in ((-1, 1), ((-2, -1), (0, 1))):
        got = transform(function, argnums=negative)(a, b)
        want = transform(function, argnums=positive)(a, b)
        for x, y in zip(leaves_of(got), leaves_of(want), strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("argnums", [2, -3, (0, 5)])
def test_argnums_out_of_range(argnums):
    """An error that says argnums, and how many arguments there are."""
    with pytest.raises((ValueError, IndexError, TypeError), match=r"argnums.*2"):
        func.grad(lambda a, b: (a * b).sum(), argnums=argnums)(array(3), array(3))


@pytest.mark.parametrize("argnums", [(0, 0), (1, 0, 1), (0, -2)])
def test_argnums_named_twice(argnums):
    """They are refused, as in PyTorch, or right in both places; never a silent zero."""
    a, b = array(3), array(3, seed=1)
    expected = {0: b**3, 1: 3 * a * b**2, -2: b**3}
    try:
        got = func.grad(lambda a, b: (a * b**3).sum(), argnums=argnums)(a, b)
    except ValueError:
        return
    for slope, place in zip(got, argnums, strict=True):
        np.testing.assert_allclose(slope, expected[place])


@pytest.mark.parametrize("argnums", ["0", 1.0, None])
def test_argnums_of_no_use(argnums):
    """Anything but integers is a TypeError."""
    with pytest.raises(TypeError):
        func.grad(lambda a, b: (a * b).sum(), argnums=argnums)(array(3), array(3))


def test_keyword_arguments():
    """They are handed through, as they are."""

    def function(x, *, power, scale=1.0):
        return scale * (x**power).sum()

    x = array(3)
    np.testing.assert_allclose(func.grad(function)(x, power=3, scale=2.0), 6 * x**2)
    np.testing.assert_allclose(
        func.hessian(function)(x, power=3), np.diag(6 * x), rtol=1e-12, atol=1e-12
    )


def test_has_aux():
    """The second value is handed through beside the derivative, whatever it is."""

    def function(x):
        return (x**2).sum(), {"steps": 3, "x": "text"}

    x, aux = array(3), {"steps": 3, "x": "text"}
    slope, got = func.grad(function, has_aux=True)(x)
    assert got == aux
    np.testing.assert_allclose(slope, 2 * x)
    (value, got), slope = func.value_and_grad(function, has_aux=True)(x)
    assert got == aux
    np.testing.assert_allclose(value, (x**2).sum())
    np.testing.assert_allclose(slope, 2 * x)
    _, pull_back, got = func.vjp(function, x, has_aux=True)
    assert got == aux
    np.testing.assert_allclose(pull_back(3.0)[0], 6 * x)
    jacobian, got = func.jacobian(function, has_aux=True)(x)
    assert got == aux
    np.testing.assert_allclose(jacobian, 2 * x)


def test_the_arguments_are_not_changed():
    """Neither arrays nor Tensors nor containers among them are written to, or get a `.grad`."""
    x, t = array(3), Tensor(array(3, seed=1), requires_grad=True)
    params = {"x": x, "t": t}
    before = x.copy(), t.data.copy()
    for transform in (func.grad, func.hessian, func.jacobian, func.value_and_grad):
        transform(lambda p: (p["x"] ** 2 * p["t"] ** 2).sum())(params)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(t.data, before[1])
    assert t.grad is None
    assert params["x"] is x
    assert params["t"] is t
    assert x.flags.writeable


# Containers.

TREES = {
    "dict": lambda a, b: {"a": a, "b": b},
    "list": lambda a, b: [a, b],
    "tuple": lambda a, b: (a, b),
    "named tuple": lambda a, b: Point(a, b),
    "nested": lambda a, b: {"layers": [Point(a, None), (b, {})]},
}


def values(tree):
    """The two arrays of a tree."""
    return leaves_of(tree)


def product(tree):
    """A function of the two arrays of a tree."""
    a, b = values(tree)
    return (a**2 * b**3).sum()


@pytest.mark.parametrize("make", TREES.values(), ids=TREES)
def test_containers(make):
    """Derivatives come in the containers of the argument."""
    a, b, u, v = array(3), array(3, seed=1), noise(3), noise(3, seed=8)
    tree = make(a, b)
    expected = [2 * a * b**3, 3 * a**2 * b**2]
    second = 2 * b**3 * u + 6 * a * b**2 * v, 6 * a * b**2 * u + 6 * a**2 * b * v
    results = [
        (func.grad(product)(tree), expected),
        (func.value_and_grad(product)(tree)[1], expected),
        (func.vjp(product, tree)[1](1.0)[0], expected),
        (func.jacobian(product)(tree), expected),
        (func.hvp(product, (tree,), (make(u, v),))[1], second),
    ]
    for got, want in results:
        assert type(got) is type(tree)
        for x, y in zip(values(got), want, strict=True):
            np.testing.assert_allclose(x, y)
    directional = func.jvp(product, (tree,), (make(u, v),))[1]
    np.testing.assert_allclose(directional, (expected[0] * u + expected[1] * v).sum())


def test_the_hessian_of_a_dict():
    """A dict of dicts, whose blocks have the shapes of both."""
    a, b = array(2), array(3, seed=1)
    hessian = func.hessian(lambda p: (p["a"] ** 2).sum() * (p["b"] ** 3).sum())({"a": a, "b": b})
    assert hessian.keys() == hessian["a"].keys() == {"a", "b"}
    np.testing.assert_allclose(
        hessian["a"]["a"], 2 * np.eye(2) * (b**3).sum(), rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(hessian["a"]["b"], np.outer(2 * a, 3 * b**2))
    np.testing.assert_allclose(hessian["b"]["a"], np.outer(3 * b**2, 2 * a))
    np.testing.assert_allclose(
        hessian["b"]["b"], np.diag(6 * b) * (a**2).sum(), rtol=1e-12, atol=1e-12
    )


def test_containers_of_outputs():
    """The Jacobian comes in the containers of the output, and within these in the argument's."""
    x = {"a": array(2), "b": array(3, seed=1)}

    def function(x):
        return {"sum": x["a"].sum(), "parts": (x["b"] ** 2, [x["a"]])}

    got = func.jacobian(function)(x)
    np.testing.assert_array_equal(got["sum"]["a"], np.ones(2))
    np.testing.assert_array_equal(got["sum"]["b"], np.zeros(3))
    np.testing.assert_allclose(got["parts"][0]["b"], np.diag(2 * x["b"]))
    np.testing.assert_array_equal(got["parts"][1][0]["a"], np.eye(2))
    output, pull_back = func.vjp(function, x)
    np.testing.assert_allclose(output["parts"][0], x["b"] ** 2)
    (back,) = pull_back({"sum": 2.0, "parts": (noise(3), [noise(2)])})
    np.testing.assert_allclose(back["a"], 2 + noise(2))
    np.testing.assert_allclose(back["b"], noise(3) * 2 * x["b"])
    _, pushed = func.jvp(function, (x,), ({"a": noise(2), "b": noise(3)},))
    np.testing.assert_allclose(pushed["parts"][0], 2 * x["b"] * noise(3))


def test_tangents_in_another_order():
    """A dict is known by its keys: the order of insertion does not matter, or is an error."""
    tree = {"a": array(3), "b": array(3, seed=1)}
    tangents = {"a": noise(3), "b": noise(3, seed=8)}
    turned = {"b": tangents["b"], "a": tangents["a"]}
    for transform in (func.jvp, func.hvp):
        expected = transform(product, (tree,), (tangents,))[1]
        try:
            got = transform(product, (tree,), (turned,))[1]
        except (TypeError, ValueError):
            continue
        for x, y in zip(leaves_of(got), leaves_of(expected), strict=True):
            np.testing.assert_allclose(x, y)


def test_cotangents_in_another_order():
    """So it is with what a vjp function takes."""
    _, pull_back = func.vjp(lambda x: {"a": x, "b": 10 * x}, array(3))
    (expected,) = pull_back({"a": noise(3), "b": noise(3, seed=8)})
    try:
        (got,) = pull_back({"b": noise(3, seed=8), "a": noise(3)})
    except (TypeError, ValueError):
        return
    np.testing.assert_allclose(got, expected)


def test_tangents_in_other_containers():
    """A list where there is a dict, or other keys, are errors."""
    tree = {"a": array(3), "b": array(3, seed=1)}
    for wrong in ([noise(3), noise(3)], {"a": noise(3), "c": noise(3)}):
        with pytest.raises((TypeError, ValueError)):
            func.jvp(product, (tree,), (wrong,))


# Arrays in, arrays out; Tensors in, Tensors out.


def kinds(result):
    """The types of all leaves."""
    return {type(x) for x in leaves_of(result)}


def all_transforms(function, x, t):
    """The results of every transform of a function that returns one number."""
    value, pull_back = func.vjp(function, x)
    return [
        func.grad(function)(x),
        func.value_and_grad(function)(x),
        (value, pull_back(1.0)),
        func.jvp(function, (x,), (t,)),
        func.hvp(function, (x,), (t,)),
        func.jacobian(function)(x),
        func.hessian(function)(x),
    ]


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3)])
def test_arrays_in_arrays_out(shape):
    """np.ndarrays, 0-d ones too, never NumPy scalars; Tensors without a graph for Tensors."""
    x, t = array(*shape), noise(*shape)

    def function(x):
        return (x**3).sum()

    for result in all_transforms(function, x, np.asarray(t)):
        assert kinds(result) == {np.ndarray}
    for result in all_transforms(function, Tensor(x), Tensor(t)):
        assert kinds(result) == {Tensor}
        assert not any(x.requires_grad for x in leaves_of(result))


NESTED = {
    "grad of vjp": lambda x, v: func.grad(
        lambda v: (func.vjp(lambda x: x**3, x)[1](v)[0] ** 2).sum()
    )(v),
    "grad of jvp": lambda x, v: func.grad(
        lambda v: (func.jvp(lambda x: x**3, (x,), (v,))[1] ** 2).sum()
    )(v),
    "grad of hvp": lambda x, v: func.grad(
        lambda v: (func.hvp(lambda x: (x**3).sum(), (x,), (v,))[1] * v).sum()
    )(v),
    "jacobian of jvp": lambda x, v: func.jacobian(
        lambda v: func.jvp(lambda x: x**3, (x,), (v,))[1]
    )(v),
    "hessian of grad": lambda x, v: func.hessian(
        lambda x: (func.grad(lambda x: (x**3).sum())(x) * v).sum()
    )(x),
    "jvp of jvp": lambda x, v: func.jvp(
        lambda x: func.jvp(lambda x: x**3, (x,), (v,))[1], (x,), (v,)
    ),
    "hvp of jvp": lambda x, v: func.hvp(
        lambda x: func.jvp(lambda x: (x**3).sum(), (x,), (v,))[1], (x,), (v,)
    ),
}


@pytest.mark.parametrize("nest", NESTED.values(), ids=NESTED)
def test_nested_transforms_of_arrays_give_arrays(nest):
    """What a transform makes for itself is nobody's graph: nothing outside requires gradients."""
    x, v = array(3), noise(3)
    assert kinds(nest(x, v)) == {np.ndarray}
    result = nest(Tensor(x), Tensor(v))
    assert kinds(result) == {Tensor}
    assert not any(t.requires_grad for t in leaves_of(result))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_dtypes(dtype):
    """Derivatives have the dtype of their argument."""
    x = array(3, dtype=dtype)
    for result in all_transforms(lambda x: (x**2).sum(), x, x):
        assert {x.dtype for x in leaves_of(result)} == {np.dtype(dtype)}


def test_python_numbers():
    """They are float32, like Tensors of Python numbers."""
    slope = func.grad(lambda x: x**2)(3.0)
    assert type(slope) is np.ndarray
    assert slope.dtype == np.float32
    assert slope == 6


def test_a_function_of_numpy_functions():
    """A function that is written in NumPy serves arrays and transforms alike."""

    def function(x):
        return np.sum(np.exp(x) / np.sum(np.exp(x)) * W[:, 0])

    x = array(3)
    hessian = func.hessian(function)(x)
    np.testing.assert_allclose(
        hessian, numeric_jacobian(func.grad(function), x), rtol=1e-6, atol=1e-8
    )


def test_results_do_not_alias():
    """Gradients share memory with no argument, no other gradient, and no cotangent."""
    x, v = array(3), noise(3)
    _, pull_back = func.vjp(lambda a, b: a + b, x, x)
    a, b = pull_back(v)
    for one, other in ((a, b), (a, v), (b, v), (a, x)):
        assert not np.shares_memory(one, other)
    (c,) = func.vjp(lambda x: x, x)[1](v)
    assert not np.shares_memory(c, v)


# What requires gradients elsewhere.


def test_captured_tensors_keep_their_graph():
    """A derivative that depends on a tensor outside is a Tensor whose graph leads there."""
    w = Tensor(array(3), requires_grad=True)
    x, t = array(3, seed=1), noise(3)

    def function(x):
        return (w**2 * x**3).sum()

    for result in all_transforms(function, x, t):
        assert kinds(result) == {Tensor}
        assert all(x.requires_grad for x in leaves_of(result))
    (by_w,) = tinytorch.grad(func.grad(function)(x).sum(), w)
    np.testing.assert_allclose(by_w, 2 * w.data * 3 * x**2)
    (by_w,) = tinytorch.grad(func.hvp(function, (x,), (t,))[1].sum(), w)
    np.testing.assert_allclose(by_w, 2 * w.data * 6 * x * t)
    (by_w,) = tinytorch.grad(func.jvp(function, (x,), (t,))[1], w)
    np.testing.assert_allclose(by_w, 2 * w.data * 3 * x**2 * t)
    (by_w,) = tinytorch.grad(func.hessian(function)(x).sum(), w)
    np.testing.assert_allclose(by_w, 2 * w.data * 6 * x)
    (by_w,) = tinytorch.grad(func.jacobian(lambda x: w * x**2)(x).sum(), w)
    np.testing.assert_allclose(by_w, 2 * x)


def test_a_maml_step():
    """The gradient through one inner step of gradient descent equals central differences."""
    w = Tensor(noise(3), requires_grad=True)
    x, y = noise(5, 3, seed=1), noise(5, seed=2)

    def loss(w):
        return ((np.tanh(x) @ w - y) ** 2).mean() + (w**4).sum() / 8

    def outer(w):
        adapted = w - 0.1 * func.grad(loss)(w)
        return loss(adapted - 0.1 * func.grad(loss)(adapted))

    outer(w).backward()
    expected = numeric_jacobian(lambda w: Tensor(outer(w).data), w.data)
    np.testing.assert_allclose(w.grad, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(func.grad(outer)(w.data), expected, rtol=1e-6, atol=1e-9)


def test_an_argument_that_requires_gradients():
    """The derivative at a tensor with a graph has one too, and leaves its `.grad` alone."""
    x = Tensor(array(3), requires_grad=True)
    for point in (x, x * 1.0):
        slope = func.grad(lambda x: (x**3).sum())(point)
        assert type(slope) is Tensor
        np.testing.assert_allclose(tinytorch.grad(slope.sum(), x)[0], 6 * x.data)
    assert x.grad is None


def test_an_argument_that_is_captured_as_well():
    """What the function refers to by itself counts as constant in the derivative."""
    x = Tensor(array(3), requires_grad=True)
    slope = func.grad(lambda z: (z**2 * x).sum())(x)
    np.testing.assert_allclose(slope.data, 2 * x.data**2)
    np.testing.assert_allclose(tinytorch.grad(slope.sum(), x)[0], 4 * x.data)


def test_a_cotangent_with_a_graph():
    """v ↦ v J is linear, and differentiable by v: nothing is lost in silence."""
    x = array(3)
    v = Tensor(noise(3), requires_grad=True)
    for point in (x, Tensor(x)):
        _, pull_back = func.vjp(lambda x: x**3, point)
        (product,) = pull_back(v)
        assert type(product) is Tensor
        assert product.requires_grad, "the gradient towards the cotangent was dropped"
        np.testing.assert_allclose(tinytorch.grad(product.sum(), v)[0], 3 * x**2)
        by_v = func.grad(lambda v, pull_back=pull_back: (pull_back(v)[0] ** 2).sum())(v.data)
        np.testing.assert_allclose(by_v, 2 * v.data * 9 * x**4)


def test_a_tangent_with_a_graph():
    """So it is with the tangents of jvp: the derivative of |J v|² by v is 2 Jᵀ J v."""
    x, v = array(3), noise(3)

    def length(v, point):
        return (func.jvp(lambda x: x @ W, (point,), (v,))[1] ** 2).sum()

    for point in (x, Tensor(x)):
        np.testing.assert_allclose(
            func.grad(lambda v, point=point: length(v, point))(v), 2 * W @ (v @ W)
        )


def test_a_tangent_of_hvp_with_a_graph():
    """The derivative of vᵀ H v by v is 2 H v, as a quadratic model wants it."""
    x, v = array(3), noise(3)
    for point in (x, Tensor(x)):

        def model(v, point=point):
            return (func.hvp(lambda x: x @ A @ x, (point,), (v,))[1] * v).sum()

        np.testing.assert_allclose(func.grad(model)(v), 2 * (A + A.T) @ v)


@pytest.mark.parametrize(
    "name", ["grad", "value_and_grad", "vjp", "jvp", "hvp", "jacobian", "hessian"]
)
def test_inside_no_grad(name):
    """Derivatives are the same there; tensors outside count as constants, as the mode says."""
    w = Tensor(array(3), requires_grad=True)
    x, t = array(3, seed=1), noise(3)
    names = ["grad", "value_and_grad", "vjp", "jvp", "hvp", "jacobian", "hessian"]
    place = names.index(name)

    def function(x):
        return (w**2 * x**3).sum()

    expected = all_transforms(function, x, t)[place]
    with no_grad():
        got = all_transforms(function, x, t)[place]
        assert not tinytorch.is_grad_enabled()
    assert kinds(got) == {np.ndarray}
    for a, b in zip(leaves_of(got), leaves_of(expected), strict=True):
        np.testing.assert_allclose(a, b.data, rtol=1e-12, atol=1e-12)


def test_through_a_checkpoint():
    """The transforms see through checkpoint."""
    x, t = array(3), noise(3)

    def function(x):
        return (x.exp() * x**2).sum()

    plain = all_transforms(function, x, t)
    packed = all_transforms(lambda x: checkpoint(function, x * 1.0), x, t)
    for got, want in zip(packed, plain, strict=True):
        for a, b in zip(leaves_of(got), leaves_of(want), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


# Nothing, and independence.


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
@pytest.mark.parametrize("captured", [False, True])
def test_empty_outputs(shape, captured):
    """An output without elements has a Jacobian without rows, with a graph or without."""
    w = Tensor(array(), requires_grad=captured)
    x = np.zeros(shape)
    jacobian = func.jacobian(lambda x: x * w)(x)
    assert jacobian.shape == shape + shape
    output, product = func.jvp(lambda x: x * w, (x,), (x,))
    assert output.shape == product.shape == shape
    assert func.grad(lambda x: (x * w).sum())(x).shape == shape
    assert func.hessian(lambda x: (x * w * x).sum())(x).shape == shape + shape


def test_an_empty_output_of_a_full_input():
    """Shape (0, 3) by shape (2,): an empty Jacobian of shape (0, 3, 2)."""
    jacobian = func.jacobian(lambda x: np.zeros((0, 1)) * x.sum() * np.zeros((1, 3)))(array(2))
    assert jacobian.shape == (0, 3, 2)


def test_outputs_that_do_not_depend_on_an_input():
    """They give zeros, of the right shapes, in every transform."""
    x, y = array(3), array(2, seed=1)
    got = func.grad(lambda x, y: (x**2).sum(), argnums=(0, 1))(x, y)
    np.testing.assert_array_equal(got[1], np.zeros(2))
    got = func.jacobian(lambda x, y: x**2, argnums=(0, 1))(x, y)
    np.testing.assert_array_equal(got[1], np.zeros((3, 2)))
    got = func.hessian(lambda x, y: (x**2).sum() + y.sum(), argnums=(0, 1))(x, y)
    np.testing.assert_array_equal(got[0][1], np.zeros((3, 2)))
    np.testing.assert_array_equal(got[1][1], np.zeros((2, 2)))
    constant = Tensor(array(4))
    for result in (
        func.jacobian(lambda x: constant)(x),
        func.jvp(lambda x: constant, (x,), (x,))[1],
        func.vjp(lambda x: constant, x)[1](noise(4))[0],
        func.grad(lambda x: Tensor(1.0))(x),
        func.hvp(lambda x: x.sum(), (x,), (x,))[1],
        func.hvp(lambda x: Tensor(1.0), (x,), (x,))[1],
    ):
        np.testing.assert_array_equal(result, np.zeros_like(result))
    assert func.jacobian(lambda x: constant)(x).shape == (4, 3)


def test_the_identity():
    """An output that is the input itself."""
    x, v = array(2, 2), noise(2, 2)
    np.testing.assert_array_equal(func.jacobian(lambda x: x)(x).reshape(4, 4), np.eye(4))
    np.testing.assert_array_equal(func.jvp(lambda x: x, (x,), (v,))[1], v)
    np.testing.assert_array_equal(func.vjp(lambda x: x, x)[1](v)[0], v)
    a, b = func.vjp(lambda x: (x, x * 2), x)[1]((v, v))[0], 3 * v
    np.testing.assert_allclose(a, b)


def test_an_output_without_derivative():
    """A mask beside the result, as a function may return one."""
    x, v = array(3), noise(3)

    def function(x):
        return x**2, x > 1

    output, _ = func.vjp(function, x)
    assert output[1].dtype == bool
    (value, mask), product = func.jvp(function, (x,), (v,))
    np.testing.assert_allclose(value, x**2)
    np.testing.assert_allclose(product[0], 2 * x * v)
    assert mask.dtype == bool


# Jacobians in batches: an operation's rule takes many gradients at once, if it says so.


def jacobian_row_by_row(function, inputs):
    """The Jacobian of the output towards each input, one plain backward a row."""
    leaves = [Tensor(x, requires_grad=True) for x in inputs]
    output = function(*leaves)
    jacobians = [np.zeros((output.size, *x.shape)) for x in inputs]
    for row, unit in enumerate(np.eye(output.size)):
        seed = unit.reshape(output.shape)
        found = tinytorch.grad(output, leaves, seed, retain_graph=True, allow_unused=True)
        for jacobian, gradient in zip(jacobians, found, strict=True):
            jacobian[row] = 0 if gradient is None else gradient
    return [j.reshape(output.shape + x.shape) for j, x in zip(jacobians, inputs, strict=True)]


def batches_agree(operation: Operation, case: Sample):
    """Whether jacobian, all rows at once, gives what one backward a row gives; None for neither."""
    places = [
        i for i, x in enumerate(case.inputs) if isinstance(x, np.ndarray) and x.dtype.kind == "f"
    ]

    def function(*floating):
        inputs = list(case.inputs)
        for i, x in zip(places, floating, strict=True):
            inputs[i] = x
        return operation.function(*inputs, **case.parameters)

    inputs = [case.inputs[i] for i in places]
    output = function(*(Tensor(x, requires_grad=True) for x in inputs))
    if not output.requires_grad or output.size == 0:
        return None
    scaled = noise(*output.shape)

    def weighted(*floating):
        return function(*floating) * scaled

    for variant in (function, weighted):
        together = func.jacobian(variant, argnums=tuple(range(len(inputs))))(*inputs)
        one_by_one = jacobian_row_by_row(variant, inputs)
        for a, b in zip(together, one_by_one, strict=True):
            if a.shape != b.shape or not np.allclose(a, b, rtol=1e-5, atol=1e-12, equal_nan=True):
                return False
    return True


CORE_OPERATIONS = sorted(
    {op for name, op in registry.operations.items() if registry.owners[name] == CORE},
    key=lambda op: op.name,
)


@pytest.mark.parametrize("operation", CORE_OPERATIONS, ids=lambda op: op.name)
def test_rows_in_a_batch_equal_rows_one_by_one(operation):
    """For every operation of core and each of its samples, whatever its rule claims."""
    compared = 0
    for case in operation.make_samples():
        agreed = batches_agree(operation, case)
        assert agreed is not False, f"{operation.name}{case}: the rows of a batch differ"
        compared += agreed is True
    assert compared >= 2


class WrongSum(Function):
    """sum(x), whose rule spreads a gradient over x, and wrongly claims to take many at once."""

    batched = True

    def forward(self, x):
        self.shape = x.shape
        return np.sum(x, axis=-1)

    def apply(self, grad_output):
        return np.broadcast_to(
            np.expand_dims(grad_output, 1), (*np.shape(grad_output), *self.shape[-1:])
        )


class WrongReshape(Function):
    """x flattened, whose rule would reshape a batch into one x."""

    batched = True

    def forward(self, x):
        self.shape = x.shape
        return x.reshape(-1)

    def apply(self, grad_output):
        return grad_output.reshape(-1, *self.shape)[0]


class WrongCumulation(Function):
    """x summed up, whose rule runs along the first axis: of a batch, that is the batch."""

    batched = True

    def forward(self, x):
        return np.cumsum(x, axis=0)

    def apply(self, grad_output):
        return np.cumsum(grad_output[::-1], axis=0)[::-1]


@pytest.mark.parametrize("kind", [WrongSum, WrongReshape, WrongCumulation])
def test_a_wrong_claim_is_caught(kind):
    """A rule that claims `batched` and is not fails the comparison of the test before."""

    def function(x):
        return kind.call(x)

    operation = Operation(function, kind, samples=[sample(array(3, 3))])
    try:
        agreed = batches_agree(operation, operation.make_samples()[0])
    except (GradientError, ValueError):
        agreed = False
    assert agreed is False


def test_a_batched_rule_runs_once_and_another_once_a_row():
    """That is what `batched` is for."""
    runs = []

    class Square(Function):
        def forward(self, x):
            self.save(x)
            return x * x

        def apply(self, grad_output):
            (x,) = self.saved
            runs.append(grad_output.shape)
            return grad_output * 2 * x

    batched = type("BatchedSquare", (Square,), {"batched": True})
    x = array(5)
    np.testing.assert_allclose(func.jacobian(batched.call)(x), np.diag(2 * x))
    assert runs == [(5, 5)]
    runs.clear()
    np.testing.assert_allclose(func.jacobian(Square.call)(x), np.diag(2 * x))
    assert runs == [(5,)] * 5


@pytest.mark.parametrize(("shapes", "runs"), [(((2, 3), (3, 4)), 1), (((5, 2, 3), (3, 4)), 40)])
def test_matrix_products_take_a_batch(shapes, runs, monkeypatch):
    """The gradients of 2-d products go back together; those that fold a batch go one by one."""
    calls = []
    rule = MatmulBackward.apply
    monkeypatch.setattr(
        MatmulBackward, "apply", lambda self, g: calls.append(g.shape) or rule(self, g)
    )
    a, b = (array(*shape) for shape in shapes)
    func.jacobian(lambda a, b: a @ b, argnums=(0, 1))(a, b)
    assert len(calls) == runs


def test_many_rows():
    """More rows than go back at once: 200 of them, of several shapes."""
    x = array(200)
    jacobian = func.jacobian(lambda x: (x**2).reshape(20, 10))(x)
    np.testing.assert_allclose(jacobian.reshape(200, 200), np.diag(2 * x))


@pytest.mark.parametrize("form", ["list", "Tensors", "sparse", "None", "broadcast"])
def test_whatever_a_rule_returns(form):
    """Lists, Tensors, sparse gradients, None and broadcast ones are taken in a batch as well."""

    class Odd(Function):
        def forward(self, a, b):
            self.save(a, b)
            return a * b

        def apply(self, grad_output):
            a, b = self.saved
            by_a, by_b = grad_output * b, grad_output * a
            return {
                "list": lambda: [by_a, by_b],
                "Tensors": lambda: (Tensor(by_a), Tensor(by_b)),
                "sparse": lambda: (SparseGradient(a.shape, slice(None), by_a), by_b),
                "None": lambda: (by_a, None),
                "broadcast": lambda: (by_a, np.stack([by_b, by_b])),
            }[form]()

    a, b = array(3), array(3, seed=1)
    got = func.jacobian(Odd.call, argnums=(0, 1))(a, b)
    for x, y in zip(got, jacobian_row_by_row(Odd.call, [a, b]), strict=True):
        np.testing.assert_allclose(x, y)


def test_a_gradient_of_a_wrong_shape_is_an_error_in_a_batch_too():
    """A transposed gradient is refused by jacobian as it is by backward."""

    class Transposed(Function):
        def forward(self, x):
            return x.T.copy()

        def apply(self, grad_output):
            return grad_output

    x = array(2, 3)
    with pytest.raises(GradientError, match="Transposed"):
        Transposed.call(Tensor(x, requires_grad=True)).backward(noise(3, 2))
    for batched in (False, True):
        kind = type("Transposed", (Transposed,), {"batched": batched})
        with pytest.raises(GradientError, match="Transposed"):
            func.jacobian(kind.call)(x)


def test_a_textbook_rule_in_a_jacobian():
    """Functions attached by hand serve jacobian and hessian."""

    class Square(Function):
        def apply(self, grad_output):
            (x,) = self.saved_tensors
            return (grad_output * 2 * x.data,)

    def function(x):
        y = Tensor(x.data**2)
        y._grad_fn = Square(x)
        return y

    x = array(3)
    np.testing.assert_allclose(func.jacobian(function)(x), np.diag(2 * x))
    np.testing.assert_allclose(
        func.hessian(lambda x: (function(x) * x).sum())(x), np.diag(6 * x), atol=1e-12
    )


# Memory and work.


def test_hvp_does_not_build_the_hessian():
    """100,000 variables: a Hessian would take 80 GB."""
    x, v = array(100_000), noise(100_000)
    _, product = func.hvp(lambda x: (x**3).sum(), (x,), (v,))
    np.testing.assert_allclose(product, 6 * x * v)


def test_a_gauss_newton_product_does_not_build_the_jacobian():
    """Jᵀ J v of 50,000 residuals, by a jvp and a vjp."""
    x, v = array(50_000), noise(50_000)
    _, pushed = func.jvp(lambda x: x**2, (x,), (v,))
    (product,) = func.vjp(lambda x: x**2, x)[1](pushed)
    np.testing.assert_allclose(product, 4 * x**2 * v)


def test_how_often_the_function_is_called():
    """Once for each derivative, whatever the number of rows."""
    calls = []

    def function(x):
        calls.append(1)
        return (x**2).sum()

    x, v = array(5), noise(5)
    for run in (
        lambda: func.grad(function)(x),
        lambda: func.value_and_grad(function)(x),
        lambda: func.jacobian(lambda x: function(x) * x)(x),
        lambda: func.hessian(function)(x),
        lambda: func.jvp(function, (x,), (v,)),
        lambda: func.hvp(function, (x,), (v,)),
    ):
        calls.clear()
        run()
        assert len(calls) == 1
    calls.clear()
    _, pull_back = func.vjp(function, x)
    pull_back(1.0)
    pull_back(2.0)
    assert len(calls) == 1


# Errors.


def test_more_than_one_number():
    """grad, value_and_grad, hvp and hessian want one number, and say what they got."""
    x = array(3)
    for run in (
        lambda: func.grad(lambda x: x * 2)(x),
        lambda: func.value_and_grad(lambda x: x * 2)(x),
        lambda: func.grad(lambda x: (x.sum(), x.sum()))(x),
        lambda: func.hvp(lambda x: x * 2, (x,), (x,)),
        lambda: func.hessian(lambda x: x * 2)(x),
    ):
        with pytest.raises(ValueError, match=r"one number.*shape"):
            run()


@pytest.mark.parametrize("result", [1.0, np.ones(3), "text", [Tensor(1.0), 2]], ids=repr)
def test_a_function_that_returns_no_tensor(result):
    """A TypeError names the type, and has_aux."""
    for transform in (func.grad, func.jacobian):
        with pytest.raises(TypeError, match=r"should return tensors.*has_aux"):
            transform(lambda x: result)(array(3))


def test_has_aux_without_a_pair():
    """A function that returns one tensor although has_aux was said is an error."""
    with pytest.raises((TypeError, ValueError)):
        func.grad(lambda x: (x**2).sum(), has_aux=True)(array(3))


@pytest.mark.parametrize(
    "wrong", [np.arange(3), np.array([True]), 1j * np.ones(2), "text"], ids=repr
)
def test_arguments_that_have_no_gradient(wrong):
    """Integers, booleans, complex numbers and text cannot be differentiated by."""
    with pytest.raises(TypeError):
        func.grad(lambda x: (x * 1.0).sum())(wrong)
    assert func.grad(lambda x, n: (x * 1.0).sum())(array(2), wrong).shape == (2,)


def test_cotangents_and_tangents_of_wrong_shapes():
    """Both shapes are in the message, and the numbers of them."""
    x = array(3)
    _, pull_back = func.vjp(lambda x: x * 2, x)
    for wrong in (noise(2), noise(1, 3), 1.0):
        with pytest.raises(ValueError, match=r"\(3,\)"):
            pull_back(wrong)
    with pytest.raises(ValueError, match=r"1.*2|2.*1|\(2, 3\)"):
        pull_back((noise(3), noise(3)))
    for transform in (func.jvp, func.hvp):
        with pytest.raises(ValueError, match=r"\(3,\)"):
            transform(lambda x: (x**2).sum(), (x,), (noise(2),))
        with pytest.raises(ValueError, match="tangents"):
            transform(lambda x: (x**2).sum(), (x,), (noise(3), noise(3)))
        with pytest.raises(ValueError, match="tangents"):
            transform(lambda x: (x**2).sum(), (x,), ())
    np.testing.assert_allclose(pull_back(noise(3))[0], 2 * noise(3))


def test_an_error_of_the_function_comes_through():
    """As it is, and the mode of the caller is as before."""

    def failing(x):
        raise KeyError("mine")

    with no_grad():
        for transform in (func.grad, func.jacobian, func.hessian):
            with pytest.raises(KeyError, match="mine"):
                transform(failing)(array(3))
        assert not tinytorch.is_grad_enabled()


def test_once_differentiable():
    """The first derivative is right; the second, and what needs it, raises with the name."""

    class Once(Function):
        once_differentiable = True

        def forward(self, x):
            self.save(x)
            return x**3

        def apply(self, grad_output):
            (x,) = self.saved
            return grad_output * 3 * x**2

    x = array(3)
    np.testing.assert_allclose(func.grad(lambda x: Once.call(x).sum())(x), 3 * x**2)
    np.testing.assert_allclose(func.jacobian(Once.call)(x), np.diag(3 * x**2))
    with pytest.raises(GradientError, match="Once"):
        func.hessian(lambda x: Once.call(x).sum())(x)
    with pytest.raises(GradientError, match="Once"):
        func.hvp(lambda x: Once.call(x).sum(), (x,), (x,))


def test_a_gauss_newton_product_of_jvp_and_vjp():
    """Jᵀ J v by a jvp and a vjp is what the Jacobian gives, and no rule sees more than one row."""
    A, x, v = noise(4, 3), array(3), noise(3, seed=1)
    largest = []

    class Watched(Function):
        """Identity. Gradient: the output's."""

        def forward(self, y):
            return y

        def apply(self, grad_output):
            largest.append(grad_output.shape)
            return grad_output

    def residuals(x):
        return Watched.call((Tensor(A) @ x) ** 2)

    _, j_v = func.jvp(residuals, (x,), (v,))
    _, pull_back = func.vjp(residuals, x)
    assert set(largest) == {(4,)}
    j = func.jacobian(residuals)(x)
    np.testing.assert_allclose(pull_back(j_v)[0], j.T @ j @ v)
