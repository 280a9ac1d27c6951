"""What type checkers read of core's methods, in a stub, is what the program has."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import tinytorch
from tinytorch import Tensor
from tinytorch.operation import CORE, registry

STUB = Path(tinytorch.__file__).with_name("_methods.pyi")


def declared() -> dict[str, Any]:
    """Run the stub, and return the methods that it declares."""
    namespace: dict[str, Any] = {"__name__": "tinytorch._methods", "__package__": "tinytorch"}
    exec(compile(STUB.read_text("utf-8"), str(STUB), "exec"), namespace)
    return {
        name: method
        for name, method in vars(namespace["CoreMethods"]).items()
        if inspect.isfunction(method)
    }


def attached() -> dict[str, Any]:
    """Return the methods that core's operations provide."""
    operations = {op for name, op in registry.operations.items() if registry.owners[name] == CORE}
    return {name: op.function for op in operations for name in op.method_names}


def signature(method: Any) -> list[Any]:
    """Return what matters to a caller of a method: all but the name of the tensor itself."""
    given = inspect.signature(method, eval_str=True)
    parameters = list(given.parameters.values())[1:]
    return [
        *((p.name, p.kind, p.default, p.annotation) for p in parameters),
        given.return_annotation,
    ]


def is_operator(name: str) -> bool:
    return name.startswith("__")


def test_methods() -> None:
    """Each method of core is declared, with the parameters, defaults and types of its function."""
    stub = {name: method for name, method in declared().items() if not is_operator(name)}
    methods = attached()
    assert stub.keys() == methods.keys()
    for name, function in methods.items():
        assert signature(stub[name]) == signature(function), name


def test_operators() -> None:
    """Each operator that is attached to the class is declared, with the same parameters.

    Those that work in place are not: without them Python, and a type checker, take the plain one.
    """
    made_in_a_loop = {
        name
        for name in dir(Tensor)
        if "<locals>" in getattr(getattr(Tensor, name), "__qualname__", "")
        and not name.startswith("__i")
    }
    stub = {name: method for name, method in declared().items() if is_operator(name)}
    assert made_in_a_loop - stub.keys() == set()
    for name, method in stub.items():
        assert len(signature(method)) == len(signature(getattr(Tensor, name))), name
