"""Pictures of a network's regions, and its page."""

import html
import re
import sys

import numpy as np
import pytest

import hullwise as hw
from browser import browser, dumped  # noqa: F401
from hullwise.model import slice_shapes as shapes
from hullwise.model.network_rows import network_rows
from hullwise.model.network_view import view_network
from hullwise.model.view_planes import far_pair, plane_of_rows, principal_plane
from hullwise.report._shading import region_shades, row_opacity
from hullwise.report.network_report import render_network_report
from hullwise.report.partition import COLORS, draw_layers, draw_line, draw_slice
from networks import mlp, tent


@pytest.fixture(scope="module")
def net():
    return mlp([2, 10, 10, 3], seed=3)


@pytest.fixture(scope="module")
def s(net):
    return net.slice([0.1, 0.2], np.eye(2), [1.5, 1.2])


def area(loop):
    x, y = loop.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


def lines(ax):
    """All segments of the line collections of an axes."""
    return [c for c in ax.collections if type(c).__name__ == "LineCollection"]


@pytest.mark.parametrize("seed", range(4))
def test_neighbours_differ_in_shade(seed):
    s = mlp([2, 20, 20, 2], seed=seed).slice([0, 0], np.eye(2), 2)
    shade = region_shades(s)
    a, b = s.neighbours.T
    assert (shade[a] != shade[b]).all()
    assert len(np.unique(shade)) > 3


def test_shades_stay_when_the_rectangle_moves(net, s):
    other = net.slice([0.15, 0.2], np.eye(2), [1.5, 1.2])
    one = {c.tobytes(): k for c, k in zip(s.codes, region_shades(s), strict=True)}
    two = {c.tobytes(): k for c, k in zip(other.codes, region_shades(other), strict=True)}
    both = one.keys() & two.keys()
    assert len(both) > 0.8 * len(one)
    assert np.mean([one[c] == two[c] for c in both]) > 0.6


@pytest.mark.parametrize("outputs", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(3))
def test_class_outlines_cover_the_rectangle_and_hold_their_class(outputs, seed):
    net = mlp([2, 12, 12, outputs], seed=seed)
    s = net.slice([0, 0], np.eye(2), 1.5)
    found = shapes.class_outlines(s)
    areas = {k: sum(map(area, loops)) for k, loops in found.items()}
    assert sum(areas.values()) == pytest.approx(9.0, rel=1e-12)
    grid = np.random.default_rng(0).uniform(-1.5, 1.5, (60_000, 2))
    won = shapes.class_of(net(grid))
    assert set(np.unique(won)) <= set(areas)
    for k, size in areas.items():
        assert size == pytest.approx(9 * np.mean(won == k), abs=0.06)


def test_outlines_run_along_the_decision_boundary(s):
    along = sum(np.hypot(*(b - a).T).sum() for a, b in [s.decision_boundary().transpose(1, 0, 2)])
    around = 0.0
    for loops in shapes.class_outlines(s).values():
        around += sum(np.hypot(*(np.roll(loop, -1, 0) - loop).T).sum() for loop in loops)
    assert around == pytest.approx(2 * along + 2 * (3.0 + 2.4), rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_joined_walls_keep_length_and_layers(seed):
    s = mlp([2, 16, 16, 2], seed=seed).slice([0, 0], np.eye(2), 2)
    segments, layers = shapes.straight_walls(s)
    length = np.hypot(*(segments[:, 1] - segments[:, 0]).T)
    edges = s.vertices[s.edges]
    each = np.hypot(*(edges[:, 1] - edges[:, 0]).T)
    for i in range(2):
        assert length[layers == i].sum() == pytest.approx(each[s.edge_layers == i].sum(), rel=1e-9)
    assert len(segments) < 0.7 * (s.edge_layers >= 0).sum()
    first = (layers == 0).sum()
    assert first <= 16  # a unit of the first layer is one straight line


def test_density_integrates_to_the_length_of_walls(s):
    found = shapes.wall_density(s, radius=0.03, grid=150)
    assert found.shape == (120, 150)
    segments, _ = shapes.straight_walls(s)
    total = np.hypot(*(segments[:, 1] - segments[:, 0]).T).sum()
    assert found.mean() * 3.0 * 2.4 == pytest.approx(total, rel=0.03)
    assert (found >= 0).all()


def test_density_of_parallel_walls_is_known():
    net = hw.model.from_arrays([[[1.0, 0]] * 9, [[1.0] * 9]], [-np.linspace(-0.8, 0.8, 9), [0]])
    found = shapes.wall_density(net.slice([0, 0], np.eye(2), 1.0), radius=0.1, grid=200)
    assert found[60:140, 60:140].mean() == pytest.approx(5.0, rel=0.02)  # one each 0.2


def test_fans_fill_the_rectangle(s):
    a, b, c = s.vertices[shapes.fan_triangles(s)].transpose(1, 0, 2)
    (x, y), (u, v) = (b - a).T, (c - a).T
    assert ((x * v - y * u) > -1e-12).all()
    assert np.sum(x * v - y * u) / 2 == pytest.approx(3.0 * 2.4, rel=1e-12)


@pytest.mark.parametrize("color", COLORS)
def test_every_colour_draws(net, s, color):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    ax = draw_slice(s, color=color, data=X, labels=rng.integers(0, 3, 40))
    assert ax.get_title() == f"{s.n_regions:,} regions"
    assert ax.get_xlim() == pytest.approx((-1.5, 1.5))
    dots = [c for c in ax.collections if type(c).__name__ == "PathCollection"]
    inside = (np.abs(X - [0.1, 0.2]) <= [1.5, 1.2]).all(axis=1)
    assert len(dots[0].get_offsets()) == inside.sum()
    ax.figure.canvas.draw()
    picture = np.asarray(ax.figure.canvas.buffer_rgba())
    assert len(np.unique(picture.reshape(-1, 4), axis=0)) > 10


def test_no_figure_is_left_in_pyplot(s):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    s.plot(), draw_layers(s), s.net.along([0, 0], [1, 1]).plot()
    assert plt.get_fignums() == before


def test_drawing_needs_no_pyplot():
    import subprocess

    code = (
        "import sys, numpy as np, hullwise as hw\n"
        "net = hw.model.from_arrays([np.eye(2), [[1, 1]]])\n"
        "net.slice([0.5, 0.5], np.eye(2)).plot(color='class').figure.canvas.draw()\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "call", ["net.slice([0, 0], np.eye(2)).plot()", "hw.report.draw_walk(walk)"]
)
def test_without_matplotlib_drawing_says_what_to_install(call):
    import subprocess

    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import numpy as np, hullwise as hw\n"
        "net = hw.model.from_arrays([np.eye(2), [[1, 1]]])\n"
        "walk = hw.metrics.walk([[0.0], [1.0]], 0, 1)\n"
        "try:\n"
        f"    {call}\n"
        "except hw.MissingDependencyError as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == (
        "drawing needs matplotlib, which is not installed: pip install 'hullwise[plot]'\n"
    )


def test_pages_of_networks_need_no_matplotlib(tmp_path):
    import subprocess

    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import hullwise as hw\n"
        "net = hw.model.from_arrays([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]])\n"
        "X = [[0.0, 1.0], [1.0, -1.0], [-1.0, 0.3]]\n"
        f"path = {str(tmp_path / 'net.html')!r}\n"
        "hw.report.write_network_report(net, X, path, labels=[0, 1, 0])\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["VIRIDIS", "PLASMA"])
def test_scales_of_colours_are_those_of_matplotlib(name):
    from matplotlib import colormaps

    from hullwise.report import _colors

    shares = np.linspace(0, 1, 200)
    expected = np.round(colormaps[name.lower()](shares)[:, :3] * 255)
    codes = [_colors.scale_color(getattr(_colors, name), share) for share in shares]
    drawn = [[int(code[i : i + 2], 16) for i in (1, 3, 5)] for code in codes]
    assert np.abs(drawn - expected).max() <= 3


def test_walls_of_the_first_layers_only(s):
    drawn = {}
    for i in range(2):
        ax = draw_slice(s, color="layer", upto=i, decision=False)
        (found,) = lines(ax)
        drawn[i] = len(found.get_segments())
    _, layers = shapes.straight_walls(s)
    assert drawn == {0: (layers == 0).sum(), 1: len(layers)}
    titles = [ax.get_title() for ax in draw_layers(s).axes]
    assert titles == [f"after relu{i}: {n:,} regions" for i, n in enumerate(s.n_regions_per_layer)]


def test_rows_far_from_the_plane_are_fainter():
    net = mlp([5, 8, 2], seed=0)
    s = net.slice(np.zeros(5), np.eye(5)[:2], 1)
    X = np.zeros((3, 5))
    X[1, 4], X[2, 4] = 1, 5
    ax = draw_slice(s, data=X)
    (dots,) = [c for c in ax.collections if type(c).__name__ == "PathCollection"]
    assert dots.get_facecolors()[:, 3] == pytest.approx([0.12, 0.5, 1.0])  # farthest first
    assert row_opacity(np.zeros(4), 1.0).tolist() == [1] * 4


def test_wrong_asks_are_refused(net, s):
    for wrong in ({"color": "red"}, {"data": np.zeros((2, 2)), "labels": [1]}, {"data": [[1.0]]}):
        with pytest.raises(hw.DataError):
            draw_slice(s, **wrong)
    with pytest.raises(hw.DataError, match="layer or class"):
        draw_layers(s, color="region")
    with pytest.raises(hw.DataError, match="outputs"):
        draw_line(net.along([0, 0], [1, 1]), outputs=[3])


def test_line_shows_every_break_in_its_layer(net):
    walk = net.along([-1.5, -1.5], [1.5, 1.4])
    ax = draw_line(walk)
    assert ax.get_title(loc="left") == f"{walk.n_pieces} pieces, {walk.n_pieces - 1} breaks"
    ticks = [len(c.get_segments()) for c in lines(ax)]
    assert ticks == np.bincount(walk.layers, minlength=2).tolist()
    curves = [c for c in ax.lines if len(c.get_xdata()) == len(walk.knots)]
    np.testing.assert_array_equal([c.get_ydata() for c in curves], walk.values.T)
    assert len(ax.lines) == len(curves) + len(walk.decisions())


def test_line_of_a_tent_has_a_tick_at_each_break():
    walk = tent(5).along([0.0], [1.0])
    ticks = [len(c.get_segments()) for c in lines(draw_line(walk))]
    assert sum(ticks) == len(walk.breaks)


def test_degenerate_networks_draw():
    still = hw.model.from_arrays([np.zeros((3, 2)), np.zeros((2, 3))])
    for color in COLORS:
        draw_slice(still.slice([0, 0], np.eye(2)), color=color).figure.canvas.draw()
    draw_line(still.along([0, 0], [1, 1])).figure.canvas.draw()
    free = hw.model.from_arrays([[[1, 0], [1, 0], [0, 1], [1, 1]], [[1, 1, -1, -1]]])
    s = free.slice([0, 0], np.eye(2))
    assert sum(area(o) for k in shapes.class_outlines(s).values() for o in k) == pytest.approx(4)


def test_rows_know_their_regions(net):
    X = np.random.default_rng(0).normal(size=(50, 2))
    X = np.r_[X, X[:5] + 1e-9]
    found = network_rows(net, X)
    codes = net.codes(X)
    _, place, count = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(found.rows_in_region, count[place.ravel()])
    assert found.n_regions == len(count)
    same = found.region[:, None] == found.region
    np.testing.assert_array_equal(same, (codes[:, None] == codes).all(axis=2))
    assert found.region[0] == 0
    np.testing.assert_array_equal(found.distance, hw.dissect(net, X).boundary_distance)
    ends = np.array([layer.start + layer.n_units for layer in net.layers])
    assert (found.unit < ends[found.layer]).all()


def test_flat_distance_is_the_decision_distance_where_it_is_settled():
    net = mlp([2, 4, 3], seed=5)
    X = np.random.default_rng(0).normal(size=(60, 2))
    found = network_rows(net, X)
    true = hw.dissect(net, X).decision_distance
    assert found.decision_is_exact.any()
    assert true[found.decision_is_exact] == pytest.approx(
        found.decision_if_affine[found.decision_is_exact], rel=1e-6
    )
    assert (found.decision_at_least <= true * (1 + 1e-6)).all()


def test_planes_and_pairs():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4)) * [1, 5, 0.1, 9] + 3
    net = mlp([4, 5, 2])
    plane = principal_plane(net, X)
    assert np.abs(plane.axes @ plane.axes.T - np.eye(2)).max() < 1e-12
    assert np.abs(plane.axes[0, 3]) > 0.99
    uv = (X - plane.origin) @ plane.axes.T
    assert (np.abs(uv) < plane.half).all()
    wide = rng.normal(size=(100, 300)) @ np.diag(np.linspace(0.1, 3, 300))
    many = principal_plane(mlp([300, 4, 2]), wide)
    centred = wide - wide.mean(axis=0)
    exact = np.linalg.svd(centred, full_matrices=False)[2][:2]
    assert np.abs(np.abs((many.axes * exact).sum(axis=1)) - 1).max() < 1e-6
    with pytest.raises(hw.DataError, match="span no plane"):
        principal_plane(net, np.outer(np.arange(5.0), np.ones(4)))
    with pytest.raises(hw.DataError, match="one line"):
        plane_of_rows(X[0], X[1], (X[0] + X[1]) / 2, ("a", "b", "c"))
    through = plane_of_rows(X[0], X[1], X[2], ("a", "b", "c"))
    for x in X[:3]:
        uv = (x - through.origin) @ through.axes.T
        assert (np.abs(uv) <= through.half).all()
        assert uv @ through.axes + through.origin == pytest.approx(x)
    scores = np.array([[2.0, 1], [9, 1], [0, 1], [0, 5]])
    assert far_pair(scores, np.array([0, 0, 1, 1])) == (1, 3)
    assert far_pair(scores[:, :1], None) == (2, 1)
    assert far_pair(scores[:1], np.array([0])) is None


def page_of(net, X, **options):
    view = view_network(net, X, **options)
    return view, render_network_report(view, title="A <net>")


def text_of(page):
    return html.unescape(re.sub(r"<[^>]+>", " ", page)).replace("\xa0", " ")


def test_page_says_what_was_found(net):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    view, page = page_of(net, X, labels=net(X).argmax(axis=1), columns=["a<b", "c"])
    text = " ".join(text_of(page).split())
    assert f"{view.slice.n_regions:,} linear regions" in text
    assert f"lie in {view.rows.n_regions} regions" in text
    assert "80 of 80 rows" in text
    for i, n in enumerate(view.slice.n_regions_per_layer):
        assert f"after relu{i} : {n:,} regions" in text
    assert f"passes {view.line.n_pieces} regions" in text
    assert "<net>" not in page
    assert "a<b" not in page
    assert len(page.encode()) < 1_000_000
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert "<script" not in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


@pytest.mark.parametrize(
    ("sizes", "m", "labels"),
    [
        ([1, 8, 1], 20, None),
        ([2, 8, 1], 20, "numbers"),
        ([6, 8, 8, 1], 30, "two"),
        ([6, 8, 8, 3], 30, "text"),
        ([3, *[5] * 15, 2], 12, None),
        ([2, 5, 2], 1, None),
        ([2, 5, 2], 0, None),
    ],
)
def test_page_of_any_network(sizes, m, labels):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(m, sizes[0]))
    kinds = {
        "numbers": rng.normal(size=m),
        "two": np.arange(m) % 2,
        "text": np.array(["<i>", "b", "&"])[np.arange(m) % 3],
    }
    view, page = page_of(mlp(sizes, seed=1), X, labels=kinds.get(labels))
    assert "<i>" not in page
    assert "nan" not in re.sub(r"base64,[^\"]+", "", page).lower()
    assert view.has_classes == (labels == "two" or sizes[-1] > 1)


def test_rows_that_are_all_the_same_have_no_plane_and_no_line():
    view, page = page_of(mlp([3, 5, 2]), np.ones((6, 3)))
    assert view.slice is None
    assert view.line is None
    assert "No slice" in page
    assert (view.rows.n_regions, view.rows.rows_in_region.max()) == (1, 6)


def test_page_stays_small_and_says_what_is_left_out():
    net, X = mlp([2, 128, 128, 128, 4], seed=0), np.random.default_rng(0).normal(size=(4000, 2))
    view, page = page_of(net, X)
    assert view.slice.n_regions > 20_000
    assert len(page.encode()) <= 1_000_000
    assert "too many to be filled one by one" in page
    assert "rows are drawn, evenly picked" in text_of(page)


def test_page_of_a_partial_slice(net):
    view, page = page_of(net, np.random.default_rng(0).normal(size=(9, 2)), max_regions=60)
    assert view.slice.partial
    assert "slice is partial" in page
    assert "by class" not in page
    assert "not counted" in page
    with pytest.raises(hw.DataError, match="partial"):
        draw_slice(view.slice, color="class")
    draw_slice(view.slice)


def test_page_is_written_whole_and_never_over_another(net, tmp_path):
    path = tmp_path / "net.html"
    X = np.random.default_rng(0).normal(size=(9, 2))
    assert hw.report.write_network_report(net, X, path) == path
    with pytest.raises(hw.FileError, match="exists already"):
        hw.report.write_network_report(net, X, path)
    hw.report.write_network_report(net, X, path, force=True, plane=None, line=None)
    assert "The partition" not in path.read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["net.html"]


def test_page_stands_in_a_browser(net, tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 2))
    _, page = page_of(net, X)
    dom = dumped(page, tmp_path)
    assert dom.count("<figure") == page.count("<figure")
