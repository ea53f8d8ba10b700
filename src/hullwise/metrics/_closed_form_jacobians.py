"""Jacobians of smooth scikit-learn models, by the formulas of their kernels and activations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.types import Floats

KERNEL_BLOCK_ENTRIES = 2**22  # numbers of a block of kernel values
RadialDerivative = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class KernelGradients:
    """f(x) = sum_i a_i k(|x - c_i|^2) with distances in a metric: grad = 2 sum a_i k' M (x - c_i).

    `slope` is k' as a function of the squared distance; it has none at a centre where the kernel
    has a kink, and is 0 there.
    """

    centres: Floats  # (n, d)
    weights: Floats  # (n, k)
    metric: Floats  # (d, d)
    slope: RadialDerivative
    method: str = "exact, by the kernel"

    def jacobians(self, X: Floats) -> Iterator[Floats]:
        values, vectors = np.linalg.eigh(self.metric)
        root = vectors * np.sqrt(np.maximum(values, 0))
        C = self.centres @ root
        block = max(1, KERNEL_BLOCK_ENTRIES // len(C))
        for i in range(0, len(X), block):
            part = X[i : i + block]
            Z = part @ root
            squared = (Z * Z).sum(axis=1)[:, None] + (C * C).sum(axis=1) - 2 * (Z @ C.T)
            slopes = self.slope(np.maximum(squared, 0))
            columns = []
            for a in self.weights.T:
                S = slopes * a
                columns.append(2 * (part * S.sum(axis=1)[:, None] - S @ self.centres) @ self.metric)
            yield np.stack(columns, axis=1)


@dataclass(frozen=True, eq=False)
class SmoothNetworkGradients:
    """A network of dense layers with one smooth activation; its outputs before the last squash."""

    weights: list[Floats]  # (inputs, outputs) each
    offsets: list[Floats]
    activation: str
    method: str = "exact, by the activation"

    def jacobians(self, X: Floats) -> Iterator[Floats]:
        widest = max(W.shape[1] for W in self.weights)
        block = max(1, KERNEL_BLOCK_ENTRIES // (X.shape[1] * widest))
        for i in range(0, len(X), block):
            a, J = X[i : i + block], None
            for W, b in zip(self.weights[:-1], self.offsets[:-1]):
                z = a @ W + b
                a = np.tanh(z) if self.activation == "tanh" else 1 / (1 + np.exp(-z))
                slope = 1 - a * a if self.activation == "tanh" else a * (1 - a)
                carried = W.T if J is None else W.T @ J
                J = slope[:, :, None] * carried
            last = self.weights[-1].T
            yield np.broadcast_to(last, (len(a), *last.shape)) if J is None else last @ J


def closed_form_gradients(model: Any, d: int) -> KernelGradients | SmoothNetworkGradients | None:
    """How to differentiate a fitted estimator by its formula, where that is known here."""
    smooth_network = getattr(model, "out_activation_", "") in ("identity", "logistic", "softmax")
    if smooth_network and model.activation in ("tanh", "logistic"):
        return SmoothNetworkGradients(model.coefs_, model.intercepts_, model.activation)
    if hasattr(model, "dual_coef_") and hasattr(model, "_fitted"):
        Z, M, scale = model._fitted
        # k is a function of distances between standardised rows; centres shift with the mean
        centres = Z * scale + model.cloud_.mean
        slope = _slope(model.kernel, model.bandwidth)
        return KernelGradients(centres, model.dual_coef_, M / np.outer(scale, scale), slope)
    if getattr(model, "kernel", None) != "rbf" or not hasattr(model, "dual_coef_"):
        return None
    if hasattr(model, "X_fit_"):
        gamma = 1 / d if model.gamma is None else float(model.gamma)
        centres, weights = model.X_fit_, np.asarray(model.dual_coef_).reshape(len(model.X_fit_), -1)
    elif len(model.dual_coef_) == 1 and hasattr(model, "_gamma"):
        gamma, centres, weights = model._gamma, model.support_vectors_, model.dual_coef_.T
    else:
        return None
    width = float(np.sqrt(0.5 / gamma))
    return KernelGradients(
        np.asarray(centres, float), weights, np.eye(d), _slope("gaussian", width)
    )


def _slope(kernel: str, width: float) -> RadialDerivative:
    """k' by the squared distance s, of exp(-sqrt(s) / width) or exp(-s / (2 width^2))."""
    if kernel == "gaussian":
        return lambda s: np.exp(-s / (2 * width**2)) * (-0.5 / width**2)

    def slope(s: Floats) -> Floats:
        distance = np.sqrt(s)
        # as near as this only a centre is to itself, but for rounding
        kink = distance <= 1e-7 * distance.max(initial=1.0)
        return np.where(
            kink, 0.0, -np.exp(-distance / width) / (2 * width * np.where(kink, 1.0, distance))
        )

    return slope
