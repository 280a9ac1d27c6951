"""A loop that trains a network, to be copied and changed.

It has a progress bar, gathers gradients over several batches, stops early, and writes checkpoints:
a run that is killed at whatever moment, and started again, ends with the weights of one that was
not killed, bit for bit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import tinytorch
from safetensors import safe_open
from safetensors.numpy import save_file
from tinytorch import Tensor
from tqdm import tqdm


def train(
    model: Any,
    optimizer: Any,
    batches: Callable[[], Iterable[Any]],
    loss_of: Callable[[Any], Tensor],
    epochs: int,
    *,
    scheduler: Any = None,
    validate: Callable[[], float] | None = None,
    accumulate: int = 1,
    patience: int | None = None,
    checkpoint: Path | None = None,
) -> dict[str, list[float]]:
    """Train a model, and return its losses in each epoch: in "training" and in "validation".

    ``batches()`` gives the batches of an epoch, and ``loss_of(batch)`` the mean loss of one. Each
    step of the optimiser is for `accumulate` batches, each of the scheduler for an epoch. If
    ``validate()``, a loss on other data, has had no new minimum for `patience` epochs, the training
    ends; the model then has the weights of the minimum. Where there is a `checkpoint`, it is gone
    on from there. So all random numbers come from `tinytorch.default_generator`.
    """
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    parts = {name: part for name, part in parts.items() if part is not None}
    losses: dict[str, list[float]] = {"training": [], "validation": []}
    best = None
    if checkpoint is not None and checkpoint.exists():
        state = read_checkpoint(checkpoint)
        losses, best = state["losses"], state["best"]
        for name, part in parts.items():
            part.load_state_dict(state[name])
        tinytorch.set_rng_state(state["random"])

    bar = tqdm(total=epochs, initial=len(losses["training"]), desc="learning", unit="epoch")
    while len(losses["training"]) < epochs and not has_stalled(losses["validation"], patience):
        losses["training"].append(train_epoch(model, optimizer, batches(), loss_of, accumulate))
        if scheduler is not None:
            scheduler.step()
        if validate is not None:
            model.eval()
            with tinytorch.no_grad():
                losses["validation"].append(validate())
            if patience is not None and losses["validation"][-1] == min(losses["validation"]):
                best = model.state_dict()
        if checkpoint is not None:
            state = {name: part.state_dict() for name, part in parts.items()}
            state |= {"losses": losses, "best": best, "random": tinytorch.get_rng_state()}
            write_checkpoint(checkpoint, state)
        latest = {f"{name} loss": values[-1] for name, values in losses.items() if values}
        bar.set_postfix(latest, refresh=False)
        bar.update()
    bar.close()
    if best is not None:
        model.load_state_dict(best)
    return losses


def train_epoch(
    model: Any,
    optimizer: Any,
    batches: Iterable[Any],
    loss_of: Callable[[Any], Tensor],
    accumulate: int,
) -> float:
    """Go over the batches once, and return the mean of their losses."""
    model.train()
    losses = []
    for group in groups_of(accumulate, batches):
        optimizer.zero_grad()
        for batch in group:
            loss = loss_of(batch)
            (loss / len(group)).backward()
            losses.append(loss.item())
        optimizer.step()
    return float(np.mean(losses))


def shuffled(count: int, size: int) -> Iterator[np.ndarray]:
    """The numbers from 0 to `count` - 1 in a random order, in batches of a size."""
    order = tinytorch.default_generator().permutation(count)
    return (order[start : start + size] for start in range(0, count, size))


def groups_of(size: int, items: Iterable[Any]) -> Iterator[list[Any]]:
    """The items in lists of a size, the last of which may be shorter."""
    iterator = iter(items)
    return iter(lambda: list(islice(iterator, size)), [])


def has_stalled(losses: list[float], patience: int | None) -> bool:
    """Whether the least loss is as many epochs ago."""
    return bool(losses) and patience is not None and np.argmin(losses[::-1]) >= patience


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a nested state into one file: arrays as such, the rest as JSON in its header.

    At every moment the file is a whole one, the one before or this one.
    """
    arrays: dict[str, np.ndarray] = {}

    def put_aside(array: Any) -> dict[str, str]:
        name = str(len(arrays))
        arrays[name] = np.array(array, order="C")
        return {"array": name}

    header = {"state": json.dumps(state, default=put_aside)}
    partial = path.with_name(f"{path.name}.partial")
    save_file(arrays, partial, header)
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `write_checkpoint` wrote; the keys of all dicts are strings."""

    def put_back(item: dict[str, Any]) -> Any:
        return file.get_tensor(item["array"]) if item.keys() == {"array"} else item

    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["state"], object_hook=put_back)
