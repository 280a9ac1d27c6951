"""Loss functions for tinytorch."""

from __future__ import annotations

from .binary import (
    BCEBackward,
    BCEWithLogitsBackward,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
)
from .classification import CrossEntropyBackward, SoftCrossEntropyBackward, cross_entropy
from .ctc import CTCBackward, ctc_loss
from .distributions import KLDivBackward, PoissonNLLBackward, kl_div, poisson_nll_loss
from .embeddings import (
    CosineEmbeddingBackward,
    TripletMarginBackward,
    cosine_embedding_loss,
    triplet_margin_loss,
)
from .gaussian import GaussianNLLBackward, gaussian_nll_loss
from .likelihood import NLLBackward, nll_loss
from .margins import (
    HingeBackward,
    HingeEmbeddingBackward,
    MarginRankingBackward,
    SoftMarginBackward,
    hinge_embedding_loss,
    hinge_loss,
    margin_ranking_loss,
    soft_margin_loss,
)
from .modules import BinaryCrossEntropyLoss, CrossEntropyLoss, MSELoss
from .regression import (
    HuberBackward,
    L1Backward,
    MSEBackward,
    SmoothL1Backward,
    huber_loss,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)

__version__ = "0.1.0"

__all__ = [
    "BCEBackward",
    "BCEWithLogitsBackward",
    "BinaryCrossEntropyLoss",
    "CTCBackward",
    "CosineEmbeddingBackward",
    "CrossEntropyBackward",
    "CrossEntropyLoss",
    "GaussianNLLBackward",
    "HingeBackward",
    "HingeEmbeddingBackward",
    "HuberBackward",
    "KLDivBackward",
    "L1Backward",
    "MSEBackward",
    "MSELoss",
    "MarginRankingBackward",
    "NLLBackward",
    "PoissonNLLBackward",
    "SmoothL1Backward",
    "SoftCrossEntropyBackward",
    "SoftMarginBackward",
    "TripletMarginBackward",
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
