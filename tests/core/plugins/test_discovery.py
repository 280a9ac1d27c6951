"""Which plugins are found, and what they are known by."""

from __future__ import annotations

import pytest
import tinytorch
from tinytorch import Tensor, enable_autograd
from tinytorch.plugins import examine


def reports(*distributions):
    """The reports on these distributions, in the order of the examination."""
    return [r for r in examine() if r.plugin.distribution in distributions]


def test_an_operation_serves_as_method_and_as_function(site, source):
    """An installed operation computes, and its gradient flows, as method and in `tinytorch.ops`."""
    site.install("demo", source("double", factor=2))
    enable_autograd(quiet=True)
    x = Tensor([1.5, -2.0], requires_grad=True)
    y = x.double() + tinytorch.ops.double(x)
    y.backward([0.5, -3.0])
    assert y.tolist() == [6.0, -8.0]
    assert x.grad.tolist() == [2.0, -12.0]


def test_core_is_a_plugin_as_any_other(site):
    """Core's own operations are found by its entry point, and are those in use from the start."""
    (core,) = reports("tinytorch-core")
    in_use = set(tinytorch.operation.registry.operations.values())
    assert core.status == "loaded"
    assert set(core.operations) == in_use
    assert core.file.endswith("plugin.py")


def test_a_plugin_is_reported_with_version_and_file(site, source):
    """A report names distribution, version, entry point, module and file."""
    site.install("demo", source("double"), version="2.5", entry_point="main")
    (report,) = reports("demo")
    plugin = report.plugin
    assert (plugin.distribution, plugin.entry_point, plugin.version, plugin.module) == (
        "demo",
        "main",
        "2.5",
        "demo",
    )
    assert report.file == str(site.folder / "demo.py")
    assert str(plugin) == "demo 2.5 (entry point main)"


def test_plugins_are_examined_in_the_order_of_their_names(site, source):
    """The order of plugins depends on their names alone, not on the order of installation."""
    for name in ("zeta", "alpha", "mid"):
        site.install(name, source(f"{name}_op"))
    found = [r.plugin.distribution for r in reports("zeta", "alpha", "mid")]
    assert found == ["alpha", "mid", "zeta"]


def test_two_distributions_may_use_one_entry_point_name(site, source):
    """Of two distributions whose entry points bear one name, both are loaded."""
    site.install("first", source("double"), entry_point="ops")
    site.install("second", source("triple", factor=3), entry_point="ops")
    enable_autograd(quiet=True)
    assert Tensor([1.0]).double().item() == 2.0
    assert Tensor([1.0]).triple().item() == 3.0


def test_one_distribution_may_have_two_plugins(site, source):
    """Each entry point of a distribution is a plugin of its own, and can fail by itself."""
    site.write("demo_good.py", source("double"))
    site.write("demo_bad.py", "raise RuntimeError('no such device')")
    site.distribution("demo", "good = demo_good\nbad = demo_bad")
    bad, good = reports("demo")
    assert (good.status, bad.status) == ("loaded", "failed")
    assert "RuntimeError: no such device" in bad.error


def test_one_name_twice_in_one_distribution_is_a_clash(site, source):
    """Two plugins of one distribution that register one name are told apart by entry point."""
    site.write("demo_a.py", source("double"))
    site.write("demo_b.py", source("double"))
    site.distribution("demo", "a = demo_a\nb = demo_b")
    a, b = reports("demo")
    assert (a.status, b.status) == ("failed", "failed")
    assert "TINYTORCH_BLOCK_PLUGINS=b" in a.error
    assert "TINYTORCH_BLOCK_PLUGINS=a" in b.error


def test_an_entry_point_may_name_an_object(site, source):
    """An entry point may lead to any object that has the hook, such as a class in a module."""
    site.write(
        "demo.py",
        source("double")
        + "\nclass Plugin:\n    tinytorch_register_ops = staticmethod(tinytorch_register_ops)\n"
        "del tinytorch_register_ops\n",
    )
    site.distribution("demo", "demo = demo:Plugin [fast]")
    (report,) = reports("demo")
    assert report.status == "loaded", report.error
    assert report.file == str(site.folder / "demo.py")


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("demo:no_such_name", "AttributeError: module 'demo' has no attribute 'no_such_name'"),
        ("not a module", ""),
    ],
)
def test_an_entry_point_that_leads_nowhere_fails(site, source, value, error):
    """An entry point of a missing module or attribute is a failure, which says what is missing."""
    site.install("demo", source("double"))
    site.distribution("broken", f"broken = {value}")
    broken, demo = reports("broken", "demo")
    assert (broken.status, demo.status) == ("failed", "loaded")
    assert error in broken.error


def test_a_distribution_without_metadata_is_examined(site, source):
    """A damaged installation that lacks name and version is a plugin all the same."""
    site.write("demo.py", source("double"))
    site.distribution("demo", "demo = demo", metadata=False)
    name = f"(unknown distribution in {site.folder})"
    (report,) = reports(name)
    assert report.status == "loaded"
    assert str(report.plugin) == f"{name} (entry point demo)"


def test_a_failed_plugin_is_reported_with_the_file_of_its_package(site):
    """The file of a plugin that does not import is that of its package."""
    site.write("demo/__init__.py", "")
    site.write("demo/plugin.py", "import no_such_module")
    site.distribution("demo", "demo = demo.plugin")
    (report,) = reports("demo")
    assert report.file == str(site.folder / "demo" / "__init__.py")


def test_examining_puts_nothing_to_use(site, source):
    """An examination leaves the registry and Tensor as they were."""
    site.install("demo", source("double"))
    assert reports("demo")[0].status == "loaded"
    assert not tinytorch.operation.registry.enabled
    assert "double" not in vars(Tensor)


def test_examining_again_finds_the_same(site, source):
    """An examination after enabling reports the plugins in use as loaded."""
    site.install("demo", source("double"))
    enable_autograd(quiet=True)
    (report,) = reports("demo")
    assert (report.status, report.error) == ("loaded", "")
