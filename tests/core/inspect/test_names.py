"""Names of tensors stay as long as there is something that has them."""

from __future__ import annotations

import gc
import weakref

import pytest
import tinytorch
from tinytorch import Tensor
from tinytorch.inspect import draw, memory, name, names


def test_it_returns_the_tensor() -> None:
    """A tensor is named where it is made."""
    x = Tensor([1.0])
    assert name(x, "x") is x


def test_leaves_data_and_results() -> None:
    """Parameters, data and results of operations are called by their names in pictures."""
    w = name(Tensor([[2.0], [1.0]], requires_grad=True), "w")
    hidden = name(name(tinytorch.ones(3, 2), "data x") @ w, "hidden")
    text = str(draw(hidden.sum()))
    assert all(label in text for label in ("w  ", "data x", "hidden = matmul(1, 2)"))


def test_a_later_name() -> None:
    """A later name replaces the first."""
    x = name(name(Tensor([1.0], requires_grad=True), "first"), "second")
    assert "second" in str(draw(x))
    assert "first" not in str(draw(x))


def test_gradients_asked_for_later() -> None:
    """A tensor keeps its name when it comes to require gradients, or gets another array."""
    x = name(Tensor([1.0]), "x")
    x.requires_grad = True
    x.data = x.data * 2
    assert str(draw(x)).split()[1] == "x"


def test_tensors_that_are_gone() -> None:
    """What a function named inside keeps its name in the graph when the function has returned."""

    def layer(x: Tensor) -> Tensor:
        w = name(tinytorch.ones(2, 2, requires_grad=True), "w")
        return name(name(x, "x") @ w, "hidden").exp()

    y = layer(tinytorch.ones(3, 2, requires_grad=True))
    gc.collect()
    assert {"x", "w", "hidden"} <= {
        word for line in str(draw(y)).splitlines() for word in line.split()
    }
    assert {"x", "w"} <= {buffer.name for buffer in memory(y).buffers}


def test_nothing_is_kept() -> None:
    """A name keeps nothing alive, and is forgotten with what had it."""
    before = len(names._named)
    x = name(Tensor([1.0], requires_grad=True), "x")
    y = name(x * 2, "y")
    gone = weakref.ref(x), weakref.ref(y.data)
    del x, y
    gc.collect()
    assert [reference() for reference in gone] == [None, None]
    assert len(names._named) == before


def test_what_is_no_tensor() -> None:
    """An array is refused: nothing would ever be called by its name."""
    with pytest.raises(TypeError, match="ndarray"):
        name(Tensor([1.0]).data, "x")  # type: ignore[type-var]
