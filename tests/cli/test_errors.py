"""`hullwise errors`: the judgement in words, its table and page, and options that do not fit."""

import numpy as np
import pandas as pd
import pytest

import hullwise as hw
from cli_input import network_weights, read_rows, run, save_network
from hullwise.model import read


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("errors")
    rng = np.random.default_rng(0)

    def table(n, spread):
        X = rng.normal(size=(n, 3)) * spread
        y = (X**2).sum(axis=1)
        columns = {"age": X[:, 0], "dose": X[:, 1], "weight": X[:, 2], "y": y}
        return pd.DataFrame(columns).assign(id=[f"p{i}" for i in range(n)])

    train, test = table(300, 1.0), table(500, 1.4)
    test["yhat"], test["doubt"] = 3.0, rng.random(500)
    test["patient"] = np.repeat(np.arange(25), 20)
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    run(
        "fit", folder / "train.csv", "--target", "y", "--id", "id", "-q", "-o", folder / "seen.hull"
    )
    return folder / "seen.hull", folder / "test.csv", test


def errors_of(seen, *args, code=0):
    return run("errors", seen[0], seen[1], "--truth", "y", *args, code=code)


def test_the_answer_is_that_of_python(seen, tmp_path):
    out = tmp_path / "profile.csv"
    done = errors_of(seen, "--prediction", "yhat", "--peer", "doubt", "-o", out)
    profile = hw.error_profile(
        hw.load(seen[0]), seen[2], "y", "yhat", peers={"doubt": seen[2]["doubt"]}
    )
    text = " ".join(done.stdout.split())
    assert profile.sentence in text
    assert "The error grows with the distance: rank correlation" in text
    rows = read_rows(out.read_text())
    assert [row["notion"] for row in rows] == ["hull", "neighbours", "ellipsoid", "doubt"]
    for column, values in profile.to_dict().items():
        for row, value in zip(rows, values):
            if isinstance(value, float) and np.isfinite(value):
                assert float(row[column]) == pytest.approx(value)
    for k, band in enumerate(("core", "edge", "beyond", "far")):
        assert f"{band} {profile.by_band.rows[k]:,}" in text


def test_a_region_of_acceptance_is_that_of_python(seen):
    options = (
        "--at-most",
        "0.2",
        "--tolerance",
        "8",
        "--confidence",
        "0.8",
        "--notion",
        "neighbours",
    )
    text = " ".join(errors_of(seen, "--prediction", "yhat", *options).stdout.split())
    region = hw.acceptance_region(
        hw.load(seen[0]),
        seen[2],
        "y",
        "yhat",
        at_most=0.2,
        tolerance=8,
        confidence=0.8,
        notion="neighbours",
    )
    assert region.threshold > 0
    assert region.sentence in text
    assert region.comparison_sentence in text


def test_groups_bins_and_classes(seen, tmp_path):
    text = errors_of(seen, "--prediction", "yhat", "--group", "patient").stdout
    assert "in 25 groups" in text
    text = errors_of(seen, "--prediction", "yhat", "--classes", "--bins", "3").stdout
    assert "share of wrong classes  1" in text


def test_a_network_predicts(seen, tmp_path):
    path = save_network(tmp_path / "net.onnx", *network_weights([3, 4, 1]))
    done = errors_of(seen, "--model", path)
    profile = hw.error_profile(hw.load(seen[0]), seen[2], "y", read(path))
    assert profile.sentence in " ".join(done.stdout.split())


def test_the_page_has_the_curve_and_the_sentence(seen, tmp_path):
    page = tmp_path / "errors.html"
    errors_of(seen, "--prediction", "yhat", "--report", page, "-q")
    text = page.read_text(encoding="utf-8")
    assert "Does the error go with the distance?" in text
    assert 'aria-label="Mean error by distance, with limits"' in text
    assert "The error grows with the distance" in text


def test_options_that_do_not_go_together_are_named(seen):
    for options, words in (
        ((), "give one of them"),
        (("--prediction", "yhat", "--model", "net.onnx"), "give one of them"),
        (("--prediction", "yhat", "--tolerance", "2"), "--tolerance belongs to --at-most"),
        (("--prediction", "yhat", "--upto", "a"), "--upto belongs to --model"),
        (("--prediction", "yhat", "-o", "x.txt"), "ends in .csv"),
    ):
        assert words in errors_of(seen, *options, code=2).stderr
    error = errors_of(seen, "--prediction", "guess", code=3).stderr
    assert "lacks the column 'guess' of prediction" in error
    error = errors_of(seen, "--prediction", "yhat", "--at-most", "0.2", code=3).stderr
    assert "tolerance is missing" in error
