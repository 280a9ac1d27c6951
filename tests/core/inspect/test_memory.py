"""What a graph keeps alive is reported array by array, once each, as it truly is."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import tinytorch
from tinytorch import Function, GradientError, Tensor, checkpoint, saved_tensors_hooks
from tinytorch.inspect import Buffer, memory, name


def parameter(*shape: int, label: str = "") -> Tensor:
    tensor = tinytorch.rand(*shape, requires_grad=True)
    return name(tensor, label) if label else tensor


def mlp() -> Tensor:
    """The textbook's network, 784-512-256-128-10 at a batch of 64."""
    sizes = (784, 512, 256, 128, 10)
    x = name(tinytorch.rand(64, 784), "images")
    for inputs, outputs in pairwise(sizes):
        x = (x @ parameter(inputs, outputs) * -0.01 + parameter(outputs)).exp()
    return x.sum()


def held_as(role: str, operation: str, of: Tensor) -> list[Buffer]:
    """Return what operations of a kind hold as something, in the order in which they ran."""
    found = [
        (int(holder.split()[1]), buffer)
        for buffer in memory(of).buffers
        for holder in buffer.holders
        if holder.startswith(operation) and holder.endswith(f"({role})")
    ]
    return [buffer for _, buffer in sorted(found, key=lambda pair: pair[0])]


def test_inputs_of_an_mlp() -> None:
    """The inputs of the layers take what the textbook computes."""
    inputs = held_as("input 0", "matmul", mlp())
    assert [buffer.bytes for buffer in inputs] == [200_704, 131_072, 65_536, 32_768]
    assert [buffer.kind for buffer in inputs] == ["data", *["activation"] * 3]
    assert inputs[0].name == "images"


def test_a_linear_layer() -> None:
    """A layer of (512, 768) keeps 1,572,864 bytes of weight, and 65,536 of input for 32 rows."""
    x, w = parameter(32, 512, label="x"), parameter(512, 768, label="w")
    weight, inputs = memory(x @ w).buffers
    assert weight == Buffer(
        "parameter", 1_572_864, (512, 768), "float32", "w", ("matmul 3 (input 1)",)
    )
    assert (inputs.bytes, inputs.name, inputs.shape) == (65_536, "x", (32, 512))


def test_shared_memory_counts_once() -> None:
    """An array that several operations keep, and views of it, are one buffer with many holders."""
    x = parameter(100, 100)
    y = x.exp()
    loss = (y * y).sum() + (y.T @ y).sum() + (y.reshape(50, 200) @ y.reshape(200, 50)).sum()
    (buffer,) = memory(loss).buffers
    assert buffer.bytes == 40_000
    assert {holder.split()[0] for holder in buffer.holders} == {"exp", "multiply", "matmul"}
    assert len(buffer.holders) == 1 + 1 + 2 + 2  # multiply keeps the same array twice


def test_a_view_keeps_the_whole() -> None:
    """A view of which a part is kept counts as the memory that it keeps alive."""
    whole = np.ones((1000, 100), np.float32)
    part = tinytorch.from_numpy(whole[:1])
    x = parameter(1, 100)
    (buffer,) = [b for b in memory(x * part).buffers if b.kind == "data"]
    assert (buffer.bytes, buffer.shape) == (400_000, (1000, 100))


def test_kinds() -> None:
    """Parameters, also through views of them, data, activations and gradients are told apart."""
    w = parameter(10, 20)
    x = tinytorch.randn(5, 20)
    y = (x @ w.T).exp().sum()
    assert memory(y).by_kind == {"data": 400, "activation": 200}
    x.requires_grad = True
    y = (x @ w.T).exp().sum()
    y.backward(retain_graph=True)
    assert memory(y).by_kind == {"parameter": 400 + 800, "activation": 200, "gradient": 1200}


class KeepsElsewhereBackward(Function):
    """x³, by a rule that keeps what it needs where it likes. Gradient: 3 g x²."""

    def forward(self, x: Any, *, how: str) -> Any:
        square = x * x
        if how == "attribute":
            self.square = square
        elif how == "list":
            self.squares = [{"of x": (square,)}]
        elif how == "closure":
            self.save(lambda: square)
        elif how == "method":
            self.save(_Holder(square).get)
        return square * x

    def apply(self, grad_output: Any) -> Any:
        raise NotImplementedError


class _Holder:
    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = array

    def get(self) -> Any:
        return self.array


@pytest.mark.parametrize("how", ["attribute", "list", "closure", "method"])
def test_wherever_it_is_kept(how: str) -> None:
    """What a rule keeps in attributes, containers, closures and other objects is found."""
    (buffer,) = memory(KeepsElsewhereBackward.call(parameter(1000), how=how)).buffers
    assert (buffer.bytes, buffer.kind) == (4000, "activation")
    assert buffer.holders == ("keeps_elsewhere 2 (its own)",)


def test_inputs_of_a_forward_that_runs_again() -> None:
    """An operation that runs its forward again keeps its inputs, which count."""
    (buffer,) = memory(doubled(parameter(1000))).buffers
    assert (buffer.bytes, buffer.kind) == (4000, "parameter")


@tinytorch.custom_gradient
def doubled(x: Any) -> Any:
    """Twice x."""
    return 2 * x, lambda grad_output: 2 * grad_output


def test_packed_arrays() -> None:
    """What hooks made of the saved arrays counts in their place: other arrays, or bytes."""
    x = parameter(1000)
    with saved_tensors_hooks(lambda a: a.astype(np.float16), lambda a: a.astype(np.float32)):
        halved = (x * x).sum()
    assert memory(halved).by_kind == {"activation": 2 * 2000}
    with saved_tensors_hooks(lambda a: zlib.compress(a.tobytes()), lambda packed: packed):
        compressed = x.exp().sum()
    (buffer,) = memory(compressed).buffers
    assert buffer.dtype == "bytes"
    assert buffer.bytes < 4000


def test_checkpoints() -> None:
    """A checkpoint keeps its inputs, and nothing of what lies between."""
    x = parameter(1000)
    result = checkpoint(lambda x: (x * 2).exp().exp().sum(), x * 0)
    assert memory(result).by_kind.get("activation", 0) == 4000


def test_after_backward() -> None:
    """After a backward that releases the graph, the gradients alone are left."""
    x = parameter(1000)
    y = (x * x).sum()
    y.backward()
    assert memory(y).by_kind == {"gradient": 4000}


EXAMPLES: list[Callable[[], Tensor]] = [
    mlp,
    lambda: ((parameter(300, 400) @ parameter(400, 300)) * 0.1).exp().sum(),
    lambda: (parameter(200, 1, 50) * parameter(80, 50)).exp().mean(),
    lambda: KeepsElsewhereBackward.call(parameter(100_000), how="list"),
    lambda: doubled(parameter(100_000)),
]


@pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="tracemalloc counts what CPython allocates"
)
@pytest.mark.parametrize("make", EXAMPLES, ids=["mlp", "matmul", "broadcast", "list", "closure"])
def test_equals_what_is_allocated(make: Callable[[], Tensor]) -> None:
    """The report is within 1% of what stays allocated when the program has but the result."""
    make()  # what is made once, such as caches, is made now
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        result = make()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    kept = after - before - result.data.nbytes
    assert memory(result).bytes == pytest.approx(kept, rel=0.01)


def test_text() -> None:
    """Printed, it is a table with a line for each array, and the totals."""
    w = parameter(512, 768, label="w")
    text = str(memory(tinytorch.ones(32, 512, requires_grad=True) @ w))
    assert "1,572,864  parameter  w (512, 768) float32  matmul 3 (input 1)" in text
    assert text.splitlines()[-1] == "1,638,400 bytes in 2 arrays: 1,638,400 of parameter"


def test_an_empty_report() -> None:
    """Of a graph that keeps nothing it says so."""
    assert str(memory(parameter(3) + 1)).endswith("0 bytes in 0 arrays: nothing")


def test_large_graphs() -> None:
    """Nothing is recursive: a deep graph is weighed as well."""
    x = parameter(1)
    for _ in range(20_000):
        x = x.exp() if x.data[0] < 0 else -x
    assert memory(x).bytes > 0


def test_without_a_graph() -> None:
    """A tensor without a graph is refused."""
    with pytest.raises(GradientError, match="requires gradients"):
        memory(Tensor([1.0]))
