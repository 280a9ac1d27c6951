"""The sessions that decide whether a change is good: ``python -m nox`` runs all."""

from __future__ import annotations

import os

import nox

PROJECT = nox.project.load_toml("pyproject.toml")["project"]
(CORE,) = (x for x in PROJECT["dependencies"] if x.startswith("tinytorch-core"))
OLDEST = CORE.partition(",")[0].replace(">=", "==")

# A plugin that cannot be loaded must not pass for one that is not installed.
os.environ["TINYTORCH_STRICT_PLUGINS"] = "1"


@nox.session
@nox.parametrize("core", [OLDEST, CORE], ids=["oldest", "newest"])
def tests(session: nox.Session, core: str) -> None:
    """Every test, on the oldest and on the newest core that pyproject.toml allows."""
    session.install("-e", ".[test]", core)
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and types."""
    session.install("-e", ".[test]", "mypy", "ruff")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
