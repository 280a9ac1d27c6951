"""Where PyTorch spells the operations of one family differently: shaping."""

from __future__ import annotations

from typing import Any

ADAPTED: dict[str, Any] = {}
"""What takes our arguments, with PyTorch's tensors, by the name of the operation."""

NOT_COMPARED: dict[str, str] = {}
"""Operations that PyTorch does not have, and why."""
