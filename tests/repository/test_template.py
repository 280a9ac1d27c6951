"""The op package from which new ones are made keeps in step with ours."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tinytorch
from tinytorch.operation import CORE, registry
from tinytorch.scaffold import TEMPLATE, new_plugin

ROOT = Path(__file__).parents[2]
PACKAGES = {
    path.parent.name: tomllib.loads(path.read_text("utf-8"))
    for path in sorted(ROOT.glob("packages/*/pyproject.toml"))
}


@pytest.fixture
def template() -> Any:
    return tomllib.loads((TEMPLATE / "pyproject.toml").read_text("utf-8"))


def test_requirements(template: Any) -> None:
    """It is built as our packages are, for the same Pythons, on the core of our version."""
    ours = PACKAGES["ops-nn"]
    assert template["build-system"] == ours["build-system"]
    assert template["project"]["requires-python"] == ours["project"]["requires-python"]
    assert set(ours["project"]["dependencies"]) <= set(template["project"]["dependencies"])


def test_workflow() -> None:
    """Its workflow runs on the Pythons that ours are made for."""
    claimed = re.findall(
        r"Python :: (3\.\d+)", "\n".join(PACKAGES["core"]["project"]["classifiers"])
    )
    workflow = (TEMPLATE / ".github/workflows/tests.yml").read_text("utf-8")
    assert re.findall(r'"(3\.\d+)"', workflow) == claimed


def test_the_name_of_the_example_is_free() -> None:
    """No package of ours has an operation of the example's name."""
    with tinytorch.isolated_registry(fresh=True):
        tinytorch.enable_autograd(quiet=True, strict=True)
        ours = {package["project"]["name"] for package in PACKAGES.values()}
        assert CORE.distribution in ours
        owner = registry.owners.get("squareplus")
        assert owner is None or owner.distribution not in ours


@pytest.mark.parametrize("package", PACKAGES.values(), ids=PACKAGES.keys())
def test_our_own_names_are_refused(package: dict[str, Any], tmp_path: Path) -> None:
    """Nobody makes a package that is called as one of ours."""
    with pytest.raises(ValueError, match="belongs to another"):
        new_plugin(package["project"]["name"], tmp_path)
