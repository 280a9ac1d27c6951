"""What is saved is plain, and what is loaded goes on bit for bit, or is refused as a whole."""

from __future__ import annotations

import copy
import json
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinytorch import Tensor
from tinytorch_optim import LBFGS, SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

SHAPES = [(2, 3), (), (4,), (0,)]
KINDS: list[tuple[type[Optimizer], dict[str, Any]]] = [
    (SGD, {"lr": 0.02}),
    (SGD, {"lr": 0.02, "momentum": 0.9, "dampening": 0.5}),
    (Adam, {"lr": 0.02, "amsgrad": True}),
    (AdamW, {"lr": 0.02}),
    (RMSprop, {"lr": 0.02, "momentum": 0.9, "centered": True}),
    (Adagrad, {"lr": 0.02}),
    (LBFGS, {"lr": 0.02, "max_iter": 3, "history_size": 2}),
    (LBFGS, {"line_search_fn": "strong_wolfe", "max_iter": 3}),
]
each = pytest.mark.parametrize(
    ("kind", "options"), KINDS, ids=[f"{kind.__name__}-{'-'.join(o)}" for kind, o in KINDS]
)


class Run:
    """Parameters that an optimiser moves towards the minimum of a quartic."""

    def __init__(self, kind: type[Any], options: dict[str, Any], dtype: Any = np.float32) -> None:
        generator = np.random.default_rng(5)
        self.parameters = [
            Tensor(np.asarray(generator.normal(size=shape), dtype), requires_grad=True)
            for shape in SHAPES
        ]
        self.kind, self.options = kind, options
        self.optimiser: Optimizer = kind(self.groups(), **options)

    def groups(self) -> Any:
        if self.kind is LBFGS:
            return self.parameters
        return [{"params": self.parameters[:2]}, {"params": self.parameters[2:], "lr": 0.03}]

    def closure(self) -> Tensor:
        self.optimiser.zero_grad()
        loss = Tensor(0.0)
        for parameter in self.parameters:
            loss = loss + (parameter**4 + (parameter - 1) ** 2).sum()
        loss.backward()
        return loss

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.optimiser.step(self.closure)

    def begun_anew(self, state: Any, **options: Any) -> Run:
        """Return a run that goes on from the parameters of this one, and from a state dict."""
        other = Run(self.kind, options)
        for parameter, mine in zip(other.parameters, self.parameters, strict=True):
            parameter.data = mine.data.astype(parameter.dtype)
        other.optimiser.load_state_dict(state)
        return other

    def assert_equal(self, other: Run) -> None:
        for mine, others in zip(self.parameters, other.parameters, strict=True):
            np.testing.assert_array_equal(mine.data, others.data)
        assert_same(self.optimiser.state_dict(), other.optimiser.state_dict())


def assert_same(one: Any, other: Any) -> None:
    """Hold two state dicts to be the same, and to be plain."""
    assert type(one) is type(other)
    assert type(one) in (dict, list, int, float, bool, str, type(None), np.ndarray)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert type(key) in (str, int)
            assert_same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for mine, others in zip(one, other, strict=True):
            assert_same(mine, others)
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    else:
        assert one == other


@each
def test_going_on(kind: type[Any], options: dict[str, Any]) -> None:
    """A new optimiser, made with the defaults, goes on bit for bit, and the state dict is plain."""
    run = Run(kind, options)
    run.steps(4)
    other = run.begun_anew(run.optimiser.state_dict())
    other.assert_equal(run)
    for a_run in (run, other):
        a_run.steps(4)
    other.assert_equal(run)


@each
def test_json(kind: type[Any], options: dict[str, Any]) -> None:
    """A state dict survives JSON, where arrays are lists and numbers are strings as keys."""
    run = Run(kind, options)
    run.steps(4)
    text = json.dumps(run.optimiser.state_dict(), default=np.ndarray.tolist)
    run.begun_anew(json.loads(text)).assert_equal(run)


@each
def test_copies(kind: type[Any], options: dict[str, Any]) -> None:
    """What was saved stays as it is while learning goes on, also where it was loaded."""
    run = Run(kind, options)
    run.steps(4)
    saved = run.optimiser.state_dict()
    before = copy.deepcopy(saved)
    other = run.begun_anew(saved)
    run.steps(2)
    other.steps(2)
    assert_same(saved, before)


@each
def test_before_the_first_step(kind: type[Any], options: dict[str, Any]) -> None:
    """A state dict of an optimiser that has done nothing has no state, and loads."""
    run = Run(kind, options)
    assert run.optimiser.state_dict()["state"] == {}
    other = run.begun_anew(run.optimiser.state_dict())
    for a_run in (run, other):
        a_run.steps(2)
    other.assert_equal(run)


@each
def test_precision(kind: type[Any], options: dict[str, Any]) -> None:
    """What is loaded takes the dtypes of the parameters."""
    run = Run(kind, options, np.float64)
    run.steps(2)
    for entries in run.begun_anew(run.optimiser.state_dict()).optimiser.state.values():
        for value in entries.values():
            arrays = value if isinstance(value, list) else [value]
            assert all(a.dtype == np.float32 for a in arrays if isinstance(a, np.ndarray))


def test_structure() -> None:
    """It is that of PyTorch: groups with the indices of parameters, and state by these."""
    x, y, z = (Tensor([1.0], requires_grad=True) for _ in range(3))
    optimiser = SGD([{"params": [x, y]}, {"params": [z], "lr": 2.0}], lr=1.0, momentum=0.5)
    z.grad = np.array([3.0])
    optimiser.step()
    options = {"momentum": 0.5, "dampening": 0.0, "weight_decay": 0.0}
    options |= {"nesterov": False, "maximize": False}
    assert_same(
        optimiser.state_dict(),
        {
            "state": {2: {"momentum_buffer": np.array([3.0], np.float32)}},
            "param_groups": [
                {"lr": 1.0, **options, "params": [0, 1]},
                {"lr": 2.0, **options, "params": [2]},
            ],
        },
    )


def test_structure_without_state() -> None:
    """Gradient descent without momentum keeps nothing."""
    x = Tensor([1.0], requires_grad=True)
    optimiser = SGD([x])
    x.grad = np.ones(1)
    optimiser.step()
    assert optimiser.state_dict()["state"] == {}


def named(**shapes: tuple[int, ...]) -> Adam:
    parameters = {
        name: Tensor(np.ones(shape), requires_grad=True) for name, shape in shapes.items()
    }
    optimiser = Adam(parameters.items())
    for parameter in parameters.values():
        parameter.grad = np.ones(parameter.shape)
    optimiser.step()
    return optimiser


def test_names() -> None:
    """Names are saved, and have to be those of the optimiser, if both sides have some."""
    one, other = named(w=(2,), b=(2,)), named(b=(2,), w=(2,))
    state = one.state_dict()
    assert state["param_groups"][0]["param_names"] == ["w", "b"]
    with pytest.raises(ValueError, match="a parameter 'w' where the optimiser has 'b'"):
        other.load_state_dict(state)
    nameless = Adam(other.param_groups[0]["params"])
    nameless.load_state_dict(state)
    assert "param_names" not in nameless.param_groups[0]
    other.load_state_dict(nameless.state_dict())
    assert other.param_groups[0]["param_names"] == ["b", "w"]


def change(path: list[Any], value: Any) -> Any:
    """Return what changes, or with `...` removes, one entry of a state dict."""

    def change_it(state: Any) -> Any:
        for key in path[:-1]:
            state = state[key]
        if value is ...:
            del state[path[-1]]
        else:
            state[path[-1]] = value

    return change_it


FAULTS: list[tuple[Any, type[Exception], str]] = [
    (change(["state"], ...), ValueError, "the state dict should have 'state', but it has only"),
    (change(["state"], [1]), TypeError, "the state .* should be a dict, but it is a list"),
    (change(["param_groups"], [1]), TypeError, "a group .* should be a dict, but it is a int"),
    (change(["param_groups", 0, "betas"], ...), ValueError, "should have 'betas'"),
    (change(["param_groups", 0, "lr"], -1.0), ValueError, "Adam: lr should be a number at least 0"),
    (change(["param_groups", 0, "params"], [0]), ValueError, r"of \[1\] .* groups of \[2\]"),
    (change(["param_groups"], []), ValueError, r"groups of \[\] parameters"),
    (change(["state", 7], {}), ValueError, r"parameter 7, but its groups have .* \[0, 1\]"),
    (change(["state", "w"], {}), ValueError, "parameter 'w'"),
    (change(["state", 1], None), TypeError, "the state of parameter 1 should be a dict"),
    (change(["state", 1, "exp_avg"], ...), ValueError, "parameter 1 should have 'exp_avg'"),
    (change(["state", 1, "step"], ...), ValueError, "parameter 1 should have 'step'"),
    (change(["state", 1, "step"], 1.5), ValueError, "step of parameter 1 .* whole number"),
    (change(["state", 1, "step"], "1"), TypeError, "step of parameter 1 .* a number"),
    (change(["state", 1, "exp_avg"], np.ones(1)), ValueError, r"shape \(3,\), .* shape \(1,\)"),
    (change(["state", 1, "exp_avg"], "abc"), TypeError, "exp_avg of parameter 1 .* of floats"),
]


@pytest.mark.parametrize(("fault", "error", "message"), FAULTS, ids=range(len(FAULTS)))
def test_faults(fault: Any, error: type[Exception], message: str) -> None:
    """What does not fit is refused, by name, and the optimiser is as before."""
    optimiser = named(w=(2, 2), b=(3,))
    before, faulty = optimiser.state_dict(), named(w=(2, 2), b=(3,)).state_dict()
    faulty["param_groups"][0]["lr"] = 5.0
    fault(faulty)
    with pytest.raises(error, match=message):
        optimiser.load_state_dict(faulty)
    assert_same(optimiser.state_dict(), before)


def test_of_another_optimiser() -> None:
    """A state dict of another kind of optimiser is refused."""
    states = {kind: kind([Tensor([1.0], requires_grad=True)]).state_dict() for kind, _ in KINDS}
    # Adam has the options of AdamW, as in PyTorch.
    pairs = set(permutations(states, 2)) - {(Adam, AdamW), (AdamW, Adam)}
    for kind, other in pairs:
        optimiser = kind([Tensor([1.0], requires_grad=True)])
        with pytest.raises(ValueError, match=rf"^{kind.__name__}: .* is it of another"):
            optimiser.load_state_dict(states[other])


def test_faults_of_lbfgs() -> None:
    """The vectors of LBFGS have an entry for each number of all parameters."""
    run = Run(LBFGS, {})
    run.steps(1)
    state = run.optimiser.state_dict()
    state["state"][0]["old_dirs"][0] = np.ones(3)
    with pytest.raises(ValueError, match=r"old_dirs of parameter 0 should have shape \(11,\)"):
        run.optimiser.load_state_dict(state)
    del state["state"][0]["ro"]
    with pytest.raises(ValueError, match="should have 'ro'"):
        run.optimiser.load_state_dict(state)


@given(st.sampled_from(KINDS), st.integers(0, 6), st.integers(0, 6))
def test_any_number_of_steps(kind: Any, before: int, after: int) -> None:
    """Wherever it is saved, what follows is what would have followed."""
    run = Run(*kind)
    run.steps(before)
    other = run.begun_anew(run.optimiser.state_dict())
    for a_run in (run, other):
        a_run.steps(after)
    other.assert_equal(run)


def test_options_of_the_caller() -> None:
    """What else stands in a group is saved with it, as the rates of schedules are."""
    x = Tensor([1.0], requires_grad=True)
    optimiser = SGD([{"params": [x], "initial_lr": np.float64(0.1), "layer": "first"}])
    (group,) = optimiser.state_dict()["param_groups"]
    assert type(group["initial_lr"]) is float
    other = SGD([x])
    other.load_state_dict(optimiser.state_dict())
    assert other.param_groups[0]["layer"] == "first"
