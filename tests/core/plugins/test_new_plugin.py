"""`python -m tinytorch new-plugin`: the package that it writes, and the names that it refuses."""

from __future__ import annotations

import re
import shutil
import tomllib

import pytest
import tinytorch
from tinytorch import scaffold
from tinytorch.__main__ import main
from tinytorch.scaffold import new_plugin

FILES = {
    ".github/workflows/tests.yml",
    ".gitignore",
    "README.md",
    "noxfile.py",
    "pyproject.toml",
    "src/fancy_ops/__init__.py",
    "src/fancy_ops/operations.py",
    "src/fancy_ops/plugin.py",
    "src/fancy_ops/py.typed",
    "tests/test_kit.py",
    "tests/test_squareplus.py",
}


def files(folder):
    """Return the paths of all files in a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def made(site, monkeypatch):
    """A package that was just made, installed as an installer would that leaves its sources."""
    folder = new_plugin("Fancy.Ops", site.folder / "made")
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    points = project["entry-points"]["tinytorch"].items()
    site.distribution(project["name"], "\n".join(f"{name} = {module}" for name, module in points))
    monkeypatch.setenv("PYTHONPATH", str(folder / "src"))
    return folder


def run_its_tests(site, folder):
    """Run the tests of a package as its own configuration says."""
    return site.run("-m", "pytest", "-v", "--rootdir", str(folder), str(folder))


def test_it_is_whole(made):
    """Each file of the template is there, those whose names begin with a dot among them."""
    assert files(made) == FILES


def test_it_bears_its_own_names(made):
    """Distribution, entry point and module have the new name, and nothing the old one."""
    pyproject = tomllib.loads((made / "pyproject.toml").read_text("utf-8"))
    assert pyproject["project"]["name"] == "fancy-ops"
    assert pyproject["project"]["entry-points"]["tinytorch"] == {"fancy-ops": "fancy_ops.plugin"}
    assert pyproject["tool"]["flit"]["module"]["name"] == "fancy_ops"
    for path in files(made):
        text = (made / path).read_text("utf-8")
        assert not re.search("tinytorch[-_.]example", text), path


def test_it_requires_the_core_that_made_it(made):
    """The range of core's versions is that of the minor version which runs."""
    pyproject = tomllib.loads((made / "pyproject.toml").read_text("utf-8"))
    major, minor, _ = tinytorch.__version__.split(".")
    wanted = f"tinytorch-core>={major}.{minor},<{major}.{int(minor) + 1}"
    assert wanted in pyproject["project"]["dependencies"]


def test_its_tests_pass(site, made):
    """All tests that come with it pass, and the kit's checks are among them."""
    finished = run_its_tests(site, made)
    assert finished.returncode == 0, finished.stdout
    assert "test_kit[squareplus-gradient] PASSED" in finished.stdout


def test_its_tests_can_fail(site, made):
    """A wrong sign in the rule is found by the tests that come with it."""
    operations = made / "src" / "fancy_ops" / "operations.py"
    right = operations.read_text("utf-8")
    wrong = right.replace("return grad_output", "return -grad_output")
    assert wrong != right
    operations.write_text(wrong, "utf-8")
    finished = run_its_tests(site, made)
    assert finished.returncode == 1
    assert "test_kit[squareplus-gradient]" in finished.stdout


def test_its_readme_is_true(site, made):
    """The example in its README prints what stands below it."""
    readme = (made / "README.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", readme, re.DOTALL)
    assert site.program(program) == printed.strip()


def test_caches_are_left_behind(tmp_path, monkeypatch):
    """What installers and tools leave in the template is not copied, wherever the template is."""
    template = tmp_path / ".nox" / "template"
    shutil.copytree(scaffold.TEMPLATE, template)
    for cache in ("tests/__pycache__/x.pyc", ".pytest_cache/v/x", "src/.mypy_cache/x"):
        (template / cache).parent.mkdir(parents=True, exist_ok=True)
        (template / cache).write_bytes(b"\xff")
    monkeypatch.setattr(scaffold, "TEMPLATE", template)
    assert files(new_plugin("fancy-ops", tmp_path / "made")) == FILES


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("", "no name for a distribution"),
        ("my ops", "no name for a distribution"),
        ("-ops", "no name for a distribution"),
        ("ops.", "no name for a distribution"),
        ("ops\n", "no name for a distribution"),
        ("../ops", "no name for a distribution"),
        ("öps", "no name for a distribution"),
        ("\N{KELVIN SIGN}ops", "no name for a distribution"),
        ("tinytorch", "belongs to another"),
        ("TinyTorch_Core", "belongs to another"),
        ("tinytorch.ops.nn", "belongs to another"),
        ("numpy", "belongs to another"),
        ("3d-ops", "'3d_ops', which Python cannot import"),
        ("Lambda", "'lambda', which Python cannot import"),
        ("random", "a module of Python's own; choose another name, such as 'tinytorch-random'"),
    ],
)
def test_a_name_is_refused(name, match, tmp_path):
    """A name that is none, is taken, or cannot be imported is an error, and nothing is written."""
    with pytest.raises(ValueError, match=f"^new-plugin: .*{match}"):
        new_plugin(name, tmp_path / "made")
    assert files(tmp_path) == set()


def test_a_directory_in_use_is_refused(tmp_path):
    """A directory that is not empty, or is a file, is an error, and stays as it was."""
    (tmp_path / "file").write_text("mine", "utf-8")
    for directory in (tmp_path, tmp_path / "file"):
        with pytest.raises(FileExistsError, match="should be a new or an empty directory"):
            new_plugin("fancy-ops", directory)
    assert files(tmp_path) == {"file"}


def test_an_empty_directory_will_do(tmp_path):
    """An empty directory is filled, also one that holds nothing but a new repository."""
    (tmp_path / ".git").mkdir()
    assert new_plugin("fancy-ops", tmp_path) == tmp_path
    assert files(tmp_path) == FILES


def test_command(tmp_path, monkeypatch, capsys):
    """The command makes a directory of the distribution's name, and says what comes next."""
    monkeypatch.chdir(tmp_path)
    assert main(["new-plugin", "Fancy.Ops"]) == 0
    assert files(tmp_path / "fancy-ops") == FILES
    printed = capsys.readouterr().out
    assert "cd fancy-ops\n" in printed
    assert 'python -m pip install -e ".[test]"\n' in printed


def test_command_with_a_directory(tmp_path):
    """--directory names the directory of the package itself."""
    assert main(["new-plugin", "fancy-ops", "--directory", str(tmp_path / "here")]) == 0
    assert files(tmp_path / "here") == FILES


@pytest.mark.parametrize("name", ["tinytorch", "fancy-ops"])
def test_command_that_is_refused(name, tmp_path, monkeypatch, capsys):
    """What is refused is one line on the error stream, with the status of wrong usage."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fancy-ops").touch()
    assert main(["new-plugin", name]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("new-plugin: ")
    assert files(tmp_path) == {"fancy-ops"}
