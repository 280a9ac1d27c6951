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
