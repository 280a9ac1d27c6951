"""The examples run, and are content with their results."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(ROOT.glob("examples/higher/*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_script(script: Path, tmp_path: Path) -> None:
    """A script prints what it found, finds it right, and leaves nothing behind."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(script)], capture_output=True, text=True, cwd=tmp_path
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", sorted(ROOT.glob("examples/**/*.py")), ids=lambda f: f.stem)
def test_file_is_short(file: Path) -> None:
    """An example can be read at a sitting."""
    assert len(file.read_text(encoding="utf-8").splitlines()) < 150


def test_scripts_are_found() -> None:
    """The folder that the scripts are looked for in is theirs."""
    names = {script.stem for script in SCRIPTS}
    assert names >= {"wgan_gp", "maml", "lanczos", "implicit"}
    assert names >= {"float16_activations", "activations_on_disk"}
