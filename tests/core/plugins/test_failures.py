"""Plugins that fail: each is left out whole, says why, and leaves everything else working."""

from __future__ import annotations

import re

import pytest
import tinytorch
from tinytorch import PluginError, PluginWarning, Tensor, enable_autograd
from tinytorch.plugins import examine

HEAD = "import tinytorch\nfrom tinytorch import Function, Operation\ndef double(x): return x * 2\n"
HOOK = HEAD + "@tinytorch.hookimpl\ndef tinytorch_register_ops():\n    "

BROKEN = {
    "import": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax": ("def (", "SyntaxError"),
    "exit": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "exit in hook": (HOOK + "raise SystemExit('enough')", "SystemExit: enough"),
    "hook raises": (HOOK + "raise ValueError('no licence')", "ValueError: no licence"),
    "misspelt": (
        HEAD + "@tinytorch.hookimpl\ndef tinytorch_regster_ops(): return []",
        "unknown hook 'tinytorch_regster_ops'.* the hook is called tinytorch_register_ops",
    ),
    "misspelt beside": (
        HOOK + "return [Operation(double)]\n"
        "@tinytorch.hookimpl\ndef tinytorch_register_op(): return []",
        "unknown hook 'tinytorch_register_op'",
    ),
    "arguments": (
        HEAD + "@tinytorch.hookimpl\ndef tinytorch_register_ops(registry): return []",
        "PluginValidationError.*registry",
    ),
    "no marker": (
        HEAD + "def tinytorch_register_ops(): return [Operation(double)]",
        "registers nothing: its tinytorch_register_ops lacks the marker @tinytorch.hookimpl",
    ),
    "no hook": (HEAD, "registers nothing: it has no function tinytorch_register_ops"),
    "no return": (HOOK + "[Operation(double)]", "registers nothing.* returns no operations"),
    "empty": (HOOK + "return []", "registers nothing.* returns no operations"),
    "not a list": (HOOK + "return Operation(double)", "'Operation' object is not iterable"),
    "not an operation": (
        HOOK + "return [double]",
        "should return Operations, but.*<function",
    ),
    "not a function": (
        HOOK + "return [Operation(len)]",
        "TypeError: Operation.len.: function should be a Python function.*len",
    ),
    "keyword": (
        HOOK + "return [Operation(double, aliases=('lambda',))]",
        "needs a name, but 'lambda' is none",
    ),
    "no name": (HOOK + "return [Operation(lambda x: x)]", "needs a name, but '<lambda>' is none"),
    "not a Function": (
        HOOK + "return [Operation(double, int)]",
        "Operation.double.: backward should be a subclass of tinytorch.Function.*<class 'int'>",
    ),
    "aliases": (
        HOOK + "return [Operation(double, aliases='twice')]",
        "Operation.double.: aliases should be a tuple of names, but it is 'twice'",
    ),
    "method": (
        HOOK + "return [Operation(double, method=5)]",
        "Operation.double.: method should be a name, but it is 5",
    ),
    "samples that are used up": (
        HOOK + "return [Operation(double, samples=iter(()))]",
        "Operation.double.: samples should be a list of samples, or a function",
    ),
    "numpy": (
        HOOK + "return [Operation(double, numpy=['exp'])]",
        "Operation.double.: numpy should be a list of NumPy functions",
    ),
    "no operation at all": (HOOK + "return None", "registers nothing"),
    "twice": (
        HOOK + "return [Operation(double), Operation(double)]",
        "the name 'double' is registered twice",
    ),
    "core's": (
        HOOK + "return [Operation(double, method='exp')]",
        "the name 'exp' belongs to tinytorch-core.* may not be replaced",
    ),
}


@pytest.mark.parametrize(("text", "error"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_left_out(site, source, text, error):
    """What is broken is named with version and fault, by a warning and when an op is missed."""
    site.install("broken", text, version="3.1")
    site.install("demo", source("triple", factor=3))
    with pytest.warns(PluginWarning, match=f"(?s)^broken 3.1 .broken. failed: .*{error}"):
        assert Tensor([1.0]).triple().item() == 3.0
    with pytest.raises(
        AttributeError, match=f"(?s)'double'.*broken 3.1 .broken. failed: .*{error}"
    ):
        Tensor([1.0]).double()


@pytest.mark.parametrize("name", ["backward", "data", "numpy", "T", "__class__", "_edge", "_new"])
@pytest.mark.parametrize("role", ["method='{}'", "aliases=('{}',)"])
def test_names_of_tensor_are_refused(site, name, role):
    """A plugin that takes a name that Tensor defines or reserves is refused, by name."""
    before = vars(Tensor).get(name)
    site.install("broken", HOOK + f"return [Operation(double, {role.format(name)})]")
    with pytest.warns(PluginWarning, match=f"may not be called '{name}', a name that Tensor"):
        enable_autograd(quiet=True)
    assert vars(Tensor).get(name) is before


def test_a_function_may_not_take_a_name_of_tensor_either(site):
    """The function of an operation is refused a name of Tensor's, as the method is."""
    site.install("broken", HOOK + "def detach(x): return x\n    return [Operation(detach)]")
    with pytest.warns(PluginWarning, match="may not be called 'detach'"):
        enable_autograd(quiet=True)


def test_all_operations_of_a_plugin_are_registered_or_none(site):
    """One operation that is refused keeps out those of its plugin that are sound."""
    site.install("broken", HOOK + "return [Operation(double, method='double'), Operation(len)]")
    with pytest.warns(PluginWarning, match="broken"):
        enable_autograd(quiet=True)
    assert "double" not in vars(Tensor)
    assert "double" not in tinytorch.operation.registry.operations
    assert "double" not in tinytorch.operation.registry.owners


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_strict_makes_a_failure_an_error(site, source, monkeypatch, how):
    """Strict mode raises for a failed plugin, with its exception as cause, and enables nothing."""
    site.install("broken", "import no_such_module")
    site.install("demo", source("double"))
    if how == "environment":
        monkeypatch.setenv("TINYTORCH_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match=r"broken 1.0 .*no_such_module") as caught:
        enable_autograd(quiet=True, strict=True if how == "argument" else None)
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    assert not tinytorch.operation.registry.enabled
    assert "double" not in vars(Tensor)


def test_strict_in_the_environment_rules_lazy_enabling_too(site, monkeypatch):
    """Strict mode makes the first missing name raise for a failed plugin."""
    site.install("broken", "import no_such_module")
    monkeypatch.setenv("TINYTORCH_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match=r"broken 1.0"):
        Tensor([1.0]).double()


def test_the_argument_overrules_the_environment(site, monkeypatch):
    """With strict=False a failure is a warning, whatever the environment says."""
    site.install("broken", "import no_such_module")
    monkeypatch.setenv("TINYTORCH_STRICT_PLUGINS", "1")
    with pytest.warns(PluginWarning, match="broken 1.0"):
        enable_autograd(quiet=True, strict=False)


def test_an_unclear_environment_is_an_error(site, monkeypatch):
    """The variable for strict mode is 1 or 0; another value is refused with the value."""
    monkeypatch.setenv("TINYTORCH_STRICT_PLUGINS", "perhaps")
    with pytest.raises(PluginError, match="should be 1 or 0, but it is 'perhaps'"):
        enable_autograd(quiet=True)


def test_the_warning_points_at_the_line_of_the_program(site):
    """The warning for a failed plugin bears the file of the code that asked, lazily or not."""
    site.install("broken", "import no_such_module")
    asked = [lambda: enable_autograd(quiet=True), lambda: dir(tinytorch.ops)]
    asked += [lambda: hasattr(Tensor([1.0]), "nothing"), lambda: hasattr(tinytorch.ops, "nothing")]
    for ask in asked:
        with tinytorch.isolated_registry(fresh=True), pytest.warns(PluginWarning) as caught:
            ask()
        assert [warning.filename for warning in caught] == [__file__]


def test_a_warning_that_is_an_error_leaves_the_registry_enabled(site, source):
    """Where warnings are errors, the first use raises, and the next finds all that works in use."""
    site.install("broken", "import no_such_module")
    site.install("demo", source("double"))
    with pytest.raises(PluginWarning, match=r"broken 1.0"):
        Tensor([1.0]).double()
    assert tinytorch.operation.registry.enabled
    assert Tensor([1.0]).double().item() == 2.0


def test_what_failed_keeps_nothing_alive(site):
    """The report that is kept of a failure has no exception, whose traceback would hold frames."""
    site.install("broken", "import no_such_module")
    assert any(r.exception for r in examine())
    with pytest.warns(PluginWarning):
        enable_autograd(quiet=True)
    assert not any(r.exception for r in tinytorch.operation.registry.reports)


def test_a_plugin_with_an_exit_does_not_end_the_program(site):
    """A program goes on after a plugin that calls sys.exit when it is imported."""
    site.install("broken", "import sys; sys.exit(3)")
    printed = site.program(
        """
        import warnings
        import tinytorch
        warnings.simplefilter("ignore")
        tinytorch.enable_autograd(quiet=True)
        print((tinytorch.Tensor([1.0]) * 2).item())
        """
    )
    assert re.fullmatch("2.0", printed)
