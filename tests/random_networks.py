"""Random modules of all layers that are read, by seed, and what is checked of each."""

import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import hullwise as hw
from rational import exact_codes

WIDTH = 8  # entries of every value between blocks


def _weights(rng, *shape):
    return torch.tensor(rng.normal(size=shape) * np.sqrt(2 / shape[-1]))


def _affine(rng, n, out=WIDTH):
    W, b = _weights(rng, out, n), torch.tensor(rng.normal(size=out) / 2)
    return lambda x: F.linear(x, W, b)


def _conv(rng, n):
    W, b = _weights(rng, 2, 1, 3, 3), torch.tensor(rng.normal(size=2) / 2)
    return lambda x: F.conv2d(x.reshape(-1, 1, 2, n // 2), W, b, padding=1).flatten(1)


def _conv3d(rng, n):
    W = _weights(rng, 1, 1, 2, 2, 2)
    return lambda x: F.conv3d(x.reshape(-1, 1, 2, 2, n // 4), W, padding=1).flatten(1)[:, ::2]


def _transposed(rng, n):
    W = _weights(rng, 2, 1, 2)
    return lambda x: F.conv_transpose1d(x.reshape(-1, 2, n // 2), W, stride=2).flatten(1)


def _recurrent(rng, n):
    cell = nn.RNN(2, 3, nonlinearity="relu", batch_first=True).double()
    with torch.no_grad():
        for p in cell.parameters():
            p.copy_(torch.tensor(rng.normal(size=tuple(p.shape)) / 2))
    return lambda x: cell(x.reshape(-1, n // 2, 2))[0].flatten(1)


def _grid(rng, n):
    grid = torch.tensor(rng.uniform(-1.2, 1.2, (1, 1, 6, 2)))
    return lambda x: F.grid_sample(
        x.reshape(-1, 1, 2, n // 2), grid.expand(len(x), -1, -1, -1), align_corners=False
    ).flatten(1)


def _assigned(rng, n):
    i, j = (int(k) for k in rng.choice(n, 2, replace=False))

    def call(x):
        y = 1.0 * x
        y[:, i] = F.relu(x[:, j]) - 0.5
        y[:, : n // 2] *= 2
        return y

    return call


def _negatives_set(rng, n):
    level = float(rng.normal())

    def call(x):
        y = 1.0 * x
        y[y < level] = level
        return y

    return call


def _scattered(rng, n):
    places = torch.tensor(rng.permutation(n + 2)[:n])[None]
    return lambda x: x.new_zeros(len(x), n + 2).scatter(1, places.expand(len(x), n), x)


def _gathered(rng, n):
    places = torch.tensor(rng.integers(0, n, 6))[None]
    return lambda x: x.gather(1, places.expand(len(x), 6))


def _larger(rng, n):
    other = _affine(rng, n, n)
    return lambda x: (lambda y: torch.where(x > y, x, y))(other(x))


def _residual(rng, n):
    first, second = _affine(rng, n), _affine(rng, WIDTH, n)
    return lambda x: x + second(F.relu(first(x)))


def _clamped(rng, n):
    other = _affine(rng, n, n)
    return lambda x: x.clamp(max=other(x))


def _distances(rng, n):
    points = torch.tensor(rng.normal(size=(3, n)))
    p = float(rng.choice([1.0, np.inf]))
    return lambda x: torch.cdist(x, points, p=p)


def _sets(rng, n):
    return lambda x: torch.cdist(
        x.reshape(len(x), 2, -1), x.reshape(len(x), -1, n // 2).flip(1) - 0.3, p=1
    ).flatten(1)


def _stated(rng, n):
    cell = nn.RNN(2, 2, nonlinearity="relu", batch_first=True).double()
    with torch.no_grad():
        for p in cell.parameters():
            p.copy_(torch.tensor(rng.normal(size=tuple(p.shape)) / 2))
    return lambda x: cell(x[:, 2:].reshape(len(x), -1, 2), x[None, :, :2])[0].flatten(1)


def _drawn(rng, n):
    draws = torch.tensor(rng.uniform(size=(1, 1, 2)))
    return lambda x: F.fractional_max_pool2d(
        x.reshape(len(x), 1, 2, -1), (1, 2), (2, 2), _random_samples=draws.expand(len(x), 1, 2)
    ).flatten(1)


def _unpooled(rng, n):
    places = torch.tensor(rng.permutation(2 * n)[:n])[None, None]
    return lambda x: F.max_unpool1d(x[:, None], places.expand(len(x), 1, n), 2).flatten(1)


def _simple(call):
    return lambda rng, n: call


BLOCKS = {
    "affine": _affine,
    "conv": _conv,
    "conv3d": _conv3d,
    "transposed": _transposed,
    "recurrent": _recurrent,
    "grid": _grid,
    "assigned": _assigned,
    "negatives": _negatives_set,
    "scattered": _scattered,
    "gathered": _gathered,
    "larger": _larger,
    "residual": _residual,
    "clamped": _clamped,
    "distances": _distances,
    "sets": _sets,
    "stated": _stated,
    "drawn": _drawn,
    "unpooled": _unpooled,
    "margins": _simple(
        lambda x: (
            F.triplet_margin_loss(x[:, :2], x[:, 2:4], x[:, 4:6], p=1, reduction="none")[:, None]
            + x
        )
    ),
    "gradient": _simple(lambda x: torch.gradient(x, dim=1)[0]),
    "relu": _simple(F.relu),
    "leaky": _simple(lambda x: F.leaky_relu(x, 0.2)),
    "where": _simple(lambda x: torch.where(x > 0.2, x, 0.3 * x + 0.14)),
    "mask": _simple(lambda x: x * (x > 0)),
    "sign": _simple(lambda x: x.sign() * x - 0.3),
    "sort": _simple(lambda x: x.sort(dim=1)[0]),
    "topk": _simple(lambda x: x.topk(3)[0]),
    "median": _simple(lambda x: x.reshape(len(x), 2, -1).median(2)[0]),
    "running": _simple(lambda x: x.cummax(1)[0]),
    "sums": _simple(lambda x: x.cumsum(1)),
    "norm": _simple(lambda x: x.reshape(len(x), 2, -1).norm(1, 2)),
    "hardtanh": _simple(lambda x: F.hardtanh(x, -1, 0.5)),
    "shrink": _simple(lambda x: F.softshrink(x, 0.2)),
    "max pool": _simple(lambda x: F.max_pool1d(x[:, None], 2, 1).flatten(1)),
    "mean pool": _simple(lambda x: F.avg_pool1d(x[:, None], 3, 1, 1).flatten(1)),
    "lp pool": _simple(lambda x: F.lp_pool1d(x[:, None], 1, 2).flatten(1)),
    "triangle": _simple(lambda x: x.reshape(len(x), 2, -1).triu().flatten(1)),
    "quantile": _simple(lambda x: x.quantile(0.7, dim=1, keepdim=True) - x),
    "in place": _simple(lambda x: (2 * x).sub_(0.5).relu_()),
}


class RandomNetwork(nn.Module):
    """Blocks one after another, an affine map before each so that widths fit."""

    def __init__(self, seed, d=3):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.names = [str(k) for k in rng.choice(list(BLOCKS), rng.integers(2, 6))]
        self.calls, n = [], d
        for name in self.names:
            enter = _affine(rng, n)
            block = BLOCKS[name](rng, WIDTH)
            self.calls += [enter, block]
            n = block(enter(torch.zeros(2, n, dtype=torch.float64))).shape[1]
        self.calls.append(_affine(rng, n, 2))
        self.d = d

    def forward(self, x):
        for call in self.calls:
            x = call(x)
        return x


def faults(seed, d=3):
    """The largest relative errors of one network: values, Jacobians, affine maps, walls."""
    module = RandomNetwork(seed, d)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net = hw.model.read(module, d)
    X = np.random.default_rng(seed + 1).normal(size=(12, d))
    x = torch.tensor(X, requires_grad=True)
    y = module(x)
    J = torch.stack(
        [torch.autograd.grad(y[:, k].sum(), x, retain_graph=True)[0] for k in (0, 1)], 1
    )
    truth, slopes = y.detach().numpy(), J.numpy()
    p = hw.dissect(net, X)
    size, steep = np.abs(truth).max() + 1e-300, np.abs(slopes).max() + 1e-300
    maps = np.einsum("mkd,md->mk", p.A, X) + p.b
    far = np.where(np.isfinite(p.boundary_distance), p.boundary_distance, 0.0)[:, None]
    ends = X + far * np.where(far > 0, p.boundary_direction, 0.0)
    # the map holds up to the wall: the network there is what the map says
    at_wall = np.einsum("mkd,md->mk", p.A, ends) + p.b
    with torch.no_grad():
        walls = module(torch.tensor(ends)).numpy()
    return {
        "values": np.abs(net(X) - truth).max() / size,
        "Jacobian": np.abs(p.A - slopes).max() / steep,
        "map": np.abs(maps - truth).max() / size,
        "walls": np.abs(at_wall - walls).max() / (np.abs(walls).max() + size),
    }


RELUS = (
    F.relu,
    lambda z: torch.where(z > 0, z, torch.zeros_like(z)),
    lambda z: z * (z > 0),
    lambda z: (z + z.abs()) / 2,
    lambda z: z.clamp(min=0),
    lambda z: torch.maximum(z, 0 * z),
    lambda z: z.masked_fill(z < 0, 0.0),
    lambda z: -F.threshold(-z, 0.0, 0.0) * 0 + F.threshold(z, 0.0, 0.0),
    lambda z: (z.sign() + 1) * z / 2,
)


def regions_and_exact(seed):
    """Regions of a small network with whole weights in a square, and their exact number."""
    rng = np.random.default_rng(seed)
    W = [rng.integers(-3, 4, (4, 2)), rng.integers(-3, 4, (3, 4)), rng.integers(-3, 4, (1, 3))]
    b = [rng.integers(-2, 3, len(w)) for w in W]
    first, second = (RELUS[k] for k in rng.integers(0, len(RELUS), 2))

    class Small(nn.Module):
        def forward(self, x):
            layers = [
                (torch.tensor(w * 1.0), torch.tensor(v * 1.0)) for w, v in zip(W, b, strict=True)
            ]
            x = second(F.linear(first(F.linear(x, *layers[0])), *layers[1]))
            return F.linear(x, *layers[2])

    net = hw.model.read(Small(), 2)
    s = net.slice(np.zeros(2), np.eye(2), 1.0)
    lists = [[[int(a) for a in row] for row in w] for w in W]
    exact = exact_codes(lists, [[int(a) for a in v] for v in b])
    return s.n_regions, len(exact)
