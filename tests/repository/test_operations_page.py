"""The pages of all operations have every operation, whole, and say what the code says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import tinytorch
from tinytorch import Operation
from tinytorch.operation import registry

FOLDER = Path(__file__).parents[2] / "docs" / "operations"
COMMAND = "nox -s reference"

tinytorch.enable_autograd(quiet=True, strict=True)
GENERATOR = runpy.run_path(str(FOLDER / "generate.py"))
OPERATIONS = {
    operation.name: operation
    for distribution in GENERATOR["DISTRIBUTIONS"]
    for operation in GENERATOR["operations"](distribution)
}


def headings(page: str) -> list[str]:
    return re.findall(r"^##+ (.+)$", page, re.MULTILINE)


def test_every_operation_of_ours_is_found() -> None:
    """The generator takes the operations from all packages under packages/."""
    modules = tuple(path.name for path in FOLDER.parents[1].glob("packages/*/src/tinytorch*"))
    ours = {
        operation.name
        for operation in registry.operations.values()
        if operation.function.__module__.partition(".")[0] in modules
    }
    assert set(OPERATIONS) == ours
    assert len(modules) >= 4
    assert len(ours) > 100


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_operation(operation: Operation) -> None:
    """An operation has an entry, under its distribution, with its formula and its gradient."""
    page = FOLDER / f"{registry.owners[operation.name].distribution}.md"
    text = page.read_text("utf-8") if page.exists() else ""
    found = re.search(rf"^### {operation.name}\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"{operation.name} is not in {page.name}; write it anew: {COMMAND}"
    rule = operation.backward or operation.function
    for what in ("Formula: ", "Gradients?.*: ", "Twice differentiable: (?:yes|no)$"):
        assert re.search(rf"^- {what}", found[1], re.MULTILINE), (
            f"{page.name} has no {what!r} of {operation.name}; state it in the docstring of "
            f"{rule.__qualname__} ({rule.__module__}), then {COMMAND}"
        )


def test_the_pages_are_what_the_code_says() -> None:
    """The command would change nothing."""
    written = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.md")}
    expected = GENERATOR["pages"]()
    stale = [name for name in written | expected if written.get(name) != expected.get(name)]
    assert stale == [], f"docs/operations is not what the code says; write it anew: {COMMAND}"


def test_the_index_leads_to_headings() -> None:
    """Each link in the index is to a heading of a page, and no page has two of one name."""
    pages = {path.name: headings(path.read_text("utf-8")) for path in FOLDER.glob("*.md")}
    links = re.findall(r"\]\(([\w-]+\.md)#([\w-]+)\)", (FOLDER / "README.md").read_text("utf-8"))
    assert len(links) > len(OPERATIONS)
    assert [link for link in links if pages.get(link[0], []).count(link[1]) != 1] == []


def test_a_rule_that_is_not_stated_has_an_empty_place() -> None:
    """What a docstring leaves out is no formula and no gradient, and so fails the tests above."""

    class Unexplained(tinytorch.Function):
        """x plus 1."""

    def unexplained(x: tinytorch.Tensor) -> tinytorch.Tensor:
        """Do something."""
        return x

    rule = GENERATOR["rule"]
    assert rule(Operation(unexplained, Unexplained)) == ("x plus 1.", "")
    assert rule(Operation(unexplained)) == ("Do something.", "")
    Unexplained.__doc__ = "Gradient: g."
    assert rule(Operation(unexplained, Unexplained)) == ("", "Gradient: g.")


@pytest.mark.parametrize(
    "package", sorted(FOLDER.parents[1].glob("packages/ops-*")), ids=lambda p: p.name
)
def test_the_readme_of_a_package_names_its_operations(package: Path) -> None:
    """The table in the README of an op package has its operations, and no other."""
    table = re.findall(
        r"^\| .* \| (.*) \|$", (package / "README.md").read_text("utf-8"), re.MULTILINE
    )
    named = set(re.findall(r"\w+", " ".join(table[1:]).replace("`x[...]`", "getitem")))
    assert named == {o.name for o in GENERATOR["operations"](f"tinytorch-{package.name}")}
