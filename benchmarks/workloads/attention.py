"""Self-attention, where no position sees a later one, and the block of a transformer around it.

Weights are (outputs, inputs), as PyTorch's linear layers have them.
"""

from __future__ import annotations

import numpy as np

from . import by_hand
from .elementwise import gelu
from .normalization import layer_norm
from .workload import Workload, normal

BATCH, LENGTH, WIDTH, HEADS = 8, 64, 128, 4
SPLIT = (BATCH, LENGTH, 3, HEADS, WIDTH // HEADS)
TO_HEADS, FROM_HEADS = (2, 0, 3, 1, 4), (1, 3, 0, 2, 4)
SCALE = np.float32((WIDTH // HEADS) ** -0.5)
# Added to the scores of what is later.
LATER = np.triu(np.full((LENGTH, LENGTH), -np.inf, np.float32), 1)


def linear_leaves(rng, outputs, inputs):
    return normal(rng, outputs, inputs, scale=inputs**-0.5), normal(rng, outputs, scale=0.1)


def attention_by_hand(x, w_in, b_in, w_out, b_out):
    """The output, and what its gradient needs."""
    q, k, v = by_hand.linear(x, w_in, b_in).reshape(SPLIT).transpose(TO_HEADS)
    scores = q @ k.swapaxes(-1, -2)
    scores *= SCALE
    scores += LATER
    weights = by_hand.softmax(scores)
    mixed = (weights @ v).transpose(0, 2, 1, 3).reshape(BATCH, LENGTH, WIDTH)
    return by_hand.linear(mixed, w_out, b_out), (x, q, k, v, weights, mixed)


def attention_gradient_by_hand(g, saved, w_in, w_out):
    """The gradients towards the input, the weights and the biases."""
    x, q, k, v, weights, mixed = saved
    g, *grad_out = by_hand.linear_gradient(g, mixed, w_out)
    g = g.reshape(BATCH, LENGTH, HEADS, -1).transpose(0, 2, 1, 3)
    grad_scores = by_hand.softmax_gradient(g @ v.swapaxes(-1, -2), weights)
    grad_scores *= SCALE
    grad_qkv = np.empty((3, *q.shape), q.dtype)
    np.matmul(grad_scores, k, out=grad_qkv[0])
    np.matmul(grad_scores.swapaxes(-1, -2), q, out=grad_qkv[1])
    np.matmul(weights.swapaxes(-1, -2), g, out=grad_qkv[2])
    joined = grad_qkv.transpose(FROM_HEADS).reshape(BATCH, LENGTH, 3 * WIDTH)
    grad_x, *grad_in = by_hand.linear_gradient(joined, x, w_in)
    return grad_x, *grad_in, *grad_out


def attention_in_tinytorch(tt, x, w_in, b_in, w_out, b_out):
    q, k, v = tt.unbind(tt.linear(x, w_in, b_in).reshape(SPLIT).permute(TO_HEADS), 0)
    mixed = tt.scaled_dot_product_attention(q, k, v, is_causal=True)
    return tt.linear(mixed.transpose(1, 2).reshape(x.shape), w_out, b_out)


def attention_in_torch(torch, x, w_in, b_in, w_out, b_out):
    F = torch.nn.functional
    q, k, v = F.linear(x, w_in, b_in).reshape(SPLIT).permute(TO_HEADS).unbind(0)
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return F.linear(mixed.transpose(1, 2).reshape(x.shape), w_out, b_out)


def attention_composed(np, x, w_in, b_in, w_out, b_out):
    """What autograd and MyGrad, which have none, compute it from."""
    joined = np.matmul(x, w_in.T) + b_in
    qkv = np.transpose(np.reshape(joined, SPLIT), TO_HEADS)
    q, k, v = qkv[0], qkv[1], qkv[2]
    scores = np.matmul(q, np.swapaxes(k, -1, -2)) * SCALE + LATER
    powers = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    weights = powers / np.sum(powers, axis=-1, keepdims=True)
    mixed = np.reshape(np.swapaxes(np.matmul(weights, v), 1, 2), x.shape)
    return np.matmul(mixed, w_out.T) + b_out


class Attention(Workload):
    name = "attention"
    title = "causal self-attention of (8, 64, 128), 4 heads"
    goal = 1.0

    def make(self, rng):
        self.leaves = (
            normal(rng, BATCH, LENGTH, WIDTH),
            *linear_leaves(rng, 3 * WIDTH, WIDTH),
            *linear_leaves(rng, WIDTH, WIDTH),
        )
        self.seed = normal(rng, BATCH, LENGTH, WIDTH)

    def by_hand(self, x, w_in, b_in, w_out, b_out):
        y, saved = attention_by_hand(x, w_in, b_in, w_out, b_out)
        return y, attention_gradient_by_hand(self.seed, saved, w_in, w_out)

    def tinytorch(self, tt, *leaves):
        return attention_in_tinytorch(tt, *leaves)

    def torch(self, torch, *leaves):
        return attention_in_torch(torch, *leaves)

    def composed(self, np, *leaves):
        return attention_composed(np, *leaves)

    autograd = mygrad = composed


class TransformerBlock(Workload):
    """``y = x + attention(norm(x))``, then ``y + W2 gelu(W1 norm(y))``, four times as wide."""

    name = "transformer"
    title = "transformer block of (8, 64, 128), 4 heads"
    goal = 0.9

    def make(self, rng):
        self.leaves = (
            normal(rng, BATCH, LENGTH, WIDTH),
            *normal(rng, 2, WIDTH),
            *linear_leaves(rng, 3 * WIDTH, WIDTH),
            *linear_leaves(rng, WIDTH, WIDTH),
            *normal(rng, 2, WIDTH),
            *linear_leaves(rng, 4 * WIDTH, WIDTH),
            *linear_leaves(rng, WIDTH, 4 * WIDTH),
        )
        self.seed = normal(rng, BATCH, LENGTH, WIDTH)

    def by_hand(self, x, n1, m1, w_in, b_in, w_out, b_out, n2, m2, w1, b1, w2, b2):
        normed, *norm1 = by_hand.layer_norm(x, n1, m1)
        y, attended = attention_by_hand(normed, w_in, b_in, w_out, b_out)
        y += x
        wide_in, *norm2 = by_hand.layer_norm(y, n2, m2)
        before = by_hand.linear(wide_in, w1, b1)
        after, t = by_hand.gelu(before)
        output = by_hand.linear(after, w2, b2)
        output += y

        g = self.seed
        grad, *grad_linear2 = by_hand.linear_gradient(g, after, w2)
        grad = by_hand.gelu_gradient(grad, before, t)
        grad, *grad_linear1 = by_hand.linear_gradient(grad, wide_in, w1)
        grad, *grad_norm2 = by_hand.layer_norm_gradient(grad, *norm2, n2)
        grad += g
        grad_x, *grad_attention = attention_gradient_by_hand(grad, attended, w_in, w_out)
        grad_x, *grad_norm1 = by_hand.layer_norm_gradient(grad_x, *norm1, n1)
        grad_x += grad
        return output, (
            grad_x,
            *grad_norm1,
            *grad_attention,
            *grad_norm2,
            *grad_linear1,
            *grad_linear2,
        )

    def tinytorch(self, tt, x, n1, m1, w_in, b_in, w_out, b_out, n2, m2, w1, b1, w2, b2):
        normed = tt.layer_norm(x, WIDTH, n1, m1)
        x = x + attention_in_tinytorch(tt, normed, w_in, b_in, w_out, b_out)
        wide = tt.linear(tt.layer_norm(x, WIDTH, n2, m2), w1, b1)
        return x + tt.linear(tt.gelu(wide, approximate="tanh"), w2, b2)

    def torch(self, torch, x, n1, m1, w_in, b_in, w_out, b_out, n2, m2, w1, b1, w2, b2):
        F = torch.nn.functional
        normed = F.layer_norm(x, (WIDTH,), n1, m1)
        x = x + attention_in_torch(torch, normed, w_in, b_in, w_out, b_out)
        wide = F.linear(F.layer_norm(x, (WIDTH,), n2, m2), w1, b1)
        return x + F.linear(F.gelu(wide, approximate="tanh"), w2, b2)

    def composed(self, np, x, n1, m1, w_in, b_in, w_out, b_out, n2, m2, w1, b1, w2, b2):
        normed = layer_norm(np, x, n1, m1)
        x = x + attention_composed(np, normed, w_in, b_in, w_out, b_out)
        wide = np.matmul(layer_norm(np, x, n2, m2), w1.T) + b1
        return x + np.matmul(gelu(np, wide), w2.T) + b2

    autograd = mygrad = composed
