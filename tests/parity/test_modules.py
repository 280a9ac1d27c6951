"""Modules compute what PyTorch's of the same names do, with weights that came in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
import safetensors.torch
import tinytorch
import tinytorch_modules as ours
import torch
from tinytorch import Tensor
from torch import nn as theirs

RNG = np.random.default_rng(0)


class Case(NamedTuple):
    """A layer, made from the module of ours or of theirs, and what it is called on."""

    make: Callable[[Any], Any]
    inputs: list[Any]
    arguments: Mapping[str, Any] = MappingProxyType({})


def floats(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


def multi_head(
    *shapes: tuple[int, ...], make: dict[str, Any] | None = None, **arguments: Any
) -> Case:
    """Attention with two heads over six features."""
    inputs = [floats(*shape) for shape in shapes]
    return Case(lambda nn: nn.MultiheadAttention(6, 2, **(make or {})), inputs, arguments)


INDICES = RNG.integers(0, 7, (2, 5))
LEFT_OUT = np.array([[False, True, False, False], [False, False, False, True], [False] * 4])
FUTURE = np.triu(np.ones((4, 4), bool), 1)
IMAGES, ROWS = floats(3, 4, 6, 5), floats(3, 4, 8)
FIRST = {"batch_first": True}
LNE, NLE = [(4, 3, 6)] * 3, [(3, 4, 6)] * 3

CASES = {
    "linear": Case(lambda nn: nn.Linear(5, 3), [floats(4, 5)]),
    "linear, no bias": Case(lambda nn: nn.Linear(5, 3, bias=False), [floats(2, 4, 5)]),
    "embedding": Case(lambda nn: nn.Embedding(7, 3), [INDICES]),
    "embedding, padding": Case(lambda nn: nn.Embedding(7, 3, padding_idx=-2), [INDICES]),
    "conv1d": Case(lambda nn: nn.Conv1d(4, 6, 3), [ROWS]),
    "conv1d, options": Case(
        lambda nn: nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2), [ROWS]
    ),
    "conv2d": Case(lambda nn: nn.Conv2d(4, 6, 3), [IMAGES]),
    "conv2d, no batch": Case(lambda nn: nn.Conv2d(4, 6, 3), [IMAGES[0]]),
    "conv2d, options": Case(
        lambda nn: nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), (1, 2), groups=2, bias=False), [IMAGES]
    ),
    "conv2d, same": Case(lambda nn: nn.Conv2d(4, 6, 3, padding="same", dilation=2), [IMAGES]),
    "layer_norm": Case(lambda nn: nn.LayerNorm(5), [IMAGES]),
    "layer_norm, options": Case(lambda nn: nn.LayerNorm([6, 5], eps=0.1, bias=False), [IMAGES]),
    "layer_norm, nothing learnt": Case(
        lambda nn: nn.LayerNorm((6, 5), elementwise_affine=False), [IMAGES]
    ),
    "batch_norm1d": Case(lambda nn: nn.BatchNorm1d(4), [floats(5, 4)]),
    "batch_norm1d, places": Case(lambda nn: nn.BatchNorm1d(4, momentum=0.3, eps=0.1), [ROWS]),
    "batch_norm2d": Case(lambda nn: nn.BatchNorm2d(4), [IMAGES]),
    "batch_norm2d, mean of all": Case(lambda nn: nn.BatchNorm2d(4, momentum=None), [IMAGES]),
    "batch_norm2d, nothing learnt": Case(lambda nn: nn.BatchNorm2d(4, affine=False), [IMAGES]),
    "batch_norm2d, nothing kept": Case(
        lambda nn: nn.BatchNorm2d(4, track_running_stats=False), [IMAGES]
    ),
    "dropout": Case(lambda nn: nn.Dropout(0.0), [ROWS]),
    "flatten": Case(lambda nn: nn.Flatten(), [IMAGES]),
    "flatten, some": Case(lambda nn: nn.Flatten(1, 2), [IMAGES]),
    "attention": multi_head(*LNE),
    "attention, batch first": multi_head(*NLE, make=FIRST),
    "attention, no batch": multi_head((4, 6), (3, 6), (3, 6)),
    "attention, no bias": multi_head(*NLE, make=FIRST | {"bias": False}),
    "attention, other lengths": multi_head(
        (3, 2, 6), (3, 4, 5), (3, 4, 7), make=FIRST | {"kdim": 5, "vdim": 7}
    ),
    "attention, no weights": multi_head(*LNE, need_weights=False),
    "attention, weights of each head": multi_head(*LNE, average_attn_weights=False),
    "attention, keys left out": multi_head(*NLE, make=FIRST, key_padding_mask=LEFT_OUT),
    "attention, mask": multi_head(*NLE, make=FIRST, attn_mask=FUTURE),
    "attention, causal": multi_head(*NLE, make=FIRST, attn_mask=FUTURE, is_causal=True),
    "attention, causal without weights": multi_head(
        *NLE, make=FIRST, attn_mask=FUTURE, is_causal=True, need_weights=False
    ),
    "attention, mask of numbers": multi_head(*NLE, make=FIRST, attn_mask=floats(4, 4)),
    "attention, a mask for each head": multi_head(
        *NLE, make=FIRST, attn_mask=floats(6, 4, 4), need_weights=False
    ),
    "attention, both masks": multi_head(
        *NLE, make=FIRST, attn_mask=FUTURE, key_padding_mask=LEFT_OUT, need_weights=False
    ),
    "attention, both masks of numbers": multi_head(
        *NLE, make=FIRST, attn_mask=floats(4, 4), key_padding_mask=floats(3, 4)
    ),
    "a network": Case(
        lambda nn: nn.Sequential(
            nn.Conv2d(4, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(180, 5),
            nn.Tanh(),
            nn.LayerNorm(5),
            nn.GELU(),
            nn.Linear(5, 5),
            nn.Sigmoid(),
            nn.Sequential(nn.Linear(5, 3), nn.Softmax(dim=1)),
        ),
        [IMAGES],
    ),
}
each = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def to_theirs(array: Any) -> Any:
    """An input or argument as PyTorch has it; floating inputs get gradients."""
    if not isinstance(array, np.ndarray):
        return array
    tensor = torch.tensor(array)
    return tensor.requires_grad_() if tensor.is_floating_point() else tensor


def to_ours(array: Any) -> Any:
    if not isinstance(array, np.ndarray):
        return array
    return Tensor(array, requires_grad=array.dtype.kind == "f")


def compare(layer: Any, other: Any, case: Case) -> None:
    """Call both and go back from the outputs: values and all gradients agree."""
    inputs, others = ([to(x) for x in case.inputs] for to in (to_ours, to_theirs))
    masks = {name: to_ours(x) for name, x in case.arguments.items()}
    other_masks = {name: to_theirs(x) for name, x in case.arguments.items()}
    outputs, wanted = layer(*inputs, **masks), other(*others, **other_masks)
    results = (x if isinstance(x, tuple) else (x,) for x in (outputs, wanted))
    loss, other_loss = Tensor(0.0), torch.zeros(())
    for y, z in zip(*results, strict=True):
        if z is None:
            assert y is None
            continue
        close(y.data, z)
        seed = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
        loss, other_loss = loss + (y * seed).sum(), other_loss + (z * torch.tensor(seed)).sum()
    loss.backward()
    other_loss.backward()
    assert names(layer) == names(other)
    leaves = [*layer.parameters(), *inputs, *masks.values()]
    other_leaves = [*other.parameters(), *others, *other_masks.values()]
    for leaf, wanted_leaf in zip(leaves, other_leaves, strict=True):
        if getattr(wanted_leaf, "grad", None) is not None:
            close(leaf.grad, wanted_leaf.grad)
    for name, array in layer.state_dict().items():
        close(array, other.state_dict()[name])


def close(array: Any, tensor: torch.Tensor) -> None:
    wanted = tensor.detach().numpy()
    assert array.dtype == wanted.dtype
    largest = np.abs(wanted).max(initial=1)  # sums of large terms are rounded as those are
    np.testing.assert_allclose(array, wanted, 1e-5, 1e-5 * largest)


def names(layer: Any) -> list[list[str]]:
    """The names of state, parameters and buffers, in their order."""
    found = (layer.state_dict().items(), layer.named_parameters(), layer.named_buffers())
    return [[name for name, _ in pairs] for pairs in found]


def moved(state: dict[str, Any]) -> dict[str, Any]:
    """Some state that no layer has in the beginning; counts stay what they are."""
    rng = np.random.default_rng(2)
    return {
        name: np.abs(array + rng.normal(size=array.shape)).astype(array.dtype)
        if array.dtype.kind == "f"
        else array
        for name, array in state.items()
    }


@each
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_from_ours(case: Case, training: bool, tmp_path: Path) -> None:
    """PyTorch opens what was saved here, and computes the same with it, gradients too."""
    layer, other = case.make(ours).train(training), case.make(theirs).train(training)
    layer.load_state_dict(moved(layer.state_dict()))
    ours.save(layer, tmp_path / "weights.safetensors")
    other.load_state_dict(safetensors.torch.load_file(tmp_path / "weights.safetensors"))
    compare(layer, other, case)


@each
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_from_theirs(case: Case, training: bool, tmp_path: Path) -> None:
    """What PyTorch saved is opened here, and the same computed with it, gradients too."""
    layer, other = case.make(ours).train(training), case.make(theirs).train(training)
    safetensors.torch.save_file(other.state_dict(), tmp_path / "weights.safetensors")
    ours.load(layer, tmp_path / "weights.safetensors")
    compare(layer, other, case)


@each
def test_from_theirs_without_a_file(case: Case) -> None:
    """The state of a module of PyTorch's can be loaded as it is, and the reverse as tensors."""
    layer, other = case.make(ours), case.make(theirs)
    layer.load_state_dict(other.state_dict())
    other.load_state_dict({name: torch.tensor(x) for name, x in layer.state_dict().items()})
    compare(layer.eval(), other.eval(), case)


def large(nn: Any) -> list[Any]:
    """Layers with so many parameters that their extremes tell what they were drawn from."""
    return [
        nn.Linear(400, 300),
        nn.Conv1d(40, 400, 5, groups=2),
        nn.Conv2d(40, 400, 5, groups=5),
        nn.Embedding(300, 400, padding_idx=3),
        nn.MultiheadAttention(120, 2),
        nn.MultiheadAttention(120, 2, kdim=60, vdim=30),
    ]


@pytest.mark.parametrize("number", range(6))
def test_distribution(number: int) -> None:
    """What parameters are drawn from has PyTorch's deviation and, where there is one, bound."""
    tinytorch.manual_seed(0)
    torch.manual_seed(0)
    state, other = (large(nn)[number].state_dict() for nn in (ours, theirs))
    for name, tensor in other.items():
        array, wanted = state[name], tensor.numpy()
        np.testing.assert_allclose(array.std(), wanted.std(), 0.08, err_msg=name)
        np.testing.assert_allclose(array.max(), wanted.max(), 0.15, err_msg=name)
        np.testing.assert_array_equal((array == 0).all(-1), (wanted == 0).all(-1), name)


@pytest.mark.parametrize("options", [{}, {"momentum": None}, {"momentum": 0.7}], ids=str)
def test_several_batches(options: dict[str, Any]) -> None:
    """Running statistics move batch by batch as in PyTorch, and are what evaluation uses."""
    layer, other = ours.BatchNorm1d(4, **options), theirs.BatchNorm1d(4, **options)
    for _ in range(3):
        batch = floats(5, 4) * 3 + 1
        layer(Tensor(batch))
        other(torch.tensor(batch))
    for name, tensor in other.state_dict().items():
        close(layer.state_dict()[name], tensor)
    batch = floats(5, 4)
    close(layer.eval()(Tensor(batch)).data, other.eval()(torch.tensor(batch)))


def tied(nn: Any) -> Any:
    """A table whose rows are also the weights of the scores."""
    model = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 7))
    model[1].weight = model[0].weight
    return model


def test_shared(tmp_path: Path) -> None:
    """A shared tensor is one parameter and has two names, and goes through files both ways."""
    file = tmp_path / "weights.safetensors"
    layer, other = tied(ours), tied(theirs)
    safetensors.torch.save_model(other, str(file))  # has it under one of its names
    ours.load(layer, file)
    compare(layer, other, Case(tied, [INDICES]))

    layer, other = tied(ours), tied(theirs)
    ours.save(layer, file)
    other.load_state_dict(safetensors.torch.load_file(file))
    compare(layer, other, Case(tied, [INDICES]))


@pytest.mark.parametrize(
    "name",
    [name for name in CASES if not name.startswith(("batch", "dropout", "attention", "a net"))],
)
def test_tree(name: str) -> None:
    """What is printed of a module is what PyTorch prints, of modules in modules as well."""
    ours_printed, theirs_printed = (
        repr(nn.Sequential(CASES[name].make(nn), nn.Sequential(nn.ReLU()))) for nn in (ours, theirs)
    )
    assert ours_printed == theirs_printed
