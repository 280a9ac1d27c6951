"""Every loss at the ends of its range: large logits in float32, and half precision."""

from __future__ import annotations

import numpy as np
import pytest
import tinytorch_ops_losses as losses
from tinytorch import Tensor
from tinytorch_ops_losses.plugin import tinytorch_register_ops

FAR = np.array([[1e4, -1e4, 0.0, 9e3], [-1e4, 1e4, 1.0, -1e4], [0.0, -9e3, 1e4, 1e4]])
SIGNS = np.where(FAR[:, ::-1] > 0, 1, -1)
LABELS = np.array([1, 0, 3])
LOGS = -np.abs(FAR)
SHARES = np.array([[0.0, 0.25, 0.75, 0.0]] * 3)

CALLS = {
    "mse_loss": (FAR, FAR[::-1].copy()),
    "l1_loss": (FAR, FAR[::-1].copy()),
    "smooth_l1_loss": (FAR, FAR[::-1].copy()),
    "huber_loss": (FAR, FAR[::-1].copy()),
    "nll_loss": (LOGS, LABELS),
    "cross_entropy": (FAR, LABELS),
    "cross_entropy of probabilities": (FAR, SHARES),
    "cross_entropy smoothed": (FAR, LABELS, {"label_smoothing": 0.25, "weight": [1, 2, 3, 0.5]}),
    "binary_cross_entropy": (1 / (1 + np.exp(np.clip(-FAR, -80, 80))), SHARES.round()),
    "binary_cross_entropy_with_logits": (FAR, SHARES),
    "binary_cross_entropy_with_logits weighted": (FAR, SHARES, {"pos_weight": [1, 2, 3, 0.5]}),
    "kl_div": (LOGS, SHARES),
    "kl_div of logarithms": (LOGS, LOGS[::-1].copy(), {"log_target": True}),
    "poisson_nll_loss": (np.array([-1e4, 0.0, 80.0]), np.array([0, 1e4, 1e4])),
    "gaussian_nll_loss": (FAR, FAR[::-1].copy(), np.full((3, 4), 1e-5)),
    "hinge_loss": (FAR, SIGNS),
    "hinge_embedding_loss": (np.abs(FAR), SIGNS),
    "margin_ranking_loss": (FAR, FAR[::-1].copy(), SIGNS),
    "soft_margin_loss": (FAR, SIGNS),
    "cosine_embedding_loss": (FAR, FAR[::-1] + 1.0, np.array([1, -1, 1])),
    "triplet_margin_loss": (FAR, FAR[::-1] + 1.0, FAR + 2.0),
    "triplet_margin_loss of cubes": (FAR, FAR[::-1] + 1.0, FAR + 2.0, {"p": 3}),
    "ctc_loss": (LOGS[:, None], np.array([[1, 3]]), [3], [2]),
}


def run(name, dtype):
    """Return the value, and the gradient of the first input."""
    *inputs, parameters = (
        (*CALLS[name],) if isinstance(CALLS[name][-1], dict) else (*CALLS[name], {})
    )
    arrays = [
        x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in inputs
    ]
    x = Tensor(arrays[0], requires_grad=True)
    loss = getattr(losses, name.split()[0])(x, *arrays[1:], **parameters)
    loss.backward(np.asarray(-1.5, dtype))
    assert loss.dtype == x.grad.dtype == dtype
    return loss.data, x.grad


@pytest.mark.parametrize("name", CALLS)
def test_large_logits_in_float32(name):
    """At logits of 10,000 value and gradient are finite, and those of double precision."""
    for single, double in zip(run(name, np.float32), run(name, np.float64), strict=True):
        assert np.isfinite(single).all()
        np.testing.assert_allclose(single, double, rtol=2e-5, atol=1e-6)


def test_every_loss_is_among_them():
    """A loss that is added has to be tried at the ends of its range as well."""
    tried = {name.split()[0] for name in CALLS}
    assert tried == {operation.name for operation in tinytorch_register_ops()}


@pytest.mark.parametrize("operation", tinytorch_register_ops(), ids=repr)
def test_half_precision(operation):
    """float16 stays float16, in value and gradient, and comes near double precision."""
    for sample in operation.make_samples()[3:12]:
        results = []
        for dtype in (np.float16, np.float64):
            inputs = [
                Tensor(x.astype(np.float16).astype(dtype), requires_grad=True)
                if isinstance(x, np.ndarray) and x.dtype.kind == "f"
                else x
                for x in sample.inputs
            ]
            loss = operation.function(*inputs, **sample.parameters)
            loss.backward(np.ones(loss.shape, dtype))
            assert loss.dtype == inputs[0].grad.dtype == dtype
            results.append((loss.data, inputs[0].grad))
        for half, double in zip(*results, strict=True):
            np.testing.assert_allclose(half, double, rtol=0.02, atol=0.02)
