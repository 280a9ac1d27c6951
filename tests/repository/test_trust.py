"""What SECURITY.md promises: nothing is unpickled, and each requirement has a lower bound."""

from __future__ import annotations

import ast
import pickle
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import tinytorch

ROOT = Path(__file__).parents[2]
SOURCES = sorted(ROOT.glob("packages/*/src/**/*.py"))
PROJECTS = sorted(ROOT.glob("packages/*/pyproject.toml"))

UNTRUSTWORTHY = {
    "pickle",
    "_pickle",
    "cPickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
}
"""Modules that make objects, and run code, of what they read."""

READERS = {"load", "loads", "fromfile", "Unpickler", "read_pickle"}
"""Names of functions that such modules, and NumPy, read by."""


def faults(source: str) -> list[str]:
    """Return what in a source could make objects of data."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found += [n.name for n in names if n.name.partition(".")[0] in UNTRUSTWORTHY]
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in UNTRUSTWORTHY:
                found.append(module)
            case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr="load"):
                found.append("np.load")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_is_unpickled(path: Path) -> None:
    """No module of the packages imports pickle or its like, or has NumPy load a file."""
    assert faults(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    ["import pickle", "from marshal import loads", "import dill.source", "np.load(file)"],
)
def test_what_unpickles_would_be_found(source: str) -> None:
    """The search finds what it is for."""
    assert len(faults(source)) == 1


class Trap:
    """What runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return spring, ("the trap",)


sprung: list[str] = []


def spring(what: str) -> None:
    sprung.append(what)


@pytest.mark.parametrize("wrap", [bytes, lambda pickled: {"bit_generator": pickled}])
def test_a_random_state_is_not_unpickled(wrap: Callable[[bytes], object]) -> None:
    """Bytes in place of a state, or within one, are refused, and no code in them runs."""
    with pytest.raises((TypeError, ValueError), match="set_rng_state"):
        tinytorch.set_rng_state(wrap(pickle.dumps(Trap())))  # type: ignore[arg-type]
    assert sprung == []


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_each_requirement_is_bounded_below(path: Path) -> None:
    """Required and optional dependencies say which release is the oldest that will do."""
    project = tomllib.loads(path.read_text("utf-8"))["project"]
    extras = project.get("optional-dependencies", {}).values()
    requirements = [*project["dependencies"], *(name for extra in extras for name in extra)]
    assert requirements
    for requirement in requirements:
        assert re.fullmatch(r"[\w-]+>=[\d.]+(,<[\d.]+)?", requirement), requirement


def test_the_oldest_of_all_are_tested() -> None:
    """The session `minimums` installs the lower bounds of core, those of its extra too."""
    session = (ROOT / "noxfile.py").read_text("utf-8").partition("def minimums(")[2]
    session = session.partition("@nox.session")[0]
    assert 'oldest(project["dependencies"])' in session
    assert 'oldest(project["optional-dependencies"]["testing"])' in session


def test_the_example_runs(run_page: Callable[[Path], list[tuple[str, str]]]) -> None:
    """Weights are kept and read as the page shows it, and nothing is printed."""
    assert run_page(ROOT / "SECURITY.md") == [("", "")]
