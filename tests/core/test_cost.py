"""What small operations and a fixed step cost, in figures that are the same on every machine.

Counted are the bytecodes that Python executes in files of tinytorch, and the bytes that it and
NumPy allocate. No figure may be a fifth more, or less, than what is recorded in costs.json for the
version of Python: more is to be mended, less is to be recorded, so that it stays.
``python tests/core/test_cost.py`` records anew what the Python that runs it counts.
"""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tinytorch
from tinytorch import Tensor

PACKAGE = str(Path(tinytorch.__file__).parent)
RECORDED = Path(__file__).with_name("costs.json")
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
TOLERANCE = 0.2


def leaf(*shape: int) -> Tensor:
    return Tensor(np.ones(shape, np.float32), requires_grad=True)


# Each makes a chain of so many times what it is called after.
def product_and_sum(times: int) -> Tensor:
    x, a, b = leaf(1), leaf(1), leaf(1)
    for _ in range(times):
        x = x * a + b
    return x


def product_and_sum_with_numbers(times: int) -> Tensor:
    x = leaf(1)
    for _ in range(times):
        x = x * 0.999 + 0.01
    return x


def difference_and_quotient(times: int) -> Tensor:
    x, a, b = leaf(1), leaf(1), leaf(1)
    for _ in range(times):
        x = (x - a) / b
    return x


def product_that_broadcasts(times: int) -> Tensor:
    x, a = leaf(2, 1), leaf(1)
    for _ in range(times):
        x = x * a
    return x.sum()


def exponential(times: int) -> Tensor:
    x = leaf(1)
    for _ in range(times):
        x = (x - x).exp()
    return x


def matrix_product(times: int) -> Tensor:
    x, w = leaf(1, 1), leaf(1, 1)
    for _ in range(times):
        x = x @ w
    return x


def reshaped_and_summed(times: int) -> Tensor:
    x = leaf(1)
    for _ in range(times):
        x = x.reshape(1, 1).sum(axis=0)
    return x


CHAINS: list[Callable[[int], Tensor]] = [
    product_and_sum,
    product_and_sum_with_numbers,
    difference_and_quotient,
    product_that_broadcasts,
    exponential,
    matrix_product,
    reshaped_and_summed,
]


def forward_only(chain: Callable[[int], Tensor], times: int) -> None:
    chain(times)


def with_backward(chain: Callable[[int], Tensor], times: int) -> None:
    chain(times).backward()


@contextmanager
def counted_bytecodes():
    """Yield a list whose one element becomes the number of bytecodes executed in the package."""
    count = [0]

    def inside(frame: Any, event: str, _: Any) -> Any:
        if event == "opcode":
            count[0] += 1
        return inside

    def at_call(frame: Any, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return inside

    before = sys.gettrace()
    sys.settrace(at_call)
    try:
        yield count
    finally:
        sys.settrace(before)


def bytecodes(run: Callable[..., Any], *arguments: Any) -> int:
    # Some things are done once only, and Python 3.12 counts nothing before it has traced once.
    for _ in range(2):
        with counted_bytecodes() as count:
            run(*arguments)
    return count[0]


def bytecodes_each(run: Callable[..., Any], chain: Callable[[int], Tensor]) -> float:
    """Return how many bytecodes one more link of a chain takes."""
    return (bytecodes(run, chain, 60) - bytecodes(run, chain, 10)) / 50


def bytes_kept(chain: Callable[[int], Tensor]) -> float:
    """Return how many bytes one more link of a chain keeps, before any backward."""
    chain(1)
    with traced_memory():
        few = chain(10)
        of_few, _ = tracemalloc.get_traced_memory()
        many = chain(60)
        of_both, _ = tracemalloc.get_traced_memory()
    del few, many
    return (of_both - 2 * of_few) / 50


def peak_of_a_step() -> int:
    """Return the peak memory of a step through eight layers of 128, batch 256, with tanh by exp."""
    x = Tensor(np.ones((256, 128), np.float32))
    weights = [leaf(128, 128) for _ in range(8)]
    biases = [leaf(128) for _ in range(8)]

    def step() -> None:
        hidden = x
        for weight, bias in zip(weights, biases, strict=True):
            hidden = ((hidden @ weight + bias) * -0.01).exp()
        hidden.mean().backward()
        for parameter in [*weights, *biases]:
            parameter.zero_grad()

    step()
    with traced_memory():
        step()
        _, peak = tracemalloc.get_traced_memory()
    return peak


@contextmanager
def traced_memory():
    """Count allocations, without what the collector would free in between."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
        gc.enable()


COSTS: dict[str, Callable[[], float]] = {
    **{
        f"bytecodes of {chain.__name__}, {run.__name__}": lambda run=run, chain=chain: (
            bytecodes_each(run, chain)
        )
        for chain in CHAINS
        for run in (forward_only, with_backward)
    },
    "bytecodes of the shortest backward": lambda: (
        bytecodes(with_backward, product_and_sum, 1) - bytecodes(forward_only, product_and_sum, 1)
    ),
    "bytes kept by product_and_sum": lambda: bytes_kept(product_and_sum),
    "bytes at the peak of a step": peak_of_a_step,
}


@pytest.mark.parametrize("name", COSTS)
def test_cost(name: str) -> None:
    """Nothing has become a fifth dearer, or cheaper without being recorded."""
    recorded = json.loads(RECORDED.read_text("utf-8")).get(VERSION)
    if recorded is None:
        pytest.skip(f"bytecodes differ between Pythons, and none are recorded for {VERSION}")
    cost, expected = COSTS[name](), recorded[name]
    advice = f"{name}: {cost:g}, and {expected:g} is recorded"
    assert cost <= expected * (1 + TOLERANCE), advice
    assert cost >= expected * (1 - TOLERANCE), f"{advice}: run {Path(__file__).name} to keep it"


def test_counts_are_the_same_every_time() -> None:
    """What is counted does not depend on what ran before."""
    first, second = (bytecodes_each(with_backward, product_and_sum) for _ in range(2))
    assert first == second > 0


def record() -> None:
    """Write what is counted now into costs.json, for this version of Python."""
    recorded = json.loads(RECORDED.read_text("utf-8")) if RECORDED.exists() else {}
    costs = {name: round(cost()) for name, cost in COSTS.items()}
    for name, cost in costs.items():
        before = recorded.get(VERSION, {}).get(name)
        print(f"{name}: {cost}" + ("" if before is None else f" (was {before})"))
    recorded[VERSION] = costs
    RECORDED.write_text(json.dumps(dict(sorted(recorded.items())), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    record()
