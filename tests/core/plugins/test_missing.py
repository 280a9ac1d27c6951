"""What a name that nothing provides says, and what asking for it does not disturb."""

from __future__ import annotations

import pytest
import tinytorch
from tinytorch import Tensor, enable_autograd, missing
from tinytorch.operation import registry
from tinytorch.plugins import examine


@pytest.fixture
def hinted(monkeypatch):
    """An op package of ours that is known, but not installed."""
    names = ("later_op", "__getitem__")
    monkeypatch.setattr(missing, "HINTS", {"tinytorch-ops-later": names})


def test_a_hinted_operation_says_what_to_install(site, hinted):
    """A missing operation of a known distribution comes with the command that installs it."""
    told = (
        "'later_op'; it comes with tinytorch-ops-later: python -m pip install tinytorch-ops-later$"
    )
    with pytest.raises(AttributeError, match=f"{told}$"):
        Tensor([1.0]).later_op()
    with pytest.raises(AttributeError, match=f"{told}$"):
        tinytorch.ops.later_op(Tensor([1.0]))


def test_slicing_says_what_to_install(site, hinted):
    """x[...] without a plugin for it is a TypeError with the command that installs one."""
    with pytest.raises(TypeError, match="python -m pip install tinytorch-ops-later"):
        Tensor([1.0])[0]


def test_a_hinted_operation_of_an_older_release_says_to_upgrade(site, hinted, source):
    """Where the distribution is there without the operation, the advice is to upgrade it."""
    site.install("tinytorch-ops-later", source("other_op"))
    with pytest.raises(AttributeError, match="install --upgrade tinytorch-ops-later"):
        Tensor([1.0]).later_op()


def test_a_hinted_operation_of_a_broken_plugin_says_what_failed(site, hinted):
    """Where the distribution is there but fails, the message has its failure and no advice."""
    site.install("tinytorch-ops-later", "import no_such_module")
    with pytest.warns(tinytorch.PluginWarning), pytest.raises(AttributeError) as caught:
        Tensor([1.0]).later_op()
    assert "No module named 'no_such_module'" in str(caught.value)
    assert "pip install" not in str(caught.value)


@pytest.mark.parametrize("distribution", missing.HINTS)
def test_hints_are_what_our_packages_provide(distribution):
    """The table of hints names exactly the operations of each distribution of ours."""
    reports = [r for r in examine() if r.plugin.distribution == distribution]
    if not reports:
        pytest.skip(f"{distribution} is not installed")
    provided = {name for operation in reports[0].operations for name in operation.names}
    assert provided == set(missing.HINTS[distribution]), reports[0].error


def test_an_unknown_name_lists_near_matches(site, source):
    """A misspelt name is answered with what is called alike, plugins' operations included."""
    site.install("demo", source("softdouble"))
    for ask in (lambda: Tensor([1.0]).sofdouble, lambda: tinytorch.ops.sofdouble):
        with pytest.raises(AttributeError, match=r"'sofdouble'; did you mean softdouble\?"):
            ask()
    with pytest.raises(AttributeError, match=r"'backwards'; did you mean backward\?"):
        Tensor([1.0]).backwards()


def test_a_function_that_is_no_method_is_pointed_at(site):
    """A tensor that is asked for an operation without a method says where the function is."""
    with pytest.raises(AttributeError, match=r"call it as a function, tinytorch.ops.where\(x\)"):
        Tensor([1.0]).where()


def test_a_name_with_an_underscore_raises_at_once(site):
    """A private name raises what Python would, with the class, and looks for no plugin."""

    class Special(Tensor):
        pass

    with pytest.raises(AttributeError, match=r"^'Special' object has no attribute '_secret'$"):
        Special([1.0])._secret  # noqa: B018
    with pytest.raises(AttributeError, match=r"'tinytorch.ops' has no attribute '_secret'"):
        tinytorch.ops._secret  # noqa: B018
    assert not registry.enabled


def test_the_error_of_a_property_is_let_through(site):
    """An AttributeError that a property raises is seen, and not taken for a missing operation."""

    class Special(Tensor):
        @property
        def norm(self):
            return None.size

        @property
        def doubled(self):
            return self.dubble()

    for _ in range(2):  # before enabling and after it
        with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'size'"):
            Special([1.0]).norm  # noqa: B018
        enable_autograd(quiet=True)
    with pytest.raises(AttributeError, match="no method or attribute 'dubble'"):
        Special([1.0]).doubled  # noqa: B018


def test_attributes_of_a_subclass_come_first(site, source):
    """A subclass with attributes and methods of its own keeps them, and gets operations too."""

    class Special(Tensor):
        label = "of the class"

        def triple(self):
            return "own"

    site.install("demo", source("double", "triple"))
    x = Special([1.0])
    x.note = "of the tensor"
    assert (x.note, x.label, x.triple()) == ("of the tensor", "of the class", "own")
    assert not registry.enabled
    assert x.double().item() == 2.0


def test_an_operation_may_have_the_name_of_a_method_of_type(site, source):
    """`mro` is a name of classes, not of tensors, and free for an operation."""
    site.install("demo", source("mro"))
    assert Tensor([1.0]).mro().item() == 2.0


def test_hasattr_tells_what_is_installed(site, source):
    """hasattr is true for operations that are installed and false for others, of tensor and ops."""
    site.install("demo", source("double"))
    for owner in (Tensor([1.0]), tinytorch.ops):
        assert hasattr(owner, "double")
        assert not hasattr(owner, "triple")
    assert getattr(Tensor([1.0]), "triple", None) is None


def test_dir_lists_operations(site, source):
    """dir() has the operations in use: `tinytorch.ops` exactly these, a tensor their methods."""
    site.install("demo", source("double"))
    assert dir(tinytorch.ops) == sorted(registry.operations)
    assert {"double", "exp", "backward"} <= set(dir(Tensor([1.0])))
    # pytest itself adds names that begin with @ to the modules of its plugins.
    assert not [name for name in vars(tinytorch.ops) if name[0] not in "_@"]


SLICING = """
import tinytorch
from tinytorch import Operation, Tensor

def getitem(x, key):
    return Tensor(x.data[key] * 10)

@tinytorch.hookimpl
def tinytorch_register_ops():
    return [Operation(getitem, method="__getitem__")]
"""


def test_slicing_may_come_from_a_plugin(site):
    """x[...] and iteration enable, and then use the plugin that provides slicing."""
    site.install("demo", SLICING)
    assert Tensor([1.0, 2.0])[1].item() == 20.0
    assert [x.item() for x in Tensor([1.0, 2.0])] == [10.0, 20.0]


def test_slicing_of_a_subclass_is_run_once(site):
    """A subclass that slices through super() is not called a second time by the stand-in."""
    keys = []

    class Special(Tensor):
        def __getitem__(self, key):
            keys.append(key)
            return super().__getitem__(key)

    site.install("demo", SLICING)
    assert Special([1.0])[0].item() == 10.0
    assert keys == [0]


def test_a_near_match_is_named_once():
    """An operation of several names is suggested by each of them once."""
    with pytest.raises(AttributeError) as caught:
        Tensor([1.0]).dvide  # noqa: B018 - asking is the test
    assert str(caught.value).count("divide") == 1
