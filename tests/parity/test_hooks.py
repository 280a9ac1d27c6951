"""Hooks beside PyTorch's: the gradients they get, the order of their calls, and the results."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import tinytorch
import torch

Program = Callable[["Library"], None]


class Library:
    """One of the two, as the programs below use it, and a log of what happened."""

    def __init__(self, is_torch: bool) -> None:
        self.is_torch = is_torch
        self.grad = torch.autograd.grad if is_torch else tinytorch.grad
        self.log: list[Any] = []

    def leaf(self, *values: float) -> Any:
        if self.is_torch:
            return torch.tensor(values, dtype=torch.float64, requires_grad=True)
        return tinytorch.Tensor(values, requires_grad=True, dtype="float64")

    def hook(
        self, name: str, change: Callable[[Any], Any] = lambda g: None
    ) -> Callable[[Any], Any]:
        def noted(gradient: Any) -> Any:
            self.note(name, gradient)
            return change(gradient)

        return noted

    def note(self, name: str, *gradients: Any) -> None:
        self.log.append((name, *(None if g is None else g.tolist() for g in gradients)))


def times(factor: float) -> Callable[[Any], Any]:
    return lambda gradient: gradient * factor


def several(lib: Library) -> None:
    """Several hooks on leaves and computed tensors, each given what the one before returned."""
    x = lib.leaf(3.0, -1.0)
    y = x * 2
    for name, tensor in {"x": x, "y": y}.items():
        tensor.register_hook(lib.hook(f"{name} first", times(10)))
        tensor.register_hook(lib.hook(f"{name} second"))
        tensor.register_hook(lib.hook(f"{name} third", lambda g: g + 1))
    (y * y + y).sum().backward()
    lib.note("x.grad", x.grad)


def accumulated(lib: Library) -> None:
    """Two backward passes onto one leaf, with a hook before and one after accumulation."""
    x = lib.leaf(3.0)
    x.register_post_accumulate_grad_hook(lambda tensor: lib.note("after", tensor.grad))
    x.register_hook(lib.hook("x", times(10)))
    for _ in range(2):
        (x * x + x).backward()
    lib.note("x.grad", x.grad)


def retained_first(lib: Library) -> None:
    """retain_grad() before a hook is registered: the retained gradient is as the hook left it."""
    x = lib.leaf(3.0)
    y = x * 2
    y.retain_grad()
    y.register_hook(lib.hook("y", times(10)))
    (y * y).backward()
    lib.note("grads", y.grad, x.grad)


def retained_between(lib: Library) -> None:
    """retain_grad() between two hooks: the same."""
    x = lib.leaf(3.0)
    y = x * 2
    y.register_hook(lib.hook("first", times(10)))
    y.retain_grad()
    y.register_hook(lib.hook("second", times(10)))
    for _ in range(2):
        (y * y).backward(retain_graph=True)
    lib.note("grads", y.grad, x.grad)


def newest_first(lib: Library) -> None:
    """Hooks of computed tensors in a graph with branches, in the order of the rules."""
    x = lib.leaf(1.0)
    a = x * 2
    b = a * 3
    c = a * b
    d = c + a
    e = d * c
    for name, tensor in {"a": a, "b": b, "c": c, "d": d, "e": e}.items():
        tensor.register_hook(lib.hook(name))
    e.backward()
    lib.note("x.grad", x.grad)


def removed(lib: Library) -> None:
    """By a handle, at the end of a block, by another hook, and by the hook itself."""
    x = lib.leaf(1.0)
    handle = x.register_hook(lib.hook("by handle"))
    with x.register_hook(lib.hook("in block")):
        (x * 2).backward()
    handle.remove()
    handle.remove()

    def change(gradient: Any) -> None:
        lib.note("change", gradient)
        mine.remove()
        other.remove()
        x.register_hook(lib.hook("new"))

    mine = x.register_hook(change)
    other = x.register_hook(lib.hook("other"))
    (x * 3).backward()
    (x * 4).backward()


def as_a_value(lib: Library) -> None:
    """The gradient towards a leaf: hooks off the way to it are not called, nor are later ones."""
    x, z = lib.leaf(3.0), lib.leaf(4.0)
    y = x * 2
    w = y * z
    aside = z * 3
    for name, tensor in {"x": x, "z": z, "y": y, "w": w, "aside": aside}.items():
        tensor.register_hook(lib.hook(name, times(10)))
    x.register_post_accumulate_grad_hook(lambda tensor: lib.note("after", tensor.grad))
    lib.note("to x", *lib.grad([w, aside, z], [x], retain_graph=True))
    lib.note("to y", *lib.grad(w, [y], retain_graph=True))
    lib.note("to w", *lib.grad(w, [w], retain_graph=True))
    lib.note("grads", x.grad, z.grad)


def recorded(lib: Library) -> None:
    """With create_graph a hook is differentiated, and runs again in the second pass."""
    x = lib.leaf(3.0)
    y = x * x
    x.register_hook(lib.hook("x", lambda g: g * g))
    y.register_hook(lib.hook("y", lambda g: g * g))
    (slope,) = lib.grad((y * y).sum(), x, create_graph=True)
    lib.note("slope", slope)
    lib.note("curvature", *lib.grad(slope.sum(), x))


def from_the_output(lib: Library) -> None:
    """The seed is what the output's hook gets, at a leaf too."""
    x = lib.leaf(1.0)
    y = x * 2
    y.register_hook(lib.hook("y", times(5)))
    y.backward()
    x.register_hook(lib.hook("x", times(5)))
    x.backward()
    lib.note("x.grad", x.grad)


def stepping(lib: Library) -> None:
    """An optimiser in hooks after accumulation: no gradient is left."""
    leaves = [lib.leaf(1.0), lib.leaf(2.0)]

    def step(tensor: Any) -> None:
        tensor.data -= 0.5 * tensor.grad
        tensor.grad = None

    for x in leaves:
        x.register_post_accumulate_grad_hook(step)
    for _ in range(3):
        (leaves[0] * leaves[1]).backward()
    lib.note("leaves", *(x.detach() for x in leaves))
    lib.note("grads", *(x.grad for x in leaves))


PROGRAMS: list[Program] = [
    several,
    accumulated,
    retained_first,
    retained_between,
    newest_first,
    removed,
    as_a_value,
    recorded,
    from_the_output,
    stepping,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_hooks(program: Program) -> None:
    """The same calls in the same order with the same gradients, which end up in the same places."""
    logs = []
    for is_torch in (True, False):
        lib = Library(is_torch)
        program(lib)
        logs.append(lib.log)
    ours, theirs = logs[1], logs[0]
    assert ours == theirs
    assert ours


REFUSED: dict[str, Callable[[Library], Any]] = {
    "of a constant": lambda lib: lib.leaf(1.0).detach().register_hook(times(1)),
    "after accumulation, computed": lambda lib: (
        lib.leaf(1.0) * 2
    ).register_post_accumulate_grad_hook(times(1)),
    "after accumulation, constant": lambda lib: (
        lib.leaf(1.0).detach().register_post_accumulate_grad_hook(times(1))
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("is_torch", [True, False])
def test_hooks_that_cannot_be_registered(case: str, is_torch: bool) -> None:
    """Both refuse them, with a RuntimeError."""
    with pytest.raises(RuntimeError):
        REFUSED[case](Library(is_torch))


def of_another_shape(gradient: Any) -> Any:
    return gradient.reshape(1, 1)


def of_another_dtype(gradient: Any) -> Any:
    is_torch = isinstance(gradient, torch.Tensor)
    return gradient.to(torch.float32) if is_torch else gradient.astype("float32")


@pytest.mark.parametrize("change", [of_another_shape, of_another_dtype])
@pytest.mark.parametrize("of_leaf", [True, False])
@pytest.mark.parametrize("is_torch", [True, False])
def test_replacements_that_are_refused(change: Any, of_leaf: bool, is_torch: bool) -> None:
    """Both refuse another shape and another dtype, with a RuntimeError."""
    lib = Library(is_torch)
    x = lib.leaf(1.0)
    y = x * 2
    (x if of_leaf else y).register_hook(change)
    with pytest.raises(RuntimeError):
        y.backward()
    assert x.grad is None


@contextlib.contextmanager
def counted_warnings() -> Iterator[list[Any]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


READ: dict[str, tuple[Callable[[Library], Any], bool]] = {
    "computed": (lambda lib: lib.leaf(1.0) * 2, True),
    "leaf": (lambda lib: lib.leaf(1.0), False),
    "detached": (lambda lib: (lib.leaf(1.0) * 2).detach(), False),
    "retained": (lambda lib: retained(lib.leaf(1.0) * 2), False),
    "assigned": (lambda lib: assigned(lib.leaf(1.0) * 2), False),
}


def retained(tensor: Any) -> Any:
    tensor.retain_grad()
    return tensor


def assigned(tensor: Any) -> Any:
    tensor.grad = tensor.detach()
    return tensor


@pytest.mark.parametrize("case", READ)
@pytest.mark.parametrize("is_torch", [True, False])
def test_warnings_of_reading_a_gradient(case: str, is_torch: bool) -> None:
    """Both warn of a computed tensor that keeps no gradient, and name retain_grad()."""
    make, warns = READ[case]
    tensor = make(Library(is_torch))
    with counted_warnings() as caught:
        tensor.grad  # noqa: B018 - reading it is what warns
    assert [warning.category for warning in caught] == [UserWarning] * warns
    assert all("retain_grad()" in str(warning.message) for warning in caught)
