"""What a module finds among its attributes, and what is done to all of it at once."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import tinytorch
import tinytorch_modules as nn
import tinytorch_ops_nn as functions
from tinytorch import Tensor


class Scale(nn.Module):
    """Multiplies with what it has learnt."""

    def __init__(self, size: int = 3) -> None:
        self.weight = Tensor(np.full(size, 2.0), requires_grad=True)

    def forward(self, x: Any) -> Any:
        return x * self.weight


class Foreign:
    """A layer in the way of the course, which knows nothing of this package."""

    def __init__(self) -> None:
        self.gain = Tensor([3.0], requires_grad=True)

    def __call__(self, x: Tensor) -> Tensor:
        return x * self.gain

    def parameters(self) -> list[Tensor]:
        return [self.gain]


class Outer(nn.Module):
    """A module with all there is: a parameter, buffers, modules, and attributes that are none."""

    def __init__(self) -> None:
        self.first = nn.Linear(3, 2)
        self.offset = Tensor([1.0, 2.0], requires_grad=True)
        self.register_buffer("count", Tensor([0.0]))
        self.register_buffer("cache", Tensor([5.0]), persistent=False)
        self.register_buffer("absent", None)
        self.constant = Tensor([4.0])
        self.array = np.ones(2)
        self.rest = nn.ModuleList([Scale(2), nn.Dropout()])


def names(module: nn.Module) -> list[str]:
    return [name for name, _ in module.named_parameters()]


def test_parameters() -> None:
    """Parameters are the tensors that are learnt, those of a module before those of its parts."""
    outer = Outer()
    assert names(outer) == ["offset", "first.weight", "first.bias", "rest.0.weight"]
    wanted = [outer.offset, outer.first.weight, outer.first.bias, outer.rest[0].weight]
    found = outer.parameters()
    assert len(found) == len(wanted)
    assert all(x is y for x, y in zip(found, wanted, strict=True))


def test_parameters_can_be_gone_over_again() -> None:
    """An optimiser that keeps what it is given, and goes over it each step, always finds it."""
    found = Outer().parameters()
    assert len(list(found)) == len(list(found)) == 4


def test_what_is_frozen_stays_a_parameter() -> None:
    """Frozen parameters are still found and saved, and can be learnt again."""
    outer = Outer()
    assert outer.requires_grad_(False) is outer
    assert not any(parameter.requires_grad for parameter in outer.parameters())
    assert len(names(outer)) == 4
    assert "offset" in outer.state_dict()
    outer.requires_grad_()
    assert all(parameter.requires_grad for parameter in outer.parameters())
    assert not outer.constant.requires_grad


def test_what_was_computed_is_no_parameter() -> None:
    """A result kept as an attribute is not learnt, whether its graph was recorded or not."""
    scale = Scale()
    scale.seen = scale(tinytorch.ones(3))
    with tinytorch.no_grad():
        scale.also = scale(tinytorch.ones(3))
    assert names(scale) == ["weight"]
    assert list(scale.state_dict()) == ["weight"]


def test_a_weight_that_is_computed() -> None:
    """A weight computed anew from others, as with weight normalization, is learnt through them."""

    class Normalized(nn.Linear):
        def forward(self, x: Any) -> Any:
            self.weight = functions.normalize(self.direction)
            return super().forward(x)

    layer = Normalized(3, 2)
    layer.direction = layer.weight
    layer(tinytorch.ones(3)).sum().backward()
    assert names(layer) == ["bias", "direction"]
    assert layer.direction.grad.any()


def test_what_is_replaced() -> None:
    """The parameter is what the attribute is now: another tensor, or none."""
    layer = nn.Linear(3, 2)
    layer.weight = other = Tensor(np.ones((2, 3)), requires_grad=True)
    layer.bias = None
    assert [p for p in layer.parameters() if p is other] == layer.parameters()
    assert layer(np.ones(3)).data.tolist() == [3.0, 3.0]
    del layer.weight
    assert layer.parameters() == []


def test_buffers() -> None:
    """Buffers are kept and not learnt; those that are not persistent are not in the state."""
    outer = Outer()
    assert [name for name, _ in outer.named_buffers()] == ["count", "cache"]
    assert [buffer.item() for buffer in outer.buffers()] == [0, 5]
    assert outer.absent is None
    assert [name for name in outer.state_dict() if name in ("count", "cache", "absent")] == [
        "count"
    ]
    outer.register_buffer("count", Tensor([7.0], requires_grad=True))
    assert "count" not in names(outer)


def test_shared_tensors() -> None:
    """A tensor in two places is one parameter, and has a gradient from both."""
    scale = Scale()
    both = nn.Sequential(scale, Scale())
    both[1].weight = scale.weight
    assert names(both) == ["0.weight"]
    both(tinytorch.ones(3)).sum().backward()
    np.testing.assert_array_equal(scale.weight.grad, np.full(3, 4.0))
    assert list(both.state_dict()) == ["0.weight", "1.weight"]


def test_shared_modules() -> None:
    """A module in two places is found once, and saved under both names."""
    scale = Scale()
    both = nn.Sequential(scale, scale)
    assert [name for name, _ in both.named_modules()] == ["", "0"]
    assert list(both.children()) == [scale]
    assert names(both) == ["0.weight"]
    assert list(both.state_dict()) == ["0.weight", "1.weight"]


def test_two_objects_of_a_class_share_nothing() -> None:
    """What one module registers is not another's of its class."""
    outer, plain = Outer(), nn.Module()
    assert list(plain.named_parameters()) == list(plain.named_buffers()) == []
    outer.more = Tensor([1.0], requires_grad=True)
    assert "more" in names(outer)
    assert "more" not in names(Outer())


def test_modules() -> None:
    """Modules are found at every depth, each with the path of attributes that leads to it."""
    outer = Outer()
    named = dict(outer.named_modules())
    assert list(named) == ["", "first", "rest", "rest.0", "rest.1"]
    assert named["rest.1"] is outer.rest[1]
    assert list(outer.modules()) == list(named.values())
    assert [name for name, _ in outer.named_children()] == ["first", "rest"]
    assert list(outer.children()) == [outer.first, outer.rest]


def test_layers_that_are_no_modules() -> None:
    """The parameters of a layer in the way of the course are found, saved and loaded."""
    layers = nn.Sequential(Foreign(), nn.ReLU(), Scale())
    assert names(layers) == ["0.0", "2.weight"]
    layers(tinytorch.ones(3)).sum().backward()
    assert all(parameter.grad is not None for parameter in layers.parameters())
    state = layers.state_dict()
    other = nn.Sequential(Foreign(), nn.ReLU(), Scale())
    other.load_state_dict({name: array + 1 for name, array in state.items()})
    assert other[0].gain.data == 4


def test_training() -> None:
    """`train` and `eval` reach all modules, and return the module."""
    outer = Outer()
    assert outer.rest[1].training
    assert outer.eval() is outer
    assert not any(module.training for module in outer.modules())
    assert outer.train() is outer
    assert all(module.training for module in outer.modules())
    assert Outer().training, "the class is as it was"


def test_apply() -> None:
    """`apply` calls the function on the inner modules first, and on the module itself last."""
    outer, seen = Outer(), []
    assert outer.apply(seen.append) is outer
    assert seen == [outer.first, outer.rest[0], outer.rest[1], outer.rest, outer]


def test_zero_grad() -> None:
    """`zero_grad` forgets the gradients of all parameters."""
    outer = Outer()
    for parameter in outer.parameters():
        parameter.grad = np.ones_like(parameter.data)
    outer.zero_grad()
    assert [parameter.grad for parameter in outer.parameters()] == [None] * 4


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"]
)
def test_copies(copied: Any) -> None:
    """A copy has parameters, buffers and modes of its own, and shares what was shared within."""
    outer = Outer().eval()
    outer.rest.append(outer.first)
    twin = copied(outer)
    assert names(twin) == names(outer)
    assert twin.rest[2] is twin.first
    assert not twin.rest[1].training
    assert [name for name, _ in twin.named_buffers()] == ["count", "cache"]
    twin.first.weight.data[:] = 9
    assert (outer.first.weight.data != 9).all()


def test_a_module_that_cannot_be_called() -> None:
    """Without a `forward`, the error says what to write, and names the class."""

    class Empty(nn.Module):
        """It says nothing of what it computes."""

    with pytest.raises(NotImplementedError, match=r"Empty .* does not define forward"):
        Empty()(1)


def test_arguments_are_handed_on() -> None:
    """A call hands all its arguments to `forward`, and back what that returns."""

    class Weighted(nn.Module):
        def forward(self, x: int, *, times: int) -> tuple[int, int]:
            return x, x * times

    assert Weighted()(2, times=3) == (2, 6)


def test_tree() -> None:
    """What is printed is the tree of the layers, functions by their names, nested ones indented."""
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), functions.silu, nn.Sequential(nn.Flatten(), nn.Dropout(0.1))
    )
    assert repr(model) == (
        "Sequential(\n"
        "  (0): Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))\n"
        "  (1): silu\n"
        "  (2): Sequential(\n"
        "    (0): Flatten(start_dim=1, end_dim=-1)\n"
        "    (1): Dropout(p=0.1)\n"
        "  )\n"
        ")"
    )
    assert repr(Scale()) == "Scale()"
    assert repr(nn.Sequential()) == "Sequential()"


def test_tree_with_options_and_layers() -> None:
    """A module with both shows what it says of itself first, and then its layers."""

    class Both(Outer):
        def extra_repr(self) -> str:
            return "size=2"

    assert repr(Both()).splitlines()[:3] == [
        "Both(",
        "  size=2",
        "  (first): Linear(in_features=3, out_features=2, bias=True)",
    ]
