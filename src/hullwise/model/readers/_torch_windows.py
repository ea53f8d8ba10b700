"""Convolutions, pools and samplings of space in torch, one method for each kind of call."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..affine_layers import Window
from ._layer_builder import LayerBuilder
from ._refusals import Refusal, refuse
from ._torch_layers import TorchCall, TorchSignal, as_sizes

TORCH_CONV_ARGUMENTS = (("stride", 3, 1), ("padding", 4, 0), ("dilation", 5, 1))


class TorchWindows:
    """What moves a window over the axes of space."""

    layers: LayerBuilder
    torch: Any

    def _on_conv(self, c: TorchCall) -> int:
        W, b = c.array("weight", 1), c.array("bias", 2)
        stride, padding, dilation = (c.get(k, i, d) for k, i, d in TORCH_CONV_ARGUMENTS)
        window = _window(W.shape[2:], stride, padding, dilation)
        return self.layers.conv(c.name, c.node_in, W, b, window, int(c.get("groups", 6, 1)))

    def _on_conv_transpose(self, c: TorchCall) -> int:
        W, b = c.array("weight", 1), c.array("bias", 2)
        stride, padding = c.get("stride", 3, 1), c.get("padding", 4, 0)
        return self._transposed(c, W, b, (stride, padding, c.get("dilation", 7, 1)), 6)

    def _on_convolution(self, c: TorchCall) -> int:
        """The one call that torch makes of all convolutions, transposed ones among them."""
        W, b = c.array("weight", 1), c.array("bias", 2)
        stride, padding, dilation = (c.get(k, i, d) for k, i, d in TORCH_CONV_ARGUMENTS)
        if c.get("transposed", 6, False):
            return self._transposed(c, W, b, (stride, padding, dilation), 8)
        window = _window(W.shape[2:], stride, padding, dilation)
        return self.layers.conv(c.name, c.node_in, W, b, window, int(c.get("groups", 8, 1)))

    def _transposed(self, c: TorchCall, W: Any, b: Any, steps: Any, groups: int) -> int:
        window = _window(W.shape[2:], *steps)
        n_groups = int(c.get("groups", groups, 1))
        counts = tuple(c.out.shape[2:])
        return self.layers.conv_transpose(c.name, c.node_in, W, b, window, n_groups, counts)

    def _on_lp_pool(self, c: TorchCall) -> int:
        """Of p = 1: in torch the sum of the entries themselves, not of their sizes."""
        p, space = float(c.get("norm_type", 1)), len(c.shape) - 1
        if p != 1:
            refuse(c.name, f"{c.title} of p = {p:g}", Refusal.CURVED)
        size, stride = c.get("kernel_size", 2), c.get("stride", 3, None)
        places = _per_axis(size, space)
        if c.get("ceil_mode", 4, False):
            return self._on_space_map(c)
        window = _window(places, stride or size, 0, 1)
        node = self.layers.average_pool(f"{c.name} (mean)", c.node_in, window, True)
        return self.layers.scale(c.name, node, float(np.prod(places)))

    def _on_grid_sample(self, c: TorchCall) -> int:
        """With a constant grid, one for all rows: the matrix of a channel's space."""
        grid = c.operand(1)
        if not hasattr(grid, "numpy") or not bool((grid == grid[:1]).all()):
            refuse(c.name, "grid_sample whose grid depends on the input or differs between rows")
        space = c.shape[1:]
        n = int(np.prod(space))
        self.layers.check_array((n, n), c.name)
        images = self.torch.eye(n, dtype=self.torch.float64).reshape(n, 1, *space)
        rest = {"mode": c.get("mode", 2, "bilinear"), "padding_mode": c.get("padding_mode", 3)}
        rest = {key: value for key, value in rest.items() if value is not None}
        corners = bool(c.get("align_corners", 4, False))
        sample = self.torch.nn.functional.grid_sample
        grids = grid[:1].double().expand(n, *grid.shape[1:])
        out = sample(images, grids, **rest, align_corners=corners)
        W = out.reshape(n, -1).T.numpy()
        return self.layers.map_space(c.name, c.node_in, W, tuple(out.shape[2:]))

    def _on_axis_maps(self, c: TorchCall) -> int:
        """A linear layer of space whose weights are products of one for each axis, of sum 1.

        Cost: the matrix of each axis, found on images that are alike along the others.
        """
        node, to = c.node_in, tuple(c.out.shape[2:])
        space = c.shape[1:]
        for i, n in enumerate(space):
            lines = np.eye(n).reshape(n, 1, *[n if j == i else 1 for j in range(len(space))])
            out = c.evaluate(np.ascontiguousarray(np.broadcast_to(lines, (n, 1, *space))))
            W = out.numpy()[
                (slice(None), 0, *(slice(None) if j == i else 0 for j in range(len(to))))
            ]
            if W.shape != (n, n) or not (np.eye(n) == W).all():
                node = self.layers.along_axis(f"{c.name} (axis {i})", node, i + 1, W.T)
        return node

    def _on_avg_pool(self, c: TorchCall) -> int:
        if c.get("ceil_mode", 4, False) or c.get("divisor_override", 6) is not None:
            return self._on_space_map(c)
        size = c.get("kernel_size", 1)
        space = len(c.shape) - 1
        stride = c.get("stride", 2, None)
        window = _window(_per_axis(size, space), stride or size, c.get("padding", 3, 0), 1)
        return self.layers.average_pool(
            c.name, c.node_in, window, bool(c.get("count_include_pad", 5, True))
        )

    def _on_space_map(self, c: TorchCall) -> int:
        """Any linear layer of each channel's space: its matrix, by unit images."""
        space = c.shape[1:]
        n = int(np.prod(space))
        out = c.evaluate(np.eye(n).reshape(n, 1, *space))
        return self.layers.map_space(
            c.name, c.node_in, out.reshape(n, -1).T.numpy(), tuple(out.shape[2:])
        )

    def _on_max_pool(self, c: TorchCall) -> int:
        out = c.out[0] if isinstance(c.out, tuple) else c.out
        space = len(c.shape) - 1
        size, stride = c.get("kernel_size", 1), c.get("stride", 2, None)
        padding, dilation = c.get("padding", 3, 0), c.get("dilation", 4, 1)
        window = _window(_per_axis(size, space), stride or size, padding, dilation)
        return self.layers.max_pool(c.name, c.node_in, window, tuple(out.shape[2:]))

    def _on_pool_with_indices(self, c: TorchCall) -> Any:
        return TorchSignal(self._on_max_pool(c)), TorchSignal(None)

    def _on_fractional_max_pool(self, c: TorchCall) -> Any:
        """Windows whose places are drawn: read where the draws are fixed, the same for all rows."""
        samples = c.get("_random_samples", 5, c.get("random_samples", 3, None))
        if samples is None:
            refuse(
                c.name,
                f"{c.title} that draws its windows (give it _random_samples)",
                Refusal.UNREAD,
            )
        several = isinstance(c.out, tuple)
        counts = tuple((c.out[0] if several else c.out).shape[2:])
        draws = samples.detach().numpy()
        if not (draws == draws[:1]).all():
            refuse(c.name, f"{c.title} with other windows in each row of a batch")
        sizes = _per_axis(c.get("kernel_size", 1), len(counts))
        # of two axes the last one has the first draw
        node = self.layers.pool_at(
            c.name, c.node_in, sizes, counts, draws[0][:, ::-1] if len(counts) == 2 else draws[0]
        )
        return (TorchSignal(node), TorchSignal(None)) if several else node

    def _on_adaptive_max(self, c: TorchCall) -> int:
        return self.layers.adaptive_max_pool(c.name, c.node_in, tuple(c.out.shape[2:]))


def _per_axis(value: Any, n: int) -> tuple[int, ...]:
    sizes = as_sizes(value)
    return sizes * n if len(sizes) == 1 else sizes


def _window(size: Any, stride: Any, padding: Any, dilation: Any) -> Window:
    n = len(size)
    steps, gaps = _per_axis(stride, n), _per_axis(dilation, n)
    if isinstance(padding, str):
        total = [0 if padding == "valid" else d * (k - 1) for d, k in zip(gaps, size, strict=True)]
        sides = tuple((t // 2, t - t // 2) for t in total)
    else:
        sides = tuple((p, p) for p in _per_axis(padding, n))
    return Window(tuple(int(k) for k in size), steps, sides, gaps)
