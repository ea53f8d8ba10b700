"""A page reads without scripts: its sentences, figures and tables are in the file itself."""

from __future__ import annotations

import re

import numpy as np
import pytest

from browser import dumped
from html_nesting import Nesting
from hullwise.report import render_report
from hullwise.report._distribution_svg import DistributionLayout, logarithmic_ticks, round_ticks
from hullwise.report._html import element
from hullwise.report._map_svg import MAP_WIDTH, MapLayout
from hullwise.report._page import route
from report_input import CASES, HOSTILE, box_location, content, located


def main_of(page):
    return page[page.index("<main") : page.index("</main>") + len("</main>")]


@pytest.mark.parametrize("case", CASES)
def test_the_page_is_well_formed_and_has_no_handlers_or_styles_in_attributes(case):
    page = main_of(render_report(CASES[case](), title=HOSTILE[1]))
    reader = Nesting()
    reader.feed(page)
    assert not reader.open
    assert not reader.tags & {"script", "img", "style", "link", "iframe"}
    assert not {name for name in reader.attributes if name.startswith("on")} | (
        reader.attributes & {"style", "href", "src"}
    )
    assert not re.search(r"NaN|Infinity|\bnan\b|\binf\b|>None<", page)


def test_first_figures_are_there_without_scripts(tmp_path):
    location = located()
    page = render_report(location)
    without = re.sub(r"<script.*?</script>", "", page, flags=re.S)
    dom = dumped(without, tmp_path)
    assert "data-ready" not in dom
    shown = main_of(dom)
    summary = location.summary()
    strip = re.search(r'<svg class="strip".*?</svg>', shown, re.S).group()
    widths = [float(w) for w in re.findall(r'width="([\d.]+)%"', strip)[1:]]
    counts = [count for count in summary.bands.values() if count]
    assert widths == pytest.approx([100 * count / 80 for count in counts], abs=1e-2)
    for kind in ("wide", "narrow", "near"):
        assert f'<svg class="{kind}"' in shown
    for one in summary.features:
        assert f"<bdi>{one.name}</bdi>" in shown
    assert "nearest training rows: " in shown
    assert "The numbers behind this figure" in shown


def test_bars_of_the_figure_are_the_counts_of_the_content():
    page = render_report(box_location(m=500))
    data = content(page)["distribution"]
    wide = re.search(r'<svg class="wide".*?</svg>', page, re.S).group()
    bars = re.findall(r'<rect class="fill-far"[^>]*height="([\d.]+)"><title>(\d+) of', wide)
    at = DistributionLayout(data, 752)
    assert sum(int(count) for _, count in bars) == sum(data["queries"][3])
    for height, count in bars:
        expected = max(0.8, int(count) / data["total"] * at.scale)
        assert float(height) == pytest.approx(expected, abs=0.05)


def test_two_frames_can_be_chosen_without_a_script():
    page = render_report(box_location(m=300, spread=3))
    assert len(content(page)["map"]["views"]) == 2
    assert re.search(r'<input type="radio" name="frame" id="frame-near" checked>', page)
    assert page.count("data-layout=") == 2


def test_rows_are_drawn_where_the_map_says():
    at = MapLayout.fit([0.0, 2.0, -1.0, 1.0], False, 10)
    u, v = zip(at.place(0.0, -1.0), at.place(2.0, 1.0), strict=True)
    assert u[0] >= 0
    assert u[1] <= MAP_WIDTH
    assert v[1] < v[0] <= at.height
    assert u[1] - u[0] == pytest.approx(v[0] - v[1])
    assert at.place_within(1e9, 0.0)[0] == MAP_WIDTH - at.margin


def test_ticks_are_round_numbers():
    assert round_ticks(0.0, 0.23, 3) == pytest.approx([0.0, 0.1, 0.2])
    assert logarithmic_ticks(1e-3, 1e3, 4) == [1e-3, 1e-1, 1e1, 1e3]
    assert logarithmic_ticks(1.0, 9.0, 4) == [1, 2, 5]


@pytest.mark.parametrize(
    ("old", "by", "shown"),
    [
        (3.3, -1.5, ("3.3 → 1.8", "−1.5")),
        (0.01, -0.12, ("0.01 → −0.11", "−0.12")),
        (0.04, -0.04, ("0.040 → 0.000", "−0.040")),
        (2e-5, 1e-5, ("(2.0 → 3.0)\u00a0×\u00a010⁻⁵", "+1.0\u00a0×\u00a010⁻⁵")),
        (1e12, 5e11, ("1\u00a0×\u00a010¹² → 1.5\u00a0×\u00a010¹²", "+5\u00a0×\u00a010¹¹")),
    ],
)
def test_a_change_is_shown_with_the_decimals_that_it_needs(old, by, shown):
    assert route(old, by) == shown


def test_whatever_is_put_in_an_element_is_escaped():
    made = element(
        "td", {"title": HOSTILE[3], "class": None}, HOSTILE[1], element("b", "x"), [HOSTILE[0]]
    )
    assert made == (
        '<td title="&quot;quoted&quot; &amp; &#x27;single&#x27;">'
        "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;<b>x</b>&lt;script&gt;</td>"
    )


def test_layout_keeps_distances_on_the_axis():
    data = content(render_report(box_location(m=100)))["distribution"]
    for width in (752, 348):
        at = DistributionLayout(data, width)
        places = [at.at(v) for v in data["edges"]]
        assert places == sorted(places)
        assert places[0] == at.x0
        assert places[-1] == pytest.approx(at.x1)
        assert np.isfinite(at.scale)
