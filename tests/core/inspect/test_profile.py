"""A profile counts every operation once, in the right column, and leaves nothing behind."""

from __future__ import annotations

import csv
import itertools
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tinytorch
from tinytorch import Function, Tensor, checkpoint
from tinytorch.inspect import profile, profiling
from tinytorch.inspect.graph import entries


@pytest.fixture(autouse=True)
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which every look at it takes a microsecond."""
    monkeypatch.setattr(profiling, "_clock", itertools.count(0, 1000).__next__)


def leaf(*shape: int) -> Tensor:
    return tinytorch.ones(*shape, requires_grad=True)


OPERATIONS = {
    "with tensors": lambda x: (x + x) * x - x,
    "with numbers": lambda x: 2 * (1 + x * 3 - 4),
    "reflected": lambda x: 1 - 2 / (3 * x),
    "powers and products": lambda x: -((x**2) @ x) / 2.0,
    "methods": lambda x: x.exp().reshape(1, 2).sum(axis=0),
    "with arrays": lambda x: np.ones(2, np.float32) * x + np.exp(x),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_counts_once(name: str) -> None:
    """There are as many calls as nodes in the graph, and rules as many, written out or not."""
    x = leaf(2)
    with profile() as measured:
        y = OPERATIONS[name](x)
        y.backward(np.ones(y.shape), retain_graph=True)
    operations = [entry.label for entry in entries(y, "test") if entry.kind == "operation"]
    for phase in ("forward", "backward"):
        found = [event.operation for event in measured.events if event.phase == phase]
        assert sorted(found) == sorted(operations)


def test_operations_of_operations() -> None:
    """An operation that another calls, forward or in its rule, is a part of that one."""

    class OuterBackward(Function):
        def forward(self, x: Any) -> Any:
            return tinytorch.ops.exp(x) + tinytorch.ops.exp(x)

        def apply(self, grad_output: Any) -> Any:
            return tinytorch.ops.multiply(grad_output, 2)

    x = leaf(2)
    with profile() as measured:
        OuterBackward.call(x).backward([1.0, 1.0])
    assert [(e.operation, e.phase) for e in measured.events] == [
        ("outer", "forward"),
        ("outer", "backward"),
    ]


def test_checkpoints() -> None:
    """What a checkpoint runs again in backward counts as forward, as it is."""
    x = leaf(2)
    with profile() as measured:
        checkpoint(lambda x: x.exp(), x).backward([1.0, 1.0])
    assert [(e.operation, e.phase) for e in measured.events] == [
        ("exp", "forward"),
        ("exp", "forward"),
        ("exp", "backward"),
    ]


def test_bytes() -> None:
    """Bytes are those of new arrays: what is a view of what was given takes none."""
    x = leaf(100)
    with profile() as measured:
        y = x.exp().reshape(10, 10).sum()
        y.backward()
    assert {row.operation: (row.forward_bytes, row.backward_bytes) for row in measured.rows} == {
        "exp": (400, 400),
        "reshape": (0, 0),
        "sum": (4, 400),  # so small that its gradient is written out
    }


def test_times() -> None:
    """Times add up, by operation, by distribution and in all; the ratio is backward by forward."""
    x = leaf(2)
    with profile() as measured:
        for _ in range(3):
            x.exp().backward([1.0, 1.0])
        x.exp()
    (row,), (of_core,), total = measured.rows, measured.by_distribution, measured.total
    assert (row.operation, row.calls) == ("exp", 4)
    assert row.forward == pytest.approx(4e-6)
    assert row.backward == pytest.approx(3e-6)
    assert row.ratio == pytest.approx(0.75)
    assert of_core == replace(row, operation="")
    assert total == replace(row, operation="total", distribution="")
    assert measured.seconds == pytest.approx(15e-6)  # 7 events of two looks, and the last look
    assert "outside of operations, in the engine and the program: 0.01 ms" in str(measured)


def state() -> dict[Any, Any]:
    """Return all that a profile may replace."""
    owners = [Tensor, *profiling._subclasses(Function)]
    return {(owner, name): value for owner in owners for name, value in vars(owner).items()}


def test_nothing_is_left() -> None:
    """When it is over, every method is the one that was there, also where the block raised."""
    before = state()
    with pytest.raises(ZeroDivisionError), profile():
        _ = [1 / (state() == before)]  # it is not
    assert state() == before
    with profile() as measured:
        leaf(1) * 2
    leaf(1) * 2
    assert len(measured.events) == 1


def test_one_at_a_time() -> None:
    """A second profile is refused, and the first goes on."""
    with profile() as measured:
        with pytest.raises(RuntimeError, match="running already"), profile():
            raise AssertionError
        leaf(1) * 2
    assert len(measured.events) == 1


def test_other_threads() -> None:
    """What other threads do meanwhile is not measured, and goes on as ever."""
    results = []
    with profile() as measured:
        thread = threading.Thread(target=lambda: results.append(leaf(1) * 2 + 1))
        thread.start()
        thread.join()
    assert results[0].data == 3
    assert measured.events == []


def test_rules_defined_meanwhile() -> None:
    """An operation whose class is defined inside the block is measured, forward and backward."""
    with profile() as measured:

        class TwiceBackward(Function):
            def forward(self, x: Any) -> Any:
                return 2 * x

            def apply(self, grad_output: Any) -> Any:
                return 2 * grad_output

        TwiceBackward.call(leaf(1)).backward()
    assert [(e.operation, e.phase) for e in measured.events] == [
        ("twice", "forward"),
        ("twice", "backward"),
    ]


def test_errors_pass_through() -> None:
    """An operation that raises does so as ever, and the profile goes on."""
    x = leaf(2)
    with profile() as measured:
        with pytest.raises(ValueError, match="broadcast"):
            x * leaf(3)
        x * 2
    assert [event.operation for event in measured.events] == ["multiply"]


def test_csv(tmp_path: Path) -> None:
    """The rows are saved as CSV, under the names of their fields."""
    with profile() as measured:
        leaf(2).exp()
    measured.save(tmp_path / "profile.csv")
    with (tmp_path / "profile.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["operation"] == "exp"
    assert float(row["forward"]) == measured.rows[0].forward
    assert row["forward_bytes"] == "8"


def test_trace(tmp_path: Path) -> None:
    """The trace has a complete event for each call, in microseconds from the beginning on."""
    x = leaf(2)
    with profile() as measured:
        x.exp().backward([1.0, 1.0])
    measured.save(tmp_path / "profile.json")
    forward, backward = json.loads((tmp_path / "profile.json").read_text("utf-8"))["traceEvents"]
    assert (forward["name"], forward["ph"], forward["ts"], forward["dur"]) == ("exp", "X", 1, 1)
    assert forward["args"] == {"phase": "forward", "bytes": 8, "shapes": ["(2,)"]}
    assert backward["args"]["phase"] == "backward"
    assert backward["ts"] > forward["ts"] + forward["dur"]


def test_unknown_endings(tmp_path: Path) -> None:
    """A name that ends otherwise is refused."""
    with profile() as measured:
        leaf(1)
    with pytest.raises(ValueError, match=r"profile\.xml"):
        measured.save(tmp_path / "profile.xml")
