"""The same small programs in five libraries: what each can do, as docs/compare.md has it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np


class Library(ABC):
    """A library, with a program for each row of the table: its docstring is the row's label.

    A program returns whether it found what the row says, or fails as the library does.
    """

    title: ClassVar[str]
    package: ClassVar[str]

    def functions(self) -> bool:
        """A function is turned into that of its gradient"""
        return self.defines("grad")

    def tensors(self) -> bool:
        """Tensors record, `backward()` leaves gradients in `grad`"""
        x = self.leaf([2.0])
        (x * 3).sum().backward()
        return np.allclose(x.grad, 3)

    def arrays(self) -> bool:
        """Arrays of any number of axes, with broadcasting"""
        return np.allclose(self.gradient(lambda x: (x + np.ones((4, 2))).sum(), np.ones(2)), 4)

    @abstractmethod
    def second(self) -> bool:
        """Second derivatives"""

    def matrices(self) -> bool:
        """Jacobians and Hessians ready-made"""
        return self.defines("jacobian") and self.defines("hessian")

    def numpy_functions(self) -> bool:
        """NumPy's own functions are recorded: `np.exp(x)`"""
        return np.allclose(self.gradient(lambda x: np.exp(x).sum(), np.zeros(2)), 1)

    def in_place(self) -> bool:
        """Assignment to a part of a tensor is recorded"""

        def overwritten(x: Any) -> Any:
            y = x * 1
            y[0] = y[1] * 2
            return y.sum()

        return np.allclose(self.gradient(overwritten, np.ones(3)), [0, 3, 1])

    def sums(self) -> bool:
        """Gradients of several `backward()` add up"""
        x = self.leaf([2.0])
        (x * 3).sum().backward()
        (x * 3).sum().backward()
        return np.allclose(x.grad, 6)

    def long_chains(self) -> bool:
        """100,000 operations in a row"""

        def chain(x: Any) -> Any:
            for _ in range(100_000):
                x = x + 1
            return x

        return np.allclose(self.gradient(chain, np.array(1.0)), 1)

    def complex_numbers(self) -> bool:
        """Complex numbers"""
        return np.allclose(abs(self.gradient(lambda z: abs(z), np.array(3 + 4j))), 1)

    def checkpoints(self) -> bool:
        """Checkpoints: computing again in place of saving"""
        return self.defines("checkpoint")

    def checks(self) -> bool:
        """A check of gradients by differences"""
        return self.defines("(?:gradcheck|check_grads)")

    def pictures(self) -> bool:
        """Pictures of a graph"""
        return self.defines("(?:draw|build_graph)")

    def layers(self) -> bool:
        """Layers that hold their parameters"""
        return self.defines("(?:Linear|Layer)")

    def optimisers(self) -> bool:
        """Optimisers"""
        return self.defines("[Aa]dam")

    def devices(self) -> bool:
        """Graphics cards"""
        return (self.root / "cuda").is_dir()

    def types(self) -> bool:
        """Types, for type checkers"""
        return (self.root / "py.typed").exists()

    def leaf(self, values: Any) -> Any:
        """Return a tensor that requires gradients."""
        raise NotImplementedError(f"{self.title} has no tensors")

    def gradient(self, function: Callable[[Any], Any], point: Any) -> Any:
        """Return the gradient of a function that returns one number."""
        x = self.leaf(point)
        function(x).backward()
        return np.asarray(x.grad)

    @property
    def root(self) -> Path:
        spec = find_spec(self.package)
        assert spec
        assert spec.submodule_search_locations
        return Path(spec.submodule_search_locations[0])

    @cached_property
    def source(self) -> str:
        return "\n".join(path.read_text("utf-8") for path in self.root.rglob("[!_]*.py"))

    def defines(self, name: str) -> bool:
        """Return whether a module of the library defines a function or a class of a name."""
        return bool(re.search(rf"^(?:def|class) {name}\b", self.source, re.MULTILINE))


class TinyTorch(Library):
    title = "tinytorch"
    package = "tinytorch"

    def leaf(self, values: Any) -> Any:
        return self.module.Tensor(np.asarray(values), requires_grad=True)

    @property
    def module(self) -> Any:
        return import_module("tinytorch")

    def second(self) -> bool:
        grad = self.module.func.grad
        return np.allclose(grad(grad(lambda x: x**3))(np.array(2.0)), 12)


class PyTorch(Library):
    title = "PyTorch"
    package = "torch"

    def leaf(self, values: Any) -> Any:
        return self.module.tensor(values, requires_grad=True)

    @property
    def module(self) -> Any:
        return import_module("torch")

    def arrays(self) -> bool:
        ones = self.module.ones(4, 2)
        return np.allclose(self.gradient(lambda x: (x + ones).sum(), np.ones(2)), 4)

    def second(self) -> bool:
        grad = self.module.func.grad
        return np.allclose(grad(grad(lambda x: x**3))(self.module.tensor(2.0)), 12)


class Autograd(Library):
    title = "autograd"
    package = "autograd"

    def tensors(self) -> bool:
        return self.defines("backward")

    def sums(self) -> bool:
        return self.defines("backward")

    def gradient(self, function: Callable[[Any], Any], point: Any) -> Any:
        return import_module("autograd").grad(function)(point)

    def second(self) -> bool:
        grad = import_module("autograd").grad
        return np.allclose(grad(grad(lambda x: x**3))(2.0), 12)


class MyGrad(Library):
    title = "MyGrad"
    package = "mygrad"

    def leaf(self, values: Any) -> Any:
        return import_module("mygrad").tensor(values)

    def second(self) -> bool:
        x = self.leaf(2.0)
        (x**3).backward()
        x.grad.backward()
        return np.allclose(x.grad, 12)


class Micrograd(Library):
    title = "micrograd"
    package = "micrograd"

    def leaf(self, values: Any) -> Any:
        return import_module("micrograd.engine").Value(values)

    def tensors(self) -> bool:
        x = self.leaf(2.0)
        (x * 3).backward()
        return np.allclose(x.grad, 3)

    def sums(self) -> bool:
        x = self.leaf(2.0)
        (x * 3).backward()
        (x * 3).backward()
        return np.allclose(x.grad, 6)

    def second(self) -> bool:
        x = self.leaf(2.0)
        (x**3).backward()
        x.grad.backward()
        return np.allclose(x.grad, 12)


LIBRARIES = (TinyTorch(), PyTorch(), Autograd(), MyGrad(), Micrograd())
FEATURES = {
    str(program.__doc__): name
    for name, program in vars(Library).items()
    if callable(program) and name not in ("leaf", "gradient", "defines")
}
