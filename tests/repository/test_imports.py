"""What importing tinytorch costs, and what it does not."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import json, sys
import tinytorch
{use}
print(json.dumps(sorted(sys.modules)))
"""


def imported(use: str = "") -> set[str]:
    """Return the modules that a new interpreter has after importing tinytorch and `use`."""
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(use=use)], capture_output=True, check=True, text=True
    ).stdout
    return set(json.loads(printed))


LATER = {"pluggy", "importlib.metadata", "tinytorch_ops_nn", "tinytorch_ops_losses"}


def test_import() -> None:
    """Importing it looks for no plugin, and imports nothing that only plugins need."""
    assert LATER & imported() == set()


def test_arithmetic() -> None:
    """Nor do the operations of core, in either direction."""
    use = "x = tinytorch.Tensor([2.0], requires_grad=True); (x * 3 + 1).sum().backward()"
    assert LATER & imported(use) == set()


def test_first_use_of_a_plugin() -> None:
    """The first use of an operation of a plugin imports them: the tests above can fail."""
    assert imported("tinytorch.Tensor([1.0]).relu()") >= LATER
