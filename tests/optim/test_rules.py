"""Each optimiser does what its formula says, whatever the layout and the dtype of a parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tinytorch_optim
from hypothesis import given
from hypothesis import strategies as st
from tinytorch import Tensor
from tinytorch_optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop


def number_by_number(kind: str, p: float, gradients: list[float], **o: Any) -> float:
    """The formulas of the docstrings, for one number and in Python's own arithmetic."""
    m = v = b = mean = largest = total = 0.0
    for t, g in enumerate(gradients, start=1):
        if kind == "AdamW":
            p -= o["lr"] * o["weight_decay"] * p
        else:
            g += o["weight_decay"] * p
        if kind == "SGD":
            b = g if t == 1 else o["momentum"] * b + (1 - o["dampening"]) * g
            p -= o["lr"] * (g + o["momentum"] * b if o["nesterov"] else b)
        elif kind in ("Adam", "AdamW"):
            beta1, beta2 = o["betas"]
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g**2
            largest = max(largest, v) if o["amsgrad"] else v
            root = (largest / (1 - beta2**t)) ** 0.5
            p -= o["lr"] * m / (1 - beta1**t) / (root + o["eps"])
        elif kind == "RMSprop":
            v = o["alpha"] * v + (1 - o["alpha"]) * g**2
            mean = o["alpha"] * mean + (1 - o["alpha"]) * g
            spread = v - mean**2 if o["centered"] else v
            b = o["momentum"] * b + g / (spread**0.5 + o["eps"])
            p -= o["lr"] * b
        else:
            total = (total or o["initial_accumulator_value"]) + g**2
            p -= o["lr"] / (1 + (t - 1) * o["lr_decay"]) * g / (total**0.5 + o["eps"])
    return p


OPTIMISERS: list[tuple[type[Optimizer], dict[str, Any]]] = [
    (SGD, {"lr": 0.1, "momentum": 0.0}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.2, "weight_decay": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (Adam, {"lr": 0.1}),
    (Adam, {"lr": 0.1, "betas": (0.5, 0.6), "weight_decay": 0.1, "amsgrad": True, "eps": 0.01}),
    (AdamW, {"lr": 0.1}),
    (AdamW, {"lr": 0.1, "weight_decay": 0.3, "amsgrad": True}),
    (RMSprop, {"lr": 0.1}),
    (RMSprop, {"lr": 0.1, "alpha": 0.7, "momentum": 0.5, "centered": True, "eps": 0.1}),
    (Adagrad, {"lr": 0.1}),
    (Adagrad, {"lr": 0.1, "lr_decay": 0.5, "weight_decay": 0.1, "initial_accumulator_value": 2.0}),
]
each = pytest.mark.parametrize(
    ("kind", "options"),
    OPTIMISERS,
    ids=[f"{kind.__name__}-{'-'.join(options)}" for kind, options in OPTIMISERS],
)


def random_steps(parameter: Tensor, optimiser: Optimizer, steps: int, seed: int = 0) -> list[Any]:
    """Take steps by random gradients, and return these."""
    generator = np.random.default_rng(seed)
    gradients = [generator.normal(size=parameter.shape) for _ in range(steps)]
    for gradient in gradients:
        parameter.grad = gradient
        optimiser.step()
    return gradients


@each
@pytest.mark.parametrize("maximize", [False, True])
def test_formula(kind: type[Any], options: dict[str, Any], maximize: bool) -> None:
    """Several steps lead where the formula leads, number by number; up the gradient if asked."""
    before = np.random.default_rng(1).normal(size=(2, 3))
    parameter = Tensor(before, requires_grad=True)
    optimiser = kind([parameter], **options, maximize=maximize)
    gradients = np.array(random_steps(parameter, optimiser, 6)) * (-1 if maximize else 1)
    for index in np.ndindex(2, 3):
        column = [float(g) for g in gradients[(slice(None), *index)]]
        expected = number_by_number(
            kind.__name__, float(before[index]), column, **optimiser.param_groups[0]
        )
        np.testing.assert_allclose(parameter.data[index], expected, 1e-12)


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "contiguous": lambda array: array,
    "Fortran": np.asfortranarray,
    "transposed": lambda array: np.ascontiguousarray(array.T).T,
    "every second": lambda array: np.repeat(array, 2, axis=1)[:, ::2],
    "backwards": lambda array: np.ascontiguousarray(array[::-1])[::-1],
}


@each
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(kind: type[Any], options: dict[str, Any], layout: str) -> None:
    """A parameter of any layout, larger than a block, gets the same numbers, in its own memory."""
    values = np.random.default_rng(2).normal(size=(300, 200)).astype(np.float32)
    plain = Tensor(values, requires_grad=True)
    array = LAYOUTS[layout](values.copy())
    strange = Holder(array)
    for parameter in (plain, strange):
        optimiser = kind([parameter], **options)
        generator = np.random.default_rng(3)
        for _ in range(3):
            parameter.grad = generator.normal(size=values.shape).astype(np.float32)
            optimiser.step()
    assert strange.data is array
    np.testing.assert_array_equal(array, plain.data)
    assert not np.array_equal(array, values)


class Holder:
    """A parameter that is no Tensor: it has data and a gradient, as the textbook's has."""

    def __init__(self, data: Any) -> None:
        self.data, self.grad, self.requires_grad = data, None, True


@given(st.lists(st.integers(0, 4), max_size=4), st.integers(0, 5), st.sampled_from("efd"))
def test_shapes(shape: list[int], seed: int, dtype: str) -> None:
    """Parameters of any shape, 0-d and empty ones too, keep their array, shape and dtype."""
    generator = np.random.default_rng(seed)
    for kind, options in OPTIMISERS:
        parameter = Tensor(np.asarray(generator.normal(size=shape), dtype), requires_grad=True)
        array, before = parameter.data, parameter.data.copy()
        optimiser = kind(
            [parameter], **options, **({} if kind is SGD or "eps" in options else {"eps": 1e-3})
        )
        random_steps(parameter, optimiser, 1, seed)
        assert parameter.data is array
        assert (array.shape, array.dtype) == (before.shape, before.dtype)
        assert (array != before).all() or dtype == "e"  # whose steps may be too small to be seen
        for kept in optimiser.state[parameter].values():
            if isinstance(kept, np.ndarray):
                assert (kept.shape, kept.dtype) == (array.shape, array.dtype)


def test_a_parameter_without_gradient_stays() -> None:
    """What has no gradient is passed over, and its count of steps does not move."""
    for kind, options in OPTIMISERS:
        still, moving = (Tensor([1.0], requires_grad=True) for _ in range(2))
        optimiser = kind(
            [still, moving], **(options | {"momentum": 0.9} if kind is SGD else options)
        )
        moving.grad = np.ones(1)
        optimiser.step()
        assert still.data == 1
        assert moving.data != 1
        assert list(optimiser.state_dict()["state"]) == [1]


@each
def test_gradients_are_only_read(kind: type[Any], options: dict[str, Any]) -> None:
    """A step leaves the gradients as they are, and keeps nothing that shares memory with them."""
    parameter = Tensor(np.ones((3, 2)), requires_grad=True)
    optimiser = kind([parameter], **options)
    for _ in range(2):
        gradient = np.random.default_rng(4).normal(size=(3, 2))
        before = gradient.copy()
        parameter.grad = gradient
        held = parameter.grad
        held.flags.writeable = False
        optimiser.step()
        np.testing.assert_array_equal(held, before)
        for kept in optimiser.state[parameter].values():
            assert not np.shares_memory(kept, held)


def test_gradients_of_another_dtype() -> None:
    """Where a parameter that is no Tensor has float64 gradients, its own dtype stays."""
    parameter = Holder(np.ones(3, np.float32))
    parameter.grad = np.array([0.1, 0.2, 0.3])
    SGD([parameter], lr=1.0, momentum=0.5).step()
    assert parameter.data.dtype == np.float32
    np.testing.assert_allclose(parameter.data, [0.9, 0.8, 0.7], 1e-6)


def test_options_that_change_on_the_way() -> None:
    """An option may be switched on between two steps: what it needs begins with zeros then."""
    parameter = Tensor([1.0], requires_grad=True)
    for optimiser, option, value in (
        (Adam([parameter]), "amsgrad", True),
        (RMSprop([parameter]), "centered", True),
        (SGD([parameter]), "momentum", 0.9),
    ):
        random_steps(parameter, optimiser, 1)
        optimiser.param_groups[0][option] = value
        before = parameter.data.copy()
        random_steps(parameter, optimiser, 1)
        assert parameter.data != before


def test_defaults() -> None:
    """The options have PyTorch's defaults."""
    x = Tensor([1.0], requires_grad=True)
    expected: dict[str, dict[str, Any]] = {
        "SGD": {"lr": 1e-3, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False},
        "Adam": {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0},
        "AdamW": {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 1e-2},
        "RMSprop": {"lr": 1e-2, "alpha": 0.99, "eps": 1e-8, "momentum": 0, "centered": False},
        "Adagrad": {"lr": 1e-2, "lr_decay": 0, "initial_accumulator_value": 0, "eps": 1e-10},
        "LBFGS": {"lr": 1, "max_iter": 20, "max_eval": 25, "history_size": 100},
    }
    for name, options in expected.items():
        defaults = getattr(tinytorch_optim, name)([x]).defaults
        assert options.items() <= defaults.items()
        assert not defaults.get("maximize")
        assert not defaults.get("amsgrad")
