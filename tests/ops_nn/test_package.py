"""The package as a whole: what it exports, and what it registers."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import tinytorch
import tinytorch_ops_nn as nn
from tinytorch import Function, Tensor
from tinytorch.operation import registry
from tinytorch.testing.calls import Call

tinytorch.enable_autograd(quiet=True)
OPERATIONS = sorted(
    {op for op in registry.operations.values() if op.function.__module__.startswith(nn.__name__)},
    key=lambda op: op.name,
)
FUNCTIONS = [op.name for op in OPERATIONS]
TEXTBOOK = [
    "ReLUBackward", "SigmoidBackward", "SoftmaxBackward", "GELUBackward", "PermuteBackward",
    "EmbeddingBackward", "SliceBackward",
]  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_registered_as_they_are(name: str) -> None:
    """Each function is the same object here and in tinytorch.ops."""
    assert getattr(tinytorch.ops, name) is getattr(nn, name)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh", "softmax", "log_softmax", "gelu"])
def test_methods_compute_what_functions_do(name: str) -> None:
    """Each activation is a method, with the function's docstring."""
    x = Tensor(np.array([[0.5, -1.0]]))
    method = getattr(x, name)
    np.testing.assert_array_equal(method().data, getattr(nn, name)(x).data)
    assert method.__doc__ == getattr(nn, name).__doc__


def test_methods_take_the_functions_arguments() -> None:
    """The axis of a softmax and the form of a gelu can be given to the methods."""
    x = Tensor(np.array([[0.5, -1.0], [2.0, 1.0]]))
    np.testing.assert_array_equal(x.softmax(0).data, nn.softmax(x, 0).data)
    np.testing.assert_array_equal(x.log_softmax(dim=0).data, nn.log_softmax(x, 0).data)
    np.testing.assert_array_equal(x.gelu("tanh").data, nn.gelu(x, "tanh").data)


def test_everything_exported_is_there() -> None:
    """``__all__`` is sorted out: it names what exists, and all that the textbook names."""
    assert set(FUNCTIONS) | set(TEXTBOOK) <= set(nn.__all__)
    assert {"ReLU", "Sigmoid", "Tanh", "GELU", "Softmax"} <= set(nn.__all__)
    for name in nn.__all__:
        assert getattr(nn, name).__doc__, name


@cache
def recorded() -> frozenset[type[Function]]:
    """The Backward classes of all nodes that the samples of this package leave in graphs."""
    tinytorch.enable_autograd(quiet=True)
    ours = [
        op
        for op in registry.operations.values()
        if op.function.__module__.startswith("tinytorch_ops_nn")
    ]
    found: set[type[Function]] = set()
    for op in ours:
        for sample in op.make_samples():
            inputs, _ = Call(op.function, sample).tensors()
            results = op.function(*inputs, **sample.parameters)
            waiting = [y.grad_fn for y in (results if isinstance(results, tuple) else [results])]
            while waiting:
                node = waiting.pop()
                if isinstance(node, Function):
                    found.add(type(node))
                    waiting.extend(node.next_functions)
    return frozenset(found)


@pytest.mark.parametrize("name", [name for name in nn.__all__ if name.endswith("Backward")])
def test_results_are_recorded_under_the_textbooks_names(name: str) -> None:
    """Each exported Backward class is what an operation leaves in the graph."""
    backward = getattr(nn, name)
    assert issubclass(backward, Function)
    assert backward in recorded()
