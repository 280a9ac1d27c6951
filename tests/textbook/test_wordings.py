"""What clients of the course look for in the messages of errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tinytorch
from tinytorch import Tensor

tinytorch.enable_autograd(quiet=True)


def tensor(*shape: int) -> Tensor:
    return Tensor(np.ones(shape), requires_grad=True)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tensor(4, 2) @ tensor(3, 5), ["Inner dimensions must match", "2 ≠ 3"]),
        (lambda: tensor(4, 2).matmul(tensor(3)), ["Inner dimensions must match", "2 ≠ 3"]),
        (lambda: tensor(2, 3).reshape(2, 2), ["Total elements must match", "6 ≠ 4"]),
        (lambda: tensor(2, 3).reshape((4,)), ["Total elements must match", "6 ≠ 4"]),
        (lambda: tensor(2, 3).backward(), ["gradient", "(2, 3)"]),
        (lambda: (tensor(2) * 2).backward(np.ones(3)), ["shape", "(2,)", "(3,)"]),
    ],
)
def test_wrong_shapes(call: Callable[[], Any], words: list[str]) -> None:
    """Shapes that do not fit are a ValueError, which gives the numbers that differ."""
    with pytest.raises(ValueError, match=r"\(\d") as caught:
        call()
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("kind", [ValueError, RuntimeError])
def test_released_graph(kind: type[Exception]) -> None:
    """A second backward says what has happened, and what to do; no gradient has changed."""
    x = tensor(2)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(kind, match="released") as caught:
        y.backward()
    assert "retain_graph=True" in str(caught.value)
    assert x.grad.tolist() == [2.0, 2.0]


def test_released_tensors_of_a_record() -> None:
    """Nor are the saved tensors of a record that has been used handed out any more."""
    x = tensor(2)
    y = x * x
    node = y._grad_fn
    y.backward(np.ones(2))
    with pytest.raises(RuntimeError, match="released"):
        node.saved_tensors  # noqa: B018 - reading it is what fails


def test_retained_graph() -> None:
    """What the message advises works."""
    x = tensor(2)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 4.0]
