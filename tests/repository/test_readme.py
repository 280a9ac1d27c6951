"""What the README shows is so."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def test_examples(run_page: Callable[[Path], list[tuple[str, str]]]) -> None:
    """The examples run, the plugin's among them, and print what stands below them."""
    results = run_page(README)
    assert len(results) == 4
    for expected, printed in results:
        assert printed == expected


def test_every_distribution_is_in_the_table() -> None:
    """The table has a row for each package, with the names of its distribution and its import."""
    text = README.read_text("utf-8")
    for path in ROOT.glob("packages/*/pyproject.toml"):
        package = tomllib.loads(path.read_text("utf-8"))
        module = package["tool"]["flit"]["module"]["name"]
        assert f"| `{package['project']['name']}` | `{module}` | " in text
