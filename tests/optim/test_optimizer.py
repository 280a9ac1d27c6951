"""Groups of parameters, their options, what is refused, and what an interrupted step leaves."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tinytorch
from tinytorch import Tensor
from tinytorch_optim import LBFGS, SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop


def leaf(*shape: int) -> Tensor:
    return tinytorch.ones(shape, requires_grad=True)


def test_groups_have_options_of_their_own() -> None:
    """What a group does not say, it has from the defaults; one that is added later does so too."""
    x, y, z = (Tensor([0.0], requires_grad=True) for _ in range(3))
    optimiser = SGD([{"params": [x]}, {"params": y, "lr": 2.0}], lr=0.5)
    optimiser.add_param_group({"params": [z], "lr": 3.0, "momentum": 0.9})
    assert [group["momentum"] for group in optimiser.param_groups] == [0, 0, 0.9]
    for parameter in (x, y, z):
        parameter.grad = np.ones(1)
    optimiser.step()
    assert [p.item() for p in (x, y, z)] == [-0.5, -2, -3]


def test_options_can_be_changed() -> None:
    """The rate of a group is what stands in `param_groups` when the step is taken."""
    x = Tensor([0.0], requires_grad=True)
    optimiser = SGD([x], lr=1.0)
    for rate in (1.0, 0.25):
        optimiser.param_groups[0]["lr"] = rate
        x.grad = np.ones(1)
        optimiser.step()
    assert x.item() == -1.25


def test_given_groups_are_not_changed() -> None:
    """The dicts of the caller stay as they are."""
    group = {"params": iter([leaf(1)])}
    SGD([group], lr=1.0)
    assert list(group) == ["params"]


def test_iterables() -> None:
    """Parameters come from a generator, from the values of a dict, or with names from its items."""
    parameters = {"weights": leaf(2), "bias": leaf(1)}
    wanted = list(parameters.values())
    for params in ((p for p in wanted), parameters.values(), parameters.items()):
        (group,) = SGD(params).param_groups
        assert all(p is q for p, q in zip(group["params"], wanted, strict=True))
    assert group["param_names"] == ["weights", "bias"]


def test_zero_grad() -> None:
    """Gradients are forgotten, or filled with zeros, in the arrays that they are in."""
    x, y = leaf(2), leaf(1)
    optimiser = Adam([x, y])
    x.grad = np.ones(2)
    held = x.grad
    optimiser.zero_grad(set_to_none=False)
    assert x.grad is held
    assert not held.any()
    assert y.grad is None
    optimiser.zero_grad()
    assert x.grad is None


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, RMSprop, Adagrad, LBFGS])
def test_closure(kind: type[Optimizer]) -> None:
    """The closure's gradients are recorded even where no others are, and its loss is returned."""
    x = leaf(2)
    optimiser = kind([x])

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    with tinytorch.no_grad():
        loss = optimiser.step(closure)
    assert loss.item() == 2
    assert (x.data < 1).all()


def test_views_see_the_step() -> None:
    """The array of a parameter is changed, so that what shares memory with it changes, too."""
    x = leaf(3)
    view, detached = x.data[1:], x.detach()
    x.grad = np.ones(3)
    SGD([x], lr=0.5).step()
    assert view.tolist() == [0.5, 0.5]
    assert detached.data.tolist() == [0.5, 0.5, 0.5]


def test_gradients_that_are_tensors() -> None:
    """What backward(create_graph=True) leaves is used, and its graph is left alone."""
    x = Tensor([2.0], requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    gradient: Any = x.grad
    SGD([x], lr=0.25).step()
    assert x.item() == -1
    assert gradient.data == 12
    x.grad = None  # or graph and leaf would hold each other


class Textbook:
    """A parameter as the textbook has it."""

    def __init__(self, data: Any) -> None:
        self.data, self.grad, self.requires_grad = np.asarray(data, np.float32), None, True

    def zero_grad(self) -> None:
        self.grad = None


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, RMSprop, Adagrad, LBFGS])
def test_parameters_of_another_class(kind: type[Optimizer]) -> None:
    """An object with `data` and `grad` is moved as a Tensor is, 0-d and with scalar gradients."""
    ours = Tensor(np.float32(2.0), requires_grad=True)
    other = Textbook(2.0)
    array = other.data

    def run(parameter: Any) -> None:
        optimiser = kind([parameter])

        def closure() -> Any:
            optimiser.zero_grad()
            parameter.grad = parameter.data * 2 + 1  # a NumPy scalar, where data are 0-d
            return float(parameter.data**2 + parameter.data)

        for _ in range(3):
            optimiser.step(closure)

    run(ours)
    run(other)
    assert other.data is array
    assert other.data == ours.data != 2


def test_copies() -> None:
    """A deep copy, and what was pickled, go on with parameters of their own and the same state."""
    x = Tensor([1.0, 2.0], requires_grad=True)
    optimiser = Adam([x], lr=0.1)
    x.grad = np.ones(2)
    optimiser.step()
    for other in (copy.deepcopy(optimiser), pickle.loads(pickle.dumps(optimiser))):
        (y,) = other.param_groups[0]["params"]
        before = x.data.copy()
        assert y is not x
        y.grad = np.ones(2)
        other.step()
        assert other.state[y]["step"] == 2
        assert (y.data < before).all()
        np.testing.assert_array_equal(x.data, before)


class Signs(Optimizer):
    """Steps of one length, in the direction that most gradients so far have had."""

    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, {"lr": lr})

    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["votes"] = self.state[p].get("votes", 0) + np.sign(p.grad)
                p.data -= group["lr"] * np.sign(self.state[p]["votes"])


def test_an_optimiser_of_ones_own() -> None:
    """A subclass needs no more than `step`; groups, checks and state dicts are there."""
    x, y = leaf(2), leaf(2)
    optimiser, other = Signs([x], lr=0.5), Signs([y], lr=0.25)
    x.grad, y.grad = np.array([2.0, -3.0]), np.array([-5.0, 0.0])
    optimiser.step()
    assert x.data.tolist() == [0.5, 1.5]
    other.load_state_dict(optimiser.state_dict())
    other.step()
    assert y.data.tolist() == [1, 1.5]
    with pytest.raises(ValueError, match="Signs: lr should be a number at least 0"):
        Signs([x], lr=-1)


X = leaf(2)
LEAST: dict[type[Any], list[str]] = {
    SGD: ["lr", "momentum", "weight_decay"],
    Adam: ["lr", "eps", "weight_decay"],
    AdamW: ["lr", "eps", "weight_decay"],
    RMSprop: ["lr", "alpha", "eps", "weight_decay", "momentum"],
    Adagrad: ["lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"],
    LBFGS: ["lr", "tolerance_grad", "tolerance_change"],
}


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind, names in LEAST.items() for name in names],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_numbers_out_of_bounds(kind: type[Any], name: str) -> None:
    """A negative number, a NaN, and what is no number are refused, in a group and by assignment."""
    kind([X], **{name: 0})
    wanted = rf"^{kind.__name__}: {name} should be a number at least 0, but it is -0.5$"
    with pytest.raises(ValueError, match=wanted):
        kind([X], **{name: -0.5})
    with pytest.raises(ValueError, match=wanted):
        kind([{"params": [X], name: -0.5}])
    with pytest.raises(ValueError, match="nan"):
        kind([X], **{name: float("nan")})
    with pytest.raises(TypeError, match=f"{name} should be a number, but it is '1' of type str"):
        kind([X], **{name: "1"})


MISTAKES: list[tuple[Any, type[Exception], str]] = [
    (lambda: SGD([]), ValueError, "SGD: params should have parameters, but it is empty"),
    (lambda: SGD(X), TypeError, "should be several parameters .* one Tensor was given"),
    (lambda: SGD({X}), TypeError, "need an order that stays, which a set has not"),
    (lambda: SGD(5), TypeError, "should be several parameters .* one int was given"),
    (lambda: SGD({"x": X}), TypeError, "'x' of type str was given"),
    (lambda: SGD([X, None]), TypeError, "None of type NoneType was given"),
    (lambda: SGD([X, X]), ValueError, "each parameter should appear once"),
    (lambda: SGD([{"params": X}, {"params": X}]), ValueError, "should appear once"),
    (lambda: SGD([X * 2]), ValueError, r"one of shape \(2,\) was computed from other tensors"),
    (lambda: SGD([Tensor([1], dtype=int)]), TypeError, r"of int64 and shape \(1,\)"),
    (lambda: SGD([Textbook(1.0), np.ones(2)]), TypeError, "of type ndarray was given"),
    (lambda: SGD([tinytorch.from_numpy(np.broadcast_to(1.0, (2,)))]), ValueError, "read-only"),
    (lambda: SGD([{"lr": 1.0}]), TypeError, "a dict with the key 'params', but it is a dict"),
    (lambda: SGD([{"params": X}, X]), TypeError, "a dict with the key 'params', .* a Tensor"),
    (lambda: SGD([("x", X), leaf(1)]), ValueError, "1 of 2 in this group have"),
    (lambda: SGD([{"params": [("x", X)]}, {"params": leaf(1)}]), ValueError, "0 of 1"),
    (lambda: SGD([X], nesterov=True), ValueError, "momentum above 0 .* are 0 and 0"),
    (lambda: SGD([X], momentum=1, dampening=0.5, nesterov=True), ValueError, "1 and 0.5"),
    (lambda: SGD([X], lr=True), TypeError, "lr should be a number, but it is True"),
    (lambda: Adam([X], betas=(0.9, 1.0)), ValueError, r"betas\[1\] .* at least 0 and below 1"),
    (lambda: Adam([X], betas=0.9), TypeError, "betas should be two numbers, but they are 0.9"),
    (lambda: LBFGS([X], line_search_fn="wolfe"), ValueError, "one of None, 'strong_wolfe'"),
    (lambda: LBFGS([X], history_size=0), ValueError, "history_size .* at least 1"),
    (lambda: LBFGS([X], max_iter=2.5), ValueError, "max_iter should be a whole number"),
    (lambda: LBFGS([{"params": X}, {"params": leaf(1)}]), ValueError, "all .* in one group"),
    (lambda: LBFGS([X]).step(), TypeError, r"step\(closure\) needs a function"),
]


@pytest.mark.parametrize(("call", "error", "message"), MISTAKES, ids=range(len(MISTAKES)))
def test_mistakes(call: Any, error: type[Exception], message: str) -> None:
    """What cannot be optimised is refused, in words that say what was given."""
    with pytest.raises(error, match=message):
        call()


def test_parameters_without_hash() -> None:
    """A dataclass that compares its fields has no hash, and the message says what to do."""

    @dataclass
    class Weights:
        data: Any
        grad: Any = None

    with pytest.raises(TypeError, match=r"Weights has none; .* eq=False for a dataclass"):
        SGD([Weights(np.ones(1))])


def test_a_group_that_is_refused_is_not_added() -> None:
    """After an error the optimiser has the groups that it had."""
    optimiser = SGD([X])
    with pytest.raises(ValueError, match="lr"):
        optimiser.add_param_group({"params": leaf(1), "lr": -1})
    assert len(optimiser.param_groups) == 1


@pytest.mark.parametrize(
    ("gradient", "error", "message"),
    [
        (np.ones((3, 1)), ValueError, r"of shape \(3,\) should have its shape, but .* \(3, 1\)"),
        (np.ones(1), ValueError, r"but it has shape \(1,\)"),
        (np.array(["a", "b", "c"]), TypeError, r"should be an array of real numbers.*dtype <U1"),
        (np.ones(3, complex), TypeError, "dtype complex128"),
    ],
    ids=["column", "broadcast", "strings", "complex"],
)
def test_gradients_that_do_not_fit(gradient: Any, error: type[Exception], message: str) -> None:
    """A gradient of another shape is never broadcast, and one that is no number is refused."""
    parameter = Textbook([1.0, 2.0, 3.0])
    parameter.grad = gradient
    with pytest.raises(error, match=f"Adam: .*{message}"):
        Adam([parameter]).step()
    assert parameter.data.tolist() == [1, 2, 3]


class Interrupting:
    """A parameter at which the user can press Ctrl-C, once."""

    def __init__(self) -> None:
        self.data, self.is_pressed = np.ones(1), False

    @property
    def grad(self) -> Any:
        if self.is_pressed:
            self.is_pressed = False
            raise KeyboardInterrupt
        return np.ones(1)


def test_interrupt() -> None:
    """Parameters before the interrupt have moved, those after it have not, and it can go on."""
    parameters: list[Any] = [Textbook([1.0]), Interrupting(), Textbook([1.0])]
    parameters[0].grad = parameters[2].grad = np.ones(1)
    optimiser = SGD(parameters, lr=0.5, momentum=0.9)
    parameters[1].is_pressed = True
    with pytest.raises(KeyboardInterrupt):
        optimiser.step()
    assert [p.data.item() for p in parameters] == [0.5, 1, 1]
    optimiser.step()
    assert [p.data.item() for p in parameters] == pytest.approx([-0.45, 0.5, 0.5])
