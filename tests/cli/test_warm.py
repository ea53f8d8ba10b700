"""`hullwise warm`, and what an image with a read-only cache then compiles: nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hullwise

LOCATE = """
import warnings, numpy as np
warnings.simplefilter("error")
from hullwise._core.compilation import CompileListener, compile_ahead
import hullwise as hw

def locate():
    rows = [{"job": "ab"[i % 2], "age": i * i % 31, "size": i / 7} for i in range(90)]
    domain = hw.Domain().fit(rows)
    domain.locate_one({"job": "a", "age": 90, "size": 1.0})
    domain.locate(rows[:30])
    X = np.random.default_rng(0).normal(size=(20000, 3))
    hw.locate(X, X[:50] * 1.2, reference=20)

listener = CompileListener(None)
compile_ahead(locate, listener=listener)
print("compiled", listener.n_kernels)
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A copy of the package with its kernels for locating, and a home that is empty."""
    folder = tmp_path_factory.mktemp("image")
    source = Path(hullwise.__file__).parent
    shutil.copytree(source, folder / "hullwise", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "home").mkdir()
    return folder


def run(image, *command, cache=True, read_only=False):
    home = {"HOME": str(image / "home"), "PYTHONPATH": str(image), "PYTHONDONTWRITEBYTECODE": "1"}
    keep = {k: v for k, v in os.environ.items() if k not in ("HOME", "NUMBA_CACHE_DIR")}
    kernels = {"NUMBA_CACHE_DIR": str(image / "kernels")} if cache else {}
    line = [sys.executable, *command]
    if read_only and os.geteuid() == 0:  # whom no mode keeps from writing
        mount = f'mount --bind "{image}" "{image}" && mount -o remount,ro,bind "{image}" && '
        line = ["unshare", "-m", "sh", "-c", mount + 'exec "$@"', "sh", *line]
    done = subprocess.run(
        line, env=keep | home | kernels, capture_output=True, text=True, cwd=image
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr[:200]}")
    return done


WARM = ("-c", "from hullwise.cli import main; main(['warm', '--only', 'locate'])")


@pytest.mark.parametrize("cache", [True, False], ids=["NUMBA_CACHE_DIR", "beside the source"])
def test_after_warm_a_read_only_image_compiles_nothing(image, cache):
    done = run(image, *WARM, cache=cache)
    assert done.returncode == 0, done.stderr
    assert "kernels compiled in" in done.stderr
    folder = image / ("kernels" if cache else "hullwise")
    assert f"kept in {folder}" in done.stderr
    if os.geteuid():
        subprocess.run(["chmod", "-R", "a-w", image], check=True)
    try:
        again = run(image, "-c", LOCATE, cache=cache, read_only=True)
        warm = run(image, *WARM, cache=cache, read_only=True)
    finally:
        subprocess.run(["chmod", "-R", "u+w", image], check=True)
    assert again.returncode == 0, again.stderr
    assert again.stdout == "compiled 0\n"
    assert "every kernel was there" in warm.stderr
    shutil.rmtree(image / "kernels", ignore_errors=True)


def test_every_kind_of_work_is_compiled_by_its_name():
    from hullwise.cli import main
    from hullwise.cli._warm import WARM_UPS

    option = next(p for p in main.commands["warm"].params if p.name == "only")
    assert list(option.type.choices) == list(WARM_UPS)
