"""Arrays for which there is no memory, one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import resource
import sys
import numpy as np
from tinytorch import Tensor, is_grad_enabled

KIB, LEAVES = 256, 40
ONES = np.ones(KIB * 128)  # 8 bytes each: far more than what is not returned to the system at once

leaves = [Tensor(ONES * i, requires_grad=True) for i in range(LEAVES)]
total = leaves[0] * 2.0
for w in leaves[1:]:
    total = total + (w * 2.0) * (w + 1.0)
gradients = [ONES * 2.0] + [4.0 * w.data + 2.0 for w in leaves[1:]]
total.backward(ONES, retain_graph=True)
passes, failures, successes, allowed = 1, 0, 0, 0
unlimited = resource.getrlimit(resource.RLIMIT_AS)
while successes < 3:
    before = [w.grad for w in leaves]
    in_use = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + allowed * 1024, unlimited[1]))
    try:
        total.backward(ONES, retain_graph=True)
        failed = False
    except MemoryError:
        failed = True
    finally:
        resource.setrlimit(resource.RLIMIT_AS, unlimited)
    (is_new,) = {w.grad is not old for w, old in zip(leaves, before)}
    assert is_new is not failed
    passes += is_new
    for w, gradient in zip(leaves, gradients):
        assert w.grad[0] == w.grad[-1] == passes * gradient[0]
    assert is_grad_enabled()
    failures += failed
    successes = 0 if failed else successes + 1
    allowed += KIB  # one array more
print(failures)
"""


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="how much memory is in use is asked of Linux"
)
def test_an_array_for_which_there_is_no_memory_commits_all_or_nothing() -> None:
    """With memory for no array, for one, for two, and so on, until there is enough."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        # Each array in memory of its own, which is given back when the array is freed.
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_MMAP_MAX_": "100000"},
    )
    assert done.stderr == ""
    assert int(done.stdout) > 50
