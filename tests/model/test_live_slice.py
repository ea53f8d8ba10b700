"""A module followed while it trains: equal to a fresh read at every step, bit for bit."""

import copy
import threading

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


def widened(module):
    module[0], module[2] = nn.Linear(2, 9), nn.Linear(9, 5)


def other_units(module):
    module[1] = Abs()


def other_tensor(module):
    module[2].weight = nn.Parameter(torch.randn(5, 6))


def other_data(module):
    module[0].weight.data = torch.randn(8, 2)
    module[0].bias.data, module[2].weight.data = torch.randn(8), torch.randn(5, 8)


def one_part_more(module):
    module.append(nn.ReLU())


@pytest.mark.parametrize(
    "change", [widened, other_units, other_tensor, other_data, one_part_more], ids=str
)
def test_another_structure_is_read_afresh(change):
    module = module_of("relu")
    live = hw.model.LiveSlice(module)
    change(module)
    assert same(live.slice(*PLANE), fresh(module).slice(*PLANE))
    assert live.n_reads == 2
    trained(module)
    assert same(live.slice(*PLANE), fresh(module).slice(*PLANE))
    assert live.n_reads == 2


def test_a_setting_is_read_afresh():
    module = module_of("stages")
    live = hw.model.LiveSlice(module, 2)
    module.depth = 4
    assert len(live.refresh().layers) == 4
    slopes = module_of("leaky")
    live = hw.model.LiveSlice(slopes)
    slopes[1].negative_slope = -0.5
    assert same(live.slice(*PLANE), fresh(slopes).slice(*PLANE))


def test_what_no_object_shows_is_seen_by_the_comparison():
    module = module_of("stages")
    module.depth = order = [2]
    module.forward = lambda x: F.relu(x @ torch.ones(2, order[0], dtype=x.dtype))
    live = hw.model.LiveSlice(module, 2, check_every=4)
    order[0] = 3
    for _ in range(3):
        assert live.refresh().n_outputs == 2
    assert live.refresh().n_outputs == 3
    assert live.n_reads == 2


def test_what_cannot_be_read_any_more_is_a_clear_error():
    module = module_of("relu")
    live = hw.model.LiveSlice(module)
    module[1] = nn.GELU()
    with pytest.raises(hw.errors.ModelError, match="GELU"):
        live.slice(*PLANE)
    module[1] = nn.ReLU()
    assert same(live.slice(*PLANE), fresh(module).slice(*PLANE))


def test_part_of_a_module_and_training_mode_are_followed_silently():
    module = sequential(nn.ReLU, nn.BatchNorm1d).train()
    live = hw.model.LiveSlice(module, upto="4")
    trained(module)
    net = live.refresh()
    assert net.n_outputs == 5
    assert module.training
    x = np.array([[0.2, 0.3]])
    np.testing.assert_array_equal(net(x), hw.model.read(module.eval(), upto="4")(x))


def test_two_at_once_are_as_one_after_another():
    modules = [module_of("relu", seed) for seed in range(2)]
    lives = [hw.model.LiveSlice(module) for module in modules]
    answers_, errors = [[], []], []

    def follow(i):
        try:
            for _ in range(15):
                with torch.no_grad():
                    modules[i][0].weight.mul_(1.01)
                answers_[i].append(lives[i].slice(*PLANE))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=follow, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for i, module in enumerate(module_of("relu", seed) for seed in range(2)):
        for s in answers_[i]:
            with torch.no_grad():
                module[0].weight.mul_(1.01)
            assert same(s, fresh(module).slice(*PLANE))


def test_one_shared_by_threads_takes_turns():
    module = module_of("relu")
    live = hw.model.LiveSlice(module, check_every=1)
    reference, wrong = fresh(module).slice(*PLANE), []

    def follow():
        wrong.extend(not same(live.slice(*PLANE), reference) for _ in range(10))

    threads = [threading.Thread(target=follow) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [False] * 30


class OfTwo(torch.nn.Module):
    """Two inputs, two outputs, units that are smooth."""

    def __init__(self):
        super().__init__()
        self.body, self.head = torch.nn.Linear(3, 6), torch.nn.Linear(6, 1)

    def forward(self, x, context):
        z = torch.tanh(self.body(torch.cat([x, context], dim=1)))
        return {"value": self.head(z), "features": z}


def test_what_is_read_is_said_as_for_read():
    module = OfTwo()
    options = {
        "output": "value",
        "constants": {"context": torch.full((1, 1), 0.5)},
        "smooth": "pieces",
        "error": 0.01,
    }
    live = hw.model.LiveSlice(module, 2, **options, check_every=1)
    rows = np.random.default_rng(0).normal(size=(20, 2))
    for _ in range(3):
        with torch.no_grad():
            for p in module.parameters():
                p.add_(0.1 * torch.randn_like(p))
        net = live.refresh()
        np.testing.assert_array_equal(net(rows), hw.model.read(module, 2, **options)(rows))
        assert net.approximation_errors() > 0
    assert live.n_reads == 1
