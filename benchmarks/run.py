"""Run every benchmark and write its tables into README.md.

    python benchmarks/run.py --data FOLDER            # about 20 minutes
    python benchmarks/run.py --only growth oracle
    python benchmarks/run.py --quick                  # small sizes, printed and not written

FOLDER holds mnist.npz and a folder delaunay. Each benchmark is a script of its own and runs in a
process of its own, one after another.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from _measure import machine, parser

HERE = Path(__file__).parent
SCRIPTS: dict[str, tuple[str, ...]] = {
    "mnist": (),
    "gaussian": (),
    "oracle": (),
    "growth": (),
    "ellipsoid": (),
    "file": (),
    "out_of_core": (),
    "first_command": (),
    "peers": (),
    "delaunay": (),
    "triangulation": (),
    "interpolants": (),
    "smoothers": (),
    "scale": (),
    "calibration": (),
    "band_coverage": (),
    "slices": (),
    "live": (),
    "points": (),
    "guard": (),
    "rfm": (),
    "agop": (),
    "metric": (),
    "domain": ("--large", "10000000"),
    "cluster": (),
    "patches": (),
    "gaussian_study": (),
    "next": ("--seeds", "3"),
}
QUICK: dict[str, tuple[str, ...]] = {
    "mnist": ("--m", "500", "--distances", "64", "--peer", "0", "--repeat", "1"),
    "gaussian": ("--n", "2000", "--m", "200", "--hard-n", "0", "--peer", "5", "--repeat", "1"),
    "oracle": ("--n", "10000", "--b", "256", "--repeat", "1"),
    "growth": ("--shrink", "10", "--repeat", "1"),
    "ellipsoid": ("--n", "5000", "--d", "10", "--peer-seconds", "1"),
    "file": ("--n", "200000"),
    "out_of_core": ("--gigabytes", "1", "--m", "200"),
    "first_command": (),
    "peers": ("--peer", "5", "--repeat", "1"),
    "delaunay": ("--repeat", "5"),
    "triangulation": ("--n", "1000", "--d", "2", "4"),
    "interpolants": ("--folds", "1"),
    "smoothers": ("--sets", "diabetes", "wine"),
    "scale": ("--n", "250000", "--m", "100"),
    "calibration": ("--splits", "1", "--rows", "600"),
    "band_coverage": ("--tables", "4"),
    "slices": ("--repeat", "1", "--shapes", "2"),
    "live": ("--frames", "10", "--shapes", "1"),
    "points": ("--m", "500", "--repeat", "1"),
    "guard": ("--seeds", "1", "--rows", "500"),
    "rfm": ("--seeds", "1", "--rows"),
    "agop": ("--n", "2000", "--repeat", "1"),
    "metric": ("--shrink", "10", "--repeat", "1"),
    "domain": (),
    "cluster": ("--n", "300000", "--repeat", "2"),
    "patches": ("--sizes", "2", "8", "28"),
    "gaussian_study": ("--short",),
    "next": ("--parts", "plane"),
}
NEEDS_DATA = {"mnist": "mnist.npz", "patches": "mnist.npz", "delaunay": "delaunay/*.npz"}
USES_DATA = (*NEEDS_DATA, "gaussian", "points", "agop", "metric")


def fill(text: str, name: str, body: str) -> str:
    """The text with what stands between the markers of `name` replaced."""
    marks = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    pattern = re.compile(re.escape(marks[0]) + ".*?" + re.escape(marks[1]), re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"README.md has no {marks[0]} ... {marks[1]}")
    return pattern.sub(lambda _: f"{marks[0]}\n{body.strip()}\n{marks[1]}", text)


def run(name: str, arguments: list[str]) -> str | None:
    """What a script prints, also shown as it comes; None where it failed."""
    command = [sys.executable, str(HERE / f"{name}.py"), *arguments]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return None if process.returncode else "".join(lines)


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--data", type=Path, metavar="FOLDER", help="folder of the data")
    p.add_argument("--peer", type=Path, metavar="FOLDER", help="edge_subdivision.py, for slices")
    p.add_argument("--before", type=Path, metavar="FOLDER", help="another checkout, for live")
    p.add_argument("--only", nargs="+", choices=SCRIPTS, default=list(SCRIPTS))
    p.add_argument("--quick", action="store_true", help="small sizes; README.md is left alone")
    args = p.parse_args()
    readme, failed = HERE / "README.md", []
    where = machine()  # before the benchmarks load it
    for name in args.only:
        print(f"\n## {name}\n", flush=True)
        if name in NEEDS_DATA and args.data is None:
            print(f"Not run: it needs --data FOLDER with {NEEDS_DATA[name]}.")
            continue
        arguments = list((QUICK if args.quick else SCRIPTS)[name])
        if args.data is not None and name in USES_DATA:
            arguments += ["--data", str(args.data)]
        if args.peer is not None and name == "slices":
            arguments += ["--peer", str(args.peer)]
        if args.before is not None and name == "live":
            arguments += ["--before", str(args.before)]
        start = time.perf_counter()
        said = run(name, arguments)
        if said is None:
            failed.append(name)
        elif not args.quick:
            took = f"{date.today()}, the whole script in {time.perf_counter() - start:.0f} s."
            readme.write_text(fill(readme.read_text(), name, f"{took}\n\n{said}"))
    if not args.quick:
        readme.write_text(fill(readme.read_text(), "machine", where))
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
