"""shaping"""

from __future__ import annotations

from tinytorch import Operation

OPERATIONS: list[Operation] = []
