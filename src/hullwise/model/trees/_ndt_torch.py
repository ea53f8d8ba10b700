"""The torch module of a Neural Decision Tree, and its training; imported only where torch is."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ..._core.types import Floats
from ._ndt import TreeShape, paths

# Weight of the leaves' entropy at the start. Without it some runs crowd into few leaves; but splits
# that all nodes of a level share are drawn through the middle of the rows by it: they go without.
ENTROPY_WEIGHT = {"none": 0.3, "hash": 0.0}


class SplitTree(nn.Module):  # type: ignore[misc]
    """Splits, the leaves they lead to, a distribution over outputs in each leaf.

    Layer l of the splits is `weights[l]` (networks, out, in) and `biases[l]` (networks, out):
    2^depth - 1 small networks of one output each, or a single one of `depth` outputs. `leaves`
    (2^depth, n_outputs) holds the logits of the leaves.
    """

    positive: Tensor
    negative: Tensor

    def __init__(self, shape: TreeShape, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.tree = shape
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        sizes = shape.sizes()
        for layer, (many, out, into) in enumerate(sizes):
            scale = ((1 if layer == len(sizes) - 1 else 2) / into) ** 0.5
            W = torch.randn(many, out, into, generator=generator) * scale
            b = torch.rand(many, out, generator=generator) - 0.5
            self.weights.append(nn.Parameter(W))
            self.biases.append(nn.Parameter(b))
        logits = torch.randn(shape.n_leaves, shape.n_outputs, generator=generator) * 0.1
        self.leaves = nn.Parameter(logits)
        way = torch.from_numpy(paths(shape.depth, shape.sharing)).to(logits.dtype)
        self.register_buffer("positive", (way > 0).to(logits.dtype).T.contiguous())
        self.register_buffer("negative", (way < 0).to(logits.dtype).T.contiguous())

    def splits(self, x: Tensor) -> Tensor:
        """The value of every split (m, n_splits) at x (m, n_inputs); the turn is its sign."""
        many, out, into = self.weights[0].shape
        h = (x @ self.weights[0].reshape(many * out, into).T).reshape(-1, many, out)
        h = h + self.biases[0]
        for W, b in zip(self.weights[1:], self.biases[1:], strict=True):
            h = torch.einsum("msi,soi->mso", functional.relu(h), W) + b
        values: Tensor = h.flatten(1)
        return values

    def routes(self, x: Tensor) -> Tensor:
        """Log-probabilities (m, 2^depth) of the leaves: the product over the splits on the way."""
        s = self.splits(x)
        positive = functional.logsigmoid(s) @ self.positive
        return positive + functional.logsigmoid(-s) @ self.negative

    def forward(self, x: Tensor, routing: str = "soft") -> Tensor:
        """Log-probabilities (m, n_outputs) of the outputs.

        Soft routing mixes the leaves by their probability; hard routing takes the leaf that the
        signs of the splits lead to, and passes no gradient to the splits.
        """
        if routing == "hard":
            leaves = functional.log_softmax(self.leaves, dim=1)
            s = self.splits(x)
            agreed = (s > 0).to(leaves.dtype) @ self.positive + (s <= 0).to(
                leaves.dtype
            ) @ self.negative
            return leaves[agreed.argmax(dim=1)]
        return self.mixed(self.routes(x))

    def mixed(self, routes: Tensor) -> Tensor:
        """Log-probabilities (m, n_outputs) of the outputs from those of the leaves."""
        leaves = functional.log_softmax(self.leaves, dim=1)
        return torch.logsumexp(routes[:, :, None] + leaves, dim=1)

    def evenness(self, routes: Tensor) -> Tensor:
        """The entropy in nats of the leaf of a row drawn from these: depth log 2 at most."""
        mean = torch.logsumexp(routes, dim=0) - np.log(len(routes))
        return -(mean.exp() * mean).sum()

    def information(self, x: Tensor) -> Tensor:
        """Mutual information in nats of row and leaf: it needs no labels, and is to be maximised.

        Large where every row has one leaf and the leaves share the rows evenly.
        """
        routes = self.routes(x)
        return self.evenness(routes) + (routes.exp() * routes).sum(dim=1).mean()

    def extra_repr(self) -> str:
        return f"{self.tree.n_leaves} leaves, {self.tree.n_splits} splits, {self.tree.sharing}"


def train(
    shape: TreeShape, X: Floats, y: NDArray[np.intp], epochs: int, rate: float, seed: int
) -> tuple[dict[str, list[Floats]], list[float]]:
    """Parameters as arrays after gradient descent on rows X and classes y; the loss by epoch."""
    draw = torch.Generator().manual_seed(seed)
    module = SplitTree(shape, draw).double()
    rows, classes = torch.from_numpy(X), torch.from_numpy(y.astype(np.int64))
    # One thread: products this small are no faster with more, and sums do not depend on cores.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        losses = _descend(module, rows, classes, epochs, rate, draw)
    finally:
        torch.set_num_threads(threads)
    return arrays(module), losses


def _descend(
    module: SplitTree,
    rows: Tensor,
    classes: Tensor,
    epochs: int,
    rate: float,
    draw: torch.Generator,
) -> list[float]:
    """Adam on the mean negative log-likelihood; while half of the epochs last, for even leaves."""
    n = len(rows)
    size = min(128, max(8, n // 16))  # few rows need more steps of an epoch
    optimiser = torch.optim.Adam(module.parameters(), lr=rate)
    cooling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * -(-n // size))
    losses = []
    for epoch in range(epochs):
        total = 0.0
        even = ENTROPY_WEIGHT[module.tree.sharing] * max(0.0, 1 - 2 * epoch / epochs)
        order = torch.randperm(n, generator=draw)
        for part in (order[i : i + size] for i in range(0, n, size)):
            routes = module.routes(rows[part])
            loss = functional.nll_loss(module.mixed(routes), classes[part])
            total += float(loss.detach()) * len(part)
            if even > 0:
                loss = loss - even * module.evenness(routes)
            optimiser.zero_grad()
            cast(Any, loss).backward()
            optimiser.step()
            cooling.step()
        losses.append(total / n)
        if not np.isfinite(total):
            break
    return losses


def arrays(module: SplitTree) -> dict[str, list[Floats]]:
    """The parameters of a module as float64 arrays."""
    return {
        "weights": [_array(W) for W in module.weights],
        "biases": [_array(b) for b in module.biases],
        "leaves": [_array(module.leaves)],
    }


def _array(tensor: Tensor) -> Floats:
    return np.array(tensor.detach().cpu().to(torch.float64).numpy())


def module_of(shape: TreeShape, parameters: dict[str, list[Floats]]) -> SplitTree:
    """A module, in float64, with these parameters."""
    module: SplitTree = SplitTree(shape).double()
    with torch.no_grad():
        for own, array in zip(module.weights, parameters["weights"], strict=True):
            own.copy_(torch.from_numpy(array))
        for own, array in zip(module.biases, parameters["biases"], strict=True):
            own.copy_(torch.from_numpy(array))
        module.leaves.copy_(torch.from_numpy(parameters["leaves"][0]))
    return module
