"""Layer normalisation."""

from __future__ import annotations

import numpy as np

from . import by_hand
from .workload import Workload, normal

EPSILON = np.float32(1e-5)  # MyGrad would make float64 of arrays that meet Python's numbers


def layer_norm(np, x, weight, bias):
    """What autograd and MyGrad, which have none, compute it from."""
    x = x - np.mean(x, axis=-1, keepdims=True)
    variance = np.mean(x * x, axis=-1, keepdims=True)
    return weight * (x / np.sqrt(variance + EPSILON)) + bias


class LayerNorm(Workload):
    name = "layer_norm"
    title = "layer_norm of (512, 768)"

    def make(self, rng):
        self.leaves = normal(rng, 512, 768), normal(rng, 768), normal(rng, 768)
        self.seed = normal(rng, 512, 768)

    def by_hand(self, x, weight, bias):
        y, z, inverse = by_hand.layer_norm(x, weight, bias)
        return y, by_hand.layer_norm_gradient(self.seed, z, inverse, weight)

    def tinytorch(self, tt, x, weight, bias):
        return tt.layer_norm(x, 768, weight, bias)

    def torch(self, torch, x, weight, bias):
        return torch.nn.functional.layer_norm(x, (768,), weight, bias)

    def composed(self, np, x, weight, bias):
        return layer_norm(np, x, weight, bias)

    autograd = mygrad = composed
