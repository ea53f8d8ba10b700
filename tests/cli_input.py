"""Tables, and ways to run the command line on them, for its tests."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import hullwise as hw
from hullwise.cli import main

SOURCE = str(Path(hw.__file__).parents[1])
COLUMNS = ["age", "dose", "weight"]


@pytest.fixture(scope="module")
def tables():
    """80 training rows with a target, 20 new ones: 19 like them and one far away."""
    rng = np.random.default_rng(1)
    X, Q = rng.normal(size=(80, 3)), rng.normal(size=(20, 3))
    Q[7] = [9.0, -9.0, 0.5]
    return X, rng.normal(size=80), Q


def write_csv(path, names, rows, sep=","):
    text = "\n".join([sep.join(names), *(sep.join(map(str, r)) for r in rows)]) + "\n"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def files(tables, tmp_path):
    X, y, Q = tables
    train = write_csv(tmp_path / "train.csv", [*COLUMNS, "y"], np.c_[X, y].tolist())
    ids = [["id", *COLUMNS], [[f"p{i}", *q] for i, q in enumerate(Q.tolist())]]
    return train, write_csv(tmp_path / "new.csv", *ids)


def run(*args, code=0, stdin=None):
    result = CliRunner().invoke(main, [str(a) for a in args], input=stdin)
    assert result.exit_code == code, (result.exit_code, result.stdout, result.stderr)
    assert "Traceback" not in result.stderr
    return result


def read_rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def process(*args, **options):
    env = os.environ | {"PYTHONPATH": SOURCE, "PYTHONWARNINGS": "error"} | options.pop("env", {})
    return subprocess.Popen(
        [sys.executable, "-m", "hullwise", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        **options,
    )
