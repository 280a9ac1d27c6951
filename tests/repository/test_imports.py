"""What importing tinytorch costs, and what it does not."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import tinytorch

PROGRAM = """
import json, sys
import numpy
of_numpy = set(sys.modules)
import tinytorch
{use}
print(json.dumps(sorted(set(sys.modules) - of_numpy)))
"""


def imported(use: str = "") -> set[str]:
    """Return the modules that tinytorch and `use` import in a new interpreter, beside NumPy's."""
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(use=use)], capture_output=True, check=True, text=True
    ).stdout
    return set(json.loads(printed))


LATER = {"pluggy", "importlib.metadata", "tinytorch_ops_nn", "tinytorch_ops_losses"}


NOT_AT_ONCE = {
    *("numpy.random", "numpy.typing", "threading"),
    *(f"tinytorch.{name}" for name in tinytorch.LATER),
}
"""What would make up most of the time of the import, and many programs need none of."""


def test_import() -> None:
    """Importing it looks for no plugin, and imports nothing that waits for its first use."""
    assert (LATER | NOT_AT_ONCE) & imported() == set()


@pytest.mark.parametrize("module", tinytorch.LATER)
def test_names_that_wait(module: str) -> None:
    """What waits is imported by the use of one of its names, or of its own."""
    for name in (module, *tinytorch.LATER[module][:1]):
        assert f"tinytorch.{module}" in imported(f"tinytorch.{name}")


def test_names_are_listed() -> None:
    """What waits is listed all the same, as in a notebook's completion."""
    assert {name for names in tinytorch.LATER.values() for name in names} <= set(dir(tinytorch))


def test_samples() -> None:
    """The samples of core's operations draw random numbers when they are asked for."""
    use = "tinytorch.Operation.make_samples(tinytorch.registry.operations['add'])"
    assert "numpy.random", "numpy.typing" in imported(use)


def test_arithmetic() -> None:
    """Nor do the operations of core, in either direction."""
    use = "x = tinytorch.Tensor([2.0], requires_grad=True); (x * 3 + 1).sum().backward()"
    assert LATER & imported(use) == set()


def test_first_use_of_a_plugin() -> None:
    """The first use of an operation of a plugin imports them: the tests above can fail."""
    assert imported("tinytorch.Tensor([1.0]).relu()") >= LATER
