"""The workloads, in the order of the table."""

from __future__ import annotations

from .attention import Attention, TransformerBlock
from .chains import Chain, ChainForward, NumberChain
from .convolution import Conv2d
from .elementwise import GELU, Sigmoid, Softmax, Tanh
from .mlp import MLP
from .normalization import LayerNorm
from .rows import Embedding, Slices
from .workload import Workload

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in [
        Chain("chain-1", size=1),
        Chain("chain-100", size=100),
        Chain("chain-10000", size=10_000),
        ChainForward("forward-1", size=1),
        ChainForward("forward-100", size=100),
        ChainForward("forward-10000", size=10_000),
        NumberChain(),
        MLP("mlp-small", "MLP 64-32-10, batch 32", [64, 32, 10], batch=32, goal=1.3),
        MLP(
            "mlp-textbook",
            "MLP 784-512-256-128-10, batch 64",
            [784, 512, 256, 128, 10],
            batch=64,
            goal=1.0,
        ),
        MLP(
            "mlp-wide",
            "MLP 1024-1024-1024-1024-10, batch 512",
            [1024, 1024, 1024, 1024, 10],
            batch=512,
            goal=1.0,
        ),
        GELU(),
        Sigmoid(),
        Tanh(),
        Softmax(),
        Embedding(),
        Slices(),
        Attention(),
        TransformerBlock(),
        Conv2d(),
        LayerNorm(),
    ]
}

MEMORY = MLP("memory", "peak memory, 50 layers of 512, batch 256", [512] * 51, batch=256, goal=1.0)
MEMORY.tolerance = 0.03  # in so many layers, rounding changes on which side of 0 some units lie
MEMORY_WARM_UP = MLP("memory-warm-up", "one layer of it", [512, 512], batch=256)
# How the cost of an operation depends on how many there are.
GROWTH: dict[int, Workload] = {
    operations: Chain(f"growth-{operations}", size=1, operations=operations)
    for operations in (10, 100, 1_000, 10_000, 100_000, 1_000_000)
}
ALL: dict[str, Workload] = {
    workload.name: workload for workload in [*WORKLOADS.values(), MEMORY, *GROWTH.values()]
}
