"""Where PyTorch spells the operations of one family differently: joining."""

from __future__ import annotations

from typing import Any

import torch


def _scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """PyTorch's has no gradient where the source is larger than the index."""
    return torch.scatter_add(input, dim, index, src[tuple(map(slice, index.shape))])


def _index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """PyTorch's values are a tensor."""
    values = values if torch.is_tensor(values) else torch.tensor(values, dtype=input.dtype)
    return torch.index_put(input, tuple(indices), values, accumulate)


ADAPTED: dict[str, Any] = {"scatter_add": _scatter_add, "index_put": _index_put}
"""What takes our arguments, with PyTorch's tensors, by the name of the operation."""

NOT_COMPARED: dict[str, str] = {}
"""Operations that PyTorch does not have, and why."""
