"""A user's program. Comments say in which lines a type checker shall find an error, and when."""

from typing import assert_type

import tinytorch
from tinytorch import Tensor, ops

x = Tensor([1.0, 2.0], requires_grad=True)

# Core's own methods need no stubs, and are not hidden by them.
assert_type(x.sum(axis=0), Tensor)
assert_type(x + x.exp(), Tensor)
x.sum(axes=0)  # error

# Somebody else's.
assert_type(x.softramp(), Tensor)  # error without stubs
x.softramp(1)  # error
x.softramp().exp().item()  # error without stubs

# Those of our own op packages.
assert_type(x.relu(), Tensor)  # error without stubs
assert_type(x.softmax(dim=-1), Tensor)  # error without stubs
x.softmax(dim="rows")  # error
x.reluu()  # error

# Operations as functions, of which nothing is known without stubs.
assert_type(ops.softramp(x), Tensor)  # error without stubs
assert_type(ops.exp(x), Tensor)  # error without stubs
assert_type(tinytorch.ops.mse_loss(x, x, reduction="sum"), Tensor)  # error without stubs
ops.softramp()  # error with stubs
ops.mse_loss(x, x, "sum")  # error with stubs
ops.softramps(x)  # error with stubs
