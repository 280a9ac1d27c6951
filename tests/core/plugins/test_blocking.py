"""Leaving plugins out by name, and calls that come too late to have their way."""

from __future__ import annotations

import pytest
from tinytorch import PluginError, PluginWarning, Tensor, enable_autograd
from tinytorch.plugins import examine


@pytest.mark.parametrize("name", ["my-demo", "main", "My_Demo"])
@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_plugin_is_blocked_by_either_name(site, source, name, how):
    """Distribution and entry point both name a plugin to block, in any spelling of the index."""
    site.install("my-demo", source("double"), entry_point="main")
    if how == "environment":
        site.block(name)
    enable_autograd(quiet=True, block=[name] if how == "argument" else ())
    with pytest.raises(AttributeError, match=r"'double'.*my-demo 1.0.*it is blocked by name"):
        Tensor([1.0]).double()


def test_what_is_blocked_is_not_imported(site):
    """A blocked plugin does not run, so that blocking helps against one that does harm."""
    site.install("demo", "raise RuntimeError")
    site.block("demo")
    (report,) = [r for r in examine() if r.plugin.distribution == "demo"]
    assert report.status == "blocked"
    assert report.file == str(site.folder / "demo.py")


def test_one_name_may_be_given_as_a_string(site, source):
    """A string to block is one name, and not its letters."""
    site.install("demo", source("double"))
    enable_autograd(quiet=True, block="demo")
    assert not hasattr(Tensor([1.0]), "double")


def test_a_blocked_plugin_is_no_failure(site):
    """Strict mode has nothing against a plugin that is blocked."""
    site.install("broken", "import no_such_module")
    enable_autograd(quiet=True, strict=True, block=["broken"])


@pytest.mark.parametrize("name", ["no-such-plugin", "tinytorch-core"])
def test_blocking_what_cannot_be_blocked_warns(site, name):
    """A blocked name that matches no plugin, or core itself, warns that it does nothing."""
    with pytest.warns(PluginWarning, match=f"blocking '{name}' does nothing"):
        enable_autograd(quiet=True, block=[name])
    with pytest.warns(PluginWarning, match=f"blocking '{name}' does nothing"):
        enable_autograd(quiet=True, block=[name])
    assert Tensor([0.0]).exp().item() == 1.0


def test_blocking_what_is_in_use_is_too_late(site, source):
    """To block a plugin after enabling is an error that says when to call."""
    site.install("demo", source("double"))
    Tensor([1.0]).double()
    with pytest.raises(
        PluginError, match=r"demo 1.0 cannot be blocked any more.* before the first"
    ):
        enable_autograd(quiet=True, block=["demo"])


def test_strict_after_a_failure_is_too_late(site):
    """To ask for strict mode after a plugin has failed is an error that names the plugin."""
    site.install("broken", "import no_such_module")
    with pytest.warns(PluginWarning):
        enable_autograd(quiet=True)
    enable_autograd(quiet=True)
    with pytest.raises(PluginError, match=r"without strict=True, and broken 1.0"):
        enable_autograd(quiet=True, strict=True)
    enable_autograd(quiet=True, strict=True, block=["broken"])


def test_what_would_change_nothing_is_never_too_late(site, source):
    """A call after enabling that would have led to the same is accepted in silence."""
    site.install("demo", source("double"))
    site.install("broken", "import no_such_module")
    enable_autograd(quiet=True, block=["broken"])
    enable_autograd(quiet=True, block=["broken"])
    enable_autograd(quiet=True, strict=True)
    enable_autograd()
    assert Tensor([1.0]).double().item() == 2.0
