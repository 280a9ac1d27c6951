"""What an attached method looks like: the function itself, with its name, text and signature."""

from __future__ import annotations

import inspect
import pydoc

import pytest
from tinytorch import Tensor, enable_autograd

SOURCE = '''
import tinytorch
from tinytorch import Operation

def scale(x, factor: float = 2.0, *, offset: float = 0.0):
    """Factor times x, plus an offset."""
    return x * factor + offset

@tinytorch.hookimpl
def tinytorch_register_ops():
    return [Operation(scale, method="scaled", aliases=("zoom",))]
'''


@pytest.fixture
def tensor(site):
    """A tensor, with the operation above in use."""
    site.install("demo", SOURCE)
    enable_autograd(quiet=True)
    return Tensor([1.0])


def test_signature_and_docstring_are_the_function_s(tensor):
    """A method has the signature of the function without its tensor, and the same docstring."""
    method = tensor.scaled
    assert str(inspect.signature(method)) == "(factor: float = 2.0, *, offset: float = 0.0)"
    assert method.__doc__ == "Factor times x, plus an offset."
    assert method.__name__ == "scale"


def test_help_shows_the_operation(tensor):
    """help() of a method shows its signature and what it does."""
    text = pydoc.plain(pydoc.render_doc(tensor.scaled))
    assert "factor" in text
    assert "Factor times x, plus an offset." in text


def test_a_method_is_a_plain_function(tensor):
    """After registration nothing stands between a call and the function."""
    import demo

    assert vars(Tensor)["scaled"] is demo.scale
    assert tensor.scaled(3.0, offset=1.0).item() == 4.0


def test_an_alias_is_a_function_and_a_method(tensor):
    """Each alias is there as a method and in `tinytorch.ops`."""
    import tinytorch

    assert tensor.zoom().item() == 2.0
    assert tinytorch.ops.zoom is tinytorch.ops.scale
    assert not hasattr(tinytorch.ops, "scaled")
