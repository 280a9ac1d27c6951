"""What no file of the repository says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The brackets and the \s keep these patterns from finding themselves.
FORBIDDEN = {
    "the host of a package registry": r"py[p]i\.org|python[h]osted|npm[j]s|deb\.debian",
    "a path on somebody's machine": r"(?<![\w.:>])/(?:home|root|tmp|work|Users|opt|mnt)/\w",
    "an install of the name that is not ours": r"install\s+(?:-\S+\s+)*tinytorch(?![-\w])",
}


def files() -> list[Path]:
    """Return the files that are in version control, or will be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def faults(pattern: str) -> list[str]:
    """Return the places that match."""
    found = []
    for path in files():
        try:
            lines = path.read_text("utf-8").splitlines()
        except UnicodeDecodeError:  # a picture
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
            for number, line in enumerate(lines, start=1)
            if re.search(pattern, line)
        ]
    return found


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_mentions(what: str) -> None:
    """Nothing ties the repository to one machine or service, or to a name that is not ours."""
    assert faults(FORBIDDEN[what]) == []


def test_what_is_looked_for_would_be_found() -> None:
    """The patterns match what they are meant for, and the files are read."""
    samples = [
        "https://py" + "pi.org/simple",
        'open("/' + 'home/me/data")',
        "python -m pip install" + " tinytorch",
    ]
    for sample, pattern in zip(samples, FORBIDDEN.values(), strict=True):
        assert re.search(pattern, sample)
    assert any("Reverse mode" in line for line in faults("Reverse mode"))
