"""Chains of small operations, where what counts is the cost of an operation itself."""

from __future__ import annotations

import numpy as np

from .workload import Workload, normal

IN_PLACE_PAYS = 10_000
"""From so many elements on. On few, ``x += b`` takes twice as long as ``x + b``."""


class Chain(Workload):
    """``x = x * a + b``, again and again."""

    goal = 1.7

    def __init__(self, name: str, size: int, operations: int = 1000) -> None:
        self.name = name
        self.title = f"{operations:,} operations `x * a + b`, size {size:,}"
        self.size = size
        self.times = range(operations // 2)

    def make(self, rng):
        x, a, b = normal(rng, 3, self.size)
        # So near 1 that nothing grows or vanishes in a million operations.
        self.leaves = x, 1 - 1e-6 * np.abs(a), b
        self.seed = normal(rng, self.size)

    def by_hand(self, x, a, b):
        return self.in_place(x, a, b) if self.size >= IN_PLACE_PAYS else self.plain(x, a, b)

    def plain(self, x, a, b):
        xs = []
        for _ in self.times:
            xs.append(x)
            x = x * a + b
        if not self.backward:
            return x, ()
        output, g = x, self.seed
        grad_a, grad_b = np.zeros_like(a), np.zeros_like(b)
        for x in reversed(xs):
            grad_b = grad_b + g
            grad_a = grad_a + g * x
            g = g * a
        return output, (g, grad_a, grad_b)

    def in_place(self, x, a, b):
        xs = []
        for _ in self.times:
            xs.append(x)
            x = x * a
            x += b
        if not self.backward:
            return x, ()
        output, g = x, self.seed.copy()
        grad_a, grad_b = np.zeros_like(a), np.zeros_like(b)
        product = np.empty_like(g)
        while xs:
            grad_b += g
            np.multiply(g, xs.pop(), out=product)
            grad_a += product
            g *= a
        return output, (g, grad_a, grad_b)

    def recorded(self, _, x, a, b):
        for _ in self.times:
            x = x * a + b
        return x

    tinytorch = torch = autograd = mygrad = recorded


class ChainForward(Chain):
    """The first half of it: what backward needs is kept, and no gradient is asked for."""

    goal = 2.2
    backward = False

    def __init__(self, name: str, size: int) -> None:
        super().__init__(name, size)
        self.title = f"the same, size {size:,}, forward alone"


class NumberChain(Workload):
    """The same with Python numbers."""

    name = "numbers"
    title = "1,000 operations `x * 0.999 + 0.01`, size 1"
    goal = 1.6
    in_float64 = ("mygrad",)  # it makes float64 of arrays that meet Python's numbers
    times = range(500)

    def make(self, rng):
        self.leaves = (normal(rng, 1),)
        self.seed = normal(rng, 1)

    def by_hand(self, x):
        for _ in self.times:
            x = x * 0.999 + 0.01
        g = self.seed
        for _ in self.times:
            g = g * 0.999
        return x, (g,)

    def recorded(self, _, x):
        for _ in self.times:
            x = x * 0.999 + 0.01
        return x

    tinytorch = torch = autograd = mygrad = recorded
