"""What nobody asks for costs nothing."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, tinytorch
x = tinytorch.ones(2, requires_grad=True)
(x * 3 + 1).exp().sum().backward()
repr(x)
assert not any(name.startswith("tinytorch.inspect") for name in sys.modules), "imported"

def methods():
    owners = [tinytorch.Tensor, tinytorch.Function, *tinytorch.Function.__subclasses__()]
    return {(owner, name): value for owner in owners for name, value in vars(owner).items()}

before = methods()
USE
assert any(name.startswith("tinytorch.inspect.") for name in sys.modules), "not imported"
assert not {"pygraphviz", "sqlite3", "asyncio"} & {*sys.modules}, "more than needed"
after = methods()
assert all(after[key] is value for key, value in before.items()), "a method is another"
"""
USES = {
    "import": "tinytorch.inspect",
    "draw": "print(tinytorch.inspect.draw(x * 3))",
    "memory": "print(tinytorch.inspect.memory(x * 3))",
    "explain": "print(tinytorch.inspect.explain(x * 3, [1.0, 1.0]))",
    "notebook": "x._repr_html_()",
}


def test_it_is_imported_when_it_is_used() -> None:
    """Operations, backward and printing import none of it; its use does, and changes no method."""
    for use in USES.values():
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.replace("USE", use)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
