"""Functions whose Lipschitz constants are known, and those of their gradients."""

from __future__ import annotations

import numpy as np


def functions(d, seed=0):
    """name, f, Lipschitz constant on [-2, 3]^d, Lipschitz constant of the gradient."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=d)
    H = rng.normal(size=(d, d))
    H = H + H.T
    curved = np.abs(np.linalg.eigvalsh(H)).max()
    far = 3 * np.sqrt(d)
    size = np.linalg.norm(a)
    return [
        ("linear", lambda X: X @ a - 3, size, 0.0),
        ("sphere", lambda X: 1.5 * (X**2).sum(axis=1), 3 * far, 3.0),
        ("quadratic", lambda X: 0.5 * np.einsum("ij,jk,ik->i", X, H, X), curved * far, curved),
        ("sine", lambda X: np.sin(X @ a), size, size**2),
        ("waves", lambda X: np.cos(2 * X).sum(axis=1), 2 * np.sqrt(d), 4.0),
    ]
