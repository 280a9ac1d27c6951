"""The packages are published together, with one version, and each requires the core of its own."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    path.parent.name: tomllib.loads(path.read_text("utf-8"))
    for path in sorted(ROOT.glob("packages/*/pyproject.toml"))
}
VERSION = PACKAGES["core"]["project"]["version"]

# What stands on operations, and brings none.
LIBRARIES = {"modules": ["tinytorch-ops-nn"], "optim": []}

each = pytest.mark.parametrize("package", PACKAGES.values(), ids=PACKAGES.keys())
each_with_operations = pytest.mark.parametrize(
    "package", [pytest.param(p, id=name) for name, p in PACKAGES.items() if name not in LIBRARIES]
)


@each
def test_version(package: dict[str, Any]) -> None:
    """The version of a package is core's, and its module says the same."""
    assert package["project"]["version"] == VERSION
    assert import_module(package["tool"]["flit"]["module"]["name"]).__version__ == VERSION


@pytest.mark.parametrize("folder", PACKAGES)
def test_requirements_of_ours(folder: str) -> None:
    """An op package works with the core of its own minor version, a library with more of ours."""
    dependencies = PACKAGES[folder]["project"]["dependencies"]
    major, minor, _ = map(int, VERSION.split("."))
    assert major == 0, "what a range spans from 1.0 on is to be decided"
    names = [] if folder == "core" else ["tinytorch-core", *LIBRARIES.get(folder, [])]
    wanted = [f"{name}>=0.{minor},<0.{minor + 1}" for name in names]
    assert [name for name in dependencies if name.startswith("tinytorch")] == wanted


@each_with_operations
def test_entry_point(package: dict[str, Any]) -> None:
    """The entry point of a package bears the distribution's name, and leads to a module of it."""
    points = package["project"]["entry-points"]["tinytorch"]
    assert list(points) == [package["project"]["name"]]
    (module,) = points.values()
    assert module.split(".")[0] == package["tool"]["flit"]["module"]["name"]
    assert callable(import_module(module).tinytorch_register_ops)


@each
def test_shared_metadata(package: dict[str, Any]) -> None:
    """What is not a package's own is the same in all of them: the Pythons, licence, classifiers."""
    core = PACKAGES["core"]
    for key in ("requires-python", "license", "license-files", "authors", "classifiers"):
        assert package["project"][key] == core["project"][key]
    assert package["build-system"] == core["build-system"]
