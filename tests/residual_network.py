"""A residual network of convolutions as large as tests can be: 49,152 inputs, 128 x 128 images."""

import numpy as np

from hullwise.model._piecewise_layers import relu
from hullwise.model.affine_layers import Average, Conv, Linear, Rearrange, Scale, Sum, Window
from hullwise.model.builder import Builder


def _window(size, stride, padding):
    return Window((size,) * 2, (stride,) * 2, ((padding,) * 2,) * 2, (1, 1))


class _Residual:
    def __init__(self, size, seed):
        self.rng = np.random.default_rng(seed)
        self.builder = Builder((3, size, size))

    def conv(self, at, channels, size, stride, groups=1):
        c = self.builder.shape(at)[0] // groups
        W = self.rng.normal(size=(channels, c, size, size)) * np.sqrt(2 / (c * size * size))
        conv = Conv(W, None, _window(size, stride, size // 2), groups)
        at = self.builder.add(f"conv{at}", conv, at)
        a, b = self.rng.uniform(0.7, 1.3, (channels, 1, 1)), self.rng.normal(size=(channels, 1, 1))
        return self.builder.add(f"norm{at}", Scale(a, b / 5), at)

    def relu(self, at):
        return self.builder.add(f"relu{at}", relu(int(np.prod(self.builder.shape(at)))), at)

    def block(self, at, channels, stride, groups):
        way = self.relu(self.conv(at, channels, 3, stride, groups))
        way = self.conv(way, channels, 3, 1, groups)
        short = self.conv(at, channels, 1, stride) if stride > 1 else at
        return self.relu(self.builder.add(f"sum{way}", Sum((1.0, 1.0)), short, way))


def residual_network(size=128, channels=8, n_classes=50, seed=0):
    """A stem with stride 4, three blocks (the last in groups), the mean over the image, a head."""
    net = _Residual(size, seed)
    at = net.relu(net.conv(0, channels, 7, 4))
    at = net.block(at, channels, 1, 1)
    at = net.block(at, 2 * channels, 2, 1)
    at = net.block(at, 2 * channels, 1, 2)
    place = net.builder.shape(at)[1]
    at = net.builder.add("mean", Average(_window(place, 1, 0)), at)
    at = net.builder.add("flat", Rearrange((2 * channels,)), at)
    W = net.rng.normal(size=(n_classes, 2 * channels))
    net.builder.add("head", Linear(W, net.rng.normal(size=n_classes)), at)
    return net.builder.network()
