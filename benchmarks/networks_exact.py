"""Random networks of all layers that are read, against autograd and rational arithmetic.

    python benchmarks/networks_exact.py [--networks 1000] [--exact 300]

The networks are those of `tests/random_networks.py`: 2 to 5 of its kinds of layers between affine
maps, three inputs. Values, Jacobians, A x + b and what the network gives at the nearest wall are
compared with PyTorch; regions in a square of 2-4-3-1 networks with whole weights, their ReLUs
written in nine ways, are counted in fractions. Every test of an operator or a model that the onnx
package ships and that has an input of real numbers is read too, and compared with its answers.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from pathlib import Path

from _measure import parser, show

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
WRONG = 1e-11  # of the largest value: more than rounding


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--networks", type=int, default=1000)
    arguments.add_argument("--exact", type=int, default=300)
    options = arguments.parse_args()
    from random_networks import BLOCKS, faults, regions_and_exact

    worst: dict[str, float] = {}
    wrong = 0
    for seed in range(options.networks):
        errors = faults(seed)
        wrong += max(errors.values()) > WRONG
        worst = {key: max(worst.get(key, 0.0), float(value)) for key, value in errors.items()}
    counts = [regions_and_exact(seed) for seed in range(options.exact)]
    unlike = sum(found != exact for found, exact in counts)
    rows = [
        [f"{options.networks:,} random networks: {key}", f"{value:.1e}", f"{wrong}"]
        for key, value in worst.items()
    ]
    regions = sum(exact for _, exact in counts)
    rows.append([f"{options.exact:,} networks in fractions: {regions:,} regions", "", f"{unlike}"])
    show((f"{len(BLOCKS)} kinds of layers", "largest relative error", "networks wrong"), rows)
    corpus = onnx_tests()
    show(("tests of the onnx package", "examples"), [[k, f"{n:,}"] for k, n in corpus.items()])


def onnx_tests() -> Counter[str]:
    """What became of each example; the answers are in float32 or less."""
    import numpy as np

    import hullwise as hw
    from onnx_corpora import RECORDED_OTHERWISE, examples

    counts: Counter[str] = Counter()
    for example in examples():
        x = np.asarray(example.x, dtype=np.float64)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                net = hw.model.read(example.model, x.shape if x.ndim else None)
            except hw.HullwiseError as error:
                counts[_reason(str(error))] += 1
                continue
        y = np.asarray(example.y, dtype=np.float64).reshape(1, -1)
        outputs = net.model_outputs(x.reshape(1, -1))
        coarse = any(kind in example.name for kind in ("bfloat16", "bf16"))
        single = 1e-2 if example.x.dtype == np.float16 else max(example.rtol, 1e-3)
        tolerance = 2e-2 if coarse else single
        if outputs.shape != y.shape or not np.allclose(outputs, y, tolerance, tolerance / 100):
            known = example.name in RECORDED_OTHERWISE
            counts["read, recorded otherwise" if known else f"wrong: {example.name}"] += 1
        elif any("left out" in str(one.message) for one in caught):
            counts["read, a function at the end left out and put back"] += 1
        else:
            counts["read"] += 1
    return counts


def _reason(message: str) -> str:
    for words in ("not piecewise affine", "not continuous", "not implemented"):
        if words in message:
            return f"refused: {words}"
    for words, reason in (
        ("does not depend on its input", "constant"),
        ("rows of a batch", "mixes rows"),
        ("no numbers", "without numbers"),
        ("input_shape is", "without numbers"),
        ("NaN or infinite", "infinite constants"),
    ):
        if words in message:
            return f"refused: {reason}"
    return "refused: other"


if __name__ == "__main__":
    main()
