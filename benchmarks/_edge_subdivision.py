"""Edge subdivision in NumPy: the vertices and edges of a ReLU network's complex in a box.

Written from the description in Berzins (2023), *Polyhedral Complex Extraction from ReLU Networks
using Edge Subdivision*; the author's own code has no licence and is not used. Unit by unit, edges
whose ends have opposite signs are split by interpolation, and two new vertices are joined where a
2-face holds both: its sign vector is that of the split edge with one of its zeros made + or -.
Signs are packed in bits, so that 2-faces are compared as a few words, which is faster than the sort
of whole sign vectors that is described. General position is assumed, as there.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np


class SignVectors:
    """Signs at vertices, two bits for each wall, in words of 32 walls."""

    def __init__(self, n_walls: int) -> None:
        self.words = -(-n_walls // 32)

    def place(self, wall: int) -> tuple[int, Any]:
        return wall // 32, np.uint64(2 * (wall % 32))


def edge_subdivision(weights: list[Any], biases: list[Any], low: Any, high: Any) -> tuple[Any, Any]:
    """Vertices (V, d) and edges (E, 2)."""
    d = len(low)
    n_walls = 2 * d + sum(len(b) for b in biases[:-1])
    signs = SignVectors(n_walls)
    X = np.array([[(low, high)[s][j] for j, s in enumerate(p)] for p in product((0, 1), repeat=d)])
    S = np.zeros((len(X), signs.words), np.uint64)  # 0: on the wall, 1: above, 2: below
    corners = np.array(list(product((0, 1), repeat=d)))
    for j in range(d):
        for side in (0, 1):
            word, shift = signs.place(2 * j + side)
            S[:, word] |= (corners[:, j] != side).astype(np.uint64) << shift
    E = np.array(
        [(a, b) for a in range(len(X)) for b in range(a) if (corners[a] != corners[b]).sum() == 1]
    )
    wall = 2 * d
    H = X
    for W, b in zip(weights[:-1], biases[:-1]):
        Z = H @ W.T + b
        for u in range(len(b)):
            X, Z, S, E = _split(X, Z, S, E, u, wall, d, signs)
            wall += 1
        H = np.maximum(_layer_input(weights, biases, X, W) @ W.T + b, 0)
    return X, E


def _layer_input(weights: list[Any], biases: list[Any], X: Any, last: Any) -> Any:
    H = X
    for W, b in zip(weights, biases):
        if W is last:
            return H
        H = np.maximum(H @ W.T + b, 0)
    raise AssertionError("no such layer")


def _split(X: Any, Z: Any, S: Any, E: Any, u: int, wall: int, d: int, signs: SignVectors) -> Any:
    z = Z[:, u]
    word, shift = signs.place(wall)
    S[:, word] |= np.where(z > 0, np.uint64(1), np.uint64(2)) << shift
    up = z > 0
    crossed = up[E[:, 0]] != up[E[:, 1]]
    if not crossed.any():
        return X, Z, S, E
    p, q = E[crossed].T
    t = (z[p] / (z[p] - z[q]))[:, None]
    n = len(X)
    new = n + np.arange(len(p))
    own = S[p] | S[q]  # the edge's signs: those of its ends, where they have some
    own[:, word] &= ~(np.uint64(3) << shift)
    X = np.concatenate([X, X[p] + t * (X[q] - X[p])])
    Z = np.concatenate([Z, Z[p] + t * (Z[q] - Z[p])])
    S = np.concatenate([S, own])
    edges = [E[~crossed], np.column_stack([p, new]), np.column_stack([new, q])]
    faces, owner = _two_faces(own, wall, d, signs)
    order = np.lexsort(faces.T)
    faces, owner = faces[order], owner[order]
    same = (faces[1:] == faces[:-1]).all(axis=1)
    edges.append(np.column_stack([new[owner[:-1][same]], new[owner[1:][same]]]))
    return X, Z, S, np.concatenate(edges)


def _two_faces(own: Any, wall: int, d: int, signs: SignVectors) -> tuple[Any, Any]:
    """The sign vectors of the 2-faces around split edges: one zero made + or -, but of the wall."""
    shifts = np.arange(0, 64, 2, dtype=np.uint64)
    at = (own[:, :, None] >> shifts & np.uint64(3)).reshape(len(own), -1)[:, :wall]
    edge, zero = np.nonzero(at == 0)
    faces, owner = [], []
    for sign in (1, 2):
        usable = (zero >= 2 * d) | (sign == 1)  # of the box only the inside
        e, w = edge[usable], zero[usable]
        face = own[e].copy()
        face[np.arange(len(e)), w // 32] |= np.uint64(sign) << (2 * (w % 32)).astype(np.uint64)
        faces.append(face)
        owner.append(e)
    return np.concatenate(faces), np.concatenate(owner)
