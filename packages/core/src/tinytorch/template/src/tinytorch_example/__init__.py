"""An op package for tinytorch-core."""

from .operations import SquareplusBackward, squareplus

__all__ = ["SquareplusBackward", "squareplus"]
