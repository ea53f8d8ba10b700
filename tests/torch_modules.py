"""Torch modules for the tests of readers; import it only where torch is."""

import torch
from torch import nn
from torch.nn import functional as F


class Calls(nn.Module):
    """A function as a module, with a few parameters to use."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.w = nn.Parameter(torch.randn(4))
        self.W = nn.Parameter(torch.randn(3, 6))
        self.conv = nn.Conv2d(2, 4, 3, padding=1)

    def assigns(self, x):
        x = x.clone()
        x[:, 0] = 1
        return x

    def forward(self, x):
        return self.function(self, x)


class Residual(nn.Module):
    def __init__(self, channels=3):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x):
        y = self.body(x)
        y += x
        return F.relu(y)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 3, 1), nn.Conv2d(2, 2, 3, padding=1)
        self.pool = nn.MaxPool2d(3, 1, 1)

    def forward(self, x):
        return torch.cat([F.relu(self.a(x)), torch.abs(self.b(x)), self.pool(x)], dim=1)


def settled(module):
    """At rest, with statistics worth the name."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) and part.running_mean is not None:
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
            if part.affine:
                nn.init.normal_(part.weight)
                nn.init.normal_(part.bias)
    return module.eval()


def resnet():
    torch.manual_seed(1)
    return settled(
        nn.Sequential(
            *(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
            *(nn.MaxPool2d(2), Residual(4), Residual(4)),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)),
        )
    )


class FirstOf(nn.Module):
    """The first of what a module gives."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(x)[0]


class Stated(nn.Module):
    """A recurrent layer whose first states are made of its input."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        h = x[:, :2, :4].transpose(0, 1).contiguous()
        if self.inner.batch_first:
            return self.inner(x, h)[0]
        return self.inner(x.transpose(0, 1), h)[0].transpose(0, 1)


def recurred(m, x):
    """A cell of ReLU units over the steps of a signal, from a state of its own."""
    state = m.W[:, :3].diag().expand(len(x), 3)
    for t in range(x.shape[2]):
        z = F.linear(x[:, :, t], m.W[:, :2])
        state = torch.rnn_relu_cell(z, state, m.W[:, :3], m.W[:, 3:], m.w[:3], m.w[1:])
    return state


def grid(m, places, x):
    return torch.tanh(m.w).repeat(places)[: 2 * places].view(1, 1, -1, 2).expand(len(x), -1, -1, -1)


def written(m, x):
    """Views and what they are views of, written to in turns."""
    z = F.linear(x, m.W)
    kept, middle = 2 * z, z[:, 1:]
    middle.relu_()
    z[:, 0] = z[:, 2] - kept[:, 1]
    z[:, :2] += 1.5
    middle[:, 0].mul_(3)
    F.relu(z[:, 1], True)
    return torch.cat([z, middle.abs_(), kept, z], 1)


def buffered(m, x):
    """Constants that the input is written into, views of them too."""
    out = torch.zeros(len(x), 3, 6, 8, dtype=x.dtype)
    first = out[:, 0]
    first.copy_(x[:, 0])
    out[:, 1:, ::2] = x[:, :, ::2].relu()
    torch.add(x[:, 0], 1, out=out[:, 2])
    out[..., 3] = 0.25
    first.zero_()
    return out


def zeroed(m, x):
    z = F.linear(x, m.W)
    z[z < 0] = 0
    z[z > 1] = 1.0
    return z


IMAGE, VECTOR, SIGNAL, VOLUME = (2, 6, 8), (6,), (2, 10), (2, 4, 3, 5)
PLACES = torch.arange(2 * 48).reshape(1, 2, 6, 8)
MODULES = {
    "linear": (nn.Linear(6, 4), VECTOR),
    "no bias": (nn.Linear(6, 4, bias=False), VECTOR),
    "linear on the last axis": (nn.Linear(8, 3), IMAGE),
    "conv2d": (nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2)), IMAGE),
    "groups": (nn.Conv2d(2, 4, 3, groups=2), IMAGE),
    "same": (nn.Conv2d(2, 3, (3, 4), padding="same"), IMAGE),
    "conv1d": (nn.Conv1d(2, 4, 3, stride=2, padding=1), SIGNAL),
    "batch norm 1d": (nn.BatchNorm1d(6), VECTOR),
    "batch norm of signals": (nn.BatchNorm1d(2), SIGNAL),
    "batch norm 2d": (nn.BatchNorm2d(2), IMAGE),
    "batch norm without gain": (nn.BatchNorm2d(2, affine=False), IMAGE),
    "average pool": (nn.AvgPool2d(3, 2, 1), IMAGE),
    "average pool without padding": (nn.AvgPool2d(3, 2, 1, count_include_pad=False), IMAGE),
    "average pool ceil": (nn.AvgPool2d(3, 2, ceil_mode=True), IMAGE),
    "average pool 1d": (nn.AvgPool1d(2), SIGNAL),
    "adaptive average": (nn.AdaptiveAvgPool2d(1), IMAGE),
    "adaptive average, uneven": (nn.AdaptiveAvgPool2d((4, 3)), IMAGE),
    "max pool": (nn.MaxPool2d(3, 2, 1), IMAGE),
    "max pool, dilated": (nn.MaxPool2d(2, 1, dilation=2), IMAGE),
    "max pool ceil": (nn.MaxPool2d(3, 2, ceil_mode=True), IMAGE),
    "max pool 1d": (nn.MaxPool1d(3), SIGNAL),
    "adaptive max": (nn.AdaptiveMaxPool2d((3, 2)), IMAGE),
    "flatten": (nn.Flatten(), IMAGE),
    "unflatten": (nn.Unflatten(1, (2, 3)), VECTOR),
    "zero pad": (nn.ZeroPad2d((1, 2, 0, 1)), IMAGE),
    "pixel shuffle": (nn.PixelShuffle(1), IMAGE),
    "upsample": (nn.Upsample(scale_factor=2), IMAGE),
    "dropout": (nn.Dropout(0.9), VECTOR),
    "identity": (nn.Identity(), VECTOR),
    "relu": (nn.ReLU(), VECTOR),
    "leaky": (nn.LeakyReLU(0.3), IMAGE),
    "prelu": (nn.PReLU(2, 0.3), IMAGE),
    "prelu, one slope": (nn.PReLU(), VECTOR),
    "rrelu": (nn.RReLU(), VECTOR),
    "relu6": (nn.ReLU6(), VECTOR),
    "hard tanh": (nn.Hardtanh(-0.5, 2), VECTOR),
    "hard sigmoid": (nn.Hardsigmoid(), VECTOR),
    "threshold": (nn.Threshold(0.5, 0.5), VECTOR),
    "circular padding": (nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), IMAGE),
    "reflected padding": (nn.Conv1d(2, 3, 3, padding=2, padding_mode="reflect"), SIGNAL),
    "reflection pad": (nn.ReflectionPad2d(1), IMAGE),
    "constant pad": (nn.ConstantPad2d((1, 0, 2, 1), 2.5), IMAGE),
    "average pool ceil, padded": (nn.AvgPool2d(3, 2, 1, ceil_mode=True), IMAGE),
    "average pool, divisor": (nn.AvgPool2d(2, divisor_override=3), IMAGE),
    "adaptive max, uneven": (nn.AdaptiveMaxPool2d((4, 3)), IMAGE),
    "depthwise": (nn.Conv2d(2, 4, 3, groups=2, padding=1), IMAGE),
    "transposed convolution": (nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1), IMAGE),
    "unfold": (nn.Unfold(2, padding=1), IMAGE),
    "weight norm": (nn.utils.parametrizations.weight_norm(nn.Linear(6, 4)), VECTOR),
    "spectral norm": (nn.utils.parametrizations.spectral_norm(nn.Linear(6, 4)), VECTOR),
    "soft shrink": (nn.Softshrink(0.3), VECTOR),
    "data parallel": (nn.DataParallel(nn.Linear(6, 3)), VECTOR),
    "residual": (nn.Sequential(Residual(2), Residual(2)), IMAGE),
    "inception": (Inception(), IMAGE),
}
CALLS = {
    "relu": (lambda m, x: x.relu() + torch.relu(x), VECTOR),
    "leaky": (lambda m, x: F.leaky_relu(x, negative_slope=0.2), VECTOR),
    "abs": (lambda m, x: abs(x) - torch.abs(2 * x), VECTOR),
    "clamp": (lambda m, x: x.clamp(-0.5, 1) + x.clamp(min=0.2) + torch.clamp(x, max=0), VECTOR),
    "hardtanh": (lambda m, x: F.hardtanh(x, -2, 0.5) + F.relu6(3 * x), VECTOR),
    "prelu": (lambda m, x: F.prelu(x, m.w[:2]), IMAGE),
    "constants": (lambda m, x: (2 - x) / 4 * m.w.sum() + m.w[0] - x * 3 + (-x), VECTOR),
    "a constant per channel": (lambda m, x: x * m.w[:2].view(1, 2, 1, 1) + m.w[1], IMAGE),
    "a constant that spreads": (lambda m, x: x.mean(1, keepdim=True) + m.W[0], VECTOR),
    "matmul": (lambda m, x: (x @ m.W.t()).matmul(m.W), VECTOR),
    "functional linear": (lambda m, x: F.linear(x, m.W, m.W[:, 0]), VECTOR),
    "functional conv": (lambda m, x: F.conv2d(x, m.conv.weight, m.conv.bias, 2, 1), IMAGE),
    "functional pools": (lambda m, x: F.max_pool2d(x, 2) + F.avg_pool2d(x, 2, 2), IMAGE),
    "adaptive pools": (
        lambda m, x: F.adaptive_avg_pool2d(x, 2) - F.adaptive_max_pool2d(x, 2),
        IMAGE,
    ),
    "batch norm": (lambda m, x: F.batch_norm(x, m.w[:2], m.w[:2].exp(), m.w[2:], m.w[:2]), IMAGE),
    "view": (lambda m, x: x.view(x.size(0), -1)[:, 2:9], IMAGE),
    "reshape": (lambda m, x: x.reshape(x.shape[0], 4, -1).flatten(1), IMAGE),
    "moves": (lambda m, x: x.permute(0, 2, 3, 1).transpose(1, 2).unsqueeze(1).squeeze(1), IMAGE),
    "cuts": (lambda m, x: torch.cat([x[:, :1, ::2], x.narrow(1, 1, 1)[:, :, :3]], 2), IMAGE),
    "chunks": (lambda m, x: x.chunk(2, 1)[0] * 2 + torch.split(x, 1, dim=1)[1], IMAGE),
    "pad and flip": (lambda m, x: F.pad(x, (1, 0, 0, 2)).flip(3).roll(1, 2), IMAGE),
    "means": (lambda m, x: x.mean((2, 3)) + x.sum(dim=-1).mean(-1), IMAGE),
    "mean of the middle": (lambda m, x: x.mean(2, keepdim=True) - x, IMAGE),
    "stack": (lambda m, x: torch.stack([x, 2 * x], dim=-1), VECTOR),
    "largest": (lambda m, x: torch.maximum(x[:, :3], x[:, 3:] + 0.1), VECTOR),
    "least": (lambda m, x: torch.min(x[:, :3], x[:, 3:]) + torch.minimum(x, -x)[:, 3:], VECTOR),
    "against a constant": (lambda m, x: torch.max(x, m.W[0]) + torch.minimum(m.W[1], x), VECTOR),
    "maxout": (lambda m, x: x.view(-1, 2, 3).max(dim=2)[0] + x.view(-1, 2, 3).amin(-1), VECTOR),
    "largest of channels": (
        lambda m, x: torch.max(x, 1, keepdim=True).values - x.amax((2, 3), True),
        IMAGE,
    ),
    "broadcast branches": (lambda m, x: x + x.mean(1, keepdim=True), IMAGE),
    "a module used twice": (lambda m, x: m.conv(m.conv(x)[:, 1:3]), IMAGE),
    "branches on shapes": (lambda m, x: x.relu() if x.dim() == 2 and x.shape[1] > 5 else x, VECTOR),
    "shapes in Python": (lambda m, x: x.reshape(*[len(x), *x.shape[2:], x.size(1)]), IMAGE),
    "unpacked": (lambda m, x: (lambda a, b: torch.max(a, b))(*x.chunk(2, 1)), IMAGE),
    "in place": (lambda m, x: (2 * x).relu_().add_(1).clamp_min_(1.5).clamp_max_(3), VECTOR),
    "where": (lambda m, x: torch.where(x > 0, x, 0.2 * x) + torch.where(x < -1, -2 - x, x), VECTOR),
    "where each": (lambda m, x: torch.where(m.W[0] < x, x, m.W[0]), VECTOR),
    "masks": (lambda m, x: x * (x > 0) - x * (x <= 0).to(x) * 0.5, VECTOR),
    "sign": (lambda m, x: torch.sign(x) * x + (x - 0.5 * x.sign()) * (x.abs() > 0.5), VECTOR),
    "masked fill": (lambda m, x: x.masked_fill(x < 0, 0.0) + (~(x < 1)) * (x - 1), VECTOR),
    "both masks": (
        lambda m, x: (x - 1) * ((x > 1) | (x > 2)) + (x + 1) * (x.lt(-1) & x.lt(0)),
        VECTOR,
    ),
    "bounds for each entry": (lambda m, x: torch.clamp(x, -m.W[0].abs(), m.W[1].abs()), VECTOR),
    "constants made on the way": (
        lambda m, x: torch.max(x, torch.zeros_like(x)) + x.new_ones(len(x), 6),
        VECTOR,
    ),
    "a constant beside": (lambda m, x: torch.cat([x, x.new_ones(len(x), 2)], 1), VECTOR),
    "a constant from the left": (lambda m, x: m.w.view(2, 2) @ x[:, :, 1:3, :2] + m.w[0], IMAGE),
    "many products": (
        lambda m, x: torch.addmm(m.w[:3], x, m.W.T) - torch.einsum("bi,oi->bo", x, m.W),
        VECTOR,
    ),
    "a vector": (lambda m, x: x @ m.W[0], VECTOR),
    "pad with a number": (lambda m, x: F.pad(x, (1, 2), value=-1.5), VECTOR),
    "the batch moved and brought back": (
        lambda m, x: x.permute(1, 2, 0, 3).flip(0).permute(2, 3, 0, 1).relu(),
        IMAGE,
    ),
    "with places": (lambda m, x: F.max_pool2d(x, 2, return_indices=True)[0], IMAGE),
    "subtracted from": (lambda m, x: 1 - x.relu() + torch.rsub(x, x.abs(), alpha=1), VECTOR),
    "dropout that is told": (lambda m, x: F.dropout(x, 0.5, m.training), VECTOR),
    "interpolate": (lambda m, x: F.interpolate(x, scale_factor=2, mode="bilinear"), IMAGE),
    "matrix": (lambda m, x: x.flatten(1).unsqueeze(1).expand(-1, 2, -1).mean(1), IMAGE),
}
# beyond what the older exporter to ONNX knows
MORE_MODULES = {
    "conv3d": (nn.Conv3d(2, 3, (2, 3, 1), stride=(1, 2, 1), padding=1), VOLUME),
    "max pool 3d": (nn.MaxPool3d(2, 1, 1), VOLUME),
    "average pool 3d": (nn.AvgPool3d(2, 1, ceil_mode=True), VOLUME),
    "adaptive pools 3d": (
        nn.Sequential(nn.AdaptiveMaxPool3d((3, 2, 2)), nn.AdaptiveAvgPool3d((2, 1, 3))),
        VOLUME,
    ),
    "transposed convolution 3d": (
        nn.ConvTranspose3d(2, 4, 2, stride=2, padding=1, output_padding=1, groups=2, dilation=2),
        VOLUME,
    ),
    "transposed convolution 1d": (nn.ConvTranspose1d(2, 3, 4, stride=3, bias=False), SIGNAL),
    "trilinear": (nn.Upsample(scale_factor=1.5, mode="trilinear"), VOLUME),
    "bicubic": (nn.Upsample((9, 5), mode="bicubic", align_corners=True), IMAGE),
    "sums of windows": (nn.LPPool2d(1, (2, 3), stride=1), IMAGE),
    "sums of windows, ceil": (nn.LPPool1d(1, 3, ceil_mode=True), SIGNAL),
    "recurrent": (FirstOf(nn.RNN(5, 4, 2, nonlinearity="relu", batch_first=True)), (3, 5)),
    "recurrent both ways": (
        FirstOf(nn.RNN(5, 3, 1, "relu", False, True, bidirectional=True)),
        (3, 5),
    ),
    "recurrent from a state": (
        Stated(nn.RNN(5, 4, 2, nonlinearity="relu", batch_first=True)),
        (3, 5),
    ),
    "recurrent in time first": (Stated(nn.RNN(5, 4, 2, nonlinearity="relu")), (3, 5)),
    "instance norm at rest": (nn.InstanceNorm2d(2, affine=True, track_running_stats=True), IMAGE),
}
MORE_CALLS = {
    "sorted": (lambda m, x: x.sort()[0] + torch.sort(x, 1, descending=True).values * 2, VECTOR),
    "sorted channels": (lambda m, x: x.sort(dim=1).values, IMAGE),
    "the three largest": (lambda m, x: x.topk(3)[0] - torch.topk(x, 3, largest=False)[0], VECTOR),
    "the largest alone": (lambda m, x: x.topk(1, dim=2).values, IMAGE),
    "medians": (lambda m, x: x.median(1)[0] + x.kthvalue(2, 1).values, VECTOR),
    "median of columns": (lambda m, x: x.median(dim=2, keepdim=True).values - x, IMAGE),
    "quantile": (lambda m, x: x.quantile(0.3, dim=1, keepdim=True), VECTOR),
    "running maxima": (lambda m, x: x.cummax(1)[0] - x.cummin(1)[0], VECTOR),
    "largest and least": (lambda m, x: sum(x.aminmax(dim=2)), IMAGE),
    "the larger branch": (
        lambda m, x: (lambda a, b: torch.where(a > b, a, b) + torch.where(b < a, b, a) * 3)(
            x @ m.W.T, 0.5 * x[:, :3]
        ),
        VECTOR,
    ),
    "bounds that are branches": (lambda m, x: x.clamp(-x.flip(1).abs(), x.flip(1)), VECTOR),
    "norms": (lambda m, x: x.norm(1, 1) + torch.linalg.vector_norm(x, torch.inf, 1), IMAGE),
    "gather": (lambda m, x: x.gather(1, torch.tensor([[5, 0, 0]]).expand(len(x), 3)), VECTOR),
    "take along": (lambda m, x: torch.take_along_dim(x, torch.tensor([[[[0]], [[1]]]]), 1), IMAGE),
    "scatter": (
        lambda m, x: x.new_ones(len(x), 8).scatter(1, torch.arange(6).expand(len(x), 6), x),
        VECTOR,
    ),
    "scatter add": (
        lambda m, x: x.scatter_add(1, torch.tensor([[1, 1, 0]]).expand(len(x), 3), x[:, 3:]),
        VECTOR,
    ),
    "index copy": (lambda m, x: x.index_copy(1, torch.tensor([2, 0]), x[:, 4:].relu()), VECTOR),
    "index add": (lambda m, x: x.index_add(1, torch.tensor([2, 0, 2]), x[:, 3:]), VECTOR),
    "triangles": (lambda m, x: x.triu() + x.tril(-1) * 2, IMAGE),
    "running sums": (lambda m, x: x.cumsum(2) + x.diff(dim=1, prepend=x[:, :1]), IMAGE),
    "grid": (lambda m, x: F.grid_sample(x, grid(m, 7, x), align_corners=False), IMAGE),
    "reflected grid": (
        lambda m, x: F.grid_sample(x, 2 * grid(m, 5, x), "nearest", "reflection", True),
        IMAGE,
    ),
    "between two": (lambda m, x: x.lerp(x.flip(1), 0.3).addcmul(m.W[0], m.W[1]), VECTOR),
    "recurrent cell": (recurred, SIGNAL),
    "masks moved": (lambda m, x: x.flip(1) * (x > 0).flip(1), VECTOR),
    "no gaps": (lambda m, x: torch.where(x.isnan(), 0.0, x).nan_to_num(), VECTOR),
    "assigned": (lambda m, x: m.assigns(x) * 2, VECTOR),
    "written in place": (written, VECTOR),
    "written into a buffer": (buffered, IMAGE),
    "negative entries set to 0": (zeroed, VECTOR),
    "distances to points": (
        lambda m, x: torch.cdist(x, m.W, p=1) + torch.cdist(x, m.W, p=torch.inf),
        VECTOR,
    ),
    "distances between sets": (
        lambda m, x: (
            torch.cdist(x[:, 0, :3], x[:, 1, 3:].relu(), p=1)
            - torch.cdist(m.W[:, :8].expand(len(x), 3, 6), x[:, 0, :, :6], p=1)[:, :, :3]
        ),
        IMAGE,
    ),
    "distances in pairs": (
        lambda m, x: (
            F.pairwise_distance(x[:, :3], x[:, 3:], p=1, keepdim=True)
            + F.l1_loss(x, m.W[:1].expand(len(x), 6), reduction="none")
        ),
        VECTOR,
    ),
    "margins": (
        lambda m, x: (
            F.triplet_margin_loss(x[:, :2], x[:, 2:4], x[:, 4:], p=1, reduction="none")
            + F.margin_ranking_loss(x[:, 0], x[:, 1], torch.ones(1).to(x), 0.5, reduction="none")
        ),
        VECTOR,
    ),
    "central differences": (lambda m, x: torch.gradient(x, dim=2)[0], SIGNAL),
    "unpooled to constant places": (
        lambda m, x: F.max_unpool2d(x, PLACES.expand(len(x), -1, -1, -1), 2),
        IMAGE,
    ),
    "sums without gaps": (lambda m, x: x.nansum(1, keepdim=True) + x.nanmean(1)[:, None], VECTOR),
}
