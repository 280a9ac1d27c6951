"""A convolution over images."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .workload import Workload, normal

SHIFTS = [(i, j) for i in range(3) for j in range(3)]


class Conv2d(Workload):
    name = "conv2d"
    title = "conv2d 3x3 on (32, 16, 28, 28), padding 1, to 32 channels"

    def make(self, rng):
        self.leaves = (
            normal(rng, 32, 16, 28, 28),
            normal(rng, 32, 16, 3, 3, scale=0.1),
            normal(rng, 32),
        )
        self.seed = normal(rng, 32, 32, 28, 28)

    def by_hand(self, x, weight, bias):
        padded = np.zeros((32, 16, 30, 30), x.dtype)
        padded[:, :, 1:-1, 1:-1] = x
        windows = sliding_window_view(padded, (3, 3), axis=(2, 3))
        columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(32, 16 * 9, 28 * 28)
        matrix = weight.reshape(32, 16 * 9)
        y = matrix @ columns
        y += bias[:, None]

        g = self.seed.reshape(32, 32, 28 * 28)
        grad_weight = (g @ columns.transpose(0, 2, 1)).sum(axis=0)
        np.matmul(matrix.T, g, out=columns)
        columns = columns.reshape(32, 16, 3, 3, 28, 28)
        padded = np.zeros((32, 16, 30, 30), x.dtype)
        for i, j in SHIFTS:
            padded[:, :, i : i + 28, j : j + 28] += columns[:, :, i, j]
        grad_x = padded[:, :, 1:-1, 1:-1].copy()
        return y.reshape(32, 32, 28, 28), (
            grad_x,
            grad_weight.reshape(weight.shape),
            g.sum(axis=(0, 2)),
        )

    def tinytorch(self, tt, x, weight, bias):
        return tt.conv2d(x, weight, bias, padding=1)

    def torch(self, torch, x, weight, bias):
        return torch.nn.functional.conv2d(x, weight, bias, padding=1)

    def autograd(self, np, x, weight, bias):
        """It has none that computes with NumPy: nine products of shifted images."""
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), "constant")
        y = bias[:, None]
        for i, j in SHIFTS:
            shifted = np.reshape(padded[:, :, i : i + 28, j : j + 28], (32, 16, 28 * 28))
            y = y + np.matmul(weight[:, :, i, j], shifted)
        return np.reshape(y, (32, 32, 28, 28))

    def mygrad(self, mg, x, weight, bias):
        y = mg.nnet.conv_nd(x, weight, stride=1, padding=1)
        return y + mg.reshape(bias, (32, 1, 1))
