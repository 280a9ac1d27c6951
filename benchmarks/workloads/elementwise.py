"""One function of a large array to which a bias has been added."""

from __future__ import annotations

import numpy as np

from . import by_hand
from .workload import Workload, normal

# MyGrad would make float64 of arrays that meet Python's numbers.
HALF, ONE, CUBIC, SCALE = np.array([0.5, 1, by_hand.GELU_CUBIC, by_hand.GELU_SCALE], np.float32)


def gelu(np, x):
    """What autograd and MyGrad, which have none, compute it from."""
    u = SCALE * (x + CUBIC * x * x * x)
    return HALF * x * (ONE + np.tanh(u))


class OfSum(Workload):
    """A function of ``x + bias``, where x is 1000x1000 and the bias is a row."""

    def make(self, rng):
        self.leaves = normal(rng, 1000, 1000), normal(rng, 1000)
        self.seed = normal(rng, 1000, 1000)


class GELU(OfSum):
    name = "gelu"
    title = "gelu (by tanh) of 1000x1000, with a bias"
    goal = 0.8

    def by_hand(self, x, bias):
        x = x + bias
        y, t = by_hand.gelu(x)
        g = by_hand.gelu_gradient(self.seed, x, t)
        return y, (g, g.sum(axis=0))

    def tinytorch(self, tt, x, bias):
        return tt.gelu(x + bias, approximate="tanh")

    def torch(self, torch, x, bias):
        return torch.nn.functional.gelu(x + bias, approximate="tanh")

    def composed(self, np, x, bias):
        return gelu(np, x + bias)

    autograd = mygrad = composed


class Sigmoid(OfSum):
    name = "sigmoid"
    title = "sigmoid of 1000x1000, with a bias"
    goal = 1.1

    def by_hand(self, x, bias):
        y = x + bias
        np.negative(y, out=y)
        np.exp(y, out=y)
        y += 1
        np.reciprocal(y, out=y)
        g = 1 - y
        g *= y
        g *= self.seed
        return y, (g, g.sum(axis=0))

    def tinytorch(self, tt, x, bias):
        return tt.sigmoid(x + bias)

    def torch(self, torch, x, bias):
        return torch.sigmoid(x + bias)

    def autograd(self, np, x, bias):
        return 1 / (1 + np.exp(-(x + bias)))

    def mygrad(self, mg, x, bias):
        return mg.nnet.sigmoid(x + bias)


class Tanh(OfSum):
    name = "tanh"
    title = "tanh of 1000x1000, with a bias"
    goal = 1.05

    def by_hand(self, x, bias):
        y = x + bias
        np.tanh(y, out=y)
        g = y * y
        np.subtract(1, g, out=g)
        g *= self.seed
        return y, (g, g.sum(axis=0))

    def recorded(self, library, x, bias):
        return library.tanh(x + bias)

    tinytorch = torch = autograd = mygrad = recorded


class Softmax(OfSum):
    name = "softmax"
    title = "softmax of 1000x1000, with a bias"
    goal = 1.0

    def by_hand(self, x, bias):
        y = by_hand.softmax(x + bias)
        g = by_hand.softmax_gradient(self.seed, y)
        return y, (g, g.sum(axis=0))

    def tinytorch(self, tt, x, bias):
        return tt.softmax(x + bias, -1)

    def torch(self, torch, x, bias):
        return torch.softmax(x + bias, -1)

    def autograd(self, np, x, bias):
        x = x + bias
        e = np.exp(x - np.max(x, axis=-1, keepdims=True))
        return e / np.sum(e, axis=-1, keepdims=True)

    def mygrad(self, mg, x, bias):
        return mg.nnet.softmax(x + bias)
