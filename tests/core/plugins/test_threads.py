"""Enabling from several threads, and from inside of a plugin's own import."""

from __future__ import annotations

import threading

import pytest
from tinytorch import PluginError, PluginWarning, Tensor, discovery, enable_autograd
from tinytorch.operation import registry

GATE = "import threading\nbegun, go_on = threading.Event(), threading.Event()"
PASS_GATE = "import gate\ngate.begun.set(), gate.go_on.wait()"


def in_threads(*calls):
    """Run each call in a thread of its own, all at once, and return what they return or raise."""
    results = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(position, call):
        barrier.wait()
        try:
            results[position] = call()
        except Exception as error:
            results[position] = error

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_several_threads_enable_once(site, source):
    """Threads that need plugins at once get them all, and each plugin is asked once."""
    site.write("count.py", "calls = []")
    hook = "import count, time\n    count.calls.append(1); time.sleep(0.05)\n    return ["
    site.install("demo", source("double").replace("return [", hook))
    results = in_threads(*[lambda: Tensor([1.5]).double().item()] * 8)
    assert results == [3.0] * 8
    import count

    assert count.calls == [1]


def test_a_call_that_another_thread_forestalled_is_too_late(site, source):
    """A call that waits for another thread's enabling is held to what that thread did."""
    site.write("gate.py", GATE)
    site.install("demo", source("double", before=PASS_GATE))
    import gate

    def late():
        gate.begun.wait()
        threading.Timer(0.05, gate.go_on.set).start()
        enable_autograd(quiet=True, block=["demo"])

    result, error = in_threads(lambda: Tensor([1.0]).double().item(), late)
    assert result == 2.0
    assert isinstance(error, PluginError)
    assert "demo 1.0 cannot be blocked any more" in str(error)


@pytest.mark.parametrize(
    "ask",
    [
        "Tensor([1.0]).triple()",
        "Tensor([1.0]).own()",
        "tinytorch.ops.triple",
        "tinytorch.enable_autograd()",
    ],
)
def test_a_plugin_may_not_use_plugins_in_its_import(site, source, ask):
    """A plugin whose import asks for plugins' operations fails, and is told what to do instead."""
    site.install("broken", source("own", before=ask))
    site.install("demo", source("triple", factor=3))
    with pytest.warns(PluginWarning, match="broken.*being imported asked.*import the functions"):
        assert Tensor([1.0]).triple().item() == 3.0


def test_a_plugin_may_use_core_in_its_import(site, source):
    """Core's operations are there while a plugin is imported."""
    site.install("demo", source("double", before="CONSTANT = Tensor([0.0]).exp().item()"))
    assert Tensor([1.0]).double().item() == 2.0


def test_a_thread_that_an_import_waits_for_is_not_waited_for_in_turn(site, source):
    """A plugin's import that joins a thread which asks for plugins ends, with an error there."""
    site.install(
        "demo",
        source(
            "double",
            before="""
            import threading
            errors = []
            def ask():
                try:
                    Tensor([1.0]).double()
                except tinytorch.PluginError as error:
                    errors.append(str(error))
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
            """,
        ),
    )
    printed = site.program(
        """
        import tinytorch
        tinytorch.discovery.PATIENCE = 0.1
        print(tinytorch.Tensor([1.0]).double().item())
        import demo
        print(*demo.errors)
        """
    )
    assert printed.startswith("2.0\nanother thread has been importing plugins for 0.1 seconds")


def test_a_thread_that_gave_up_may_try_again(site, source, monkeypatch):
    """Waiting in vain for another thread's imports changes nothing: later it works."""
    monkeypatch.setattr(discovery, "PATIENCE", 0.01)
    site.write("gate.py", GATE)
    site.install("demo", source("double", before=PASS_GATE))
    import gate

    def impatient():
        gate.begun.wait()
        try:
            enable_autograd(quiet=True)
        finally:
            gate.go_on.set()

    result, error = in_threads(lambda: Tensor([1.0]).double().item(), impatient)
    assert result == 2.0
    assert "another thread has been importing plugins" in str(error)
    assert registry.enabled
    assert Tensor([1.0]).double().item() == 2.0


STRESS = """
import random, sys, threading
import numpy as np
import tinytorch
from tinytorch import PluginError, Tensor, enable_autograd, isolated_registry
from tinytorch.operation import registry

FACTORS = {"double": 2, "triple": 3, "fourfold": 3}
ROUNDS, THREADS = int(sys.argv[1]), 24
sys.setswitchinterval(1e-5)


def method(name):
    assert getattr(Tensor([1.0]), name)().item() == FACTORS[name]


def function(name):
    assert getattr(tinytorch.ops, name)([1.0]).item() == FACTORS[name]


def numpy(name):
    assert np.hypot(Tensor([3.0]), 4.0).item() == 5.0


def listing(name):
    assert FACTORS.keys() <= set(dir(tinytorch.ops))


def missing(name):
    assert not hasattr(Tensor([1.0]), "no_such_operation")


def enable(name):
    enable_autograd(quiet=True)


def gradient(name):
    x = Tensor([1.0], requires_grad=True)
    (getattr(x, name)() * 2.0).backward()
    assert x.grad.tolist() == [2.0 * FACTORS[name]]


def check():
    assert registry.enabled
    plugins = [report.plugin for report in registry.reports]
    assert len(set(plugins)) == len(plugins)
    for name in FACTORS:
        operation = registry.operations[name]
        assert vars(Tensor)[name] is operation.function
        assert registry.owners[name].distribution in ("first", "second")
    in_reports = [op for r in registry.reports if r.status == "loaded" for op in r.operations]
    assert len(in_reports) == len({op.name for op in in_reports})
    assert set(map(id, in_reports)) == set(map(id, registry.operations.values()))


errors = []
for number in range(ROUNDS):
    random.seed(number)
    uses = [method, function, numpy, listing, missing, enable, gradient]
    calls = [(random.choice(uses), random.choice(list(FACTORS))) for _ in range(THREADS)]
    barrier = threading.Barrier(THREADS)

    def run(use, name):
        barrier.wait()
        try:
            use(name)
        except BaseException as error:
            errors.append((use.__name__, name, repr(error)))

    with isolated_registry(fresh=True):
        threads = [threading.Thread(target=run, args=call, daemon=True) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a thread waits for ever"
        assert not errors, errors
        check()
        import count

        assert count.calls == {"first": number + 1, "second": number + 1}, count.calls
        for module in ("first", "second"):
            del sys.modules[module]
print("well")
"""

HYPOT = """
import numpy as np

class HypotBackward(Function):
    "sqrt(x^2 + y^2). Gradient: x / hypot, y / hypot."

    def forward(self, x, y):
        self.save(x, y)
        return np.hypot(x, y)

    def apply(self, grad_output):
        x, y = self.saved
        return grad_output * x / np.hypot(x, y), grad_output * y / np.hypot(x, y)


def hypot(x, y):
    return HypotBackward.call(x, y)
"""


@pytest.fixture
def counted(site, source):
    """Two plugins that count how often their hook is called; one stands for a NumPy function."""
    site.write("count.py", "from collections import Counter\ncalls = Counter()")
    hook = "import count; count.calls[__name__] += 1\n    return ["
    site.install("first", source("double").replace("return [", hook))
    hook += "Operation(hypot, HypotBackward, numpy=[np.hypot]), "
    site.install(
        "second", source("triple", "fourfold", factor=3, before=HYPOT).replace("return [", hook)
    )
    return site


def test_many_threads_find_all_in_use(counted):
    """However many threads enable and compute at once, each finds all, and it is done once."""
    finished = counted.run("-c", STRESS, "60")
    assert finished.stdout == "well\n", finished.stderr


@pytest.mark.parametrize("process", range(5))
def test_many_threads_in_a_program_that_has_just_begun(counted, process):
    """So it is where the threads are also the first to import what enabling needs."""
    finished = counted.run("-c", STRESS, "1")
    assert finished.stdout == "well\n", finished.stderr
