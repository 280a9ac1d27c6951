"""Where PyTorch spells the operations of one family differently: shaping."""

from __future__ import annotations

from typing import Any

import torch


def _flip(x: Any, dims: Any = None, *more: int) -> Any:
    """PyTorch's dims are not left out for all axes."""
    return x.flip(tuple(range(x.ndim))) if dims is None else torch.Tensor.flip(x, dims, *more)


def _repeat_interleave(x: Any, repeats: Any, dim: int | None = None) -> Any:
    """PyTorch's takes no axis of a 0-d tensor."""
    return torch.repeat_interleave(x, repeats, dim if x.ndim else None)


ADAPTED: dict[str, Any] = {
    "flip": _flip,
    "tile": torch.Tensor.tile,  # torch.tile takes a tuple only
    "repeat_interleave": _repeat_interleave,
}
"""What takes our arguments, with PyTorch's tensors, by the name of the operation."""

NOT_COMPARED: dict[str, str] = {}
"""Operations that PyTorch does not have, and why."""
