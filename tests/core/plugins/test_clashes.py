"""Two plugins that register one name: an error that names both, and never a silent winner."""

from __future__ import annotations

import pytest
import tinytorch
from tinytorch import PluginConflictError, PluginError, PluginWarning, Tensor, enable_autograd

BOTH = "first 1.0 and second 2.0 register the same name: 'double'"


@pytest.fixture
def clash(site, source):
    """Two distributions with one name in common and one name each, and a third by itself."""
    site.install("first", source("double", "of_first"))
    site.install("second", source("double", "of_second", factor=3), version="2.0")
    site.install("third", source("triple", factor=3))
    return site


def test_an_explicit_enabling_raises(clash):
    """A clash makes an explicit call raise, naming both and what to do, and enables nothing."""
    with pytest.raises(PluginConflictError, match=BOTH) as caught:
        enable_autograd(quiet=True)
    assert "TINYTORCH_BLOCK_PLUGINS=second" in str(caught.value)
    assert "enable_autograd(block=['second'])" in str(caught.value)
    assert not tinytorch.operation.registry.enabled
    assert "triple" not in vars(Tensor)


def test_lazy_enabling_leaves_both_out_and_uses_the_rest(clash):
    """Under lazy enabling each clashing plugin gives a warning, and other plugins work."""
    with pytest.warns(PluginWarning) as caught:
        assert Tensor([1.0]).triple().item() == 3.0
    assert len(caught) == 2
    assert all(BOTH in str(warning.message) for warning in caught)


@pytest.mark.parametrize("name", ["double", "of_first", "of_second"])
def test_every_name_of_a_clashing_plugin_says_so(clash, name):
    """A name of a plugin that was left out, shared or not, raises with both and what to do."""
    with pytest.warns(PluginWarning):
        assert not hasattr(Tensor([1.0]), name)
    for ask in (lambda: getattr(Tensor([1.0]), name), lambda: getattr(tinytorch.ops, name)):
        with pytest.raises(AttributeError, match=f"'{name}': .*{BOTH}.*TINYTORCH_BLOCK_PLUGINS"):
            ask()


def test_the_outcome_is_the_same_after_a_first_use(clash):
    """An explicit call after lazy enabling raises for the clash, as it does before."""
    with pytest.warns(PluginWarning):
        Tensor([1.0]).triple()
    with pytest.raises(PluginConflictError, match=BOTH):
        enable_autograd(quiet=True)
    with pytest.raises(PluginError, match=r"second 2.0 cannot be blocked any more"):
        enable_autograd(quiet=True, block=["second"])


def test_strict_makes_lazy_enabling_raise(clash, monkeypatch):
    """In strict mode a clash is an error under lazy enabling too."""
    monkeypatch.setenv("TINYTORCH_STRICT_PLUGINS", "1")
    with pytest.raises(PluginConflictError, match=BOTH):
        Tensor([1.0]).triple()


@pytest.mark.parametrize(("blocked", "result"), [("first", 3.0), ("second", 2.0)])
def test_blocking_one_leaves_the_other_in_use(clash, blocked, result):
    """With one of two clashing plugins blocked, the other is in use, whichever it is."""
    enable_autograd(quiet=True, block=[blocked])
    assert Tensor([1.0]).double().item() == result


def test_a_clash_that_was_refused_can_be_solved(clash):
    """After an explicit call has raised, another that blocks one succeeds."""
    with pytest.raises(PluginConflictError):
        enable_autograd(quiet=True)
    enable_autograd(quiet=True, block="first")
    assert Tensor([1.0]).double().item() == 3.0


def test_a_method_clashes_with_a_function_of_its_name(site, source):
    """A name is one, whether a plugin uses it for a function, a method or an alias."""
    other = "def other(x): return x\nOTHER = Operation(other, method='double')\n"
    site.install("first", source("double"))
    site.install(
        "second",
        source("triple")
        .replace("return [", "return [OTHER, ")
        .replace("@tinytorch", other + "\n@tinytorch"),
    )
    with pytest.raises(PluginConflictError, match=r"first 1.0 and second 1.0"):
        enable_autograd(quiet=True)


def test_a_chain_of_clashes_leaves_all_out(site, source):
    """Of three plugins that clash pairwise in a chain, none is used: no order decides."""
    site.install("a", source("ab"))
    site.install("b", source("ab", "bc"))
    site.install("c", source("bc"))
    with pytest.warns(PluginWarning) as caught:
        assert not hasattr(Tensor([1.0]), "nothing")
    assert len(caught) == 3
    assert not {"ab", "bc"} & set(tinytorch.operation.registry.operations)


def test_a_name_in_use_is_not_replaced(site, source):
    """A plugin that claims what is registered already by other means is a failed plugin."""
    from tinytorch.operation import Operation, Plugin, registry

    def double(x):
        return x

    registry.register(Plugin("notebook", "notebook"), [Operation(double, method="double")])
    site.install("demo", source("double"))
    with pytest.warns(PluginWarning, match="demo 1.0.*'double' belongs to notebook"):
        enable_autograd(quiet=True)
    assert vars(Tensor)["double"] is double
    with pytest.raises(PluginError, match="'double' belongs to notebook"):
        registry.register(Plugin("notebook", "notebook"), [Operation(double)])
