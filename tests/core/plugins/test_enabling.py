"""When plugins are looked for, and that looking is all or nothing."""

from __future__ import annotations

import copy
import pickle
import sys

import numpy as np
import pytest
import tinytorch
from tinytorch import Tensor, enable_autograd
from tinytorch.operation import registry


def test_importing_imports_no_plugin_machinery(site):
    """`import tinytorch` adds neither pluggy nor importlib.metadata to what NumPy imports."""
    printed = site.program(
        """
        import sys
        import numpy
        before = set(sys.modules)
        import tinytorch
        added = set(sys.modules) - before
        print(sorted(added & {"pluggy", "importlib.metadata", "difflib"}))
        """
    )
    assert printed == "[]"


def test_arithmetic_needs_no_discovery(site):
    """Core's operations, a backward pass and printing look for no plugins."""
    site.install("broken", "raise SystemExit")
    printed = site.program(
        """
        import sys
        import tinytorch
        x = tinytorch.Tensor([[1.0, 2.0]], requires_grad=True)
        y = (x @ x.T * 3 - 1).exp().sum().log()
        y.backward()
        repr(y), str(x.grad), len(x), tinytorch.ops.exp(x), x.mean().item()
        print("pluggy" in sys.modules, tinytorch.operation.registry.enabled)
        """
    )
    assert printed == "False False"


@pytest.mark.parametrize("ask", ["tensor", "function", "dir"])
def test_the_first_name_that_core_lacks_enables(site, source, ask):
    """A method, a function of `tinytorch.ops` and its listing each look for plugins."""
    site.install("demo", source("double"))
    assert not registry.enabled
    if ask == "tensor":
        assert Tensor([1.0]).double().item() == 2.0
    elif ask == "function":
        assert tinytorch.ops.double(Tensor([1.0])).item() == 2.0
    else:
        assert "double" in dir(tinytorch.ops)
    assert registry.enabled


def test_importing_an_op_package_needs_no_discovery(site, source):
    """A function that is imported from its package works with no plugin looked for."""
    site.write("demo/__init__.py", source("double"))
    site.distribution("demo", "demo = demo")
    import demo

    assert demo.double(Tensor([1.0])).item() == 2.0
    assert not registry.enabled


PROBES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "numpy": lambda x: (np.asarray(x), np.array([x.data]), np.exp(x.data), np.shape(x)),
    "notebook": lambda x: [
        hasattr(x, name)
        for name in (
            "_repr_html_",
            "_repr_mimebundle_",
            "_ipython_display_",
            "_ipython_canary_method_should_not_exist_",
        )
    ],
    "dir": dir,
    "hash": hash,
    "repr": repr,
    "a missing dunder": lambda x: hasattr(x, "__dataframe__"),
    "ops": lambda x: hasattr(tinytorch.ops, "_ipython_display_"),
}


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES)
def test_probes_look_for_no_plugins(site, probe):
    """What copy, pickle, NumPy and notebooks ask a tensor for triggers no discovery."""
    probe(Tensor([1.0, 2.0]))
    assert not registry.enabled


def test_a_second_call_does_nothing(site, source, capsys):
    """The first call says what it did, unless quiet; a second one is silent and finds no more."""
    site.install("demo", source("double"))
    enable_autograd()
    assert "1 of demo 1.0" in capsys.readouterr().out
    site.install("later", source("triple"))
    enable_autograd()
    assert capsys.readouterr().out == ""
    assert not hasattr(Tensor([1.0]), "triple")


def test_quiet_prints_nothing(site, capsys):
    """With quiet=True nothing is printed."""
    enable_autograd(quiet=True)
    assert capsys.readouterr() == ("", "")


def test_an_interrupted_import_enables_nothing(site, source):
    """KeyboardInterrupt in a plugin's import reaches the program; the next use starts over."""
    pulling = "import switch\nif switch.interrupt: raise KeyboardInterrupt"
    site.write("switch.py", "interrupt = True")
    site.install("demo", source("double"))
    site.install("slow", source("triple", factor=3, before=pulling))
    with pytest.raises(KeyboardInterrupt):
        Tensor([1.0]).double()
    assert not registry.enabled
    assert "double" not in vars(Tensor)
    sys.modules["switch"].interrupt = False
    assert Tensor([1.0]).triple().item() == 3.0
