"""Rows of a table, whose gradients have to be gathered in one array."""

from __future__ import annotations

import numpy as np

from .workload import Workload, normal


class Embedding(Workload):
    name = "embedding"
    title = "embedding, 8,192 ids in a table of 50,000x64"
    goal = 0.45

    def make(self, rng):
        self.constants = (rng.integers(50_000, size=8_192),)
        self.leaves = (normal(rng, 50_000, 64),)
        self.seed = normal(rng, 8_192, 64)

    def by_hand(self, ids, table):
        output = table[ids]
        # The rows of one id beside each other, each group summed, and written once.
        order = np.argsort(ids, kind="stable")
        sorted_ids = ids[order]
        starts = np.flatnonzero(np.diff(sorted_ids, prepend=-1))
        gradient = np.zeros_like(table)
        gradient[sorted_ids[starts]] = np.add.reduceat(self.seed[order], starts, axis=0)
        return output, (gradient,)

    def tinytorch(self, tt, ids, table):
        return tt.embedding(ids, table)

    def torch(self, torch, ids, table):
        return torch.nn.functional.embedding(ids, table)

    def indexed(self, _, ids, table):
        return table[ids]

    autograd = mygrad = indexed


class Slices(Workload):
    """What a recurrent network does: one row after the other goes into a sum."""

    name = "slices"
    title = "1,000 row slices of an array of 1000x256, summed one by one"
    goal = 3.0

    def make(self, rng):
        self.leaves = normal(rng, 1000, 256), normal(rng, 256)
        self.seed = normal(rng, 256)

    def by_hand(self, x, start):
        output = start.copy()
        for i in range(len(x)):
            output += x[i]
        gradient = np.empty_like(x)
        for i in range(len(x)):
            gradient[i] = self.seed
        return output, (gradient, self.seed.copy())

    def recorded(self, _, x, start):
        output = start
        for i in range(x.shape[0]):
            output = output + x[i]
        return output

    tinytorch = torch = autograd = mygrad = recorded
