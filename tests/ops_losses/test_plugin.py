"""What the package provides, and where it is found."""

from __future__ import annotations

import numpy as np
import pytest
import tinytorch
import tinytorch_ops_losses
from tinytorch import Tensor
from tinytorch_ops_losses.plugin import tinytorch_register_ops

NAMES = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "ctc_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "hinge_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "nll_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
]


def test_the_hook_gives_all_losses():
    """Every loss function of the package is an Operation, with its Backward class."""
    operations = tinytorch_register_ops()
    assert sorted(operation.name for operation in operations) == NAMES
    for operation in operations:
        assert getattr(tinytorch_ops_losses, operation.name) is operation.function
        assert getattr(tinytorch_ops_losses, operation.backward.__name__) is operation.backward


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_is_a_function_and_no_method(name):
    """It is found on tinytorch.ops, and a tensor has no method of its name."""
    assert getattr(tinytorch.ops, name) is getattr(tinytorch_ops_losses, name)
    with pytest.raises(AttributeError):
        getattr(Tensor([1.0]), name)


def test_the_public_names_are_there():
    """Everything in __all__ exists."""
    for name in tinytorch_ops_losses.__all__:
        assert hasattr(tinytorch_ops_losses, name), name


@pytest.mark.parametrize("operation", tinytorch_register_ops(), ids=repr)
def test_a_loss_of_arrays_is_an_array(operation):
    """Without a Tensor among the inputs nothing is recorded, so that rules may call a loss."""
    sample = operation.make_samples()[3]
    assert type(operation.function(*sample.inputs, **sample.parameters)) is np.ndarray
