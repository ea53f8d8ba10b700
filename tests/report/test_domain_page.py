"""The page of a domain's location: a mixed table in its own words, with and without scripts."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from browser import dumped
from html_nesting import Nesting
from hullwise.errors import DataError
from hullwise.report import render_report, write_report
from hullwise.report._domain_content import percentile_distribution
from hullwise.report.words import printable as short_line
from report_input import HOSTILE, content, located

JOBS = ["nurse", "clerk", "cook"]


def people(n, seed, names=("job", "age", "hour", "dose")):
    rng = np.random.default_rng(seed)
    job, age, hour, dose = names
    columns = {
        job: rng.choice([*JOBS, *JOBS, *JOBS, HOSTILE[0]], size=n),
        age: rng.integers(20, 60, size=n),
        hour: rng.uniform(0, 24, size=n),
        dose: np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
    }
    return pd.DataFrame(columns)


def new_people(names=("job", "age", "hour", "dose")):
    rows = people(80, 2, names)
    rows.loc[3, names[0]] = HOSTILE[7]
    rows.loc[4:6, names[1]] = np.nan
    rows.loc[9, names[1]] = 99
    return rows


@pytest.fixture(scope="module")
def location():
    return hw.Domain(periodic={"hour": 24}).fit(people(300, 1)).locate(new_people())


@pytest.fixture(scope="module")
def page(location):
    return render_report(location, title=HOSTILE[1])


def cases():
    names = tuple(HOSTILE[i] for i in (1, 2, 5, 7))
    grouped = people(300, 1).assign(patient=np.arange(300) // 10)
    new = new_people().assign(patient=np.arange(80) // 8 + 1000)
    plain = hw.Domain().fit(people(300, 1))
    return {
        "usual": lambda: plain.locate(new_people()),
        "no rows": lambda: plain.locate(new_people())[:0],
        "one row": lambda: plain.locate_one({"job": "cook", "age": 99, "hour": 3, "dose": None}),
        "inside": lambda: plain.locate(people(300, 1)[:5]),
        "hostile names": lambda: (
            hw.Domain()
            .fit(people(300, 1, names))
            .locate(new_people(names).set_axis([f"{i} {HOSTILE[i % 6]}" for i in range(80)]))
        ),
        "groups": lambda: hw.Domain(groups="patient").fit(grouped).locate(new),
        "segments": lambda: hw.Domain(by="job").fit(people(300, 1)).locate(new_people()),
        "no row located": lambda: plain.locate(new_people().assign(age=np.nan, hour=np.nan)[:1]),
    }


def main_of(text):
    return text[text.index("<main") : text.index("</main>") + len("</main>")]


@pytest.mark.parametrize("case", cases())
def test_every_page_is_well_formed_and_draws_itself(case, tmp_path):
    text = render_report(cases()[case](), title=HOSTILE[1], source={HOSTILE[0]: HOSTILE[1]})
    assert len(text.encode("utf-8")) <= 1_000_000
    assert text.count("<script") == text.count("</script") == 2
    reader = Nesting()
    reader.feed(main_of(text))
    assert not reader.open
    assert not reader.tags & {"script", "img", "style", "iframe"}
    assert not reader.attributes & {"style", "onerror", "src", "href"}
    dom = dumped(text, tmp_path)
    head = dom[: dom.index("<head")]
    assert 'data-ready="true"' in head
    assert "data-error" not in head
    assert "data-broken" not in head
    assert not re.search(r"NaN|undefined|Infinity|\[object|\bnan\b", main_of(dom))


def test_it_reads_without_its_script(page, location, tmp_path):
    dom = main_of(dumped(re.sub(r"<script.*?</script>", "", page, flags=re.S), tmp_path))
    for title in (
        "How far out the rows are",
        "What pushes rows out",
        "Levels never seen, and rare ones",
        "Rows with gaps",
        "What every column was taken for",
    ):
        assert f">{title}</h2>" in dom
    assert dom.count('<svg class="wide"') == 1
    assert "&lt;img src=x onerror" in dom
    assert " was never seen" in dom
    for column in location.coordinates.columns:
        assert f"<bdi>{column.name}</bdi>" in dom
    for row in location.summary().farthest[:20]:
        assert f". row {row}</bdi>" in dom
    assert "a circle of 24" in dom
    assert "This table needs its script" in page


def test_numbers_of_the_page_are_those_of_the_summary(page, location):
    summary, text = location.summary(), main_of(page)
    for band in ("core", "edge", "beyond", "far"):
        found = re.search(rf"</svg>{band}</span></span><b>([\d,]+)<small>", text)
        assert int(found.group(1)) == summary.bands[band]
    near = summary.bands["core"] + summary.bands["edge"]
    assert f'<p class="lead">{near} of 80\u00a0rows' in text
    gaps = {gap.without: gap.rows for gap in summary.gaps}
    for without, count in gaps.items():
        assert f'<bdi>{", ".join(without)}</bdi></th><td class="n">{count}</td>' in text


def test_rows_of_the_table_are_all_rows_the_farthest_first(page, location):
    rows = content(page)["rows"]
    farthest = location.summary().farthest
    assert len(rows["lines"]) == len(location)
    assert [line[0] for line in rows["lines"][: len(farthest)]] == [f"row {b}" for b in farthest]
    bands = ["core", "edge", "beyond", "far", "unknown"]
    for name, band, rank, _, reasons, without in rows["lines"]:
        row = int(name.removeprefix("row "))
        assert bands[band] == location.band[row]
        assert without == ", ".join(location.located_without(row))
        pushed = [column for column, _ in location.pushed_out_by(4)[row]]
        assert all(column in reasons for column in pushed)
        if rank is not None:
            assert rank == pytest.approx(location.hull_percentile[row], rel=1e-3)


def test_rows_can_be_opened_column_by_column(page, location):
    rows = content(page)["rows"]
    assert rows["columns"] == [column.name for column in location.coordinates.columns]
    assert len(rows["details"]) == len(location)
    for (name, *_), cells in zip(rows["lines"], rows["details"], strict=True):
        for column, (own, nearest, _) in zip(
            location.compare_columns(int(name.removeprefix("row "))), cells, strict=True
        ):
            shown = column.value and short_line(column.value)
            assert own == shown + " (never seen)" * column.is_unseen
            assert nearest == column.nearest


def test_the_name_of_a_row_opens_it(page, location, tmp_path):
    opened = page.replace(
        'root.dataset.ready = "true";',
        'root.dataset.ready = "true"; document.querySelector(".sorted tbody button").click();',
    )
    opened = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", opened)
    dom = main_of(dumped(opened, tmp_path))
    detail = dom[dom.index('class="detail"') :]
    farthest = location.summary().farthest[0]
    for column in location.compare_columns(int(farthest)):
        assert f"<bdi>{column.name}</bdi>" in detail
    assert ">nearest mixture</th>" in detail


def test_counts_of_the_figure_are_all_rows(location):
    data = percentile_distribution(location)
    counted = np.sum(data["queries"]) + sum(data["inside"]) + data["undecided"]
    assert counted == data["total"] == len(location)
    far = (location.band == "far").sum()
    assert data["queries"][3][-1] + data["inside"][3] == far
    references = sum(len(part.pattern.reference) for part in location.parts)
    assert data["trainingTotal"] == references


def test_a_script_makes_the_rows_a_table_to_search(page, tmp_path):
    dom = main_of(dumped(page, tmp_path))
    table = dom[dom.index('<table class="sorted"') :]
    assert table[: table.index("</table>")].count("<tr>") == 81
    assert 'type="search"' in dom


def test_a_long_table_lists_fewer_rows_and_says_so():
    domain = hw.Domain(reference=50).fit(people(300, 1))
    rows = people(9000, 3).set_axis([f"{'name ' * 8}{i}" for i in range(9000)])
    text = render_report(domain.locate(rows))
    assert len(text.encode("utf-8")) <= 1_000_000
    n_listed = len(content(text)["rows"]["lines"])
    assert n_listed < 9000
    assert f"{n_listed:,} of 9,000\u00a0rows, the farthest first;" in text


def test_groups_are_compared_on_the_page():
    location = cases()["groups"]()
    text = main_of(render_report(location))
    assert ">New groups, the farthest first</h2>" in text
    assert location.groups().text.split(":")[0] in text
    assert "<bdi>1000</bdi>" in text


def test_segments_are_counted_by_band():
    location = cases()["segments"]()
    text = main_of(render_report(location))
    assert ">Segments</h2>" in text
    clerks = location.segmented.names == "job 'clerk'"
    counts = [int((location.band[clerks] == band).sum()) for band in ("core", "edge", "beyond")]
    cells = "".join(f'<td class="n">{count}</td>' for count in (int(clerks.sum()), *counts))
    assert f"<bdi>job 'clerk'</bdi></th>{cells}" in text


def test_combinations_never_seen_are_a_section():
    rows = people(300, 1)
    nurses = (rows.job == "nurse") & (np.arange(300) % 2 == 0)
    rows["shift"] = np.where((rows.job == "cook") | nurses, "day", "night")
    new = people(40, 4).assign(shift="day")
    location = hw.Domain().fit(rows).locate(new)
    text = main_of(render_report(location))
    assert ">Levels never seen together</h2>" in text
    clerks = int((new.job == "clerk").sum())
    cells = f"<bdi>shift 'day'</bdi></td><td class=\"n\">{clerks}</td>"
    assert f"<bdi>job 'clerk'</bdi></th><td>{cells}" in text
    assert text.count("combine levels as no training row does") == 1


def test_rows_that_cannot_be_read_are_counted_apart(location):
    text = main_of(render_report(replace(location, unusable={0: "age holds 'x'", 7: "the same"})))
    assert "2\u00a0rows hold a cell that cannot be read: not located." in text
    assert "78\u00a0rows against 300 training rows" in text


def test_a_domain_has_one_reading(location, tmp_path):
    with pytest.raises(DataError, match="a domain has one reading"):
        render_report(location, task=located())
    path = tmp_path / "page.html"
    assert write_report(location, path, title="t") == path
    assert path.read_text(encoding="utf-8") == render_report(location, title="t")
