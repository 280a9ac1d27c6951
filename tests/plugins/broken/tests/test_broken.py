"""What a user sees of distributions that are broken, each installed by pip in a folder of its own.

The environment should have core, pytest, pip and flit_core, and no other plugin.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest

BROKEN = Path(__file__).parents[1]
SOFTRAMP = BROKEN.parent / "softramp"

# For each that fails by itself: how it is named, and what is said of it.
FAILING = {
    "fails_to_import": (
        r"tinytorch-fails-to-import 0\.3 \(entry point fails-to-import\)",
        r"ModuleNotFoundError: No module named 'a_library_that_is_not_installed'",
    ),
    "misspelt_hook": (
        r"tinytorch-misspelt-hook 1\.1 \(entry point misspelt-hook\)",
        r"unknown hook 'tinytorch_register_op'.*the hook is called tinytorch_register_ops",
    ),
    "forgotten_marker": (
        r"tinytorch-forgotten-marker 1\.2 \(entry point forgotten-marker\)",
        r"its tinytorch_register_ops lacks the marker @tinytorch\.hookimpl",
    ),
    "other_core": (
        r"tinytorch-other-core 1\.3 \(entry point other-core\)",
        r"made for another version of core: it requires tinytorch-core *(>=9,<10|<10,>=9), and "
        r"this is tinytorch-core 0\.\d+\.\d+; install a release of tinytorch-other-core for this "
        r"core, or the core that it asks for",
    ),
}
CLASHES = {
    "clashing_name": r"tinytorch-clashing-name 2\.0 \(entry point clashing-name\)",
    "fork": r"tinytorch-fork 2\.2 \(entry point tinytorch-softramp\)",
}
USES_SOFTRAMP = "print(tinytorch.Tensor([0.0]).softramp().item())"


class User:
    """Somebody who has installed some distributions, and runs Python."""

    def __init__(self, *folders: Path) -> None:
        self.folders = folders

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments, in an environment with no say about plugins."""
        mine = {k: v for k, v in os.environ.items() if not k.startswith("TINYTORCH_")}
        mine |= {"PYTHONIOENCODING": "utf-8"}
        mine |= {"PYTHONPATH": os.pathsep.join(map(str, self.folders)), **environment}
        return subprocess.run(
            [sys.executable, *arguments],
            env=mine,
            cwd=self.folders[0],
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    def program(self, source: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program that has imported tinytorch."""
        return self.run("-c", "import tinytorch\n" + dedent(source), **environment)

    def plugins(self) -> dict[str, dict[str, object]]:
        """Return what the command line says of each distribution but core's."""
        rows = json.loads(self.run("-m", "tinytorch", "plugins", "--json").stdout)
        return {r["distribution"]: r for r in rows if r["distribution"] != "tinytorch-core"}


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., User]:
    """The function that returns the user of distributions, each of which pip installs once."""

    @cache
    def installed(source: Path) -> Path:
        folder = tmp_path_factory.mktemp("site")
        # Core is installed; one of them requires a core that there is not.
        options = ["--no-deps", "--no-index", "--no-build-isolation", "--quiet"]
        command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder)]
        subprocess.run([*command, str(source)], check=True)
        return folder

    return lambda *sources: User(*map(installed, sources))


@pytest.fixture
def failing(install: Callable[..., User], name: str) -> User:
    """One that fails, beside one that is sound."""
    return install(BROKEN / name, SOFTRAMP)


@pytest.fixture
def clash(install: Callable[..., User], name: str) -> User:
    """Two that have one operation, and a third that clashes with nothing."""
    return install(BROKEN / name, SOFTRAMP, BROKEN / "wrong_gradient")


each_failing = pytest.mark.parametrize("name", FAILING)
each_clash = pytest.mark.parametrize("name", CLASHES)


def distribution(name: str) -> str:
    """Return the distribution that is in a folder."""
    return f"tinytorch-{name.replace('_', '-')}"


@each_failing
def test_the_rest_works_and_a_warning_says_what_failed(failing: User, name: str) -> None:
    """The first use of a plugin warns of the broken one: who, what, and how to leave it out."""
    finished = failing.program(USES_SOFTRAMP)
    assert finished.returncode == 0, finished.stderr
    assert float(finished.stdout) == pytest.approx(0.6931472)
    who, what = FAILING[name]
    module = f"tinytorch_{name}"
    assert re.search(f"PluginWarning: {who} \\({module}\\) failed: .*{what}", finished.stderr)
    assert f"TINYTORCH_BLOCK_PLUGINS={distribution(name)}" in finished.stderr


@each_failing
def test_asking_for_its_operation_says_what_failed(failing: User, name: str) -> None:
    """Who asks for an operation that the broken plugin would have had is told so."""
    for expression in ("tinytorch.Tensor([1.0]).halved()", "tinytorch.ops.halved"):
        finished = failing.program(expression)
        assert finished.returncode == 1
        error = finished.stderr.splitlines()[-1]
        who, what = FAILING[name]
        assert re.match(f"AttributeError: .*'halved'.*{who}.*{what}", error), error


@each_failing
def test_the_way_out_is_one(failing: User, name: str) -> None:
    """Blocked as the message says, the broken plugin gives no warning, and is not imported."""
    program = f"{USES_SOFTRAMP}; import sys; assert 'tinytorch_{name}' not in sys.modules"
    finished = failing.run(
        *("-W", "error", "-c", f"import tinytorch; {program}"),
        TINYTORCH_BLOCK_PLUGINS=distribution(name),
    )
    assert (finished.returncode, finished.stderr) == (0, "")


@each_failing
def test_where_plugins_are_strict_it_is_an_error(failing: User, name: str) -> None:
    """With TINYTORCH_STRICT_PLUGINS=1 the first use raises, with the same words."""
    finished = failing.program(USES_SOFTRAMP, TINYTORCH_STRICT_PLUGINS="1")
    assert finished.returncode == 1
    who, what = FAILING[name]
    assert re.search(f"PluginError: {who} .*failed: .*{what}", finished.stderr)


@each_failing
def test_the_listing_says_what_failed(failing: User, name: str) -> None:
    """`python -m tinytorch plugins` lists it as failed, and what works as loaded."""
    rows = failing.plugins()
    row = rows[distribution(name)]
    assert row["status"] == "failed"
    assert re.search(FAILING[name][1], str(row["error"]))
    assert Path(str(row["file"])).name == f"tinytorch_{name}.py"
    assert rows["tinytorch-softramp"]["status"] == "loaded"
    text = failing.run("-m", "tinytorch", "plugins", "--strict")
    assert text.returncode == 1
    assert re.search("^{} .*failed: .*{}".format(*FAILING[name]), text.stderr, re.MULTILINE)


@each_failing
def test_the_check_of_the_distribution_says_what_failed(failing: User, name: str) -> None:
    """`python -m tinytorch check` fails for it, with the reason."""
    finished = failing.run("-m", "tinytorch", "check", distribution(name))
    assert finished.returncode == 1
    assert re.search(f"{distribution(name)}-discovered", finished.stdout)
    assert re.search(FAILING[name][1], finished.stdout)


@each_failing
def test_the_check_of_the_other_distribution_passes(failing: User, name: str) -> None:
    """`python -m tinytorch check` of a sound distribution does not mind a broken one beside it."""
    finished = failing.run("-m", "tinytorch", "check", "tinytorch-softramp")
    assert finished.returncode == 0, finished.stdout


def test_a_plugin_for_another_core_is_not_imported(install: Callable[..., User]) -> None:
    """The version is looked at first: the message is not that of an import that fails."""
    user = install(BROKEN / "other_core", SOFTRAMP)
    program = f"{USES_SOFTRAMP}\nimport sys\nassert 'tinytorch_other_core' not in sys.modules"
    finished = user.program(program)
    assert finished.returncode == 0, finished.stderr
    assert "something_that_comes_later" not in finished.stderr


@each_clash
def test_an_explicit_enabling_of_a_clash_raises(clash: User, name: str) -> None:
    """The error names both plugins, with version and entry point, the operation, and what to do."""
    finished = clash.program("tinytorch.enable_autograd()")
    assert finished.returncode == 1
    error = finished.stderr.splitlines()[-1]
    assert "PluginConflictError: " in error
    assert re.search(CLASHES[name], error)
    assert re.search(r"tinytorch-softramp 1\.0", error)
    assert "register the same name: 'softramp'; uninstall one, or block one" in error


@each_clash
def test_under_a_clash_there_is_no_winner(clash: User, name: str) -> None:
    """Where nothing is enabled explicitly, neither is used; what clashes with nothing is."""
    finished = clash.program("print(tinytorch.Tensor([0.0]).bell().item())")
    assert (finished.returncode, finished.stdout) == (0, "1.0\n")
    warnings = [line for line in finished.stderr.splitlines() if "PluginWarning: " in line]
    assert len(warnings) == 2
    assert all(re.search(CLASHES[name], line) for line in warnings)
    finished = clash.program(USES_SOFTRAMP)
    assert finished.returncode == 1
    assert re.match(f"AttributeError: .*{CLASHES[name]}", finished.stderr.splitlines()[-1])


@each_clash
def test_each_way_out_of_a_clash_leaves_one(clash: User, name: str) -> None:
    """Whatever a message says to block, blocking it leaves the operation of the other one."""
    listed = clash.run("-m", "tinytorch", "plugins").stderr
    ways = set(re.findall(r"TINYTORCH_BLOCK_PLUGINS=([^\s,;]+)", listed))
    assert ways
    for way in ways:
        finished = clash.run(
            *("-W", "error", "-c", f"import tinytorch; {USES_SOFTRAMP}"),
            TINYTORCH_BLOCK_PLUGINS=way,
        )
        assert finished.returncode == 0, f"{way}: {finished.stderr}"


@each_clash
def test_the_check_finds_a_clash(clash: User, name: str) -> None:
    """`python -m tinytorch check` fails for either plugin, and names the other one."""
    for plugin in (distribution(name), "tinytorch-softramp"):
        finished = clash.run("-m", "tinytorch", "check", plugin)
        assert finished.returncode == 1
        assert re.search(f"{plugin}-no_clash", finished.stdout)
        assert re.search(CLASHES[name], finished.stdout)


def test_two_distributions_with_one_entry_point_name(install: Callable[..., User]) -> None:
    """Both are in use, and are told apart by their distributions: none hides the other."""
    user = install(SOFTRAMP, BROKEN / "same_entry_point")
    rows = user.plugins()
    assert {row["entry_point"] for row in rows.values()} == {"tinytorch-softramp"}
    assert {name: (row["status"], row["operations"]) for name, row in rows.items()} == {
        "tinytorch-softramp": ("loaded", ["softramp"]),
        "tinytorch-same-entry-point": ("loaded", ["softramp_inverse"]),
    }
    there_and_back = "print(tinytorch.Tensor([1.5]).softramp().softramp_inverse().item())"
    finished = user.program(there_and_back, TINYTORCH_STRICT_PLUGINS="1")
    assert float(finished.stdout) == pytest.approx(1.5), finished.stderr
    assert finished.stderr == ""


def test_blocking_one_of_two_with_one_entry_point_name(install: Callable[..., User]) -> None:
    """One is blocked by its distribution, which the message for its operation names with version
    and entry point."""
    user = install(SOFTRAMP, BROKEN / "same_entry_point")
    program = f"{USES_SOFTRAMP}; tinytorch.ops.softramp_inverse"
    finished = user.program(program, TINYTORCH_BLOCK_PLUGINS="tinytorch-same-entry-point")
    assert float(finished.stdout) == pytest.approx(0.6931472)
    blocked = r"tinytorch-same-entry-point 2\.1 \(entry point tinytorch-softramp\) .*blocked"
    assert re.match(f"AttributeError: .*{blocked}", finished.stderr.splitlines()[-1])


def test_a_wrong_gradient_loads_and_does_not_pass_the_check(
    install: Callable[..., User],
) -> None:
    """Nobody sees it in a program; the check names the operation, the place and both values."""
    user = install(BROKEN / "wrong_gradient")
    finished = user.program("print(tinytorch.Tensor([0.0]).bell().item())")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "1.0\n", "")
    finished = user.run("-m", "tinytorch", "check", "tinytorch-wrong-gradient")
    assert finished.returncode == 1
    failed = [line for line in finished.stdout.splitlines() if line.startswith("FAILED")]
    assert [re.findall(r"\[(.*)\]", line) for line in failed] == [["bell-gradient"]]
    found = re.findall(
        r"gradient of input 0 at index \(.*\) is (\S+), but central differences give (\S+) ",
        finished.stdout,
    )
    assert any(float(a) == pytest.approx(2 * float(b), rel=1e-4) for a, b in found)
