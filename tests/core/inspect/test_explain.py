"""The story of a backward has the true numbers, and changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch
from tinytorch import Function, GradientError, Tensor, saved_tensors_hooks
from tinytorch.inspect import Step, explain, name


def leaf(value: Any, label: str) -> Tensor:
    return name(Tensor(value, requires_grad=True), label)


def test_the_whole_story() -> None:
    """For L = (x y + 5)² at x = 2 and y = 3 it ends at 66 and 44, and says how."""
    x, y = leaf(2.0, "x"), leaf(3.0, "y")
    text = str(explain(name((x * y + 5) ** 2, "L")))
    parts = [part.splitlines() for part in text.split("\n\n")]
    assert [part[0] for part in parts] == [
        "backward from L 5, which is 121",
        *("L 5", "add 4", "multiply 3", "x 1", "y 2"),
    ]
    assert parts[1][-2:] == [
        "    comes in: 1, with which backward begins",
        "    to add 4: g × 2 × a ^ 1 = 1 × 2 × 11 ^ 1 = 22",
    ]
    assert parts[2][-2:] == ["    comes in: 22 from L 5", "    to multiply 3: g = 22"]
    assert parts[3][1:] == [
        "    a b. Gradients: g b and g a.",
        "    comes in: 22 from add 4",
        "    to x 1: g × b = 22 × 3 = 66",
        "    to y 2: g × a = 22 × 2 = 44",
    ]
    assert parts[4][1:] == ["    comes in: 66 from multiply 3"]
    assert parts[5][1:] == ["    comes in: 44 from multiply 3"]
    assert (x.grad, y.grad) == (None, None)


def steps(of: Tensor, *arguments: Any, **keywords: Any) -> dict[str, Step]:
    return {step.title: step for step in explain(of, *arguments, **keywords).steps}


def test_what_adds_up() -> None:
    """Where gradients meet, the parts and the sum are told, and from where they came."""
    x = leaf(2.0, "x")
    story = steps(x * 3 + x * 4)
    assert story["x 1"].incoming == "4 + 3 = 7, added up from multiply 5 and multiply 3"


def test_the_same_input_twice() -> None:
    """An input that is used twice by one operation gets both of its gradients."""
    x = leaf(3.0, "x")
    assert steps(x * x)["x 1"].incoming == "3 + 3 = 6, added up from multiply 2"


def test_what_a_leaf_holds_already() -> None:
    """A gradient from an earlier backward, to which this one would be added, is told."""
    x = leaf(2.0, "x")
    y = x * 3
    y.backward(retain_graph=True)
    assert steps(y)["x 1"].incoming.endswith("its grad, 3, is from before")
    assert x.grad == 3


def test_what_is_summed() -> None:
    """Where an input was broadcast, the shape that is summed is told."""
    b = leaf([1.0, 2.0], "b")
    (add, _) = explain(tinytorch.ones(3, 2) + b, np.ones((3, 2))).steps
    assert add.outgoing == ["to b 1: g = [3, 3], summed from (3, 2)"]


def test_large_arrays() -> None:
    """Of large arrays shape, dtype and norm are told, and the formula in letters."""
    w = leaf(np.ones((20, 30), np.float32), "w")
    (_, matmul, _) = explain((tinytorch.ones(4, 20) @ w).sum()).steps
    assert matmul.outgoing == ["to w 2: aᵀ @ g = (20, 30) float32 of norm 97.98"]


def test_one_way() -> None:
    """With `to`, only what lies on the ways to one tensor is told."""
    x, y = leaf(2.0, "x"), leaf(3.0, "y")
    story = steps((x.exp() * y).exp(), to=y)
    assert list(story) == ["exp 5", "multiply 4", "y 3"]
    assert len(story["multiply 4"].outgoing) == 1


def test_a_tensor_elsewhere() -> None:
    """With a tensor to which no way leads, it says so."""
    x, y = leaf(2.0, "x"), leaf(3.0, "y")
    with pytest.raises(GradientError, match="no way"):
        explain(x * 2, to=y)


def test_numbers_below_zero() -> None:
    """Formulas stay right with negative numbers in them."""
    x, y = leaf(-2.0, "x"), leaf(-3.0, "y")
    assert steps(x * y)["multiply 3"].outgoing == [
        "to x 1: g × b = 1 × (-3) = -3",
        "to y 2: g × a = 1 × (-2) = -2",
    ]


def test_quotients() -> None:
    """Brackets stand where they have to."""
    x, y = leaf(1.0, "x"), leaf(2.0, "y")
    assert steps(x / y)["divide 3"].outgoing == [
        "to x 1: g / b = 1 / 2 = 0.5",
        "to y 2: (-g / b) × out = (-1 / 2) × 0.5 = -0.25",
    ]


class CubeBackward(Function):
    def apply(self, grad_output: Any) -> Any:
        (x,) = self.saved_tensors
        return (grad_output * 3 * x.data**2,)


def test_the_textbooks_form() -> None:
    """Rules that are attached by hand are written out as well."""
    x = leaf(2.0, "x")
    y = Tensor(x.data**3)
    y._grad_fn = CubeBackward(x)
    assert steps(y)["cube 2"].outgoing == ["to x 1: g × 3 × x0 ^ 2 = 1 × 3 × 2 ^ 2 = 12"]


class OwnWayBackward(Function):
    """2 x, by a rule that insists on arrays. Gradient: 2 g."""

    def forward(self, x: Any) -> Any:
        return 2 * x

    def apply(self, grad_output: Any) -> Any:
        result = np.empty_like(grad_output)
        np.multiply(grad_output, 2, out=result)
        return result


def test_rules_that_cannot_be_written_out() -> None:
    """Of a rule that does what symbols cannot do, the numbers alone are told."""
    assert steps(OwnWayBackward.call(leaf(2.0, "x")))["own_way 2"].outgoing == ["to x 1: 2"]


class ForgetfulBackward(Function):
    """Drops what was multiplied, if it is no array. Gradient: 3 g."""

    def forward(self, x: Any) -> Any:
        return 3 * x

    def apply(self, grad_output: Any) -> Any:
        return grad_output * (3 if isinstance(grad_output, np.ndarray) else 4)


def test_formulas_that_are_not_true() -> None:
    """A formula that gives something else than the rule gave is left out."""
    assert steps(ForgetfulBackward.call(leaf(2.0, "x")))["forgetful 2"].outgoing == ["to x 1: 3"]


def test_packed_arrays() -> None:
    """Arrays that hooks have packed are unpacked for it, as in backward."""
    x = leaf(2.0, "x")
    with saved_tensors_hooks(lambda array: [array], lambda packed: packed[0]):
        y = x * x
    assert steps(y)["x 1"].incoming.startswith("2 + 2 = 4")


def test_again() -> None:
    """It can be told again, and backward can be run after it."""
    x = leaf(2.0, "x")
    y = x * x
    assert str(explain(y)) == str(explain(y))
    y.backward()
    assert x.grad == 4
    with pytest.raises(GradientError, match="retain_graph=True"):
        explain(y)


def test_seeds() -> None:
    """A tensor of several elements needs the gradient to begin with, which is told."""
    x = leaf([1.0, 2.0], "x")
    with pytest.raises(GradientError, match="gradient to start from"):
        explain(x * 2)
    (multiply, _) = explain(x * 2, [3.0, 4.0]).steps
    assert multiply.incoming == "[3, 4], with which backward begins"


def test_a_leaf() -> None:
    """The story of a leaf is short."""
    assert str(explain(leaf(2.0, "x"))) == (
        "backward from x 1, which is 2\n\nx 1\n    comes in: 1, with which backward begins"
    )


def test_deep_graphs() -> None:
    """Nothing is recursive."""
    y = leaf(1.0, "x")
    for _ in range(5_000):
        y = y + 0.001
    assert len(explain(y).steps) == 5_001
