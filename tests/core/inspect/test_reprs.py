"""How tensors, nodes and the registry look in a notebook."""

from __future__ import annotations

import tinytorch
from tinytorch import Tensor
from tinytorch.inspect import name
from tinytorch.operation import registry


def test_a_tensor() -> None:
    """A tensor shows its name, shape, dtype, maker, gradient and values."""
    x = name(Tensor([1.0, 2.0], requires_grad=True), "<x>")
    (x * 3).backward([1.0, 1.0])
    html = x._repr_html_()
    assert html == (
        "<b>Tensor &lt;x&gt;</b> (2,) float32, requires a gradient, gradient of norm 4.24"
        "<pre>[1. 2.]</pre>"
    )
    assert "made by multiply of tinytorch-core" in (x * 3)._repr_html_()
    assert Tensor([1])._repr_html_() == "<b>Tensor</b> (1,) float32<pre>[1.]</pre>"


def test_a_node() -> None:
    """A node shows its rule, its parameters, its inputs and what it saved."""
    x = tinytorch.ones(2, 2, requires_grad=True)
    node = (x * 3).grad_fn
    html = node._repr_html_()
    assert "MulBackward of tinytorch-core, result (2, 2) float32" in html
    assert "a b. Gradients: g b and g a." in html
    assert "inputs: AccumulateGrad(shape=(2, 2)), no gradient" in html
    assert "input 1: () float32\n3." in html
    assert "axis = 1" in x.sum(axis=1).grad_fn._repr_html_()


def test_a_node_alone() -> None:
    """A node that is made by hand, and stands for no tensor yet, shows what there is."""
    x = Tensor([1.0], requires_grad=True)
    assert "MulBackward" in tinytorch.MulBackward(x, x)._repr_html_()


def test_the_registry() -> None:
    """The registry shows each distribution with its operations, and says in a line how many."""
    html = registry._repr_html_()
    assert "tinytorch-core: " in html
    assert "<code>matmul</code>" in html
    assert "Matrix product" in html
    assert repr(registry).startswith("Registry(")
    assert "tinytorch-core" in repr(registry)
