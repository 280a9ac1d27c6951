"""Throw-away distributions, as an installer would leave them, in a folder that a test owns."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import dedent

import pytest
from tinytorch import isolated_registry

OPERATION = '''
class {name}_Backward(Function):
    """{factor} x. Gradient: {factor} g."""

    def forward(self, x):
        return x * {factor}

    def apply(self, grad_output):
        return grad_output * {factor}


def {name}(x):
    """{factor} times the tensor, elementwise."""
    return {name}_Backward.call(x)
'''

PLUGIN = """
import tinytorch
from tinytorch import Function, Operation, Tensor

{before}
{operations}

@tinytorch.hookimpl
def tinytorch_register_ops():
    return [{listed}]
"""


def plugin_source(*names: str, before: str = "", factor: int = 2) -> str:
    """Return a plugin module with an operation of each name; `before` runs at its import."""
    return PLUGIN.format(
        before=dedent(before),
        operations="".join(OPERATION.format(name=name, factor=factor) for name in names),
        listed=", ".join(f"Operation({n}, {n}_Backward, method='{n}')" for n in names),
    )


class Site:
    """A folder on the path, where distributions are installed for one test."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch

    def write(self, path: str, source: str) -> None:
        """Write a module."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(source), encoding="utf-8")
        importlib.invalidate_caches()

    def distribution(
        self, name: str, entry_points: str, *, version: str = "1.0", metadata: bool = True
    ) -> None:
        """Write what an installer leaves beside the modules."""
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        self.write(f"{info}/entry_points.txt", f"[tinytorch]\n{entry_points}\n")
        if metadata:
            self.write(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            )

    def install(
        self, name: str, source: str, *, entry_point: str = "", version: str = "1.0"
    ) -> None:
        """Install a distribution of one module, which is its plugin."""
        module = name.replace("-", "_")
        self.write(f"{module}.py", source)
        self.distribution(name, f"{entry_point or name} = {module}", version=version)

    def block(self, *names: str) -> None:
        """Add names to those that the environment blocks."""
        blocked = os.environ["TINYTORCH_BLOCK_PLUGINS"]
        self._monkeypatch.setenv("TINYTORCH_BLOCK_PLUGINS", ",".join([blocked, *names]))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python, which sees the distributions; its output is text."""
        path = os.pathsep.join(filter(None, [str(self.folder), os.environ.get("PYTHONPATH")]))
        return subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
            cwd=self.folder,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def program(self, source: str) -> str:
        """Run a program, and return what it prints; it has to succeed."""
        finished = self.run("-c", dedent(source))
        assert finished.returncode == 0, finished.stderr
        return finished.stdout.strip()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A program that has just begun, and sees core and what the test installs, nothing else."""
    installed = {point.dist.name for point in entry_points(group="tinytorch") if point.dist}
    monkeypatch.setenv("TINYTORCH_BLOCK_PLUGINS", ",".join(installed - {"tinytorch-core"}))
    for variable in ("TINYTORCH_PLUGINS", "TINYTORCH_STRICT_PLUGINS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    with isolated_registry(fresh=True):
        yield Site(tmp_path, monkeypatch)
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def source() -> object:
    """The function that writes plugin modules, for tests cannot import this file."""
    return plugin_source
