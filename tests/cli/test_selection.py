"""`hullwise locate --fdr`: the table, the terminal, the summary, and where it is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from hullwise.cli import main


@pytest.fixture
def tables(tmp_path):
    rng = np.random.default_rng(59)
    train = pd.DataFrame(rng.normal(size=(300, 3)), columns=["a", "b", "c"])
    new = pd.DataFrame(rng.normal(size=(50, 3)), columns=["a", "b", "c"])
    new.iloc[[4, 9]] += 9
    train.to_csv(tmp_path / "train.csv", index=False)
    new.to_csv(tmp_path / "new.csv", index=False)
    train.assign(shop=np.arange(300) % 3).to_csv(tmp_path / "shops.csv", index=False)
    new.assign(shop=np.arange(50) % 3).to_csv(tmp_path / "new_shops.csv", index=False)
    return tmp_path


@pytest.mark.parametrize(
    ("train", "new", "options"),
    [("train.csv", "new.csv", []), ("shops.csv", "new_shops.csv", ["--category", "shop"])],
)
def test_rows_are_selected(tables, train, new, options, monkeypatch):
    monkeypatch.chdir(tables)
    files = ["-o", "where.csv", "--summary", "where.json"]
    result = CliRunner().invoke(main, ["locate", train, new, "--fdr", ".1", *options, *files])
    assert result.exit_code == 0, result.output
    where = pd.read_csv("where.csv")
    assert where["selected"].sum() >= 2
    assert where["selected"][[4, 9]].all()
    assert (where["selected"] == (where["adjusted_p_value"] <= 0.1)).all()
    assert where.columns[-1] == "status"
    figures = json.loads((tables / "where.json").read_text())["selection"]
    assert figures["tested"] == 50
    assert {4, 9} <= {*figures["names"]}
    text = " ".join(result.output.split())
    assert "of 50 rows selected at a false discovery rate of 0.1" in text


def test_without_it_nothing_is_selected(tables, monkeypatch):
    monkeypatch.chdir(tables)
    CliRunner().invoke(main, ["locate", "train.csv", "new.csv", "--summary", "where.json"])
    assert json.loads((tables / "where.json").read_text())["selection"] is None


@pytest.mark.parametrize("option", [["--membership-only"], ["--reference", "0"]])
def test_it_needs_rows_left_out(tables, option, monkeypatch):
    monkeypatch.chdir(tables)
    result = CliRunner().invoke(main, ["locate", "train.csv", "new.csv", "--fdr", ".1", *option])
    assert result.exit_code == 2
    assert option[0] in result.output
