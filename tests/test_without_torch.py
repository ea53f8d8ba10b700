"""What can be imported without PyTorch: all but the modules that are left out of the tests then."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMPORT_ALL = """
import importlib, pkgutil, sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NoTorch())
import hullwise
for module in pkgutil.walk_packages(hullwise.__path__, "hullwise."):
    if module.name != "hullwise.__main__":
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            assert error.name.partition(".")[0] == "torch", error
            print(module.name)
"""


def test_modules_that_need_torch_are_those_that_are_listed():
    listed = set(re.findall(r'"src/(hullwise/[\w/]+)\.py"', (ROOT / "conftest.py").read_text()))
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == {name.replace("/", ".") for name in listed}
