"""`python -m tinytorch plugins` and `ops`, whatever is wrong with what is installed."""

from __future__ import annotations

import json

import pytest
from tinytorch import Tensor
from tinytorch.__main__ import main

DESCRIBED = '''
@tinytorch.hookimpl
def tinytorch_register_ops():
    return [Operation(scale, method="scaled", aliases=("zoom",))]

def scale(x):
    """Twice the σ of 尺, elementwise.

    More.
    """
    return x * 2
'''


@pytest.fixture
def crowd(site, source):
    """Plugins of every fate: loaded, broken, ending the program, clashing, blocked."""
    site.install("good", source("double", before="print('hello from good')"), version="2.0")
    site.install("broken", "import no_such_module")
    site.install("exiting", "import sys; sys.exit(3)")
    site.install("first", source("triple"))
    site.install("second", source("triple"))
    site.install("unwanted", source("fourfold"))
    site.block("unwanted")
    return site


@pytest.mark.parametrize("strict", ["0", "1"])
def test_plugins_lists_every_fate_as_json(crowd, monkeypatch, strict):
    """The listing has each plugin with its fate and why, also in strict mode, and exits with 0."""
    monkeypatch.setenv("TINYTORCH_STRICT_PLUGINS", strict)
    finished = crowd.run("-m", "tinytorch", "plugins", "--json")
    assert finished.returncode == 0, finished.stderr
    rows = {row["distribution"]: row for row in json.loads(finished.stdout)}
    assert rows["good"] == {
        "distribution": "good",
        "version": "2.0",
        "entry_point": "good",
        "module": "good",
        "file": str(crowd.folder / "good.py"),
        "status": "loaded",
        "error": "",
        "operations": ["double"],
    }
    assert rows["tinytorch-core"]["status"] == "loaded"
    assert "exp" in rows["tinytorch-core"]["operations"]
    assert rows["unwanted"]["status"] == "blocked"
    fates = {
        "broken": "ModuleNotFoundError: No module named 'no_such_module'",
        "exiting": "SystemExit: 3",
        "first": "TINYTORCH_BLOCK_PLUGINS=second",
        "second": "TINYTORCH_BLOCK_PLUGINS=first",
    }
    for name, error in fates.items():
        assert rows[name]["status"] == "failed"
        assert error in rows[name]["error"]
        assert rows[name]["file"] == str(crowd.folder / f"{name}.py")


def test_plugins_lists_every_fate_as_text(crowd):
    """The text has one heading a plugin, with its fate, and the reasons below."""
    finished = crowd.run("-m", "tinytorch", "plugins")
    assert finished.returncode == 0, finished.stderr
    for line in ("good 2.0: loaded", "broken 1.0: failed", "unwanted 1.0: blocked"):
        assert line in finished.stdout.splitlines()
    assert "    1 operations: double" in finished.stdout.splitlines()
    assert "    SystemExit: 3" in finished.stdout.splitlines()


def test_what_a_plugin_prints_is_no_part_of_the_answer(crowd):
    """A plugin's own output goes to the error stream, where it spoils no JSON."""
    finished = crowd.run("-m", "tinytorch", "ops", "--json")
    assert "hello from good" not in finished.stdout
    assert "hello from good" in finished.stderr


@pytest.mark.parametrize("command", ["plugins", "ops"])
def test_strict_exits_with_1_if_a_plugin_failed(crowd, site, command):
    """--strict turns a failure, and nothing else, into an exit status of 1."""
    assert crowd.run("-m", "tinytorch", command, "--strict").returncode == 1
    crowd.block("broken", "exiting", "first")
    assert crowd.run("-m", "tinytorch", command, "--strict").returncode == 0


def test_ops_lists_operations_as_json(site):
    """The listing has each operation with method, aliases, distribution, first line and file."""
    site.install("demo", "import tinytorch\nfrom tinytorch import Operation\n" + DESCRIBED)
    finished = site.run("-m", "tinytorch", "ops", "--json")
    assert finished.returncode == 0, finished.stderr
    rows = {row["name"]: row for row in json.loads(finished.stdout)}
    assert rows["scale"] == {
        "name": "scale",
        "method": "scaled",
        "aliases": ["zoom"],
        "distribution": "demo",
        "version": "1.0",
        "summary": "Twice the σ of 尺, elementwise.",
        "file": str(site.folder / "demo.py"),
    }
    assert rows["exp"]["distribution"] == "tinytorch-core"
    assert rows["where"]["method"] is None
    assert all(row["summary"] and row["file"] for row in rows.values())


def test_ops_lists_operations_as_text(site, monkeypatch):
    """The text has a heading an operation, and can be printed where its letters cannot."""
    site.install("demo", "import tinytorch\nfrom tinytorch import Operation\n" + DESCRIBED)
    finished = site.run("-X", "utf8=0", "-c", PRINT_IN_ASCII)
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    heading = lines.index("scale, zoom, x.scaled: demo 1.0")
    assert lines[heading + 1] == r"    Twice the \u03c3 of \u5c3a, elementwise."
    assert lines[heading + 2] == f"    {site.folder / 'demo.py'}"


PRINT_IN_ASCII = """
import sys
sys.stdout.reconfigure(encoding="ascii")
from tinytorch.__main__ import main
sys.exit(main(["ops"]))
"""


def test_ops_says_which_plugins_are_missing_from_it(crowd):
    """Plugins that failed are named on the error stream, as their operations are not listed."""
    finished = crowd.run("-m", "tinytorch", "ops")
    assert finished.returncode == 0
    assert "triple" not in finished.stdout
    for name in ("broken", "exiting", "first", "second"):
        assert f"{name} 1.0 ({name}) failed: " in finished.stderr


def test_a_listing_puts_nothing_to_use(site, source, capsys):
    """The commands leave the program that calls them as it was."""
    site.install("demo", source("double"))
    assert main(["plugins"]) == 0
    assert "demo 1.0: loaded" in capsys.readouterr().out
    assert "double" not in vars(Tensor)


def test_a_missing_command_is_explained(capsys):
    """Without a command the usage is shown, and the status says that it was wrong."""
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "python -m tinytorch" in capsys.readouterr().err
