"""Where PyTorch spells the operations of one family differently: reductions."""

from __future__ import annotations

import warnings
from typing import Any

import torch


def _prod(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """PyTorch's function takes one dimension."""
    every = dim is None or x.ndim == 0
    dims = range(x.ndim) if every else [dim] if isinstance(dim, int) else dim
    for one in sorted((one % x.ndim for one in dims), reverse=True):
        x = torch.prod(x, one, keepdim=keepdim)
    return x.clone()


def _over_axes(function: Any) -> Any:
    """PyTorch's function keeps dimensions only if it is told which."""

    def call(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        dims = tuple(range(x.ndim)) if dim is None else dim
        return function(x, dim=dims, keepdim=keepdim)

    return call


def _spread(function: Any) -> Any:
    """PyTorch warns where there are no degrees of freedom, and gives the same NaN."""

    def call(x: Any, dim: Any = None, keepdim: bool = False, correction: float = 1) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "[a-z]+.*: degrees of freedom is <= 0")
            return function(x, dim=dim, keepdim=keepdim, correction=correction)

    return call


def _norm(x: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False) -> Any:
    """PyTorch keeps dimensions only if it is told which, and "fro" is for at most two of them."""
    dims = list(range(x.ndim)) if dim is None else dim
    return torch.norm(x, 2 if p in (None, "fro") else p, dims, keepdim)


def _topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """PyTorch's order is defined only where it is asked for."""
    return torch.topk(x, k, dim, largest, sorted=True)


def _argsort(x: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """PyTorch takes the stability by name only."""
    return torch.argsort(x, dim=dim, descending=descending, stable=stable)


def _sort(x: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """PyTorch takes the stability by name only."""
    return torch.sort(x, dim=dim, descending=descending, stable=stable)


ADAPTED: dict[str, Any] = {
    "prod": _prod,
    "var": _spread(torch.var),
    "std": _spread(torch.std),
    "logsumexp": _over_axes(torch.logsumexp),
    "all": _over_axes(torch.all),
    "any": _over_axes(torch.any),
    "norm": _norm,
    "sort": _sort,
    "argsort": _argsort,
    "topk": _topk,
}
"""What takes our arguments, with PyTorch's tensors, by the name of the operation."""

NOT_COMPARED: dict[str, str] = {}
"""Operations that PyTorch does not have, and why."""
