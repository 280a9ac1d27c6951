"""Where PyTorch spells the operations of one family differently: linalg."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import torch


def _det(x: Any) -> Any:
    """PyTorch's gradient is 0, or NaN, where a matrix is singular: there by the definition."""
    if bool((torch.linalg.cond(x) < 1e6).all()):
        return torch.linalg.det(x)
    size = x.shape[-1]
    return sum(
        _sign(order) * torch.stack([x[..., i, j] for i, j in enumerate(order)]).prod(dim=0)
        for order in permutations(range(size))
    )


def _sign(order: tuple[int, ...]) -> int:
    pairs = [(i, j) for j in range(len(order)) for i in range(j)]
    return (-1) ** sum(order[i] > order[j] for i, j in pairs)


def _vector_norm(x: Any, ord: float = 2, *args: Any, dtype: Any = None, **parameters: Any) -> Any:
    """PyTorch has dtypes of its own."""
    dtype = dtype and getattr(torch, dtype.__name__)
    return torch.linalg.vector_norm(x, ord, *args, dtype=dtype, **parameters)


def _slogdet(x: Any) -> Any:
    """PyTorch's sign has a gradient, which is zero; ours has none."""
    sign, logabsdet = torch.linalg.slogdet(x)
    return sign.detach(), logabsdet


ADAPTED: dict[str, Any] = {
    "det": _det,
    "slogdet": _slogdet,
    "vector_norm": _vector_norm,
}
"""What takes our arguments, with PyTorch's tensors, by the name of the operation."""

NOT_COMPARED: dict[str, str] = {}
"""Operations that PyTorch does not have, and why."""
