"""Tables that newcomers bring: spaces between values, text of one level."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from hullwise.cli import main

SPACED = "a b site\n" + "".join(f"{i} {i * i % 7} x\n" for i in range(20))
ALIGNED = SPACED.replace(" ", "   ")
ONE_LEVEL = "site\n" + 20 * "north\n"


@pytest.mark.parametrize("command", [["fit", "t.csv"], ["locate", "t.csv", "t.csv"]])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SPACED, "values are separated by spaces, not by commas or tabs; pass --sep ' '"),
        (
            ALIGNED,
            "by spaces, not by commas or tabs; save the file with one of these",
        ),
    ],
)
def test_what_is_wrong_and_what_to_do(tmp_path, monkeypatch, command, text, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(text)
    result = CliRunner().invoke(main, [*command, "-q"])
    assert result.exit_code == 3
    assert says in result.output


def test_text_of_one_level(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(ONE_LEVEL)
    result = CliRunner().invoke(main, ["fit", "t.csv", "-q"])
    assert result.exit_code == 3
    assert "no column is left to locate rows by: always the same: 'site'" in result.output


def test_spaces_as_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(SPACED)
    result = CliRunner().invoke(main, ["locate", "t.csv", "t.csv", "--sep", " "])
    assert result.exit_code == 0, result.output
    assert "20 rows" in result.output
