"""Sums of half precision are computed in single precision, forward and backward."""

from __future__ import annotations

import numpy as np
import pytest
import tinytorch_ops_nn as nn
from tinytorch import Tensor

from ..half import errors

RNG = np.random.default_rng(0)


def numbers(*shape, low=0.5, high=1.5):
    return RNG.uniform(low, high, shape)


TALL, ROW = numbers(5000, 2), numbers(2)
WIDE, NORMAL = TALL.T, RNG.normal(size=(500, 20))
PLACES = RNG.integers(0, 3, 10000)
BOTH = np.stack([PLACES, PLACES], 1)

CASES = {
    "softmax": (lambda x: nn.softmax(x, 0), [NORMAL]),
    "softmax in rows": (lambda x: nn.softmax(x, 1), [NORMAL]),
    "linear": (nn.linear, [TALL, numbers(3, 2), numbers(3)]),
    "linear of many features": (nn.linear, [WIDE / 50, numbers(3, 5000), numbers(3)]),
    "bilinear": (nn.bilinear, [TALL, numbers(5000, 3), numbers(2, 2, 3), ROW]),
    "layer_norm": (
        lambda x, *others: nn.layer_norm(x, 5000, *others),
        [WIDE, *numbers(2, 5000)],
    ),
    "layer_norm of many rows": (
        lambda x, *others: nn.layer_norm(x, 5, *others),
        [numbers(2000, 5), *numbers(2, 5)],
    ),
    "rms_norm": (lambda x, w: nn.rms_norm(x, 5000, w, 1e-3), [WIDE, numbers(5000)]),
    "rms_norm of many rows": (
        lambda x, w: nn.rms_norm(x, 5, w, 1e-3),
        [numbers(2000, 5), numbers(5)],
    ),
    "batch_norm": (
        lambda x, *others: nn.batch_norm(x, None, None, *others, training=True),
        [TALL, *numbers(2, 2)],
    ),
    "group_norm": (
        lambda x, *others: nn.group_norm(x, 2, *others),
        [numbers(10, 4, 250), *numbers(2, 4)],
    ),
    "instance_norm": (
        lambda x, *others: nn.instance_norm(x, None, None, *others),
        [numbers(2, 2, 2500), *numbers(2, 2)],
    ),
    "conv1d": (nn.conv1d, [numbers(2, 2, 2500) / 3, numbers(3, 2, 3) / 3, numbers(3)]),
    "conv1d of many short inputs": (
        nn.conv1d,
        [numbers(3000, 2, 4) / 3, numbers(3, 2, 3) / 3, numbers(3)],
    ),
    "conv1d of long kernels": (nn.conv1d, [numbers(1, 2, 3000) / 9, numbers(2, 2, 2500) / 9]),
    "conv2d": (nn.conv2d, [numbers(2, 2, 50, 50) / 3, numbers(3, 2, 3, 3) / 3, numbers(3)]),
    "conv_transpose1d": (
        nn.conv_transpose1d,
        [numbers(1, 2, 2500) / 30, numbers(2, 2, 2500) / 30, ROW],
    ),
    "conv_transpose2d": (
        nn.conv_transpose2d,
        [numbers(2, 2, 50, 50) / 3, numbers(2, 3, 3, 3) / 3, numbers(3)],
    ),
    "avg_pool1d": (lambda x: nn.avg_pool1d(x, 1000, 1), [numbers(1, 2, 2500)]),
    "avg_pool2d": (lambda x: nn.avg_pool2d(x, 20, 1), [numbers(1, 2, 50, 50)]),
    "adaptive_avg_pool2d": (
        lambda x: nn.adaptive_avg_pool2d(x, (1, 3)),
        [numbers(1, 2, 100, 50)],
    ),
    "max_pool1d": (lambda x: nn.max_pool1d(x, 1000, 1), [numbers(1, 2, 2500)]),
    "max_pool2d": (lambda x: nn.max_pool2d(x, 20, 1), [numbers(1, 1, 50, 50)]),
    "interpolate": (lambda x: nn.interpolate(x, scale_factor=60), [numbers(1, 1, 4, 4)]),
    "interpolate, large": (lambda x: nn.interpolate(x, scale_factor=5000), [numbers(9, 2, 4)]),
    "attention": (nn.scaled_dot_product_attention, [RNG.normal(size=(1, 100, 4))] * 3),
    "normalize": (lambda x: nn.normalize(x, dim=0), [TALL]),
    "cosine_similarity": (
        lambda a, b: nn.cosine_similarity(a, b, dim=0),
        [TALL, numbers(5000, 2)],
    ),
    "prelu": (nn.prelu, [RNG.normal(size=(5000, 2)), ROW]),
    "pad before": (lambda x: nn.pad(x, (0, 0, 5000, 0), "replicate"), [numbers(1, 1, 2, 3)]),
    "pad after": (lambda x: nn.pad(x, (0, 0, 0, 5000), "replicate"), [numbers(1, 1, 2, 3)]),
    "masked_fill": (lambda x: nn.masked_fill(x, TALL > 1, 0.0), [ROW]),
    "getitem": (lambda x: nn.getitem(x, PLACES), [numbers(3)]),
    "getitem by pairs": (lambda x: nn.getitem(x, (PLACES, PLACES)), [numbers(3, 3)]),
    "index_select": (lambda x: nn.index_select(x, 0, PLACES), [numbers(3, 2)]),
    "gather": (lambda x: nn.gather(x, 0, BOTH), [numbers(3, 2)]),
    "take_along_dim": (lambda x: nn.take_along_dim(x, BOTH, 0), [numbers(3, 2)]),
    "embedding": (lambda x: nn.embedding(PLACES, x), [numbers(3, 2)]),
    "scatter_add": (
        lambda x, s: nn.scatter_add(x, 0, BOTH, s),
        [numbers(3, 2), numbers(10000, 2) / 5],
    ),
    "index_put": (
        lambda x, s: nn.index_put(x, (PLACES,), s, accumulate=True),
        [numbers(3, 2), numbers(10000, 2) / 5],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_many_elements(name):
    """Values and gradients that are sums of thousands are rounded about once."""
    function, arrays = CASES[name]
    assert max(errors(function, *arrays)) < 3


@pytest.mark.parametrize("axis", [0, 1])
def test_log_softmax(axis):
    """The gradient g - e^y Σ g has the rounding of y, which is between -3 and -9 here."""
    value, gradient = errors(lambda x: nn.log_softmax(x, axis), NORMAL)
    assert value < 1
    assert gradient < 9


def test_more_elements_than_half_precision_can_count():
    """Denominators and counts above 65,504, the largest of float16, do not overflow."""
    x = Tensor(np.zeros(70000, np.float16), requires_grad=True)
    np.testing.assert_allclose(nn.softmax(x, 0).data, 1 / 70000, rtol=2e-3)
    np.testing.assert_allclose(nn.log_softmax(x, 0).data, -np.log(70000), rtol=1e-3)
    image = Tensor(np.ones((1, 1, 700, 100), np.float16), requires_grad=True)
    mean = nn.adaptive_avg_pool2d(image, 1)
    mean.backward(np.full((1, 1, 1, 1), 100, np.float16))
    assert mean.item() == 1
    np.testing.assert_allclose(image.grad, 100 / 70000, rtol=1e-3)
    whole = nn.avg_pool2d(image, (700, 100))
    assert whole.item() == 1
