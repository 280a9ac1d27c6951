"""What the kit cannot know of squareplus."""

import os
import subprocess
import sys

import pytest
from tinytorch import Tensor

from tinytorch_example import squareplus

PROGRAM = "import tinytorch; print(tinytorch.Tensor([0.0]).squareplus().item())"


def test_method_is_discovered() -> None:
    """A program that imports core alone has the method."""
    printed = subprocess.check_output(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "TINYTORCH_STRICT_PLUGINS": "1"},
        text=True,
    )
    assert printed == "1.0\n"


@pytest.mark.parametrize("x", [-1e4, 1e4])
def test_far_from_zero(x: float) -> None:
    """Far from zero the result is b / 4|x| above the rectifier, also in float32."""
    result = squareplus(Tensor([x])).item()
    assert result == pytest.approx(max(x, 0) + 1 / abs(x), rel=1e-6)
