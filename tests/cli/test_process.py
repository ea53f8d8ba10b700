"""The command line as a process: start, pipes, terminals, signals, and the demo."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import cli_input
import hullwise as hw
from cli_input import COLUMNS, SOURCE, process, run, write_csv
from hullwise.io.table_reader import read_table

# Fixtures are found by their names in the module that uses them.
tables, files = cli_input.tables, cli_input.files


# ---- the process ------------------------------------------------------------------------------


def test_help_and_the_first_line_import_nothing_numeric(files):
    numeric = "{'numpy', 'numba', 'scipy', 'sklearn', 'pyarrow', 'matplotlib', 'pandas'}"
    code = (
        "import sys; from hullwise.cli import main\n"
        "for args in (['--help'], ['locate', '--help'], ['demo', '--help'], ['--version']):\n"
        "    main(args, standalone_mode=False)\n"
        f"found = {numeric} & set(sys.modules)\n"
        "assert not found, found\n"
        "sys.modules['numpy'] = None\n"
        f"main(['locate', {files[0]!r}, {files[1]!r}])\n"
    )
    env = os.environ | {"PYTHONPATH": SOURCE}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 70, done.stderr
    assert "Exit codes:" in done.stdout
    assert f"hullwise, version {hw.__version__}" in done.stdout
    assert done.stderr.startswith(f"hullwise {hw.__version__}: locating ")


def test_second_run_compiles_nothing_and_a_closed_cache_does_no_harm(files):
    args = ["locate", *files, "--target", "y", "--id", "id"]
    # Whatever the caller's cache, the first run fills the one that the second falls back to.
    for folder in ("", "/proc/no/such/folder"):
        done = process(*args, env={"NUMBA_CACHE_DIR": folder})
        out, error = done.communicate()
        assert done.returncode == 0, error
    assert "compiling" not in error
    assert "located in" in error
    assert "Where the new rows stand" in out


def test_compiling_is_announced_before_it_happens():
    from numba import njit
    from numba.core import event

    from hullwise._core.compilation import CompileListener, compile_ahead
    from hullwise.geometry.warm_up import compile_locate

    compile_locate()
    said = []
    assert compile_ahead(compile_locate, lambda: said.append("again")) == 0.0
    assert said == []

    @njit
    def add(x):
        return x + 1

    with event.install_listener("numba:compile", CompileListener(lambda: said.append("now"))):
        add(1)
        add(1.5)
    assert said == ["now"]


def test_closed_pipe_and_full_disk(files, tmp_path):
    Q = np.random.default_rng(0).normal(size=(1500, 3))
    new = write_csv(tmp_path / "many.csv", COLUMNS, Q.tolist())
    env = os.environ | {"PYTHONPATH": SOURCE}
    command = f"{sys.executable} -m hullwise locate {files[0]} {new} --target y -q"
    shell = f"set -o pipefail; {command} -o - | head -n 1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, env=env)
    assert done.returncode == 141, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("row,verdict,band,")
    if Path("/dev/full").exists():
        for target in ("-o - > /dev/full", "-o /dev/full"):
            shell = f"{command} {target}"
            done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, env=env)
            assert done.returncode == 3, done.stderr
            assert "No space left on device" in done.stderr
            assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="shell redirection")
@pytest.mark.parametrize("args", [["-o", "-"], []])
def test_closed_standard_output_is_one_sentence_before_anything_is_done(files, args):
    command = [sys.executable, "-m", "hullwise", "locate", *files, "--target", "y", "--id", "id"]
    shell = shlex.join([*command, *args]) + " >&-"
    env = os.environ | {"PYTHONPATH": SOURCE}
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, env=env)
    assert done.returncode == 3, done.stderr
    first, second = done.stderr.splitlines()
    assert first.startswith("hullwise ")
    assert second.startswith("hullwise: standard output: is closed")


@pytest.mark.skipif(os.name != "posix", reason="shell redirection")
def test_closed_streams_do_no_harm_where_they_are_not_needed(files, tmp_path):
    out = tmp_path / "out.csv"
    command = [sys.executable, "-m", "hullwise", "locate", *files, "--target", "y", "--id", "id"]
    env = os.environ | {"PYTHONPATH": SOURCE}
    for args, redirection in ((["-q", "-o", str(out)], "<&- >&- 2>&-"), (["-o", "-"], "2>&-")):
        shell = f"{shlex.join([*command, *args])} {redirection}"
        done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, env=env)
        assert done.returncode == 0, done.stderr
    assert done.stdout == out.read_text()


def test_quiet_prints_nothing_but_errors(tmp_path):
    """Not even what the data deserve to be warned of, which is said once otherwise."""
    rows = [[i, 1e9 + i, 5.0, i % 3] for i in range(30)]
    train = write_csv(tmp_path / "train.csv", ["a", "b", "c", "y"], rows)
    for command in (["locate"], ["locate", "--metric", "rfm"], ["predict"]):
        args = [command[0], train, train, "--target", "y", *command[1:]]
        notes = [line for line in run(*args).stderr.splitlines() if line.startswith("note: ")]
        assert notes
        assert len(set(notes)) == len(notes)
        quiet = run(*args, "-q", "-o", tmp_path / "out.csv", "--force")
        assert quiet.stdout == quiet.stderr == ""


def test_ascii_terminals_get_ascii(files):
    env = {"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    done = process("locate", *files, "--target", "y", "--id", "id", env=env)
    out, error = done.communicate()
    assert done.returncode == 0, error
    assert out.isascii()
    assert "###" in out


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
def test_progress_is_drawn_on_a_terminal_only(files):
    import pty

    args = ["locate", *files, "--target", "y", "--id", "id"]
    assert "of 20" not in run(*args).stderr
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "hullwise", *args],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=os.environ | {"PYTHONPATH": SOURCE, "TERM": "xterm", "COLUMNS": "90"},
    )
    os.close(theirs)
    seen = b""
    # Linux says by an error that the other end has gone.
    with os.fdopen(ours, "rb", buffering=0) as stream, contextlib.suppress(OSError):
        while part := stream.read(65536):
            seen += part
    assert running.wait() == 0, seen
    assert re.search(rb"\d+ of \d+", seen)
    assert b"\x1b[?25h" in seen  # the cursor is back


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_stops_at_once_and_leaves_no_file(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "X.npy", rng.normal(size=(30_000, 60)))
    np.save(tmp_path / "Q.npy", rng.normal(size=(20_000, 60)))
    out = tmp_path / "out.csv"
    running = process("locate", tmp_path / "X.npy", tmp_path / "Q.npy", "-o", out)
    assert running.stderr is not None
    assert running.stderr.readline().startswith("hullwise ")
    time.sleep(2.5)
    assert running.poll() is None, "the job is too small for this test"
    running.send_signal(signal.SIGINT)
    start = time.monotonic()
    _, error = running.communicate(timeout=30)
    assert time.monotonic() - start < 10
    assert running.returncode == 130
    assert "stopped; nothing was written" in error
    assert "Traceback" not in error
    assert [p.name for p in tmp_path.iterdir() if p.suffix != ".npy"] == []


def test_demo_shows_what_a_random_split_hides(tmp_path):
    report = tmp_path / "demo.html"
    text = run("demo", "--report", report).stdout
    shares = {
        line.split("  ")[1].strip() or line.split()[0]: float(line.split()[-2])
        for line in text.splitlines()
        if line.strip().startswith(("a random split", "8 new patients"))
    }
    assert len(shares) == 2
    low, high = shares.values()
    assert high > 2 * low
    assert "hullwise locate train.csv new.csv --target COL" in text
    words = " ".join(text.split())
    assert words.count("CC BY 4.0") == words.count("CC0") == 1
    assert re.search(r"Chinstrap \(never seen\) 24 0 \d \d+ \d+ 9\d", words)
    assert max(map(len, text.splitlines())) <= 80
    assert report.stat().st_size <= 1_000_000
    assert "--force" in run("demo", "--report", report, code=3).stderr


def test_demo_writes_tables_to_try(tmp_path, monkeypatch):
    from hullwise.samples import load

    monkeypatch.chdir(tmp_path)
    error = run("demo", "--write", ".").stderr
    lines = error.splitlines()
    seen, new = "penguins_seen.csv", "penguins_new.csv"
    assert lines[0] == f"written: {seen} (180 rows) and {new} (120 rows),"
    assert lines[1] == "of numbers seen.csv (400 rows) and new.csv (104 rows),"
    assert lines[2] == "for hullwise dissect spirals.onnx and spirals.csv. Try:"
    names = ["new.csv", new, seen, "seen.csv", "spirals.csv", "spirals.onnx"]
    assert sorted(p.name for p in tmp_path.iterdir()) == names
    for line in lines[3:]:
        run(*line.split()[1:])
    fires = load("forest_fires")
    for name, part in (("seen.csv", slice(400)), ("new.csv", slice(400, None))):
        table = read_table(name)
        assert table.columns == (*fires.columns, fires.target)
        np.testing.assert_array_equal(table.values, np.c_[fires.X, fires.y][part])
    out = run("locate", "seen.csv", "new.csv", "--target", fires.target).stdout
    assert "seen.csv: 400 rows" in out


def test_demo_replaces_no_table_unasked(tmp_path):
    (tmp_path / "new.csv").write_text("mine")
    error = run("demo", "--write", tmp_path, code=3).stderr
    assert "new.csv: exists already" in error
    assert "--force" in error
    assert [p.name for p in tmp_path.iterdir()] == ["new.csv"]
    assert (tmp_path / "new.csv").read_text() == "mine"
    run("demo", "--write", tmp_path, "--force")
    assert read_table(tmp_path / "new.csv").n == 104
    assert "there is no folder" in run("demo", "--write", tmp_path / "no", code=3).stderr
    assert "--report" in run("demo", "--write", tmp_path, "--report", "r.html", code=2).stderr


def test_a_ctrl_c_that_a_library_loses_is_obeyed(files, monkeypatch):
    """As in a callback from compiled code, where Python prints the exception and goes on."""
    from hullwise.cli import _compiling

    real = _compiling.compile_ahead

    def lose(*announce):
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return real(*announce)

    monkeypatch.setattr(_compiling, "compile_ahead", lose)
    args = ["locate", *files, "--target", "y", "--id", "id"]
    assert "stopped; nothing was written" in run(*args, code=130).stderr
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
