"""The page of errors has the same parts in each entry; its programs run with those of all pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "what-goes-wrong.md").read_text("utf-8")
ENTRIES = dict(re.findall(r"^### (.*)\n((?:(?!##).*\n)*)", PAGE, re.MULTILINE))
SHOWN = re.sub(r"<!--.*?-->", "", PAGE, flags=re.DOTALL)
PARTS = re.compile(
    r"""```python\n[^`]*```\n\n
        ```text\n(?:.*\n)*?(\S*(?:Error|Warning):\ .*\n)(?:.*\n)*?```\n\n
        \*\*Why\.\*\*\ (?:.+\n)+\n
        \*\*What\ to\ do\.\*\*\ (?:.+\n)+""",
    re.VERBOSE,
)


@pytest.mark.parametrize("title", ENTRIES)
def test_an_entry_has_all_parts(title: str) -> None:
    """An entry has a program, the error or warning that it gives, why, and what to do."""
    assert PARTS.search(re.sub(r"<!--.*?-->", "", ENTRIES[title], flags=re.DOTALL))


def test_no_two_entries_have_one_title() -> None:
    """Links can lead to each entry."""
    assert len(ENTRIES) == len(re.findall(r"^### ", PAGE, re.MULTILINE))
    assert len(ENTRIES) > 40


def test_each_error_of_ours_has_an_entry() -> None:
    """Every class of errors and warnings that core adds to Python's is seen on the page."""
    import tinytorch.errors

    for name, value in vars(tinytorch.errors).items():
        if isinstance(value, type):
            assert re.search(rf"^\S*\b{name}: ", SHOWN, re.MULTILINE), name
