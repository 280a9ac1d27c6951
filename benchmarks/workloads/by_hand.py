"""Layers written by hand: the output with what its gradient needs, and the gradient."""

from __future__ import annotations

import numpy as np

GELU_SCALE = (2 / np.pi) ** 0.5
GELU_CUBIC = 0.044715


def linear(x, weight, bias):
    """``x @ weight.T + bias``, for x with any leading axes."""
    y = x.reshape(-1, x.shape[-1]) @ weight.T
    y += bias
    return y.reshape(*x.shape[:-1], -1)


def linear_gradient(g, x, weight):
    """The gradients towards x, the weight and the bias."""
    rows = g.reshape(-1, g.shape[-1])
    return (
        (rows @ weight).reshape(x.shape),
        rows.T @ x.reshape(-1, x.shape[-1]),
        rows.sum(axis=0),
    )


def gelu(x):
    """``x (1 + t) / 2`` with ``t = tanh(c (x + k x³))``; also t."""
    t = x * x
    t *= GELU_CUBIC * GELU_SCALE
    t += GELU_SCALE
    t *= x
    np.tanh(t, out=t)
    y = t + 1
    y *= x
    y *= 0.5
    return y, t


def gelu_gradient(g, x, t):
    """``g ((1 + t) + x (1 - t²) c (1 + 3 k x²)) / 2``, written into t."""
    slope = x * x
    slope *= 3 * GELU_CUBIC * GELU_SCALE
    slope += GELU_SCALE
    slope *= x
    rest = t * t
    np.subtract(1, rest, out=rest)
    slope *= rest
    t += 1
    t += slope
    t *= 0.5
    t *= g
    return t


def softmax(x):
    """Along the last axis, written into x."""
    x -= x.max(axis=-1, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(axis=-1, keepdims=True)
    return x


def softmax_gradient(g, y):
    """``y (g - Σ g y)``."""
    product = g * y
    product -= y * product.sum(axis=-1, keepdims=True)
    return product


def layer_norm(x, weight, bias):
    """``weight z + bias`` with ``z = (x - m) / s``; also z and 1 / s."""
    z = x - x.mean(axis=-1, keepdims=True)
    variance = np.einsum("...i,...i->...", z, z)[..., None]
    variance /= x.shape[-1]
    variance += 1e-5
    inverse = 1 / np.sqrt(variance)
    z *= inverse
    y = z * weight
    y += bias
    return y, z, inverse


def layer_norm_gradient(g, z, inverse, weight):
    """The gradients towards x, the weight and the bias."""
    axes = tuple(range(g.ndim - 1))
    product = g * z
    grad_weight = product.sum(axis=axes)
    grad_x = g * weight
    np.multiply(grad_x, z, out=product)
    z = z * product.mean(axis=-1, keepdims=True)
    grad_x -= grad_x.mean(axis=-1, keepdims=True)
    grad_x -= z
    grad_x *= inverse
    return grad_x, grad_weight, g.sum(axis=axes)
