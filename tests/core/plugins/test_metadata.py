"""Metadata of distributions that are damaged or odd, and the versions of core that they ask for."""

from __future__ import annotations

import json

import pytest
from tinytorch import PluginError, PluginWarning, Tensor, enable_autograd, isolated_registry
from tinytorch.__main__ import main
from tinytorch.metadata import allows
from tinytorch.operation import registry
from tinytorch.plugins import examine

SECTION = b"[tinytorch]\ndemo = demo\n"

UNREADABLE = {
    "a line without a value": SECTION + b"a line that says nothing\n",
    "another section": SECTION + b"[console_scripts]\nnonsense\n",
    "no text": SECTION + b"\xff\xfe\x00",
}


def write(site, path, content):
    """Write a file of metadata, as bytes."""
    file = site.folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def named(distribution):
    """The reports on a distribution."""
    return [r for r in examine() if r.plugin.distribution == distribution]


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_entry_points_that_cannot_be_read_break_nothing_else(site, source, content):
    """Where entry_points.txt is damaged, a warning names the distribution, and the rest works."""
    site.install("broken", source("double"), version="1.5")
    write(site, "broken-1.5.dist-info/entry_points.txt", content)
    site.install("sound", source("triple", factor=3))
    message = (
        r"^broken 1.5 \(entry_points.txt\) failed: its entry_points.txt cannot be read: \w+Error"
    )
    with pytest.warns(PluginWarning, match=f"{message}.*TINYTORCH_BLOCK_PLUGINS=broken$"):
        assert Tensor([1.0]).triple().item() == 3.0
    with pytest.raises(AttributeError, match=r"not in use: broken 1.5 .*cannot be read"):
        Tensor([1.0]).double()


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_entry_points_that_cannot_be_read_are_an_error_if_strict(site, content):
    """In strict mode damaged metadata raise, and blocking the distribution is the way out."""
    write(site, "broken-1.0.dist-info/METADATA", b"Metadata-Version: 2.1\nName: broken\n")
    write(site, "broken-1.0.dist-info/entry_points.txt", content)
    with pytest.raises(PluginError, match=r"^broken .*cannot be read"):
        enable_autograd(quiet=True, strict=True)
    assert not registry.enabled
    enable_autograd(quiet=True, strict=True, block=["broken"])


def test_the_command_lists_what_cannot_be_read(site, source):
    """`python -m tinytorch plugins` works where metadata are damaged, and says where."""
    for number, content in enumerate(UNREADABLE.values()):
        write(site, f"broken{number}-1.0.dist-info/METADATA", f"Name: broken{number}\n".encode())
        write(site, f"broken{number}-1.0.dist-info/entry_points.txt", content)
    site.install("sound", source("triple"))
    finished = site.run("-m", "tinytorch", "plugins", "--json")
    assert finished.returncode == 0, finished.stderr
    statuses = {row["distribution"]: row["status"] for row in json.loads(finished.stdout)}
    assert statuses["sound"] == "loaded"
    assert [statuses[f"broken{number}"] for number in range(3)] == ["failed"] * 3
    assert finished.stderr.count("its entry_points.txt cannot be read") == 3


def test_damaged_entry_points_that_are_not_for_us_are_not_our_business(site):
    """A damaged file without a section of ours is passed over, in strict mode too."""
    write(site, "other-1.0.dist-info/METADATA", b"Metadata-Version: 2.1\nName: other\n")
    write(site, "other-1.0.dist-info/entry_points.txt", b"[console_scripts]\nnonsense\n")
    enable_autograd(quiet=True, strict=True)
    assert named("other") == []


@pytest.mark.parametrize("metadata", [b"", b"\n\nName: hidden", b"Name:\nVersion:\n", b"\0", None])
def test_a_distribution_without_a_name_is_a_plugin(site, source, metadata):
    """Where METADATA have no name, or are not there, the place stands in for it."""
    site.write("demo.py", source("double"))
    site.distribution("demo", "demo = demo", metadata=False)
    if metadata is not None:
        write(site, "demo-1.0.dist-info/METADATA", metadata)
    enable_autograd(quiet=True)
    (report,) = named(f"(unknown distribution in {site.folder})")
    assert (report.status, report.plugin.version) == ("loaded", "")
    assert Tensor([1.0]).double().item() == 2.0


@pytest.mark.parametrize("file", ["METADATA", "entry_points.txt"])
def test_a_file_that_is_no_text_is_named(site, source, file):
    """Where one of the files is no text, the plugin fails, and the message has file and place."""
    site.write("demo.py", source("double"))
    site.distribution("demo", "demo = demo", metadata=False)
    write(site, f"demo-1.0.dist-info/{file}", b"\xff\xfe")
    with pytest.warns(PluginWarning) as caught:
        enable_autograd(quiet=True)
    (message,) = [str(warning.message) for warning in caught]
    assert message.startswith(f"(unknown distribution in {site.folder})")
    assert f"failed: its {file} cannot be read: UnicodeDecodeError" in message
    block = message.rpartition("TINYTORCH_BLOCK_PLUGINS=")[2]
    with isolated_registry(fresh=True):
        enable_autograd(quiet=True, strict=True, block=[block])


ODD_NAMES = {
    "spaces": "two words",
    "letters": "größe 尺",
    "long": "n" * 5000,
    "empty": "",
    "punctuation": "-._;:'!?{}%s%(x)s\\",
    "ours": "tinytorch-core",
}


@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES)
def test_an_entry_point_may_have_any_name(site, source, name):
    """A plugin is used whatever its entry point is called, and can be blocked by distribution."""
    site.write("demo.py", source("double"))
    site.distribution("demo", f"{name} = demo")
    enable_autograd(quiet=True)
    (report,) = named("demo")
    assert (report.status, report.plugin.entry_point) == ("loaded", name)
    assert Tensor([1.0]).double().item() == 2.0
    assert main(["plugins"]) == 0
    site.block("demo")
    (report,) = named("demo")
    assert report.status == "blocked"


@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES)
def test_an_oddly_named_plugin_fails_as_any_other(site, name):
    """The failure of a plugin with an odd name has that name, unless it is empty."""
    site.write("demo.py", "raise RuntimeError('no such device')")
    site.distribution("demo", f"{name} = demo")
    with pytest.warns(PluginWarning) as caught:
        enable_autograd(quiet=True)
    assert [str(warning.message) for warning in caught] == [
        f"demo 1.0 (entry point {name}) (demo) failed: RuntimeError: no such device; upgrade or "
        "reinstall demo, or leave it out: TINYTORCH_BLOCK_PLUGINS=demo"
    ]


@pytest.mark.parametrize(
    "value", ["", "not a module", "demo:", ":demo", "demo-plugin", "a.b:c d", "demo;import os", "["]
)
def test_a_value_that_is_no_module_is_named(site, value):
    """An entry point whose value cannot be a module says so, with the value."""
    site.write("demo.py", "")
    site.distribution("demo", f"demo = {value}")
    (report,) = named("demo")
    assert report.status == "failed"
    assert (
        report.error == f"its entry point should name a module, as 'package.plugin', not {value!r}"
    )


@pytest.mark.parametrize("value", ["..", "3.1", "no.such.module", "demo:x.y", "class.import"])
def test_a_value_that_leads_nowhere_fails(site, value):
    """An entry point that leads to nothing fails with what Python says of it."""
    site.write("demo.py", "")
    site.distribution("demo", f"demo = {value}")
    (report,) = named("demo")
    assert report.status == "failed"
    assert report.error.partition(":")[0] in {"ModuleNotFoundError", "TypeError", "AttributeError"}


def test_two_entry_points_of_one_name_in_a_distribution_are_refused(site, source):
    """Two plugins that nothing tells apart fail both, and are not imported."""
    site.write("demo_a.py", source("double"))
    site.write("demo_b.py", source("triple"))
    site.distribution("demo", "demo = demo_a\nother = demo_a\ndemo = demo_b")
    reports = {report.plugin.module: report for report in named("demo") if report.error}
    assert set(reports) == {"demo_a", "demo_b"}
    for report in reports.values():
        assert "has 2 entry points of this name, which nothing tells apart" in report.error


def test_an_entry_point_that_is_written_twice_counts_once(site, source):
    """The same line twice is one plugin."""
    site.write("demo.py", source("double"))
    site.distribution("demo", "demo = demo\ndemo = demo")
    (report,) = named("demo")
    assert report.status == "loaded"


def test_a_distribution_that_is_installed_twice_counts_once(site, source):
    """What an earlier release left behind does not clash with the plugin itself."""
    site.write("demo.py", source("double"))
    site.distribution("demo", "demo = demo", version="1.0")
    site.distribution("demo", "demo = demo", version="2.0")
    write(site, "~emo-0.9.dist-info/METADATA", b"Metadata-Version: 2.1\nName: demo\nVersion: 0.9\n")
    write(site, "~emo-0.9.dist-info/entry_points.txt", SECTION)
    (report,) = named("demo")
    assert report.status == "loaded"


VERSIONS = [
    # clause, version, whether it is allowed
    (">=0.1", "0.1.0", True),
    (">=0.1", "0.0.9", False),
    (">=0.1.1", "0.1", False),
    (">=0.1.0.0.1", "0.1", False),
    (">=0.1.0.0.0", "0.1", True),
    ("<=0.1", "0.1.0", True),
    ("<=0.1", "0.1.1", False),
    ("<=0.1", "0.0.9", True),
    ("==0.1", "0.1.0", True),
    ("==0.1.0.0", "0.1", True),
    ("==0.1", "0.1.1", False),
    ("<0.2", "0.1.99", True),
    ("<0.2", "0.2", False),
    ("<0.2", "0.2.0", False),
    ("<0.2", "0.10", False),
    (">0.1", "0.1.0", False),
    (">0.1", "0.1.0.1", True),
    (">0.9", "0.10", True),
    (">=1", "0.9", False),
    ("  >=   0.1  ", "0.1", True),
    # What follows the numbers of a version does not count.
    ("<0.2", "0.2.0.dev1", False),
    (">=0.2", "0.2.0rc1", True),
    (">0.1", "0.1.0.post1", False),
    ("==0.1", "0.1.0+local.2", True),
    ("<=0.1", "0.1.0+local.2", True),
    # A version without numbers counts as 0.
    ("<0.1", "", True),
    (">=0.1", "unknown", False),
    # What is not understood is pip's business.
    ("!=0.1", "0.1", True),
    ("~=0.1", "9.0", True),
    ("===0.1", "9.0", True),
    ("==9.*", "0.1", True),
    ("<1!0.1", "9.0", True),
    ("<v0.1", "9.0", True),
    ("<0.1a1", "9.0", True),
    ("=<0.1", "9.0", True),
    ("", "0.1", True),
]


@pytest.mark.parametrize(("clause", "version", "allowed"), VERSIONS)
def test_a_clause_allows_a_version_or_not(clause, version, allowed):
    """Releases are compared number by number, and what is not understood is let through."""
    assert allows(clause, version) is allowed


@pytest.mark.parametrize(
    ("requirement", "refused"),
    [
        ("tinytorch-core>=9", True),
        ("TinyTorch_Core (<0.0.1)", True),
        ("tinytorch.core >=0.0.1, <9, ==9", True),
        ("tinytorch-core>=0.0.1,<9", False),
        ("tinytorch-core", False),
        ("tinytorch-core-extras>=9", False),
        ("my-tinytorch-core>=9", False),
        ("tinytorch-core[testing]>=9", False),  # not understood: pip's business
        ("tinytorch-core>=9; extra == 'test'", False),
        ("tinytorch-core @ file:///somewhere", False),
        ("numpy>=99", False),
        ("", False),
    ],
)
def test_a_requirement_of_another_core_is_refused(site, source, requirement, refused):
    """Only a plain requirement of core counts, in any spelling, and the module does not run."""
    site.install("demo", "raise RuntimeError" if refused else source("double"))
    text = f"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: {requirement}\n"
    site.write("demo-1.0.dist-info/METADATA", text)
    (report,) = named("demo")
    assert ("made for another version of core" in report.error) is refused
    assert report.status == ("failed" if refused else "loaded")
