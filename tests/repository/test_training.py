"""The training loop of the examples: killed and started again, it ends where it would have."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tinytorch
import tinytorch_modules as nn
import tinytorch_optim as optim
from tinytorch import Tensor

FILE = Path(__file__).parents[2] / "examples" / "training.py"

KILLS, EPOCHS = 20, 50

PROGRAM = """
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import numpy as np
import tinytorch
import tinytorch_modules as nn
import tinytorch_optim as optim
from training import train

folder, epochs = Path(sys.argv[2]), int(sys.argv[3])
tinytorch.manual_seed(0)
draw = tinytorch.default_generator()
x = draw.normal(size=(48, 4)).astype(np.float32)
y = np.sin(x.sum(axis=1, keepdims=True))
model = nn.Sequential(
    nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1)
)
# With a lot to write, many kills come while something is written.
model.register_buffer("ballast", tinytorch.ones(500_000))
optimizer = optim.AdamW(model.parameters(), lr=0.02)


def batches():
    print("epoch", flush=True)
    sys.stdin.readline()  # goes on when it is told to
    for rows in np.split(draw.permutation(32), 4):
        yield x[rows], y[rows]


def loss_of(batch):
    inputs, targets = batch
    return ((model(inputs) - targets) ** 2).mean()


train(
    model,
    optimizer,
    batches,
    loss_of,
    epochs,
    scheduler=optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs),
    validate=lambda: loss_of((x[32:], y[32:])).item(),
    accumulate=3,
    patience=epochs,
    checkpoint=folder / "checkpoint",
)
nn.save(model, folder / "final")
print("done", flush=True)
"""


def example() -> Any:
    """The example as a module."""
    spec = spec_from_file_location("training", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


training = example()


class Run:
    """A process that trains, and at the start of each epoch waits to be told to go on."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PROGRAM, FILE.parent, folder, str(EPOCHS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )

    def reach_epoch(self) -> bool:
        """Wait until an epoch starts; or return False at the end."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line in ("epoch\n", "done\n")
        return line == "epoch\n"

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def finish(self) -> list[float]:
        """Let it run to its end, and return the moments at which its epochs started."""
        moments = []
        while self.reach_epoch():
            moments.append(time.perf_counter())
            self.go_on()
        assert self.process.wait() == 0
        self.close()
        return moments

    def kill(self) -> None:
        self.process.kill()
        assert self.process.wait() != 0
        self.close()

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """Killed twenty times, at random, a run ends with the same bits as one that ran through."""
    through, killed = tmp_path / "through", tmp_path / "killed"
    through.mkdir()
    killed.mkdir()
    begun = time.perf_counter()
    moments = Run(through).finish()
    startup, epoch = moments[0] - begun, (moments[-1] - moments[0]) / len(moments)
    assert len(moments) == EPOCHS

    rng = random.Random(0)
    for _ in range(KILLS):
        run = Run(killed)
        epochs = rng.choice([0, 1, 2, 2])
        for _ in range(epochs):
            assert run.reach_epoch()
            run.go_on()
        time.sleep(rng.uniform(0, 1.2 * epoch if epochs else startup))
        run.kill()
    left = Run(killed).finish()
    assert 0 < len(left) < EPOCHS, "it had not ended, and did not start anew"

    assert (killed / "final").read_bytes() == (through / "final").read_bytes()
    ended, expected = (training.read_checkpoint(run / "checkpoint") for run in (killed, through))
    np.testing.assert_equal(ended, expected, strict=True)


class Setting:
    """A line to be fitted, in batches that come in a random order; and what is used for it."""

    def __init__(self, size: int = 4) -> None:
        tinytorch.manual_seed(0)
        self.x = tinytorch.randn(16, 3).data
        self.y = self.x @ [[1.0], [2.0], [3.0]]
        self.size = size
        self.model = nn.Linear(3, 1)
        self.optimizer = optim.SGD(self.model.parameters(), lr=0.1, momentum=0.5)
        self.steps: list[Any] = []
        step = self.optimizer.step
        self.optimizer.step = lambda: self.steps.append(step())  # type: ignore[method-assign]

    def batches(self) -> Any:
        order = tinytorch.default_generator().permutation(16)
        return (order[i : i + self.size] for i in range(0, 16, self.size))

    def loss_of(self, rows: Any) -> Tensor:
        loss: Tensor = ((self.model(self.x[rows]) - self.y[rows]) ** 2).mean()
        return loss

    def train(self, epochs: int, **options: Any) -> dict[str, list[float]]:
        losses: dict[str, list[float]] = training.train(
            self.model, self.optimizer, self.batches, self.loss_of, epochs, **options
        )
        return losses

    @property
    def weights(self) -> Any:
        return self.model.weight.data


def test_it_learns(capsys: pytest.CaptureFixture[str]) -> None:
    """The loss of each epoch is returned, and falls; the bar shows the latest."""
    setting = Setting()
    losses = setting.train(20)
    shown = capsys.readouterr().err
    assert "20/20" in shown
    assert f"training loss={losses['training'][-1]:.3g}" in shown
    assert len(losses["training"]) == 20
    assert losses["training"][-1] < 1e-3 < losses["training"][0]
    assert losses["validation"] == []
    np.testing.assert_allclose(setting.weights, [[1, 2, 3]], atol=0.1)


def test_gathered_gradients() -> None:
    """Four batches of four for a step are one batch of sixteen."""
    small = Setting(4)
    small.train(3, accumulate=4)
    large = Setting(16)
    large.train(3)
    assert len(small.steps) == len(large.steps) == 3
    np.testing.assert_allclose(small.weights, large.weights, 1e-5)


def test_a_last_step_of_fewer_batches() -> None:
    """What remains of the batches is a step of its own, by the mean of their gradients."""
    gathered = Setting(4)
    gathered.train(1, accumulate=3)
    assert len(gathered.steps) == 2
    by_hand = Setting(4)
    *first, last = by_hand.batches()
    for rows in (np.concatenate(first), last):
        by_hand.optimizer.zero_grad()
        by_hand.loss_of(rows).backward()
        by_hand.optimizer.step()
    np.testing.assert_allclose(gathered.weights, by_hand.weights, 1e-5)
    assert list(training.groups_of(3, range(7))) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(training.groups_of(3, [])) == []


def test_early_end() -> None:
    """It ends when there has been no new minimum for so long, with the weights of the minimum."""
    setting = Setting()
    found = iter([5.0, 3.0, 4.0, 3.0, 3.5, 9.0])
    seen = []

    def validate() -> float:
        assert not setting.model.training
        assert not tinytorch.is_grad_enabled()
        seen.append(setting.weights.copy())
        return next(found)

    losses = setting.train(10, validate=validate, patience=2)
    assert losses["validation"] == [5, 3, 4, 3, 3.5, 9]
    assert len(losses["training"]) == 6
    np.testing.assert_array_equal(setting.weights, seen[3])


def test_an_end_that_is_not_early() -> None:
    """Without a patience all epochs are gone through, and the last weights are kept."""
    setting = Setting()
    found = iter([1.0, 2.0, 3.0])
    seen = []

    def validate() -> float:
        seen.append(setting.weights.copy())
        return next(found)

    setting.train(3, validate=validate)
    np.testing.assert_array_equal(setting.weights, seen[2])


def test_going_on(tmp_path: Path) -> None:
    """Gone on from a checkpoint it ends as without one, its schedule too; no epoch is twice."""

    def scheduled(setting: Setting) -> dict[str, Any]:
        return {"scheduler": optim.lr_scheduler.StepLR(setting.optimizer, 2)}

    whole = Setting()
    expected = whole.train(5, **scheduled(whole))
    first = Setting()
    first.train(2, checkpoint=tmp_path / "checkpoint", **scheduled(first))
    second = Setting()
    losses = second.train(5, checkpoint=tmp_path / "checkpoint", **scheduled(second))
    assert losses == expected
    assert len(second.steps) == 12
    np.testing.assert_array_equal(second.weights, whole.weights)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_going_on_after_the_end(tmp_path: Path) -> None:
    """A run that had ended, early even, is not gone on with: it has the weights it ended with."""
    ended = Setting()
    options = {"patience": 2, "checkpoint": tmp_path / "checkpoint"}
    found = iter([1.0, 2.0, 3.0])
    losses = ended.train(9, validate=lambda: next(found), **options)
    again = Setting()
    assert again.train(9, validate=lambda: next(found), **options) == losses
    assert again.steps == []
    np.testing.assert_array_equal(again.weights, ended.weights)


def test_checkpoint(tmp_path: Path) -> None:
    """A nested state comes back from its file as it was, bit for bit."""
    state = {
        "arrays": {"a": np.arange(6, dtype=np.float32).reshape(2, 3).T, "b": np.array(7)},
        "nested": [{"betas": [0.1, 1 / 3], "on": True, "none": None}, [np.ones(2, bool)]],
        "number": np.float32(0.1),
        "large": 2**127 - 1,
        "infinite": float("inf"),
        "random": tinytorch.get_rng_state(),
    }
    training.write_checkpoint(tmp_path / "checkpoint", state)
    found = training.read_checkpoint(tmp_path / "checkpoint")
    assert list(found) == list(state)
    for name in ("large", "infinite", "random"):
        assert found[name] == state[name]
    for name, array in state["arrays"].items():
        np.testing.assert_array_equal(found["arrays"][name], array, strict=True)
    assert found["nested"][0] == state["nested"][0]
    np.testing.assert_array_equal(found["nested"][1][0], [True, True])
    assert found["number"] == state["number"]


def test_a_checkpoint_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where writing is cut off before its end, the checkpoint before it is there, whole."""
    file = tmp_path / "checkpoint"
    training.write_checkpoint(file, {"epoch": 1})

    def fail(descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        training.write_checkpoint(file, {"epoch": 2})
    monkeypatch.undo()
    assert training.read_checkpoint(file) == {"epoch": 1}
    training.write_checkpoint(file, {"epoch": 3})
    assert training.read_checkpoint(file) == {"epoch": 3}
    assert list(tmp_path.iterdir()) == [file]


def test_without_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """The epochs are counted where the progress bar is switched off, too."""
    monkeypatch.setattr(training, "tqdm", partial(training.tqdm, disable=True))
    assert len(Setting().train(3)["training"]) == 3
