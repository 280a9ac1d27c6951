"""Where PyTorch spells the operations of one family differently: convolution."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

from torch.nn import functional


def _without_advice(function: Callable[..., Any]) -> Callable[..., Any]:
    """PyTorch warns that padding="same" may cost a copy where a kernel's length is even."""

    @wraps(function)
    def call(*inputs: Any, **parameters: Any) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Using padding='same'", UserWarning)
            return function(*inputs, **parameters)

    return call


ADAPTED: dict[str, Any] = {
    "conv1d": _without_advice(functional.conv1d),
    "conv2d": _without_advice(functional.conv2d),
}
"""What takes our arguments, with PyTorch's tensors, by the name of the operation."""

NOT_COMPARED: dict[str, str] = {}
"""Operations that PyTorch does not have, and why."""
