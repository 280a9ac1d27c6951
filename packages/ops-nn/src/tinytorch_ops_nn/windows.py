"""Where windows lie that slide over the last axes of an array, for convolution and pooling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from numpy.lib.stride_tricks import sliding_window_view
from tinytorch import Array

from .padding import Widths, enlarged, opposite


@dataclass(frozen=True)
class Windows:
    """Windows over the last axes of an array, in all of these with an entry for each axis.

    Parameters
    ----------
    kernel : tuple of int
        How many elements a window has.
    stride : tuple of int
        How far one window is from the next.
    padding : tuple of (int, int)
        How much is added before and after; negative numbers cut off.
    dilation : tuple of int
        How far one element of a window is from the next.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    @property
    def spans(self) -> tuple[int, ...]:
        """How far a window reaches."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def counts(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """How many windows fit on axes of some sizes and their padding; 0 or less if none does."""
        axes = zip(self.room(sizes), self.spans, self.stride, strict=True)
        return tuple((size - span) // stride + 1 for size, span, stride in axes)

    def room(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Return how long axes of some sizes are with the padding."""
        pairs = zip(sizes, self.padding, strict=True)
        return tuple(size + left + right for size, (left, right) in pairs)

    def padded(self, x: Array, value: float = 0) -> Array:
        """Return an array with the padding, made of a number."""
        return enlarged(x, self._widths(x), value)

    def cropped(self, x: Array) -> Array:
        """Return an array without the padding."""
        return enlarged(x, opposite(self._widths(x)))

    def _widths(self, x: Array) -> Widths:
        return ((0, 0),) * (x.ndim - len(self.kernel)) + self.padding

    def view(self, padded: Array) -> Array:
        """Return the windows of an array, as a view: (..., *counts, *kernel)."""
        axes = tuple(range(-len(self.kernel), 0))
        steps = (slice(None, None, step) for step in (*self.stride, *self.dilation))
        key: tuple[Any, ...] = (..., *steps)
        windows: Array = sliding_window_view(padded, self.spans, axes)[key]
        return windows

    def taps(self, padded: Array) -> Iterator[Array]:
        """Yield for each element of a window, in order, the view of all those: (..., *counts)."""
        sizes = padded.shape[padded.ndim - len(self.kernel) :]
        reaches = [
            (size - span) // stride * stride + 1
            for size, span, stride in zip(sizes, self.spans, self.stride, strict=True)
        ]
        for places in product(*map(range, self.kernel)):
            axes = zip(places, self.dilation, reaches, self.stride, strict=True)
            key: tuple[Any, ...] = (
                ...,
                *(slice(i * gap, i * gap + reach, step) for i, gap, reach, step in axes),
            )
            yield padded[key]
