"""What the examples in docstrings may use: NumPy as np, tinytorch and its public names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tinytorch


@pytest.fixture(autouse=True)
def public_names(doctest_namespace: dict[str, Any]) -> None:
    doctest_namespace |= {"np": np, "tinytorch": tinytorch}
    doctest_namespace |= {name: getattr(tinytorch, name) for name in tinytorch.__all__}
