"""What is public is documented, in the form that the documentation and the tables are made from."""

from __future__ import annotations

import builtins
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import numpy.exceptions
import pytest
import tinytorch
from tinytorch import Function, Operation, Tensor
from tinytorch.operation import registry

OURS = tuple(path.name for path in Path(__file__).parents[2].glob("packages/*/src/tinytorch*"))

tinytorch.enable_autograd(quiet=True, strict=True)


def modules() -> Iterator[Any]:
    for name in OURS:
        package = import_module(name)
        yield package
        for found in walk_packages(package.__path__, f"{name}."):
            if not found.name.endswith("__main__"):
                yield import_module(found.name)


RULES = {
    value
    for module in modules()
    for value in vars(module).values()
    if inspect.isclass(value) and issubclass(value, Function) and value.apply is not Function.apply
}
OPERATIONS = {op for op in registry.operations.values() if op.function.__module__.startswith(OURS)}
PUBLIC = {
    **{
        f"{module}.{name}": getattr(import_module(module), name)
        for module in OURS
        for name in import_module(module).__all__
    },
    **{f"tinytorch.ops.{op.name}": op.function for op in OPERATIONS},
}

each_operation = pytest.mark.parametrize(
    "operation", sorted(OPERATIONS, key=lambda op: op.name), ids=lambda op: op.name
)


def sections(documented: Any) -> dict[str, str]:
    """Return the text of each section of a numpydoc docstring; that before the first under ""."""
    text = f"{inspect.getdoc(documented) or ''}\n"
    parts = re.split(r"^(\w[\w ]*)\n-+\n", text, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def entries(section: str) -> list[str]:
    """Return the names that a section describes: what its lines without indent have before ':'."""
    heads = re.findall(r"^(\S.*)$", section, flags=re.MULTILINE)
    return [name.strip(" *") for head in heads for name in head.split(" : ")[0].split(",")]


@pytest.mark.parametrize(
    "rule", sorted(RULES, key=lambda rule: rule.__name__), ids=lambda r: r.__name__
)
def test_rule(rule: type[Function]) -> None:
    """A Function's own docstring states the formula first, and then the gradient."""
    formula, gradient, _ = re.split(
        r"(\bGradients?\b.*)", rule.__dict__["__doc__"] or "", maxsplit=1, flags=re.DOTALL
    )
    assert formula.strip()
    assert len(gradient.split()) > 1


@each_operation
def test_errors(operation: Operation) -> None:
    """Each error that an operation is known to raise stands in its docstring, or a base of it."""
    documented = tuple(
        getattr(builtins, name, None) or getattr(numpy.exceptions, name)
        for name in entries(sections(operation.function).get("Raises", ""))
    )
    for bad in operation.bad_inputs:
        assert issubclass(bad.error, documented), bad


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public(name: str) -> None:
    """What is public has a docstring whose first line is a sentence."""
    public = PUBLIC[name]
    if inspect.isroutine(public) or inspect.isclass(public):
        assert re.fullmatch(r".+\.", sections(public)[""].splitlines()[0])


@pytest.mark.parametrize(
    "name", sorted(n for n, value in PUBLIC.items() if inspect.isfunction(value))
)
def test_public_function(name: str) -> None:
    """A public function describes each of its parameters, and has an example."""
    found = sections(PUBLIC[name])
    assert "Examples" in found
    parameters = inspect.signature(PUBLIC[name]).parameters
    assert set(entries(found.get("Parameters", ""))) == set(parameters)


@each_operation
def test_result(operation: Operation) -> None:
    """The docstring of an operation describes the result, and says what its gradient is."""
    found = sections(operation.function)
    assert "Returns" in found
    assert "gradient" in found["Returns"]


def test_methods_of_tensor() -> None:
    """Each public method and property of Tensor has a docstring, whoever provides it."""
    bare = [
        name
        for name in dir(Tensor)
        if not name.startswith("_") and not inspect.getdoc(getattr(Tensor, name))
    ]
    assert bare == []
