"""The plugin as its users see it, and the kit that core has for its author."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest
import tinytorch
from tinytorch import Tensor
from tinytorch.testing import Check, parametrize_op_checks
from tinytorch_softramp import SoftrampBackward, softramp


def listing(command):
    """What the command line says of this distribution."""
    arguments = [sys.executable, "-m", "tinytorch", command, "--json"]
    output = subprocess.run(arguments, capture_output=True, check=True, text=True).stdout
    return [row for row in json.loads(output) if row["distribution"] == "tinytorch-softramp"]


@parametrize_op_checks("tinytorch-softramp")
def test_the_kit_accepts_the_distribution(check: Check):
    """Each check of core's kit, central differences among them, runs on every sample and passes."""
    check.run()


def test_method_and_function():
    """`x.softramp()`, `tinytorch.ops.softramp` and the package's own function are one."""
    x = Tensor([-1.0, 0.0, 2.0])
    expected = softramp(x).tolist()
    assert x.softramp().tolist() == expected
    assert tinytorch.ops.softramp is softramp
    np.testing.assert_allclose(expected, np.log1p(np.exp([-1.0, 0.0, 2.0])), rtol=1e-6)


def test_gradient_is_the_sigmoid():
    """The gradient through the method is sigmoid(x) times what comes in."""
    x = Tensor(np.array([-3.0, 0.0, 0.5]), requires_grad=True)
    weights = np.array([0.7, -2.0, 1.1])
    y = x.softramp()
    assert isinstance(y.grad_fn, SoftrampBackward)
    y.backward(weights)
    np.testing.assert_allclose(x.grad, weights / (1 + np.exp(-x.data)))


def test_it_is_found_without_being_imported():
    """A program that imports core alone has the method."""
    program = "import tinytorch; print(tinytorch.Tensor([0.0]).softramp().item())"
    output = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert float(output) == pytest.approx(np.log(2))


def test_the_command_line_lists_it():
    """`python -m tinytorch plugins` and `ops` name the distribution, its version and its op."""
    (plugin,) = listing("plugins")
    assert plugin["status"] == "loaded", plugin["error"]
    assert plugin["version"] == version("tinytorch-softramp")
    assert plugin["operations"] == ["softramp"]
    assert plugin["file"].endswith("plugin.py")
    (operation,) = listing("ops")
    assert operation["name"] == operation["method"] == "softramp"
    assert operation["summary"] == "Smooth rectifier log(1 + e^x), elementwise."
    assert operation["file"].endswith("operation.py")
