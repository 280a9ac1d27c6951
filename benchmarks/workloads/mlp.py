"""Multi-layer perceptrons with relu, and cross-entropy as the loss."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .workload import Workload, normal


class MLP(Workload):
    """Layers of the given sizes, each ``relu(x @ W + b)``, the last without relu."""

    def __init__(
        self, name: str, title: str, sizes: list[int], batch: int, goal: float | None = None
    ) -> None:
        self.name, self.title, self.sizes, self.batch, self.goal = name, title, sizes, batch, goal

    def make(self, rng):
        images = normal(rng, self.batch, self.sizes[0])
        labels = rng.integers(self.sizes[-1], size=self.batch)
        self.constants = images, labels
        weights = [normal(rng, n, m, scale=(2 / n) ** 0.5) for n, m in pairwise(self.sizes)]
        biases = [normal(rng, m, scale=0.1) for m in self.sizes[1:]]
        self.leaves = *weights, *biases

    def layers(self, leaves):
        return list(zip(leaves[: len(leaves) // 2], leaves[len(leaves) // 2 :], strict=True))

    def by_hand(self, x, labels, *leaves):
        layers = self.layers(leaves)
        inputs = []
        for weight, bias in layers:
            inputs.append(x)
            x = x @ weight
            x += bias
            if len(inputs) < len(layers):
                np.maximum(x, 0, out=x)
        # x becomes the logarithms of the probabilities, then the gradient towards the scores.
        rows = np.arange(len(labels))
        x -= x.max(axis=1, keepdims=True)
        x -= np.log(np.exp(x).sum(axis=1, keepdims=True))
        loss = -x[rows, labels].mean()
        np.exp(x, out=x)
        x[rows, labels] -= 1
        x /= len(labels)
        grad_weights, grad_biases = [], []
        for weight, _ in reversed(layers):
            below = inputs.pop()
            grad_weights.insert(0, below.T @ x)
            grad_biases.insert(0, x.sum(axis=0))
            if inputs:
                x = x @ weight.T
                x *= below > 0
        return loss, (*grad_weights, *grad_biases)

    def tinytorch(self, tt, x, labels, *leaves):
        *hidden, (weight, bias) = self.layers(leaves)
        for w, b in hidden:
            x = tt.relu(x @ w + b)
        return tt.cross_entropy(x @ weight + bias, labels)

    def torch(self, torch, x, labels, *leaves):
        *hidden, (weight, bias) = self.layers(leaves)
        for w, b in hidden:
            x = torch.relu(torch.addmm(b, x, w))
        return torch.nn.functional.cross_entropy(torch.addmm(bias, x, weight), labels)

    def autograd(self, np, x, labels, *leaves):
        *hidden, (weight, bias) = self.layers(leaves)
        for w, b in hidden:
            x = np.maximum(np.dot(x, w) + b, 0)
        scores = np.dot(x, weight) + bias
        scores = scores - np.max(scores, axis=1, keepdims=True)
        log_sums = np.log(np.sum(np.exp(scores), axis=1))
        return np.mean(log_sums - scores[np.arange(len(labels)), labels])

    def mygrad(self, mg, x, labels, *leaves):
        *hidden, (weight, bias) = self.layers(leaves)
        for w, b in hidden:
            x = mg.nnet.relu(mg.matmul(x, w) + b)
        return mg.nnet.softmax_crossentropy(mg.matmul(x, weight) + bias, labels)
