"""A module followed while it trains: equal to a fresh read at every step, bit for bit."""

import copy

import numpy as np
import pytest

import hullwise as hw

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

PLANE = [0.1, -0.2], [[1.0, 0.1], [0.0, 1.0]], (1.3, 0.7)


class Abs(nn.Module):
    def forward(self, x):
        return torch.abs(x)


class Maxout(nn.Module):
    def __init__(self, width, pieces=2):
        super().__init__()
        self.pieces = pieces
        self.linear = nn.Linear(width, width * pieces)

    def forward(self, x):
        return self.linear(x).view(len(x), -1, self.pieces).amax(2)


class Branches(nn.Module):
    """A skip, the larger of two branches, a weight used twice."""

    def __init__(self):
        super().__init__()
        self.enter, self.inner = nn.Linear(2, 5), nn.Linear(5, 5)
        self.leave = nn.Linear(5, 2)

    def forward(self, x):
        h = F.relu(self.enter(x))
        h = h + F.relu(self.inner(h))
        h = torch.maximum(h, self.inner(h) - 0.1)
        return self.leave(h)


class Derived(nn.Module):
    """Weights that are made of parameters: transposed, cut, added up; constants, a step."""

    def __init__(self):
        super().__init__()
        self.W = nn.Parameter(torch.randn(4, 6))
        self.levels = nn.Parameter(torch.randn(6))
        self.register_buffer("shift", torch.randn(6))
        self.enter = nn.Linear(2, 4)

    def forward(self, x):
        h = torch.clamp(self.enter(x) @ self.W, max=2) + self.shift
        h = torch.where(h > self.levels, h, self.levels)
        return F.linear(F.relu(h), self.W[:2] * self.levels.exp().sum(), self.W.t()[0, :2])


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(2, 4), nn.Linear(2, 4)
        self.b.weight = self.a.weight

    def forward(self, x):
        return F.relu(self.a(x)) - F.leaky_relu(self.b(x), 0.2)


class Stages(nn.Module):
    """Control flow on shapes and on a setting."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(4))
        self.depth = 2

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            if i < self.depth and x.shape[1] == 2:
                x = F.relu(layer(x))
        return x


class ByValue(nn.Module):
    """Control flow on a parameter's value."""

    def __init__(self):
        super().__init__()
        self.linear, self.gate = nn.Linear(2, 3), nn.Parameter(torch.tensor(0.1))

    def forward(self, x):
        x = self.linear(x)
        return F.relu(x) if self.gate.item() > 0 else x.abs()


def sequential(units, norm=None):
    layers = [nn.Linear(2, 6), *([norm(6)] if norm else []), units(), nn.Linear(6, 5), units()]
    return nn.Sequential(*layers, nn.Linear(5, 2))


def parametrised():
    return nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(2, 5)),
        nn.ReLU(),
        nn.utils.parametrizations.spectral_norm(nn.Linear(5, 4)),
        nn.Hardtanh(),
        nn.Linear(4, 1, bias=False),
    )


MODULES = {
    "relu": lambda: sequential(nn.ReLU),
    "abs": lambda: sequential(Abs),
    "leaky": lambda: sequential(lambda: nn.LeakyReLU(0.2)),
    "prelu": lambda: nn.Sequential(nn.Linear(2, 6), nn.PReLU(6), nn.Linear(6, 2), nn.PReLU()),
    "batch norm": lambda: sequential(nn.ReLU, nn.BatchNorm1d),
    "dropout": lambda: sequential(lambda: nn.Sequential(nn.ReLU(), nn.Dropout(0.3))),
    "maxout": lambda: nn.Sequential(nn.Linear(2, 4), Maxout(4), Maxout(4, 3), nn.Linear(4, 2)),
    "branches": Branches,
    "derived": Derived,
    "shared": Shared,
    "parametrised": parametrised,
    "stages": Stages,
    "by value": ByValue,
    "convolution": lambda: nn.Sequential(
        *(nn.Unflatten(1, (1, 2)), nn.Conv1d(1, 3, 2, padding=1), nn.BatchNorm1d(3), nn.ReLU()),
        *(nn.MaxPool1d(2), nn.Flatten(), nn.Linear(3, 2)),
    ),
}
NEVER_AFRESH = set(MODULES) - {"by value"}


def module_of(name, seed=0):
    torch.manual_seed(seed)
    return MODULES[name]()


def trained(module, steps=1, rate=0.05):
    """Some steps on data of the module's own, in training mode."""
    module.train()
    optimiser = torch.optim.SGD(module.parameters(), lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        x = torch.randn(16, 2)
        (module(x)[:, 0] - x.prod(1)).square().mean().backward()
        optimiser.step()


def fresh(module):
    return hw.model.read(copy.deepcopy(module).eval(), 2)


def answers(s):
    return s.vertices, s.outputs, s.output_errors, s.codes, s.edges, s.edge_units, s.complex.halves


def same(s, other):
    return all(np.array_equal(a, b) for a, b in zip(answers(s), answers(other), strict=True))


@pytest.mark.parametrize("name", MODULES)
def test_every_step_is_that_of_a_fresh_read(name):
    module = module_of(name)
    live = hw.model.LiveSlice(module, 2, check_every=3)
    for _ in range(8):
        trained(module)
        assert same(live.slice(*PLANE), fresh(module).slice(*PLANE))
    assert (live.n_reads == 1) == (name in NEVER_AFRESH)


@pytest.mark.parametrize("name", ["relu", "prelu", "branches", "batch norm", "derived"])
def test_older_slices_and_networks_keep_their_answers(name):
    module = module_of(name)
    live = hw.model.LiveSlice(module, 2)
    s, reference = live.slice(*PLANE), fresh(module).slice(*PLANE)
    net, x = live.network, np.array([[0.3, -0.4], [1.0, 2.0]])
    outputs, codes = net(x), net.codes(x)
    trained(module, 5)
    assert live.refresh() is live.network is not net
    assert not np.array_equal(live.network(x), outputs)
    assert np.array_equal(net(x), outputs)
    assert np.array_equal(net.codes(x), codes)
    assert same(s, reference)
    assert np.array_equal(s.maps, reference.maps)
    for mine, other in zip(s.affine(0), reference.affine(0), strict=True):
        assert np.array_equal(mine, other)


def test_diverged_training_is_a_sentence():
    module = module_of("relu")
    live = hw.model.LiveSlice(module)
    before = live.network
    with torch.no_grad():
        module[2].weight[1, 3] = np.nan
        module[2].weight[0, 0] = np.inf
    with pytest.raises(hw.errors.ModelError, match=r"diverged: 2 of the 30 numbers of '2.weight'"):
        live.refresh()
    assert live.network is before
    with torch.no_grad():
        module[2].weight.fill_(0.5)
    assert same(live.slice(*PLANE), fresh(module).slice(*PLANE))


def test_what_is_no_module_is_refused():
    with pytest.raises(hw.errors.ModelError, match="LiveSlice follows a torch"):
        hw.model.LiveSlice(hw.model.from_arrays([np.eye(2)]))
    with pytest.raises(hw.errors.ModelError, match="GELU"):
        hw.model.LiveSlice(nn.Sequential(nn.Linear(2, 2), nn.GELU(), nn.Linear(2, 1)))
