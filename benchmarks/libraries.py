"""How each library is made to take one step of a workload."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from .workloads.workload import Array, Workload

Step = Callable[[], tuple[Any, Any]]
"""Computes the output and, if they are asked for, the gradients towards all leaves."""


class Library:
    """One of those that are compared: how it is set up, and what a step of it is.

    It is made in the process that measures it, so that no other has it in memory.
    """

    title: ClassVar[str]
    distribution: ClassVar[str]
    threads: ClassVar[int] = 2
    """How many the products of matrices may use. Each library has two unless it says otherwise."""

    def step(self, workload: Workload) -> Step:
        raise NotImplementedError

    def to_array(self, value: Any) -> Array:
        return np.asarray(value)

    @classmethod
    def version(cls) -> str:
        return version(cls.distribution)


class ByHand(Library):
    """Forward and backward derived on paper, arrays used in place, nothing recorded."""

    title = "by hand"
    distribution = "numpy"

    def step(self, workload: Workload) -> Step:
        arrays = *workload.constants, *workload.leaves
        return lambda: workload.by_hand(*arrays)


class WithGradFields(Library):
    """Where a tensor's gradient arrives in its field `grad`, which has to be emptied first."""

    def leaf(self, array: Array) -> Any:
        raise NotImplementedError

    def constant(self, array: Array) -> Any:
        raise NotImplementedError

    def step(self, workload: Workload) -> Step:
        constants = [self.constant(array) for array in workload.constants]
        leaves = [self.leaf(array) for array in workload.leaves]
        seed = () if workload.seed is None else (self.constant(workload.seed),)
        forward = getattr(workload, self.method)
        module = self.module

        def step_forward() -> tuple[Any, Any]:
            return forward(module, *constants, *leaves), ()

        def step() -> tuple[Any, Any]:
            for leaf in leaves:
                leaf.grad = None
            output = forward(module, *constants, *leaves)
            output.backward(*seed)
            return output, [leaf.grad for leaf in leaves]

        return step if workload.backward else step_forward


class TinyTorch(WithGradFields):
    title = "tinytorch"
    distribution = "tinytorch-core"
    method = "tinytorch"

    def __init__(self) -> None:
        names = ["tinytorch", "tinytorch_ops_nn", "tinytorch_ops_losses"]
        modules = [importlib.import_module(name) for name in names]
        self.module = SimpleNamespace(
            **{name: getattr(module, name) for module in modules for name in module.__all__}
        )
        self.module.enable_autograd(quiet=True)

    def leaf(self, array: Array) -> Any:
        return self.module.Tensor(array, requires_grad=True)

    def constant(self, array: Array) -> Any:
        return self.module.Tensor(array)

    def to_array(self, value: Any) -> Array:
        return value.data if isinstance(value, self.module.Tensor) else value


class PyTorch(WithGradFields):
    title = "PyTorch, 2 threads"
    distribution = "torch"
    method = "torch"

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(self.threads)
        self.module = torch

    def leaf(self, array: Array) -> Any:
        return self.module.tensor(array, requires_grad=True)

    def constant(self, array: Array) -> Any:
        return self.module.tensor(array)

    def to_array(self, value: Any) -> Array:
        return value.detach().numpy()


class PyTorchOneThread(PyTorch):
    title = "PyTorch, 1 thread"
    threads = 1


class Autograd(Library):
    title = "autograd"
    distribution = "autograd"

    def __init__(self) -> None:
        import autograd.numpy

        self.make_vjp, self.module = autograd.make_vjp, autograd.numpy

    def step(self, workload: Workload) -> Step:
        constants, leaves, seed = workload.constants, workload.leaves, workload.seed
        forward = workload.autograd

        def from_leaves(*boxes: Any) -> Any:
            return forward(self.module, *constants, *boxes)

        record = self.make_vjp(from_leaves, tuple(range(len(leaves))))

        def step_forward() -> tuple[Any, Any]:
            _, output = record(*leaves)
            return output, ()

        def step() -> tuple[Any, Any]:
            vjp, output = record(*leaves)
            return output, vjp(np.ones_like(output) if seed is None else seed)

        return step if workload.backward else step_forward


class MyGrad(WithGradFields):
    title = "MyGrad"
    distribution = "mygrad"
    method = "mygrad"

    def __init__(self) -> None:
        import mygrad
        import mygrad.nnet

        self.module = mygrad

    def leaf(self, array: Array) -> Any:
        return self.module.tensor(array)

    def constant(self, array: Array) -> Any:
        return array

    def step(self, workload: Workload) -> Step:
        constants, seed = workload.constants, workload.seed
        leaves = [self.leaf(array) for array in workload.leaves]
        forward, module = workload.mygrad, self.module

        def step_forward() -> tuple[Any, Any]:
            return forward(module, *constants, *leaves), ()

        def step() -> tuple[Any, Any]:
            for leaf in leaves:
                leaf.null_grad()
            output = forward(module, *constants, *leaves)
            output.backward(seed)
            return output, [leaf.grad for leaf in leaves]

        return step if workload.backward else step_forward


LIBRARIES: dict[str, type[Library]] = {
    "by-hand": ByHand,
    "tinytorch": TinyTorch,
    "torch-2": PyTorch,
    "torch-1": PyTorchOneThread,
    "autograd": Autograd,
    "mygrad": MyGrad,
}
PEERS = [name for name in LIBRARIES if name not in ("by-hand", "tinytorch")]
