"""`isolated_registry` undoes whatever happened inside."""

from __future__ import annotations

import pytest
import tinytorch
from tinytorch import Operation, PluginWarning, Tensor, enable_autograd, isolated_registry
from tinytorch.operation import Plugin, registry

TESTER = Plugin("tester", "tester")


def double(x):
    """Two times x."""
    return x * 2


def getitem(x, key):
    """Slice."""
    return key


def everything():
    """All that the registry and Tensor know."""
    return {**vars(registry)}, {**vars(Tensor)}


def test_what_is_registered_inside_is_gone_after_it(site):
    """Methods, functions and owners that are registered in the block are not there after it."""
    before = everything()
    with isolated_registry() as inner:
        inner.register(TESTER, [Operation(double, method="double", aliases=("twice",))])
        assert Tensor([1.0]).twice().item() == 2.0
        assert tinytorch.ops.double is double
    assert everything() == before


def test_enabling_inside_is_undone(site, source):
    """Enabling, what it loaded and what failed are undone, and can happen again."""
    site.install("demo", source("double"))
    site.install("broken", "import no_such_module")
    before = everything()
    for _ in range(2):
        with isolated_registry():
            with pytest.warns(PluginWarning):
                enable_autograd(quiet=True)
            assert Tensor([1.0]).double().item() == 2.0
        assert everything() == before


def test_the_stand_in_for_slicing_comes_back(site):
    """Slicing that was registered in the block gives way to its stand-in again."""
    before = vars(Tensor)["__getitem__"]
    with isolated_registry() as inner:
        inner.register(TESTER, [Operation(getitem, method="__getitem__")])
        assert Tensor([1.0])["key"] == "key"
    assert vars(Tensor)["__getitem__"] is before


def test_it_is_undone_after_an_error(site):
    """An exception that leaves the block does not keep what was registered."""
    before = everything()

    @isolated_registry()
    def fail():
        registry.register(TESTER, [Operation(double, method="double")])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert everything() == before


def test_a_fresh_block_begins_with_core_alone(site, source):
    """Inside a fresh block nothing but core is in use; after it, all that was in use is again."""
    site.install("demo", source("double"))
    enable_autograd(quiet=True)
    registry.register(TESTER, [Operation(getitem, method="__getitem__")])
    before = everything()
    with isolated_registry(fresh=True) as inner:
        assert not inner.enabled
        assert inner.reports == ()
        assert not {"double", "getitem"} & set(inner.operations)
        assert not {"double"} & set(vars(Tensor))
        assert Tensor([0.0]).exp().item() == 1.0
    assert everything() == before
    assert Tensor([1.0]).double().item() == 2.0


def test_another_operation_of_one_name_is_undone(site):
    """A name that had another function in a fresh block has its own again after it."""

    def other(x):
        return None

    other.__name__ = "double"
    registry.register(TESTER, [Operation(double, method="double")])
    with isolated_registry(fresh=True) as inner:
        inner.register(TESTER, [Operation(other, method="double")])
        assert Tensor([1.0]).double() is None
    assert Tensor([1.0]).double().item() == 2.0


def test_blocks_may_be_nested(site):
    """An inner block undoes what happened in it, and only that."""
    before = everything()
    with isolated_registry() as outer:
        outer.register(TESTER, [Operation(double, method="double")])
        between = everything()
        with isolated_registry() as inner:
            inner.register(TESTER, [Operation(getitem)])
        assert everything() == between
    assert everything() == before


def test_a_failing_registration_changes_nothing(site):
    """Where one of several operations is refused, none is registered."""
    before = everything()
    with pytest.raises(tinytorch.PluginError, match="may not be called 'data'"):
        registry.register(
            TESTER, [Operation(double, method="double"), Operation(getitem, method="data")]
        )
    assert everything() == before
