"""Write the pages of all operations, beside this file: ``nox -s reference``.

What they say is in the code: a Backward class states formula and gradient in its docstring, and a
composition has its formula in the first line of its function's docstring, and its gradient in the
section "Returns".
"""

from __future__ import annotations

import inspect
import re
import sys
import tomllib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tinytorch
from tinytorch import Operation
from tinytorch.operation import registry

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.parents[1].glob("packages/*/pyproject.toml"))
PROJECTS = [tomllib.loads(path.read_text("utf-8"))["project"] for path in FILES]
DISTRIBUTIONS = [project["name"] for project in PROJECTS if "entry-points" in project]

NOTICE = "<!-- Written by `nox -s reference` from the code: change docstrings, not this page. -->"
INDEX = f"""{NOTICE}

# Operations

Every operation of these distributions, in families: its formula and its gradient, whether its
second derivative is claimed (and then tested), its counterpart in PyTorch, and the NumPy functions
that it stands for when they are called on tensors. [differences.md](../differences.md) says where
an operation is not as its counterpart is. How to call one, with an example, is in its docstring:
`help(tinytorch.ops.relu)`. A family is a module: `relu` can be read in `rectifiers.py`.
`python -m tinytorch ops` lists what is installed, other people's operations too.

In the formulas x is the input, y the output, and g the gradient of the output, G where it is a
matrix. Small letters are multiplied elementwise, capital ones as matrices. A rule that several
operations share is stated as it is for all of them.
"""


class Rule(NamedTuple):
    formula: str
    gradient: str
    """With the word first, "Gradient: g (1 - y²)." for example."""


def rule(operation: Operation) -> Rule:
    """Return the formula of an operation and its gradient; an empty string is one not stated."""
    if operation.backward is None:
        # The first line of the section is the type.
        returns = re.search(r"\nReturns\n-+\n.*\n((?:    .*\n)+)", f"{doc(operation)}\n")
        sentences = re.split(r"(?<=\.) ", one_line(returns[1] if returns else ""))
        gradient = " ".join(s for s in sentences if "gradient" in s)
        return Rule(summary(operation), gradient and f"Gradient: {gradient}")
    stated = one_line(inspect.getdoc(operation.backward) or "")
    formula, *gradients = re.split(r"\b(?=Gradients?\b)", stated, maxsplit=1)
    return Rule(formula.strip(), "".join(gradients))


def doc(operation: Operation) -> str:
    return inspect.getdoc(operation.function) or ""


def summary(operation: Operation) -> str:
    return one_line(doc(operation).partition("\n")[0])


def one_line(text: str) -> str:
    """Return a text of docstrings in Markdown, without line breaks."""
    return " ".join(text.split()).replace("``", "`")


def operations(distribution: str) -> list[Operation]:
    """Return the operations of a distribution, in the order in which it registers them."""
    tinytorch.enable_autograd(quiet=True, strict=True)
    return [
        operation
        for name, operation in registry.operations.items()
        if registry.owners[name].distribution == distribution and name == operation.name
    ]


def families(distribution: str) -> Iterator[tuple[str, list[Operation]]]:
    """Yield the modules that operations of a distribution are in, and their operations."""
    for module, members in groupby(operations(distribution), lambda o: o.function.__module__):
        yield module, list(members)


def family(module: str) -> str:
    return module.rpartition(".")[2]


def numpy_name(function: object) -> str:
    name: str = getattr(function, "__name__", "")
    return f"np.linalg.{name}" if getattr(np.linalg, name, None) is function else f"np.{name}"


def entry(operation: Operation) -> Iterator[str]:
    """Yield the lines on one operation."""
    formula, gradient = rule(operation)
    yield f"### {operation.name}\n"
    if formula != summary(operation):
        yield f"{summary(operation)}\n"
    yield f"- Formula: {formula}"
    yield f"- {gradient}"
    yield f"- Twice differentiable: {'yes' if operation.twice_differentiable else 'no'}"
    further = {
        "Method": [f"x.{name}" for name in operation.method_names[:1]],
        "Also called": operation.aliases,
        "PyTorch": [f"torch.{operation.torch}"] if operation.torch else [],
        "NumPy": [numpy_name(function) for function in operation.numpy_functions],
    }
    for what, names in further.items():
        if names:
            yield f"- {what}: {', '.join(f'`{name}`' for name in names)}"


def page(distribution: str) -> Iterator[str]:
    """Yield the lines on one distribution."""
    yield f"{NOTICE}\n\n# Operations of {distribution}\n"
    yield "[Operations](README.md) says how to read this page."
    for module, members in families(distribution):
        yield f"\n## {family(module)}\n"
        yield one_line((sys.modules[module].__doc__ or "").partition("\n")[0])
        for operation in members:
            yield ""
            yield from entry(operation)


def index() -> Iterator[str]:
    """Yield the lines that point at all operations."""
    yield INDEX.rstrip()
    for distribution in DISTRIBUTIONS:
        file = f"{distribution}.md"
        yield f"\n## {distribution}\n\n| family | operations |\n|---|---|"
        for module, members in families(distribution):
            names = ", ".join(f"[{o.name}]({file}#{o.name})" for o in members)
            yield f"| [{family(module)}]({file}#{family(module)}) | {names} |"


def pages() -> dict[str, str]:
    """Return the text of every page by its file name."""
    texts = {f"{distribution}.md": page(distribution) for distribution in DISTRIBUTIONS}
    return {
        name: "\n".join(lines) + "\n" for name, lines in {"README.md": index(), **texts}.items()
    }


if __name__ == "__main__":
    for name, text in pages().items():
        FOLDER.joinpath(name).write_text(text, "utf-8")
