"""The Gaussian figure of the study balestriero2021 to d = 20, against the exact probability.

    python benchmarks/gaussian_study.py                    # full: minutes
    python benchmarks/gaussian_study.py --short

Monte Carlo by certified membership: several clouds with several queries each, N to 1,000,000. The
standard error is between clouds.
"""

from __future__ import annotations

from _measure import clocked, compile_first, met, parser, show, warm

from hullwise_studies import balestriero2021


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--short", action="store_true")
    p.add_argument("--cache", metavar="FOLDER", help="go on from a run that was stopped")
    args = p.parse_args()
    compile_first()
    warm()
    run = clocked(lambda: balestriero2021.gaussian(full=not args.short, cache=args.cache))
    found = run.result.tables["gaussian"].to_dict()
    errors = found["Monte Carlo | standard error"]
    target = 0.01 if args.short else 0.005
    rows = [
        ("wall seconds", f"{run.wall:.0f}", "900", met(run.wall <= 900)),
        ("CPU seconds", f"{run.cpu:.0f}", "", ""),
        ("settings (d, N)", len(errors), "", ""),
        ("largest standard error", f"{max(errors):.4f}", target, met(max(errors) < target)),
        ("queries", f"{sum(found['Monte Carlo | queries']):,}", "", ""),
        ("undecided", sum(found["Monte Carlo | undecided"]), "0", ""),
    ]
    show(("what", "measured", "target", "met"), rows)
    for finding in run.result.findings:
        print(f"{finding.title}: {finding.text}\n")


if __name__ == "__main__":
    main()
