"""`python -m tinytorch check`, the pytest plugin and the checks of whole plugins."""

from __future__ import annotations

import re

import pytest
import tinytorch
from tinytorch.operation import registry
from tinytorch.testing import op_checks, parametrize_op_checks, plugin_checks

SAMPLED = """
from tinytorch.samples import elementwise

def sampled(operation):
    return type(operation)(**{**vars(operation), "samples": elementwise()})
"""


@pytest.fixture
def install(site, source):
    """Install a distribution of one operation, with samples."""

    def install(name="demo", operation="double", replace=("", ""), **where):
        text = source(operation, before=SAMPLED)
        text = re.sub(r"return \[(Operation.*)\]", r"return [sampled(\1)]", text)
        site.install(name, text.replace(*replace), **where)
        return site

    return install


def outcomes(distribution):
    """What each check of a distribution says: nothing, or its error."""
    result = {}
    for check in plugin_checks(distribution):
        try:
            check.run()
        except Exception as error:
            result[str(check)] = str(error)
        else:
            result[str(check)] = ""
    return result


def test_a_right_plugin_passes(install):
    """A plugin that is found, clashes with none and can be blocked passes all checks."""
    install()
    found = outcomes("demo")
    assert {
        "demo-discovered",
        "demo-no_clash",
        "demo-registered_once",
        "demo-can_be_blocked",
    } < set(found)
    assert "double-gradient" in found
    assert set(found.values()) == {""}


def test_it_is_known_by_any_spelling(install):
    """A distribution may be spelt as package indexes allow."""
    install("my-demo")
    assert set(outcomes("My_Demo").values()) == {""}


def test_nothing_stays_registered(install):
    """Checks of a distribution leave the registry as it was."""
    install()
    checks = plugin_checks("demo")
    before = registry.operations, registry.enabled
    for check in checks[:4]:
        check.run()
    assert (registry.operations, registry.enabled) == before


def test_one_that_is_not_installed(site):
    """A name that no distribution has is said to be unknown, beside those that there are."""
    found = outcomes("nowhere")
    assert re.search(
        "no installed distribution 'nowhere'.*tinytorch-core", found["nowhere-discovered"]
    )


def test_one_that_fails(site):
    """A plugin that cannot be imported fails the first check, which says why."""
    site.install("broken", "import no_such_module")
    assert "No module named 'no_such_module'" in outcomes("broken")["broken-discovered"]


def test_a_clash(install):
    """Two distributions of one name fail the check of clashes, and no other check is misled."""
    install("one")
    install("two")
    found = outcomes("one")
    assert "one 1.0 and two 1.0 register the same name: 'double'" in found["one-no_clash"]
    assert found["one-discovered"] == ""


def test_a_plugin_that_registers_by_itself(install):
    """A plugin that is in use though it was blocked fails the check of blocking."""
    site = install()
    site.write(
        "stubborn.py",
        """
        import demo, tinytorch
        from tinytorch.operation import Plugin, registry

        @tinytorch.hookimpl
        def tinytorch_register_ops():
            operations = demo.tinytorch_register_ops()
            registry.register(Plugin("stubborn", "stubborn"), operations)
            return operations
        """,
    )
    site.distribution("stubborn", "stubborn = stubborn")
    with tinytorch.isolated_registry():
        found = outcomes("stubborn")
    assert any(found[f"stubborn-{name}"] for name in ("can_be_blocked", "registered_once"))


def test_the_command_passes(install):
    """`check NAME` runs every check of an installed distribution, and counts them in a table."""
    site = install()
    done = site.run("-m", "tinytorch", "check", "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    row = re.search(r"^demo +1 +1 +(\d+) +(\d+) +0 +(\d+)$", done.stdout, re.MULTILINE)
    assert row, done.stdout
    checks, passed, cases = map(int, row.groups())
    assert checks == passed == 4 + len(op_checks(registry.operations["exp"]))
    assert cases > 50
    assert not list(site.folder.glob(".pytest_cache"))


def test_the_command_fails(install):
    """A wrong gradient is an exit status of 1, and the report has both values."""
    site = install(replace=("return grad_output * 2", "return grad_output * 2.1"))
    done = site.run("-m", "tinytorch", "check", "demo", "-k", "gradient or second")
    assert done.returncode == 1
    assert re.search(
        r"gradient of input 0 at index \(\) is .* central differences give", done.stdout
    )
    assert "in double(float64[])" in done.stdout


def test_the_command_ignores_the_directory(install):
    """Neither tests nor configuration of the directory have a part in it."""
    site = install()
    site.write("test_own.py", "def test_own(): assert False")
    site.write("pytest.ini", "[pytest]\naddopts = --no-such-option\n")
    site.write("conftest.py", "raise RuntimeError")
    done = site.run("-m", "tinytorch", "check", "demo", "-k", "documented")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_command_takes_several_names(install):
    """Several distributions are checked in one run, each with its row."""
    site = install()
    done = site.run("-m", "tinytorch", "check", "demo", "tinytorch-core", "-k", "documented")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search("^demo .*^tinytorch-core ", done.stdout, re.MULTILINE | re.DOTALL)


def test_the_command_without_pytest(install):
    """Where pytest is not installed, the command says so."""
    site = install()
    done = site.run(
        "-c",
        "import sys, importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'pytest' else find(name, *rest)\n"
        "from tinytorch.__main__ import main\n"
        "sys.exit(main(['check', 'demo']))",
    )
    assert done.returncode == 2
    assert "runs on pytest, which is not installed: python -m pip install pytest" in done.stderr


def test_pytest_is_imported_only_when_used(site):
    """`tinytorch.testing` and its checks do without pytest, until tests are parametrized."""
    printed = site.program(
        """
        import sys
        from tinytorch.testing import check_op, parametrize_op_checks, plugin_checks
        checks = plugin_checks("tinytorch-core")
        print("pytest" in sys.modules)
        parametrize_op_checks("tinytorch-core")
        print("pytest" in sys.modules)
        """
    )
    assert printed.split() == ["False", "True"]


def test_the_option_of_pytest(install):
    """`pytest --tinytorch-distribution NAME` does what the command does."""
    site = install()
    done = site.run("-m", "pytest", "-p", "tinytorch", "--tinytorch-distribution", "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^demo +1 ", done.stdout, re.MULTILINE)


def test_expected_failures_in_pytest(install):
    """They are reported as such with their reasons, and fail the run where they pass."""
    site = install(replace=("return grad_output * 2", "return grad_output * 3"))
    site.write(
        "test_demo.py",
        """
        import demo
        from tinytorch import Operation
        from tinytorch.testing import parametrize_op_checks

        (operation,) = demo.tinytorch_register_ops()
        known = {"gradient": "three for two", "forward": "never seen to fail"}

        @parametrize_op_checks(Operation(**{**vars(operation), "expected_failures": known}))
        def test_demo(check):
            check.run()
        """,
    )
    done = site.run("-m", "pytest", "-p", "tinytorch", "-q", "-rxX", "test_demo.py")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search("XFAIL.*double-gradient.* three for two", done.stdout)
    assert "[XPASS(strict)] never seen to fail" in done.stdout
    assert "1 failed, 17 passed, 1 xfailed" in done.stdout


def test_marks_and_ids():
    """A check is a test case by the name of the operation and its own."""
    mark = parametrize_op_checks(registry.operations["exp"], registry.operations["log"])
    name, cases = mark.args
    assert name == "check"
    assert [case.id for case in cases][:2] == ["exp-documented", "exp-has_samples"]
    assert len({case.id for case in cases}) == len(cases)
