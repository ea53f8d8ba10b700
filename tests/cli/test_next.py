"""`hullwise next`: the path of a queue of simulations, and what it refuses."""

import json

import pytest

from cli_input import read_rows, run


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "bounds.csv").write_text(
        'name,low,high,role,levels\na,0,1,,\n"flow rate",0.001,10,log,\nkind,,,category,x|y\n'
    )
    rows = [
        f"{i * 7 % 10 / 10},{10 ** (i * 3 % 10 / 4 - 2)},{'xy'[i % 2]},{i * i % 7}"
        for i in range(20)
    ]
    (tmp_path / "sims.csv").write_text("a,flow rate,kind,y\n" + "\n".join(rows) + "\n")
    return tmp_path


def test_a_queue_of_simulations(folder):
    box, first = folder / "bounds.csv", folder / "first.csv"
    done = run("next", "--box", box, "-n", 6, "-o", first)
    assert "none yet" in done.stdout
    assert "6 rows written" in done.stderr
    rows = read_rows(first.read_text())
    assert list(rows[0])[:3] == ["a", "flow rate", "kind"]
    assert rows[0]["distance"] == ""
    # two came back, one of them failed, the rest is under way
    sims, pending = folder / "runs.csv", folder / "pending.csv"
    lines = [",".join(row[name] for name in ("a", "flow rate", "kind")) for row in rows]
    sims.write_text("a,flow rate,kind,y\n" + f"{lines[0]},2.5\n{lines[1]},\n")
    pending.write_text("a,flow rate,kind\n" + "\n".join(lines[2:]) + "\n")
    args = ["--target", "y", "--box", box, "--pending", pending, "-n", 3]
    done = run("next", sims, *args, "--constraint", 'a + "flow rate" <= 1')
    assert "1 run without a target (failed)" in " ".join(done.stdout.split())
    assert "6 runs, 4 of them under way" in done.stdout


def test_bend_report_and_formats(folder):
    args = [folder / "sims.csv", "--target", "y", "--box", folder / "bounds.csv", "-n", 2]
    done = run("next", *args, "--report", folder / "next.html", "-o", folder / "next.jsonl")
    assert "criterion  bend" in done.stdout
    assert "runs near here that are left out miss by" in " ".join(done.stdout.split())
    assert "report written to" in done.stderr
    assert "Where to run next" in (folder / "next.html").read_text()
    rows = [json.loads(line) for line in (folder / "next.jsonl").read_text().splitlines()]
    assert rows[0]["criterion"] > rows[1]["criterion"]
    done = run("next", *args, "-q", "-o", "-")
    assert len(read_rows(done.stdout)) == 2
    assert not done.stderr


def test_queries_candidates_and_a_domain(folder):
    sims, box = folder / "sims.csv", folder / "bounds.csv"
    args = [sims, "--target", "y", "--box", box]
    done = run("next", *args, "--queries", sims, "--criterion", "hull", code=3)
    assert "nothing is left to suggest by 'hull'" in done.stderr
    (folder / "q.csv").write_text("a,flow rate,kind\n0.33,0.5,x\n0.77,0.05,y\n")
    done = run("next", *args, "--queries", folder / "q.csv", "-o", "-", "-q")
    assert read_rows(done.stdout)[0]["a"] in ("0.33", "0.77")
    done = run("next", *args, "--candidates", folder / "q.csv", "-n", 5, "-o", "-", "-q")
    assert {row["a"] for row in read_rows(done.stdout)} == {"0.33", "0.77"}
    run("fit", sims, "--target", "y", "-o", folder / "seen.hull")
    done = run("next", sims, "--box", folder / "seen.hull", "-o", "-", "-q")
    assert 0 <= float(read_rows(done.stdout)[0]["a"]) <= 0.9
    run("fit", sims, "--target", "y", "--keep", "half-spaces", "-o", folder / "rules.hull")
    done = run("next", sims, "--box", folder / "rules.hull", code=3)
    assert "give a table of bounds" in done.stderr


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--constraint", "a * a <= 1"], 3, "multiplies or divides by a parameter"),
        (["--constraint", "kind <= 1"], 3, "these are 'a', 'flow rate'"),
        (["--constraint", "a >= 2"], 3, "give candidates of your own"),
        (["--target", "z"], 3, "no target 'z'"),
        (["--criterion", "risk"], 2, "needs --queries"),
        (["-o", "next.txt"], 2, ".csv, .parquet or .jsonl"),
        (["--pending", "nothing.csv"], 3, "nothing.csv"),
        (["-n", "0"], 2, "x>=1"),
    ],
)
def test_what_is_refused_says_what_to_do(folder, options, code, text):
    done = run("next", folder / "sims.csv", "--box", folder / "bounds.csv", *options, code=code)
    assert text in " ".join(done.stderr.split())


def test_no_output_replaces_an_input_and_a_target_needs_runs(folder):
    sims, box = folder / "sims.csv", folder / "bounds.csv"
    done = run("next", sims, "--box", box, "-o", sims, "--force", code=3)
    assert "is an input of this command" in done.stderr
    done = run("next", "--box", box, "--target", "y", code=2)
    assert "name the table of runs" in done.stderr
