"""Operations made of a forward and a derivative, or of a function that returns a closure."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import tinytorch
from tinytorch import Operation, Tensor, custom_gradient, elementwise
from tinytorch.operation import Plugin
from tinytorch.samples import bad, broadcasting, sample, uniform
from tinytorch.samples import elementwise as samples_of_one
from tinytorch.testing import check_op, gradcheck, gradgradcheck


def lorentz_of(x):
    """Lorentz curve 1 / (1 + x^2), elementwise."""
    return 1 / (1 + x * x)


lorentz = elementwise(
    "lorentz",
    forward=lorentz_of,
    derivative=lambda x: -2 * x / (1 + x * x) ** 2,
    reference=lambda x: 1 / (1 + x**2),
    method=None,
)

mix = elementwise(
    "mix",
    forward=lambda x, y, weight=0.5: (1 - weight) * x * x + weight * x * y,
    derivative=(
        lambda x, y, weight=0.5: 2 * (1 - weight) * x + weight * y,
        lambda x, y, weight=0.5: weight * x,
    ),
    doc="Mix of a square and a product, elementwise.",
    samples=broadcasting(weight=0.25),
    reference=lambda x, y, weight: (1 - weight) * x**2 + weight * x * y,
    bad_inputs=[bad(ValueError, "broadcast", np.zeros(2), np.zeros(3))],
    method=None,
)


@custom_gradient(
    samples=samples_of_one(rate=0.5), reference=lambda x, rate: np.exp(-rate * x) * np.ones_like(x)
)
def damped(x, *, rate=1.0):
    """Exponential decay exp(-rate x), elementwise."""
    result = np.exp(-rate * x)

    def gradient(grad_output):
        return -rate * grad_output * result

    return result, gradient


@custom_gradient(
    samples=lambda: [
        sample(uniform((2, 3)), uniform((3,), seed=1)),
        sample(uniform((0, 3)), uniform((3,))),
    ],
    bad_inputs=[bad(ValueError, "", np.zeros(()), np.zeros(3))],
)
def project(a, x):
    """Product of a matrix and a vector."""
    if a.ndim != 2 or x.ndim != 1:
        raise ValueError(f"project: expected a matrix and a vector, got {a.shape} and {x.shape}")
    return a @ x, lambda g: (g.reshape(-1, 1) * x, g @ a)


@pytest.mark.parametrize("operation", [lorentz, mix, damped, project], ids=repr)
def test_the_kit_holds_for_them(operation):
    """All checks pass, second derivatives and everything else, as for classes."""
    assert check_op(operation) > 20


@pytest.mark.parametrize("operation", [lorentz, mix, damped, project], ids=repr)
def test_the_kit_finds_a_wrong_derivative(operation, monkeypatch):
    """A factor in the gradient is found, for these as for classes."""
    apply = operation.backward.apply
    monkeypatch.setattr(
        operation.backward,
        "apply",
        lambda self, g: apply(self, g * 1.001),
    )
    with pytest.raises(AssertionError, match="central differences"):
        check_op(operation)


def test_an_operation_like_any_other():
    """They have a name, a docstring, a signature, a Backward class, and register as others do."""
    assert isinstance(lorentz, Operation)
    assert lorentz.name == "lorentz"
    assert inspect.getdoc(lorentz.function) == "Lorentz curve 1 / (1 + x^2), elementwise."
    assert lorentz.function.__module__ == __name__
    assert inspect.getsourcefile(inspect.unwrap(lorentz.function)) == __file__
    assert repr(lorentz.backward.__name__) == "'LorentzBackward'"
    x, y, weight = inspect.signature(mix.function).parameters.values()
    assert x.annotation == y.annotation == Tensor | tinytorch.Array | float
    assert weight.default == 0.5
    assert inspect.signature(mix.function).return_annotation is Tensor
    assert list(inspect.signature(damped.function).parameters) == ["x", "rate"]
    with tinytorch.isolated_registry(fresh=True) as registry:
        registry.register(Plugin("short", "short"), [lorentz, damped])
        assert tinytorch.ops.damped(Tensor([0.0]), rate=3.0).tolist() == [1.0]


def test_the_method_has_the_name_unless_told_otherwise():
    """An elementwise operation is a method of its name."""
    assert (
        elementwise("cube", forward=lambda x: x**3, derivative=lambda x: 3 * x**2).method == "cube"
    )
    assert lorentz.method is None


def test_recording():
    """The function records a node of its class, and gives arrays where it is given arrays."""
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = lorentz(x)
    assert repr(y.grad_fn) == "LorentzBackward"
    y.backward(np.array([1.0, 2.0], np.float32))
    np.testing.assert_allclose(x.grad, [-0.5, 2 * -4 / 25], rtol=1e-6)
    assert isinstance(lorentz(np.array([1.0])), np.ndarray)


def test_parameters_by_position_and_by_name():
    """Parameters and inputs may be given either way, and defaults hold."""
    x, y = Tensor([1.0]), Tensor([3.0])
    assert mix(x, y, 1.0).tolist() == mix(x, y=y, weight=1.0).tolist() == [3.0]
    assert mix(x, y).tolist() == [2.0]
    with pytest.raises(TypeError, match="missing a required argument: 'y'"):
        mix(x)


def test_only_what_is_asked_for_is_computed():
    """The derivative towards an input that needs none is not called."""
    called = []
    product = elementwise(
        "product",
        forward=lambda x, y: x * y,
        derivative=(lambda x, y: called.append("x") or y, lambda x, y: called.append("y") or x),
    )
    x = Tensor([2.0], requires_grad=True)
    product(x, Tensor([3.0])).backward()
    assert called == ["x"]
    assert x.grad.tolist() == [3.0]


def test_what_the_closure_keeps_is_released():
    """A second backward says so, as for other nodes, and the closure's arrays are let go of."""
    x = Tensor([1.0], requires_grad=True)
    y = damped(x)
    y.backward()
    with pytest.raises(tinytorch.GradientError, match="released"):
        y.backward()


def test_third_derivatives():
    """A closure runs again on Tensors as often as derivatives are asked for."""
    third = tinytorch.func.grad(tinytorch.func.grad(tinytorch.func.grad(lambda x: damped(x).sum())))
    np.testing.assert_allclose(third(Tensor(np.array([0.5]))).data, -np.exp([-0.5]))


def test_composed():
    """They take part in larger graphs, in first and second derivatives."""
    inputs = [uniform((2, 3)), uniform((3,))]
    assert gradcheck(lambda x, y: mix(lorentz(x), damped(y, rate=0.5)), inputs)
    assert gradgradcheck(lambda x, y: mix(lorentz(x), damped(y, rate=0.5)), inputs)


def test_a_ufunc_serves_as_forward():
    """A function that is written in C, without a signature, takes one array for each derivative."""
    both = elementwise("both", forward=np.hypot, derivative=(
        lambda x, y: x / np.sqrt(x * x + y * y),
        lambda x, y: y / np.sqrt(x * x + y * y),
    ), domain=(0.5, 2.0), doc="Length of (x, y).", method=None)  # fmt: skip
    assert both(Tensor([3.0]), Tensor([4.0])).tolist() == [5.0]
    assert check_op(both) > 20


def test_too_few_arguments_are_refused():
    """A forward that cannot take an array for each derivative is an error that counts them."""
    with pytest.raises(TypeError, match="but it takes 1"):
        elementwise("bad", forward=lambda x: x, derivative=(lambda x: x, lambda x: x))


def test_plain_decorator():
    """custom_gradient serves without parentheses too."""

    @custom_gradient
    def halve(x):
        """Half of a tensor."""
        return x / 2, lambda g: g / 2

    x = Tensor([3.0], requires_grad=True)
    halve(x).backward()
    assert x.grad.tolist() == [0.5]


def test_several_arrays():
    """A function of any number of inputs gets them all, and returns a gradient for each."""

    @custom_gradient
    def total(*xs):
        """Sum of tensors."""
        return sum(xs), lambda g: tuple(g for _ in xs)

    xs = [Tensor([1.0], requires_grad=True) for _ in range(3)]
    total(*xs).backward()
    assert [x.grad.tolist() for x in xs] == [[1.0]] * 3
