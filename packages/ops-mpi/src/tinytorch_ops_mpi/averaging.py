"""One backward, in which gradients are averaged over the ranks: in buckets, in the background."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence, Set
from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from tinytorch import Array, GradientError

from .ranks import Ranks, ranks

if TYPE_CHECKING:
    from mpi4py import MPI


class Bucket(NamedTuple):
    """Gradients that travel together, one after another: the shape of each, by its name."""

    dtype: np.dtype[Any]
    shapes: dict[str, tuple[int, ...]]

    @property
    def nbytes(self) -> int:
        """How many bytes travel."""
        return self.dtype.itemsize * sum(map(prod, self.shapes.values()))


def in_buckets(
    gradients: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]], cap: float
) -> list[Bucket]:
    """Return buckets of at most `cap` bytes, or of one gradient, in the order that is given."""
    buckets: list[Bucket] = []
    for name, (dtype, shape) in gradients.items():
        alone = Bucket(dtype, {name: shape})
        last = buckets[-1] if buckets else None
        if last and last.dtype == dtype and last.nbytes + alone.nbytes <= cap:
            last.shapes[name] = shape
        else:
            buckets.append(alone)
    return buckets


class Round:
    """The means of the gradients of one backward.

    All ranks send the buckets in one order, whatever the order in which they are filled.
    """

    def __init__(self, buckets: Sequence[Bucket], channel: Ranks) -> None:
        self._channel = channel
        self._parts: dict[str, Array] = {}
        self._arrived: set[str] = set()
        self._to_send: deque[tuple[Array, Set[str]]] = deque()
        self._sent: list[Array] = []
        self._requests: list[MPI.Request] = []
        self._is_over = False
        for dtype, shapes in buckets:
            *ends, size = accumulate(map(prod, shapes.values()))
            array = np.zeros(size, dtype)
            parts = zip(shapes.items(), np.split(array, ends), strict=True)
            self._parts |= {name: part.reshape(shape) for (name, shape), part in parts}
            self._to_send.append((array, shapes.keys()))

    def put(self, name: str, gradient: Array) -> None:
        """Take in a gradient, and send the buckets that it makes complete."""
        if name in self._arrived or self._is_over:
            raise GradientError(
                f"DataParallel: a backward inside of another had a gradient of parameter {name} "
                "too; compute that one by tinytorch.grad, which averages nothing"
            )
        self._parts[name][...] = gradient
        self._arrived.add(name)
        while self._to_send and self._to_send[0][1] <= self._arrived:
            self._send()
        self._channel.progress(self._requests)

    def _send(self) -> None:
        array, _ = self._to_send.popleft()
        self._sent.append(array)
        self._requests.append(self._channel.begin_sum(array))

    def mean(self, name: str) -> Array:
        """Return the mean of a gradient; the first call waits for all."""
        if not self._is_over:
            self._complete()
        return self._parts[name]

    def _complete(self) -> None:
        # What no rank has a gradient of keeps its zeros, which nobody will ask for.
        gradients = [f"a gradient of parameter {name}" for name in sorted(self._arrived)]
        ranks().agree("DataParallel's mean", *gradients)
        while self._to_send:
            self._send()
        self._channel.wait(self._requests)
        for array in self._sent:
            array /= self._channel.size
        self._is_over = True

    def give_up(self) -> None:
        """Wait for what was sent in a backward that failed: it cannot be called back."""
        if self._requests and not self._is_over:
            ranks().agree("a backward after one that failed", f"{len(self._requests)} buckets sent")
            self._channel.wait(self._requests)
        self._is_over = True
