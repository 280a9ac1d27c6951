"""Stubs for what is installed, so that type checkers and editors know the methods of plugins.

A program gets these methods when it runs. The folder ``tinytorch-stubs`` tells a type checker
beforehand: it is a partial stub package (PEP 561), whose modules stand in for core's modules of
the same name, while everything else comes from core.
"""

from __future__ import annotations

import ast
import inspect
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import distribution
from inspect import Parameter
from keyword import iskeyword
from operator import attrgetter
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ForwardRef,
    Literal,
    Union,
    get_args,
    get_origin,
)

import numpy.typing as npt

from .operation import CORE, Operation

if TYPE_CHECKING:
    from .discovery import PluginReport

PACKAGE = "tinytorch-stubs"
FIRST_LINE = "# Written by `python -m tinytorch stubs`: run it again when op packages come or go.\n"
NONE = Parameter.empty
"""What inspect has in the place of an annotation or a default that is not there."""


def write_stubs(reports: Iterable[PluginReport], output: Path | None = None) -> list[Path]:
    """Write the folder ``tinytorch-stubs`` anew, and return its files.

    Parameters
    ----------
    reports : iterable of PluginReport
        What `tinytorch.plugins.examine` found. Plugins that did not load are left out.
    output : Path, optional
        Where the folder shall lie. By default beside the installed core, where mypy, pyright and
        editors find it. In ``typings`` pyright finds it without being told, and in a folder that is
        named by PYTHONPATH all do.

    Raises
    ------
    OSError
        If the folder cannot be written, or is somebody else's.
    """
    loaded = [report for report in reports if report.status == "loaded"]
    operations = [operation for report in loaded for operation in report.operations]
    attached = [op for report in loaded if report.plugin != CORE for op in report.operations]
    plugins = ", ".join(str(report.plugin) for report in loaded)
    header = f"{FIRST_LINE}# Of {plugins}.\n# mypy: disable-error-code=type-arg\n"
    files = {
        "_attached.pyi": header + _methods(attached),
        "ops.pyi": header + _functions(operations),
        # Beside a partial stub package pyright sees none of the stubs that core itself has.
        "_methods.pyi": Path(__file__).with_name("_methods.pyi").read_text("utf-8"),
        "py.typed": "partial\n",
    }
    folder = _folder(output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8", newline="\n")
    except OSError as error:
        raise OSError(
            f"stubs: {folder} cannot be written ({error}); name a folder where it shall lie: "
            "python -m tinytorch stubs --output typings"
        ) from error
    return [folder / name for name in files]


def remove_stubs(output: Path | None = None) -> list[Path]:
    """Remove the folder that `write_stubs` made, if it is there, and return what was removed.

    Parameters
    ----------
    output : Path, optional
        What `write_stubs` was given.

    Raises
    ------
    OSError
        If the folder cannot be removed, or is somebody else's.
    """
    folder = _folder(output)
    files = sorted(folder.glob("*"))
    if files:
        shutil.rmtree(folder)
    return files


def _folder(output: Path | None) -> Path:
    """Return the folder of the stubs, unless it is somebody else's."""
    place = Path(str(distribution("tinytorch-core").locate_file(""))) if output is None else output
    folder = place / PACKAGE
    attached = folder / "_attached.pyi"
    is_ours = attached.is_file() and attached.read_text("utf-8").startswith(FIRST_LINE)
    if any(folder.glob("*")) and not is_ours:
        raise FileExistsError(
            f"stubs: {folder} was not written by this command, and is left as it is; remove it, or "
            "name another place: python -m tinytorch stubs --output typings"
        )
    return folder


def _methods(operations: Iterable[Operation]) -> str:
    """The source of the stub that declares the methods of plugins."""
    methods = {name: op.function for op in operations for name in op.method_names}
    stub = _Stub(methods)
    base = stub.name("tinytorch._methods", "CoreMethods")
    members = stub.definitions(methods, indent="    ", method=True) or ["    ..."]
    return "\n".join([*stub.imports(), "", f"class AttachedMethods({base}):", *members, ""])


def _functions(operations: Iterable[Operation]) -> str:
    """The source of the stub of `tinytorch.ops`."""
    functions = {name: op.function for op in operations for name in op.function_names}
    stub = _Stub(functions)
    definitions = stub.definitions(functions)
    return "\n".join([*stub.imports(), "", *definitions, ""])


class _Source(str):
    """Source, which stands without quotation marks in the text of a signature."""

    def __repr__(self) -> str:
        return str(self)


class _Stub:
    """One stub: the definitions in it, and the names that they need.

    Definitions take the names of operations, which may be called `float`, say. A type of that name
    is then imported under another.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._names: dict[tuple[str, str], str] = {}

    def name(self, module: str, qualified: str) -> str:
        """Return the name under which the stub has an object of a module."""
        outer, dot, inner = qualified.partition(".")
        if (module, outer) not in self._names:
            name = outer
            while name in self._taken:
                name = f"_{name}"
            self._taken.add(name)
            self._names[module, outer] = name
        return self._names[module, outer] + dot + inner

    def imports(self) -> list[str]:
        """Return the statements that import all names asked for so far."""
        return [
            f"from {module} import {outer}" + (f" as {name}" if name != outer else "")
            for (module, outer), name in sorted(self._names.items())
            if (module, name) != ("builtins", outer)
        ]

    def definitions(
        self, functions: dict[str, Callable[..., Any]], *, indent: str = "", method: bool = False
    ) -> list[str]:
        """Return a definition for each function that can be called by its name."""
        return [
            f"{indent}def {name}{self._signature(function, method)}:\n{indent}    {_body(function)}"
            for name, function in sorted(functions.items())
            if not name.startswith("_") and not iskeyword(name)  # core declares operators
        ]

    def _signature(self, function: Callable[..., Any], method: bool) -> str:
        try:
            given = inspect.signature(function)
            namespace = getattr(sys.modules.get(function.__module__), "__dict__", {})
            parameters = [self._parameter(p, namespace) for p in given.parameters.values()]
            return str(
                given.replace(
                    parameters=_bound(parameters) if method else parameters,
                    return_annotation=self._annotation(given.return_annotation, namespace),
                )
            )
        except Exception:  # a plugin may give a function any signature
            any_ = self.name("typing", "Any")
            return f"({'self, ' if method else ''}*args: {any_}, **kwargs: {any_}) -> {any_}"

    def _parameter(self, parameter: Parameter, namespace: dict[str, Any]) -> Parameter:
        return parameter.replace(
            annotation=self._annotation(parameter.annotation, namespace),
            default=NONE if parameter.default is NONE else _Source("..."),
        )

    def _annotation(self, annotation: Any, namespace: dict[str, Any]) -> _Source:
        """Return the source of an annotation, that of Any where it has none."""
        try:
            source = self._expression(Any if annotation is NONE else annotation, namespace)
            ast.parse(source, mode="eval")
        except Exception:  # evaluating it can raise anything
            return _Source(self.name("typing", "Any"))
        return _Source(source)

    def _expression(self, annotation: Any, namespace: dict[str, Any]) -> str:
        def each(annotations: Iterable[Any]) -> list[str]:
            return [self._expression(annotation, namespace) for annotation in annotations]

        if isinstance(annotation, str):
            return self._expression(eval(annotation, namespace), namespace)
        if isinstance(annotation, ForwardRef):
            return self._expression(annotation.__forward_arg__, namespace)
        if hasattr(annotation, "__value__"):  # what a type statement defines
            return self._expression(annotation.__value__, namespace)
        if annotation is None or annotation is NoneType:
            return "None"
        if annotation is ...:
            return "..."
        if isinstance(annotation, list):  # the arguments of a Callable
            return f"[{', '.join(each(annotation))}]"
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self._expression(arguments[0], namespace)
        if origin in (Union, UnionType):
            names, others = self._numpy_aliases(arguments)
            return " | ".join([*names, *each(others)])
        if origin is Literal:
            return f"{self.name('typing', 'Literal')}[{', '.join(map(repr, arguments))}]"
        generic = self._located(origin or annotation)
        return f"{generic}[{', '.join(each(arguments))}]" if arguments else generic

    def _numpy_aliases(self, members: Sequence[Any]) -> tuple[list[str], list[Any]]:
        """Return the names of NumPy's large unions among the members of one, and what is left."""
        names, others = [], list(members)
        for name in ("ArrayLike", "DTypeLike"):
            alias = getattr(npt, name)
            parts = get_args(getattr(alias, "__value__", alias))
            if parts and set(parts) <= set(others):
                names.append(self.name("numpy.typing", name))
                others = [member for member in others if member not in parts]
        return names, others

    def _located(self, value: Any) -> str:
        """Return the name of a class, or the like, which has to be found where it says."""
        module, name = value.__module__, value.__qualname__
        if inspect.isroutine(value) or attrgetter(name)(sys.modules[module]) is not value:
            raise TypeError(f"{value!r} is no type that can be imported")
        return self.name(module, name)


def _bound(parameters: list[Parameter]) -> list[Parameter]:
    """Return the parameters of a method, given those of the function, the tensor among them."""
    first, *others = parameters
    if first.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD):
        return [Parameter("self", first.kind), *others]
    return [Parameter("self", Parameter.POSITIONAL_ONLY), *parameters]


def _body(function: Callable[..., Any]) -> str:
    """The first line of the docstring, which editors show."""
    summary = (inspect.getdoc(function) or "").partition("\n")[0]
    return repr(summary) if summary else "..."
