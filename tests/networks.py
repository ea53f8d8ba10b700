"""Networks for the tests: plain, degenerate, and one with every kind of layer."""

import itertools

import numpy as np

import hullwise as hw
from hullwise.model._piecewise_layers import Largest, pieces, relu
from hullwise.model.affine_layers import (
    Average,
    Concat,
    Conv,
    Linear,
    Rearrange,
    Scale,
    Sum,
    Window,
)
from hullwise.model.builder import Builder


def mlp(widths, seed=0, bias=0.5):
    """He weights N(0, 2 / fan_in), biases N(0, bias^2)."""
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(widths))
    W = [rng.normal(size=(o, i)) * np.sqrt(2 / i) for i, o in pairs]
    return hw.model.from_arrays(W, [rng.normal(size=o) * bias for _, o in pairs])


def whole(widths, seed=0, most=4):
    """Small whole numbers for weights and biases: degenerate as a rule, exact in floats."""
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(widths))
    W = [rng.integers(-most, most + 1, (o, i)).astype(float) for i, o in pairs]
    b = [rng.integers(-most, most + 1, o).astype(float) for _, o in pairs]
    return hw.model.from_arrays(W, b), W, b


def tent(depth):
    """The tent map applied `depth` times to |x|: 2^(depth + 1) pieces on [-1, 1]."""
    W = [np.array([[1.0], [-1.0]])]
    b = [np.zeros(2)]
    to = np.array([[1.0, 1.0]])
    for _ in range(depth):
        W.append(np.vstack([2 * to, 4 * to]))
        b.append(np.array([0.0, -2.0]))
        to = np.array([[1.0, -1.0]])
    return hw.model.from_arrays([*W, to], [*b, np.zeros(1)])


def _conv(rng, c, o, k, stride=1, pad=0, groups=1):
    W = rng.normal(size=(o, c // groups, k, k)) / np.sqrt(c * k * k / groups)
    window = Window((k, k), (stride, stride), ((pad, pad), (pad, pad)), (1, 1))
    return Conv(W, rng.normal(size=o) * 0.3, window, groups)


def _max_pool(c, h, k, stride, pad):
    entries = np.arange(c * h * h).reshape(c, h, h)
    full = np.pad(entries, ((0, 0), (pad, pad), (pad, pad)), constant_values=-1)
    n = (h + 2 * pad - k) // stride + 1
    groups = [
        full[ch, i * stride : i * stride + k, j * stride : j * stride + k].ravel()
        for ch, i, j in itertools.product(range(c), range(n), range(n))
    ]
    return Largest("maxpool", np.array(groups), (c, n, n))


def every_layer(size=6, channels=2, seed=1):
    """Convolution, batch norm, overlapping padded max pool, groups, skip, clip, abs, concat."""
    rng = np.random.default_rng(seed)
    b, c = Builder((1, size, size)), channels
    at = b.add("conv1", _conv(rng, 1, c, 3, 1, 1), 0)
    at = b.add("relu1", relu(c * size * size), at)
    at = b.add("pool", _max_pool(c, size, 3, 2, 1), at)
    small = b.shape(at)
    n = int(np.prod(small))
    way = b.add("conv2", _conv(rng, c, c, 3, 1, 1), at)
    way = b.add("bn", Scale(rng.uniform(0.5, 1.5, (c, 1, 1)), rng.normal(size=(c, 1, 1))), way)
    way = b.add("leaky", pieces("leaky_relu", n, [0.0], [0.1, 1.0]), way)
    way = b.add("conv3", _conv(rng, c, c, 3, 1, 1, c), way)
    at = b.add("skip", Sum((1.0, 1.0)), at, way)
    at = b.add("clip", pieces("clip", n, [-1.0, 1.0], [0.0, 1.0, 0.0]), at)
    other = b.add("abs", pieces("abs", n, [0.0], [-1.0, 1.0]), at)
    at = b.add("both", Concat(0), at, other)
    at = b.add("mean", Average(Window((2, 2), (1, 1), ((0, 0), (0, 0)), (1, 1))), at)
    at = b.add("flat", Rearrange((int(np.prod(b.shape(at))),)), at)
    out = b.add("out", Linear(rng.normal(size=(3, b.shape(at)[0])), rng.normal(size=3)), at)
    return b.network(out)


def same_codes(net, X, codes, tol=1e-12):
    """That the codes at X are these, but for units whose input is zero to rounding."""
    own = net.codes(X)
    differ = own != codes

    def see(layer, z, code):
        columns = net.layers[layer].columns
        value, op = z[:, 0], net.nodes[net.layers[layer].node].op
        if hasattr(op, "knots"):
            near = (np.abs(value[:, None] - op.knots) <= tol * np.abs(value).max()).any(axis=1)
            differ[:, columns] &= ~near

    net.push(net.rows(X)[:, None], visit=see)
    return not differ.any()


def mixed(d, seed, integers=False, bias=True, width=5):
    """Clip, overlapping maxima, absolute values, a skip, leaky units."""
    rng = np.random.default_rng(seed)

    def linear(o, i):
        if integers:
            W, b = rng.integers(-2, 3, (o, i)), rng.integers(-2, 3, o)
        else:
            W, b = rng.normal(size=(o, i)), rng.normal(size=o) / 2
        return Linear(W.astype(float), b.astype(float) * bias)

    build = Builder((d,))
    clip = build.add("l1", linear(width, d), 0)
    clip = build.add("clip", pieces("clip", width, [-1.0, 1.0], [0.0, 1.0, 0.0]), clip)
    at = build.add("l2", linear(width, width), clip)
    groups = np.array([rng.permutation(width)[:3] for _ in range(4)])
    groups[1:, 2] = -1
    most = build.add("max", Largest("maxpool", groups, (4,)), at)
    size = build.add("abs", pieces("abs", width, [0.0], [-1.0, 1.0]), at)
    at = build.add("both", Concat(0), most, size)
    at = build.add("l3", linear(width, width + 4), at)
    at = build.add("skip", Sum((1.0, 1.0)), at, clip)
    at = build.add("leaky", pieces("leaky_relu", width, [0.0], [0.25, 1.0]), at)
    return build.network(build.add("out", linear(2, width), at))
