"""Where PyTorch spells the operations of one family differently: elementwise."""

from __future__ import annotations

from typing import Any

import torch


def _of_tensors(function: Any) -> Any:
    """PyTorch's function takes no bare number in this place: a 0-d tensor is as weak a number."""

    def call(*operands: Any, **parameters: Any) -> Any:
        tensors = (
            x if torch.is_tensor(x) else torch.tensor(x, dtype=torch.float64) for x in operands
        )
        return function(*tensors, **parameters)

    return call


def _round(x: Any, decimals: int = 0) -> Any:
    """PyTorch takes the decimals by name only."""
    return torch.round(x, decimals=decimals)


ADAPTED: dict[str, Any] = {
    "logaddexp": _of_tensors(torch.logaddexp),
    "atan2": _of_tensors(torch.atan2),
    "remainder": _of_tensors(torch.remainder),
    "round": _round,
}
"""What takes our arguments, with PyTorch's tensors, by the name of the operation."""

NOT_COMPARED: dict[str, str] = {}
"""Operations that PyTorch does not have, and why."""
