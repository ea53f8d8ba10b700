"""Compiled code where it cannot be kept, or where what was kept is damaged."""

import errno
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import pytest
from numba import config
from numba.core import caching

import hullwise
from hullwise._core.numba import _KernelCache

# Another user, who may read everything (Python may live in root's home) and write nothing.
READ = "dac_read_search"
ANOTHER_USER = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
ANOTHER_USER += [f"--{name}=-all,+{READ}" for name in ("inh-caps", "ambient-caps", "bounding-set")]
MODULE = """
from hullwise._core.numba import jit

@jit
def twice(x):
    return 2 * x

@jit
def thrice(x):
    return 3 * x
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    """A function that imports two kernels as a new process would, kept in `tmp_path`/cache."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(_KernelCache, "warned", False)
    path = tmp_path / "kernels.py"
    path.write_text(MODULE)

    def load():
        spec = importlib.util.spec_from_file_location("kernels", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def answers(kernels):
    """What two kernels of two types return, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        values = [f(x) for f in (kernels.twice, kernels.thrice) for x in (1, 0.5)]
    assert values == [2, 1.0, 3, 1.5]
    return [str(w.message) for w in caught]


def test_kernels_are_kept_and_found_again(load):
    assert answers(load()) == []
    kernels = load()
    assert answers(kernels) == []
    assert sum(kernels.twice.stats.cache_hits.values()) == 2


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_folder_that_is_full_or_read_only_when_saving_is_one_warning(load, monkeypatch, code):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(caching.IndexDataCacheFile, "save", refuse)
    (message,) = answers(load())
    assert os.strerror(code) in message
    assert "NUMBA_CACHE_DIR" in message


def test_a_folder_that_is_gone_when_saving_is_one_warning(load, tmp_path):
    kernels = load()
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("now a file")
    (message,) = answers(kernels)
    assert "NUMBA_CACHE_DIR" in message


def test_no_folder_at_all_is_one_warning(load, monkeypatch):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    (message,) = answers(load())
    assert "no folder" in message
    assert "NUMBA_CACHE_DIR" in message


@pytest.mark.parametrize("kind", ["*.nbi", "*.nbc"])
@pytest.mark.parametrize("damage", [b"", b"no pickle", None])
def test_damaged_files_are_compiled_anew_and_replaced(load, tmp_path, kind, damage):
    answers(load())
    files = list((tmp_path / "cache").rglob(kind))
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[:-9] if damage is None else damage)
    assert answers(load()) == []
    kernels = load()
    assert answers(kernels) == []
    assert sum(kernels.twice.stats.cache_hits.values()) == 2


def test_without_compilation_kernels_are_plain_functions():
    code = "from hullwise._core.numba import jit; print(jit(lambda x: 2 * x)(3))"
    env = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.stdout == "6\n", done.stderr


def test_another_user_on_a_read_only_tree_without_a_home():
    """As in a container: the command line and the API answer, with one warning in all."""
    command = [*ANOTHER_USER, sys.executable, "-c"]
    try:
        subprocess.run([*command, "import numba"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root can be another user")
    code = (
        "import hullwise as hw; from hullwise.cli import main\n"
        "main(['locate', 'seen.csv', 'new.csv'], standalone_mode=False)\n"
        "print(hw.locate([[0.0, 0], [1, 0], [0, 1]], [[0.2, 0.2]], reference=0).verdict)\n"
    )
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    try:
        package = Path(hullwise.__file__).parent
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(package, folder / "hullwise", ignore=ignore)
        (folder / "seen.csv").write_text("a,b\n0,0\n1,0\n0,1\n2,3\n1,1\n")
        (folder / "new.csv").write_text("a,b\n0.5,0.5\n")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        env = {"PATH": os.environ["PATH"], "HOME": "/proc", "PYTHONPATH": str(folder)}
        done = subprocess.run([*command, code], capture_output=True, text=True, env=env, cwd=folder)
    finally:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)
        shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
    assert "Where the new rows stand" in done.stdout
    assert done.stdout.rstrip().endswith("[1]")
    assert done.stderr.count("NUMBA_CACHE_DIR") == 1
    assert "Traceback" not in done.stderr
