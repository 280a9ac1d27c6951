"""The pages under docs/reference have every public name, and the signatures that the code has.

A `py` block of such a page is a stub: an import, which says where the names come from, and the
definition of each without its body. One that imports nothing has hooks.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import resolve_name
from inspect import isclass, ismodule
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tinytorch import __main__ as command_line
from tinytorch.testing import operation_checks
from tinytorch.testing.plugin_checks import KIT as CHECKS_OF_PLUGINS

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("docs/reference/*.md"))
HOOKS = "tinytorch.hooks"
MODULES = (
    *("tinytorch", "tinytorch.func", "tinytorch.inspect"),
    *("tinytorch.samples", "tinytorch.testing"),
    *("tinytorch_modules", "tinytorch_optim", "tinytorch_optim.lr_scheduler"),
)

KNOWN = {
    *(name for module in MODULES for name in getattr(import_module(module), "__all__", ())),
    *vars(builtins),
}
"""Names of classes that a user knows: ours that are public, and Python's own."""

SHOWN = re.compile(
    r"\b(property|setter|classmethod|staticmethod|overload|contextmanager|dataclass)\b"
)
"""Decorators that say how something is called."""


class Documented(NamedTuple):
    """A name, where it is imported from, and the statements that define it on its page."""

    module: str
    name: str
    statements: list[ast.stmt]


def documented() -> list[Documented]:
    """Return what the pages define."""
    found = []
    for page in PAGES:
        blocks = re.findall(
            r"^```py\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
        )
        for first, *rest in (ast.parse(block).body for block in blocks):
            imports = isinstance(first, ast.ImportFrom)
            named = by_name(rest if imports else [first, *rest])
            module = str(first.module) if imports else HOOKS
            assert not imports or [alias.name for alias in first.names] == list(named), page
            found += [Documented(module, *item) for item in named.items()]
    return found


def by_name(statements: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    """Return the statements that define each name: several, where a function is overloaded."""
    found: dict[str, list[ast.stmt]] = {}
    for statement in statements:
        for name in names(statement):
            found.setdefault(name, []).append(statement)
    return found


def names(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case ast.Assign(targets=targets):
            for target in targets:
                yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def is_public(name: str) -> bool:
    return not name.startswith("_") or name in ("__init__", "__call__")


@cache
def tree(module: str) -> ast.Module:
    """Return the source of a module, parsed."""
    return ast.parse(Path(str(import_module(module).__file__)).read_text("utf-8"))


def in_code(module: str, name: str) -> list[ast.stmt]:
    """Return the statements that define what a module has, wherever it imports it from."""
    here = by_name(tree(module).body)
    if name in here:
        return here[name]
    (origin,) = {
        resolve_name("." * node.level + (node.module or ""), import_module(module).__package__)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]
    }
    return in_code(origin, name)


def lines(name: str, statements: list[ast.stmt], value: Any = None) -> set[str]:
    """Return what defines a name, a signature a line, those of a class's members too.

    The class itself is `value` where the statements are the code's: what it has of its bases counts
    as its own, unless they are public, and have lines of their own.
    """
    definition = statements[0]
    if not isinstance(definition, ast.ClassDef):
        return {line(statement) for statement in without_implementation(statements)}
    hidden = [] if value is None else [base for base in ours(value) if base.__name__ not in KNOWN]
    bodies = [in_code(base.__module__, base.__name__)[0].body for base in hidden]
    members: dict[str, list[ast.stmt]] = {}
    for body in [definition.body, *bodies]:
        for member, definitions in by_name(body).items():
            if is_public(member):
                members.setdefault(member, definitions)
    bases = [ast.unparse(b) for b in definition.bases] if value is None else known_bases(value)
    return {" ".join([*decorators(definition), "class", name, *bases])} | {
        f"{name}: {text}"
        for member, definitions in members.items()
        for text in lines(member, definitions)
    }


def ours(value: type) -> list[type]:
    return [base for base in value.__mro__[1:] if base.__module__.startswith("tinytorch")]


def known_bases(value: type) -> list[str]:
    """Return the nearest bases of a class that a user knows."""
    bases = [base for base in value.__mro__[1:-1] if base.__name__ in KNOWN]
    nearest = [b for b in bases if not any(issubclass(c, b) for c in bases if c is not b)]
    return [base.__name__ for base in nearest]


def without_implementation(statements: list[ast.stmt]) -> list[ast.stmt]:
    """Leave out the body of an overloaded function, which nobody calls by its signature."""
    return [s for s in statements if "@overload" in decorators(s)] or statements


def decorators(definition: ast.stmt) -> list[str]:
    texts = map(ast.unparse, getattr(definition, "decorator_list", []))
    return [f"@{text}" for text in texts if SHOWN.search(text)]


def line(statement: ast.stmt) -> str:
    """Return a definition in one line."""
    match statement:
        case ast.FunctionDef():
            returns = f" -> {ast.unparse(statement.returns)}" if statement.returns else ""
            signature = f"def {statement.name}({ast.unparse(statement.args)}){returns}"
            return " ".join([*decorators(statement), signature])
        case ast.AnnAssign(target=target, annotation=annotation, value=value):
            default = f" = {default_of(value)}" if default_of(value) else ""
            return f"{ast.unparse(target)}: {ast.unparse(annotation)}{default}"
    return ast.unparse(statement)


def default_of(value: ast.expr | None) -> str:
    """Return the default of an attribute, also where a dataclass has it in `field`."""
    match value:
        case None:
            return ""
        case ast.Call(func=ast.Name(id="field"), keywords=keywords):
            given = {str(k.arg): ast.unparse(k.value) for k in keywords}
            return given.get("default", {"dict": "{}"}.get(given.get("default_factory", ""), ""))
    return ast.unparse(value)


def public() -> set[tuple[str, str]]:
    """Return what is public, with the module that an author imports it from."""
    found = set()
    for name in MODULES:
        module = import_module(name)
        defined = [s.name for s in tree(name).body if isinstance(s, ast.FunctionDef | ast.ClassDef)]
        members = getattr(module, "__all__", filter(is_public, defined))
        found |= {(name, m) for m in members if not ismodule(getattr(module, m))}
    return found


DOCUMENTED = documented()


@pytest.mark.parametrize("entry", DOCUMENTED, ids=lambda entry: f"{entry.module}.{entry.name}")
def test_signature(entry: Documented) -> None:
    """A page says of a name what the code says: its parameters, types, defaults and members."""
    value = getattr(import_module(entry.module), entry.name)
    code = in_code(entry.module, entry.name)
    of_page = lines(entry.name, entry.statements)
    of_code = lines(entry.name, code, value if isclass(value) else None)
    assert of_page == of_code


def test_every_public_name_is_documented() -> None:
    """What is public has its lines on one of the pages, and on no other."""
    found = [(entry.module, entry.name) for entry in DOCUMENTED]
    assert sorted(set(found)) == sorted(found)
    assert public() - set(found) == set()


def test_every_hook_is_documented() -> None:
    """The hooks are what carries pluggy's mark of a specification, and a page has each."""
    hooks = import_module(HOOKS)
    specified = {name for name, value in vars(hooks).items() if hasattr(value, "tinytorch_spec")}
    assert "tinytorch_register_ops" in specified
    assert specified == {entry.name for entry in DOCUMENTED if entry.module == HOOKS}


@pytest.mark.parametrize(
    ("heading", "kit"),
    [("Checks of a plugin", CHECKS_OF_PLUGINS), ("Checks of an operation", operation_checks.KIT)],
)
def test_table_of_checks(heading: str, kit: list[Any]) -> None:
    """Each check of the kit has its row, in order, with its release and what it holds."""
    page = (ROOT / "docs/reference/testing.md").read_text("utf-8")
    section = page.partition(f"\n### {heading}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \| (.*) \|$", section, re.MULTILINE)
    assert rows == [(kind.name, kind.since, kind.description) for kind in kit]


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return the commands of the command line."""
    (choices,) = (
        action.choices
        for action in command_line._parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return dict(choices)


@pytest.mark.parametrize("name", commands())
def test_command(name: str) -> None:
    """Each command has a section, which names each of its arguments and no other."""
    page = (ROOT / "docs/reference/command-line.md").read_text("utf-8")
    section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    usage = re.search(r"```text\n(.*?)```", section, re.DOTALL)
    assert usage, f"the section of {name} should begin with its usage"
    actions = [a for a in commands()[name]._actions if not isinstance(a, argparse._HelpAction)]
    options = {option for action in actions for option in action.option_strings}
    positional = {action.dest.upper() for action in actions if not action.option_strings}
    assert set(re.findall(r"--[\w-]+", usage[1])) == options
    assert positional <= set(re.findall(r"\b[A-Z]+\b", usage[1]))
    for option in options:
        assert f"`{option}" in section.replace(usage[0], ""), f"{option} is not explained"


def test_every_command_is_documented() -> None:
    """The sections of the page are the commands."""
    page = (ROOT / "docs/reference/command-line.md").read_text("utf-8")
    assert re.findall(r"^## ([\w-]+)$", page, re.MULTILINE) == list(commands())
