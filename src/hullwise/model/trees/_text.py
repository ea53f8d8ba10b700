"""A network's decision tree in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..._core.types import Floats

if TYPE_CHECKING:
    from .tree import NetworkTree

TEXT_TERMS = 8  # inputs tree_text out in one line
TEXT_OUTPUTS = 2  # outputs tree_text out of a leaf


def tree_text(tree: NetworkTree, max_depth: int) -> str:
    """The first questions of a tree, one a line."""
    lines: list[str] = []
    todo = [(0 if tree.n_nodes else -1, "", 0)]
    while todo:
        child, answer, depth = todo.pop()
        text = _leaf_text(tree, -1 - child) if child < 0 else _node_text(tree, child)
        cut = child >= 0 and depth >= max_depth
        lines.append("|   " * depth + answer + ("..." if cut else text))
        if child >= 0 and not cut:
            no, yes = (int(c) for c in tree.children[child])
            todo += [(yes, "yes: ", depth + 1), (no, "no: ", depth + 1)]
    return "\n".join(lines)


def _node_text(tree: NetworkTree, node: int) -> str:
    unit = int(tree.units[node])
    layer = next(one for one in reversed(tree.net.layers) if one.start <= unit)
    beta = float(tree.offsets[node] - tree.normals[node] @ tree.origin)
    return f"{layer.name}[{unit - layer.start}]: {_affine_text(tree.normals[node], beta)} > 0"


def _leaf_text(tree: NetworkTree, end: int) -> str:
    leaf = int(tree.leaf_of_end[end])
    if leaf < 0:
        return "unfinished"
    A, b = tree.leaf_affine(leaf)
    outputs = [
        f"y{k} = {_affine_text(A[k], float(b[k]))}" for k in range(min(len(b), TEXT_OUTPUTS))
    ]
    return f"leaf {leaf}: " + ", ".join(outputs + (["..."] if len(b) > TEXT_OUTPUTS else []))


def _affine_text(w: Floats, beta: float) -> str:
    """w.x + beta; the largest terms of many."""
    order = np.flatnonzero(w)
    left = len(order) - TEXT_TERMS
    if left > 0:
        order = np.sort(np.argsort(-np.abs(w), kind="stable")[:TEXT_TERMS])
    text = ""
    for j in order:
        size = "" if abs(w[j]) == 1 else f"{abs(w[j]):.3g} "
        sign = (" - " if w[j] < 0 else " + ") if text else ("-" if w[j] < 0 else "")
        text += f"{sign}{size}x{j}"
    if left > 0:
        text += f" + ({left} smaller terms)"
    if not text:
        return f"{beta:.3g}"
    return text + (f" {'-' if beta < 0 else '+'} {abs(beta):.3g}" if beta else "")
