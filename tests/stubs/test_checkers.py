"""What mypy and pyright find in a user's program, with the stubs and without."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("program.py")
Found = set[tuple[str, int]]


class Project:
    """A folder with the program in it, on which commands are run."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self._cache = cache
        shutil.copy(PROGRAM, folder)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a module of Python's."""
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.folder,
            env={**os.environ, **environment},
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    def stubs(self, *arguments: str, **environment: str) -> list[Path]:
        """Run our command, and return the files that it names."""
        finished = self.run("tinytorch", "stubs", *arguments, **environment)
        assert finished.returncode == 0, finished.stderr
        return [self.folder / line for line in finished.stdout.splitlines()]

    def mypy(self, *files: str, **environment: str) -> Found:
        """Return the file and line of each error that mypy finds, at its strictest."""
        output = ("--output=json", "--no-error-summary", f"--cache-dir={self._cache}")
        options = ("--strict", "--config-file=", *output)
        finished = self.run("mypy", *options, *files, **environment)
        assert finished.returncode in (0, 1), finished.stdout + finished.stderr
        found = map(json.loads, finished.stdout.splitlines())
        return {(Path(e["file"]).name, e["line"]) for e in found if e["severity"] == "error"}

    def pyright(self, *files: str, **environment: str) -> Found:
        """Return the file and line of each error that pyright finds."""
        options = ("--outputjson", "--pythonpath", sys.executable)
        finished = self.run("pyright", *options, *files, **environment)
        assert finished.returncode in (0, 1), finished.stdout + finished.stderr
        found = json.loads(finished.stdout)["generalDiagnostics"]
        return {
            (Path(e["file"]).name, e["range"]["start"]["line"] + 1)
            for e in found
            if e["severity"] == "error"
        }

    def check(self, checker: str, *files: str, **environment: str) -> Found:
        """Run one of the two."""
        return {"mypy": self.mypy, "pyright": self.pyright}[checker](*files, **environment)


def marked(*comments: str) -> Found:
    """Return the lines of the program that end with one of the comments."""
    lines = PROGRAM.read_text("utf-8").splitlines()
    ends = tuple(f"  # {comment}" for comment in comments)
    return {(PROGRAM.name, i) for i, line in enumerate(lines, 1) if line.endswith(ends)}


WITHOUT = marked("error", "error without stubs")
WITH = marked("error", "error with stubs")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy knows of NumPy, which takes it seconds to read."""
    return tmp_path_factory.mktemp("mypy")


@pytest.fixture
def project(tmp_path: Path, cache: Path) -> Project:
    """A project without stubs."""
    return Project(tmp_path, cache)


@pytest.fixture
def stubs(project: Project) -> Iterator[list[Path]]:
    """The stubs beside the installed core, for one test."""
    yield project.stubs()
    project.stubs("--remove")


@pytest.fixture(params=["mypy", "pyright"])
def checker(request: pytest.FixtureRequest) -> str:
    """Either type checker."""
    name: str = request.param
    return name


def test_without_stubs(project, checker):
    """Without stubs the methods of plugins are errors, and their functions have no types."""
    assert project.check(checker, "program.py") == WITHOUT


def test_beside_core(project, checker, stubs):
    """With stubs where core is installed, methods and functions are known without a setting."""
    assert project.check(checker, "program.py") == WITH


def test_they_can_be_removed(project, checker):
    """Once removed, they are as if they had never been."""
    assert {*project.stubs()} == {*project.stubs("--remove")}
    assert project.check(checker, "program.py") == WITHOUT


def test_pyright_looks_into_typings(project):
    """Pyright finds those that lie in the folder `typings` of a project."""
    project.stubs("--output", "typings")
    assert project.check("pyright", "program.py") == WITH


def test_in_a_folder_on_the_path(project, checker):
    """Both find those in a folder that PYTHONPATH names."""
    project.stubs("--output", "elsewhere")
    found = project.check(checker, "program.py", PYTHONPATH=str(project.folder / "elsewhere"))
    assert found == WITH


def test_without_the_plugin(project, checker):
    """Written again when a plugin is out of use, they do not know it any more."""
    project.stubs("--output", "elsewhere")
    project.stubs("--output", "elsewhere", TINYTORCH_BLOCK_PLUGINS="tinytorch-softramp")
    found = project.check(checker, "program.py", PYTHONPATH=str(project.folder / "elsewhere"))
    uses = {line for line in WITHOUT | WITH if "softramp(" in source(line)}
    assert found == WITH | uses


def source(place: tuple[str, int]) -> str:
    """Return a line of the program."""
    return PROGRAM.read_text("utf-8").splitlines()[place[1] - 1]


def test_stubs_of_a_plugin_that_is_gone(project, checker, stubs):
    """Stubs that were not written again, and import from what is gone, spoil nothing else."""
    (attached,) = (path for path in stubs if path.name == "_attached.pyi")
    head, gap, methods = attached.read_text("utf-8").partition("\n\n")
    gone = "    def gone(self, x: Gone) -> Gone: ...\n"
    attached.write_text(f"{head}\nfrom gone import Gone{gap}{methods}{gone}", "utf-8")
    assert project.check(checker, "program.py") == WITH


def test_they_are_without_fault(project, checker):
    """As files of a project, the stubs that are generated pass the checks themselves."""
    folder = Path("typings", "tinytorch-stubs")
    project.stubs("--output", "typings")
    assert project.check(checker, str(folder / "_attached.pyi"), str(folder / "ops.pyi")) == set()
