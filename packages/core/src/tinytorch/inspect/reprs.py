"""How tensors, nodes and the registry look in a notebook."""

from __future__ import annotations

import inspect
from collections import defaultdict
from html import escape

import numpy as np

from ..function import Function
from ..operation import Operation, Registry
from ..tensor import Tensor
from .details import details_of
from .gradients import norm_of, worst
from .graph import Entry, Labels
from .names import Names


def html_of(value: Tensor | Function | Registry) -> str:
    """Return what a notebook shows of a tensor, of a node of the graph, or of the registry."""
    if isinstance(value, Tensor):
        return _tensor(value)
    return _node(value) if isinstance(value, Function) else _registry(value)


def _tensor(tensor: Tensor) -> str:
    facts = [f"{tensor.shape} {tensor.dtype}"]
    if tensor.grad_fn is not None:
        facts.append("made by {} of {}".format(*Labels()[type(tensor.grad_fn)]))
    elif tensor.requires_grad:
        facts.append("requires a gradient")
    leaf = tensor._accumulator
    if leaf is not None and leaf.grad is not None:
        facts.append(f"gradient of norm {worst([norm_of(leaf.grad)])}")
    names = Names.now().of_arrays
    title = " ".join(filter(None, ["Tensor", names.get(id(tensor.data), "")]))
    values = np.array2string(tensor.data, threshold=100)
    return f"<b>{escape(title)}</b> {escape(', '.join(facts))}<pre>{escape(values)}</pre>"


def _node(node: Function) -> str:
    label, distribution = Labels()[type(node)]
    shape = () if node._shape is None else node._shape
    entry = Entry("operation", node, label, shape, node._dtype, distribution=distribution)
    told = details_of(entry)
    inputs = ", ".join("no gradient" if e is None else repr(e) for e in node.next_functions)
    parts = [told.rule, *told.parameters, f"inputs: {inputs}", *told.saved]
    body = "".join(f"<pre>{escape(part)}</pre>" for part in parts if part)
    return f"<b>{escape(told.heading)}</b>{body}"


def _registry(of: Registry) -> str:
    provided: dict[str, dict[str, Operation]] = defaultdict(dict)
    for name, operation in of.operations.items():
        provided[of.owners[name].distribution][operation.name] = operation
    parts = []
    for distribution, operations in provided.items():
        rows = "".join(
            f'<tr><td style="text-align:left"><code>{escape(name)}</code></td>'
            f'<td style="text-align:left">{escape(_summary(operation))}</td></tr>'
            for name, operation in sorted(operations.items())
        )
        summary = f"{escape(distribution)}: {len(operations)} operations"
        parts.append(f"<details><summary>{summary}</summary><table>{rows}</table></details>")
    return "".join(parts)


def _summary(operation: Operation) -> str:
    return (inspect.getdoc(operation.function) or "").partition("\n")[0]
