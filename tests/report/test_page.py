"""The report is one small file that draws itself, whatever the rows and columns are called."""

from __future__ import annotations

import html
import re
import stat
from pathlib import Path

import numpy as np
import pytest

from browser import browser, dumped  # noqa: F401
from hullwise.errors import FileError
from hullwise.report import render_report, write_report
from report_input import CASES, HOSTILE, box_location, content


@pytest.mark.parametrize("case", CASES)
def test_every_input_gives_a_small_valid_page(case):
    page = render_report(CASES[case](), title=HOSTILE[1])
    assert len(page.encode("utf-8")) <= 1_000_000
    assert page.count("<script") == page.count("</script") == 2
    assert "NaN" not in page.split('id="data">')[1].split("</script")[0]
    assert f"<title>{html.escape(HOSTILE[1])}</title>" in page
    assert content(page)["title"] == HOSTILE[1]
    assert page == render_report(CASES[case](), title=HOSTILE[1])


def test_page_loads_nothing_from_elsewhere():
    page = render_report(box_location())
    policy = html.unescape(re.search(r'Policy" content="([^"]*)"', page).group(1))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    addresses = set(re.findall(r"https?://[^\"' ]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not re.findall(r"\beval\(|new Function|innerHTML|outerHTML|document\.write", page)


def test_a_million_queries_stay_below_a_megabyte():
    m = 1_000_000
    given = box_location(m=m, d=3, n=50_000, spread=1.5)
    labels = np.full(m, "\U0001f600" * 100, dtype=object)
    page = render_report(box_location(m=m, d=3, n=50_000, spread=1.5, labels=labels))
    assert len(page.encode("utf-8")) <= 1_000_000
    page = render_report(given)
    assert len(page.encode("utf-8")) <= 1_000_000
    chart = content(page)["map"]
    assert len(chart["x"]) == 3000
    far = int(np.sum(given.band == "far"))
    assert f"and 3,000 of your 1,000,000: 2,400 of {far:,} far ones" in chart["drawn"]
    assert sum(b["count"] for b in content(page)["headline"]["bands"]) == m


def test_long_names_shrink_the_map_before_the_page_grows(monkeypatch):
    from hullwise.report import report

    whole = content(render_report(box_location(m=3000)))
    monkeypatch.setattr(report, "PAGE_SIZE_LIMIT", 150_000)
    page = render_report(box_location(m=3000))
    assert len(page.encode("utf-8")) <= 150_000
    assert len(content(page)["map"]["x"]) < len(whole["map"]["x"]) == 3000


def test_written_whole_never_over_another_file(tmp_path):
    given = box_location(m=5)
    path = tmp_path / "sub dir é.html"
    assert write_report(given, path) == path
    assert path.read_text(encoding="utf-8") == render_report(given)
    assert stat.S_IMODE(path.stat().st_mode) & 0o200
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(FileError, match=r"exists already.*force"):
        write_report(given, path)
    assert path.read_text(encoding="utf-8") == "mine"
    write_report(given, str(path), force=True)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_places_that_cannot_hold_a_report(tmp_path, monkeypatch):
    given = box_location(m=5)
    with pytest.raises(FileError, match="is a folder"):
        write_report(given, tmp_path)
    with pytest.raises(FileError, match="there is no folder"):
        write_report(given, tmp_path / "missing" / "report.html")

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(FileError, match="No space left"):
        write_report(given, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("case", CASES)
def test_page_draws_itself_in_a_browser(case, tmp_path):
    dom = dumped(render_report(CASES[case]()), tmp_path)
    head = dom[: dom.index("<head")]
    assert 'data-ready="true"' in head
    assert "data-error" not in head
    assert "data-broken" not in head
    drawn = re.sub(r"<script.*?</script>", "", dom, flags=re.S)
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", drawn)
    if "member" in case:
        assert titles == ["What other definitions say", "How this was made", "Words"]
    else:
        assert titles[:3] == ["How far out the rows are", "Where they lie", "What pushes rows out"]
        assert len(titles) == 7
    shown = drawn[drawn.index("<main") :]
    assert not re.search(r"NaN|undefined|Infinity|\[object", shown)


def test_hostile_names_stay_text_in_a_browser(tmp_path):
    dom = dumped(render_report(CASES["hostile names"](), title=HOSTILE[1]), tmp_path)
    drawn = re.sub(
        r"<script(?: type=\"application/json\" id=\"data\")?>.*?</script>", "", dom, flags=re.S
    )
    # All that is left of the names is escaped text: no element came of them.
    assert "<script" not in drawn
    assert "<img" not in drawn
    assert "&lt;script&gt;" in drawn
    assert "&lt;img src=x onerror" in drawn
