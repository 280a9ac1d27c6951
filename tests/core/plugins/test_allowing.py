"""Switching plugins off, and allowing only some of them, by the environment."""

from __future__ import annotations

import json

import pytest
from tinytorch import PluginError, PluginWarning, Tensor, enable_autograd
from tinytorch.__main__ import main
from tinytorch.operation import registry
from tinytorch.plugins import examine

LEAVES_A_TRACE = "import pathlib; pathlib.Path('imported').touch()"


@pytest.fixture
def two(site, source, monkeypatch):
    """Two plugins, and nothing blocked: what is installed besides is not allowed either."""
    site.install("first", source("double"))
    site.install("my-second", source("triple", factor=3), entry_point="main")
    monkeypatch.delenv("TINYTORCH_BLOCK_PLUGINS")
    return site


def in_use():
    """The distributions of the plugins that are in use, after enabling."""
    enable_autograd(quiet=True)
    return {report.plugin.distribution for report in registry.reports if report.operations}


@pytest.mark.parametrize("value", ["off", "OFF", " off ", "off,", ",off"])
def test_plugins_can_be_switched_off(two, monkeypatch, value):
    """With off, in any case and with blanks or commas around it, core alone is in use."""
    monkeypatch.setenv("TINYTORCH_PLUGINS", value)
    assert in_use() == {"tinytorch-core"}
    assert Tensor([0.0]).exp().item() == 1.0


def test_what_is_off_says_so_and_how_to_allow_it(two, monkeypatch):
    """An operation of a plugin that is off is an error, with the reason and the way out."""
    monkeypatch.setenv("TINYTORCH_PLUGINS", "off")
    with pytest.raises(
        AttributeError,
        match=r"'double'.*first 1.0 \(first\) blocked: plugins are off, by TINYTORCH_PLUGINS=off; "
        r"allow it: TINYTORCH_PLUGINS=first",
    ):
        Tensor([1.0]).double()


def test_a_hinted_operation_that_is_off_says_so(site, source, monkeypatch):
    """Where the package that provides an operation is known and off, its name alone is given."""
    site.install("tinytorch-ops-later", source("later_op"))
    site.install("other", source("double"))
    monkeypatch.setattr("tinytorch.missing.HINTS", {"tinytorch-ops-later": ("later_op",)})
    monkeypatch.setenv("TINYTORCH_PLUGINS", "off")
    with pytest.raises(AttributeError) as caught:
        Tensor([1.0]).later_op()
    assert str(caught.value) == (
        "a tensor has no method or attribute 'later_op': tinytorch-ops-later 1.0 "
        "(tinytorch_ops_later) blocked: plugins are off, by TINYTORCH_PLUGINS=off; "
        "allow it: TINYTORCH_PLUGINS=tinytorch-ops-later"
    )


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("first", {"first"}),
        ("main", {"my-second"}),
        ("My_Second", {"my-second"}),
        (" first , main ", {"first", "my-second"}),
        (",first,,", {"first"}),
        ("first,first", {"first"}),
        ("tinytorch-core", set()),
    ],
)
def test_only_those_that_are_allowed_are_in_use(two, monkeypatch, value, allowed):
    """Names are of distributions or entry points, as for blocking; core is there in any case."""
    monkeypatch.setenv("TINYTORCH_PLUGINS", value)
    assert in_use() == {"tinytorch-core", *allowed}


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_value_is_as_none(two, monkeypatch, value):
    """A variable that is empty or blank allows everything, as one that is not set."""
    monkeypatch.setenv("TINYTORCH_PLUGINS", value)
    assert in_use() >= {"tinytorch-core", "first", "my-second"}


@pytest.mark.parametrize("value", [",", " , ,", "off,first", "first,OFF", "off,off"])
def test_a_malformed_value_is_an_error(two, monkeypatch, capsys, value):
    """A value that is neither off nor names is refused, wherever it would count."""
    monkeypatch.setenv("TINYTORCH_PLUGINS", value)
    expected = "TINYTORCH_PLUGINS should be off, or names of plugins separated by commas"
    for ask in (enable_autograd, examine, lambda: Tensor([1.0]).double()):
        with pytest.raises(PluginError, match=f"^{expected}, but it is {value!r}$"):
            ask()
    assert not registry.enabled
    assert main(["plugins"]) == main(["ops"]) == 2
    assert expected in capsys.readouterr().err


def test_an_unknown_name_warns(two, monkeypatch):
    """A name that is allowed and that no plugin has gives a warning, and allows nothing."""
    monkeypatch.setenv("TINYTORCH_PLUGINS", "first,no-such")
    with pytest.warns(PluginWarning, match="TINYTORCH_PLUGINS allows 'no-such', but no plugin is"):
        assert in_use() == {"tinytorch-core", "first"}


def test_what_is_not_allowed_says_what_is(two, monkeypatch):
    """An operation of a plugin that is not allowed says which are, and how to add it."""
    monkeypatch.setenv("TINYTORCH_PLUGINS", "first")
    with pytest.raises(
        AttributeError,
        match=r"'triple'.*my-second 1.0 \(entry point main\) \(my_second\) blocked: "
        r"TINYTORCH_PLUGINS allows first only; allow it: TINYTORCH_PLUGINS=first,my-second",
    ):
        Tensor([1.0]).triple()


def test_blocking_goes_before_allowing(two, monkeypatch):
    """A plugin that is allowed and blocked is blocked, by the environment or by the program."""
    monkeypatch.setenv("TINYTORCH_PLUGINS", "first,main")
    monkeypatch.setenv("TINYTORCH_BLOCK_PLUGINS", "first")
    enable_autograd(quiet=True, block=["my-second"])
    errors = {r.plugin.distribution: r.error for r in registry.reports if r.status == "blocked"}
    assert errors["first"] == errors["my-second"] == "it is blocked by name"


def test_strict_has_nothing_against_what_is_not_allowed(site, monkeypatch):
    """A broken plugin that is not allowed is no failure, and is not imported."""
    site.install("broken", LEAVES_A_TRACE + "; raise RuntimeError")
    monkeypatch.chdir(site.folder)
    monkeypatch.setenv("TINYTORCH_PLUGINS", "off")
    enable_autograd(quiet=True, strict=True)
    assert not (site.folder / "imported").exists()


@pytest.mark.parametrize("value", ["2", "yes please", "-1", "1,0", "on off"])
def test_a_malformed_strict_is_an_error(site, monkeypatch, value):
    """Another value for strict mode than 1 or 0 is refused, with the value and what to do."""
    monkeypatch.setenv("TINYTORCH_STRICT_PLUGINS", value)
    expected = f"TINYTORCH_STRICT_PLUGINS should be 1 or 0, but it is '{value}'; set it to one"
    for ask in (enable_autograd, lambda: Tensor([1.0]).double()):
        with pytest.raises(PluginError, match=expected):
            ask()


@pytest.mark.parametrize(
    ("value", "raises"),
    [("1", True), (" TRUE ", True), ("on", True), ("0", False), ("No", False), ("  ", False)],
)
def test_strict_is_said_in_several_ways(site, monkeypatch, value, raises):
    """The usual words for yes and no will do, in any case, and blank is no."""
    site.install("broken", "import no_such_module")
    monkeypatch.setenv("TINYTORCH_STRICT_PLUGINS", value)
    with pytest.raises(PluginError) if raises else pytest.warns(PluginWarning):
        enable_autograd(quiet=True)


@pytest.mark.parametrize("value", ["", ",,", " , "])
def test_a_block_without_names_blocks_nothing(two, monkeypatch, value):
    """Commas and blanks alone are no names to block."""
    monkeypatch.setenv("TINYTORCH_BLOCK_PLUGINS", value)
    assert in_use() >= {"first", "my-second"}


@pytest.fixture
def traced(site, source):
    """Plugins that leave a trace where they are imported, and one that would end the program."""
    site.install("good", source("double", before=LEAVES_A_TRACE))
    site.install("exiting", LEAVES_A_TRACE + "; import sys; sys.exit(3)")
    site.install("unwanted", LEAVES_A_TRACE)
    site.block("unwanted")
    return site


def test_a_listing_without_imports(traced):
    """With --no-import each plugin is listed with its file, and none of them has run."""
    finished = traced.run("-m", "tinytorch", "plugins", "--no-import", "--json")
    assert finished.returncode == 0, finished.stderr
    rows = {row["distribution"]: row for row in json.loads(finished.stdout)}
    statuses = {name: row["status"] for name, row in rows.items()}
    assert statuses["good"] == statuses["exiting"] == statuses["tinytorch-core"] == "allowed"
    assert statuses["unwanted"] == "blocked"
    assert rows["good"] == {
        "distribution": "good",
        "version": "1.0",
        "entry_point": "good",
        "module": "good",
        "file": str(traced.folder / "good.py"),
        "status": "allowed",
        "error": "",
        "operations": [],
    }
    assert not (traced.folder / "imported").exists()
    assert traced.run("-m", "tinytorch", "plugins").returncode == 0
    assert (traced.folder / "imported").exists()


def test_a_listing_without_imports_as_text(traced):
    """The text says of each plugin whether it would be imported, and from where."""
    finished = traced.run("-m", "tinytorch", "plugins", "--no-import", "--strict")
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    heading = lines.index("good 1.0: allowed")
    assert lines[heading + 1 : heading + 3] == [
        "    good = good",
        f"    {traced.folder / 'good.py'}",
    ]


def test_a_listing_without_imports_shows_what_would_be_refused(site):
    """A plugin that asks for another core, or has no module, is a failure without an import."""
    site.install("other", LEAVES_A_TRACE)
    requires = (
        "Metadata-Version: 2.1\nName: other\nVersion: 1.0\nRequires-Dist: tinytorch-core>=9\n"
    )
    site.write("other-1.0.dist-info/METADATA", requires)
    site.distribution("odd", "odd = not a module")
    finished = site.run("-m", "tinytorch", "plugins", "--no-import", "--strict", "--json")
    assert finished.returncode == 1
    errors = {row["distribution"]: row["error"] for row in json.loads(finished.stdout)}
    assert "it was made for another version of core" in errors["other"]
    assert "its entry point should name a module" in errors["odd"]
    assert not (site.folder / "imported").exists()
