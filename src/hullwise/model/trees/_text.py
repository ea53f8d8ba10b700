"""A network's decision tree in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..._core.types import Floats

if TYPE_CHECKING:
    from .tree import NetworkTree

TERMS = 8  # inputs written out in one line
OUTPUTS = 2  # outputs written out of a leaf


def written(tree: NetworkTree, max_depth: int) -> str:
    """The first questions of a tree, one a line."""
    lines: list[str] = []
    todo = [(0 if tree.n_nodes else -1, "", 0)]
    while todo:
        child, answer, depth = todo.pop()
        said = _leaf(tree, -1 - child) if child < 0 else _question(tree, child)
        cut = child >= 0 and depth >= max_depth
        lines.append("|   " * depth + answer + ("..." if cut else said))
        if child >= 0 and not cut:
            no, yes = (int(c) for c in tree.children[child])
            todo += [(yes, "yes: ", depth + 1), (no, "no: ", depth + 1)]
    return "\n".join(lines)


def _question(tree: NetworkTree, node: int) -> str:
    unit = int(tree.units[node])
    layer = next(one for one in reversed(tree.net.layers) if one.start <= unit)
    beta = float(tree.offsets[node] - tree.normals[node] @ tree.origin)
    return f"{layer.name}[{unit - layer.start}]: {_line(tree.normals[node], beta)} > 0"


def _leaf(tree: NetworkTree, end: int) -> str:
    leaf = int(tree.leaf_of_end[end])
    if leaf < 0:
        return "unfinished"
    A, b = tree.leaf_affine(leaf)
    said = [f"y{k} = {_line(A[k], float(b[k]))}" for k in range(min(len(b), OUTPUTS))]
    return f"leaf {leaf}: " + ", ".join(said + (["..."] if len(b) > OUTPUTS else []))


def _line(w: Floats, beta: float) -> str:
    """w.x + beta; the largest terms of many."""
    order = np.flatnonzero(w)
    left = len(order) - TERMS
    if left > 0:
        order = np.sort(np.argsort(-np.abs(w), kind="stable")[:TERMS])
    said = ""
    for j in order:
        size = "" if abs(w[j]) == 1 else f"{abs(w[j]):.3g} "
        sign = (" - " if w[j] < 0 else " + ") if said else ("-" if w[j] < 0 else "")
        said += f"{sign}{size}x{j}"
    if left > 0:
        said += f" + ({left} smaller terms)"
    if not said:
        return f"{beta:.3g}"
    return said + (f" {'-' if beta < 0 else '+'} {abs(beta):.3g}" if beta else "")
