"""What all studies share: parts, tables and charts as one page and as text."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from hullwise.errors import FileError
from hullwise.report.charts import Series, line_chart
from hullwise_studies._page import study_page, write_page
from hullwise_studies._runs import existing_folder
from hullwise_studies._study import Chart, Part, Study
from hullwise_studies._tables import Finding, Table
from hullwise_studies._terminal import print_study

TABLE = Table("one", "One <table>", ("name", "A | x", "A | y"), (("a", 1, 0.5), ("b", None, 2.0)))
DRAWN = line_chart(
    [
        Series("first", [1, 2, 4], [0.1, 0.5, float("nan")], [0.0, 0.4, 0.2], [0.2, 0.6, 0.4]),
        Series("second", [1, 2, 4], [0.1, 0.5, 0.5], dashed=True),
    ],
    label="two lines",
    x_label="n",
    y_label="share",
    log=(True, False),
)
STUDY = Study(
    "some",
    "Some & more",
    "What was asked.",
    (Part("First", "Text.", (Chart(DRAWN, "Lines."),), (TABLE,)),),
    (Finding("It differs", "By < 1.", Table("two", "Two", ("k",), ((1,),))),),
    (("n", "as told"),),
)


def test_tables_of_parts_and_findings_are_found_by_name():
    assert set(STUDY.tables) == {"one", "two"}
    assert repr(STUDY) == "Study(some: 1 parts, 2 tables)"


def test_the_page_is_well_formed_and_escapes_what_it_shows(tmp_path):
    path = write_page(STUDY, tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    assert text == study_page(STUDY)
    assert "Some &amp; more" in text
    assert "One &lt;table&gt;" in text
    assert "By &lt; 1." in text
    opened: list[str] = []

    class Check(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "link", "path", "circle", "rect"):
                opened.append(tag)

        def handle_startendtag(self, tag, attrs):
            pass

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Check().feed(text)
    assert not opened
    with pytest.raises(FileError, match="exists"):
        write_page(STUDY, path)


def test_lines_leave_gaps_and_keep_names_apart():
    first, second = re.findall(r'class="line[^"]*" d="([^"]+)"', DRAWN)
    assert first.count("L") == 1
    assert second.count("L") == 2
    assert "NaN" not in DRAWN
    assert "nan" not in DRAWN
    places = [float(y) for y in re.findall(r'cy="([^"]+)"', DRAWN)]
    assert abs(places[0] - places[1]) >= 13.9
    assert DRAWN.count('class="hill"') == 1


def test_as_text_every_table_and_finding_is_shown():
    out = io.StringIO()
    print_study(Console(file=out, width=100), STUDY)
    for word in ("Some & more", "One <table>", "It differs", "By < 1.", "Two"):
        assert word in out.getvalue()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    assert existing_folder(None, "data") is None
    assert existing_folder(tmp_path, "data") == tmp_path
    with pytest.raises(FileError, match=r"is no folder; cache= \(--cache\) names one"):
        existing_folder(tmp_path / "none", "cache")
