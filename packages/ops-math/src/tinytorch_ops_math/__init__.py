"""Elementary functions, statistics, sorting and linear algebra for tinytorch."""

from __future__ import annotations

__version__ = "0.1.0"
