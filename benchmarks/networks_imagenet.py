"""torchvision's architectures with random weights: read, compared with autograd, mapped and cut.

    pip install torchvision
    python benchmarks/networks_imagenet.py [--pixels 64] [--networks resnet18 vgg11 ...]

Each network runs in a process of its own, batch norms with the statistics of random images. Values
and a row of the affine map are compared with PyTorch in float64; the nearest wall, a segment and a
square around a random image are cut exactly. Seconds are CPU seconds; peak memory is that of the
process, PyTorch and its copies of the weights included.
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
from _measure import MIB, clocked, memory, parser, show

ARCHITECTURES = [
    "resnet18",
    "resnet34",
    "resnet50",
    "resnext50_32x4d",
    "vgg11",
    "vgg11_bn",
    "alexnet",
    "squeezenet1_1",
    "densenet121",
    "googlenet",
    "inception_v3",
    "mobilenet_v2",
    "mnasnet1_0",
    "shufflenet_v2_x1_0",
    "regnet_x_400mf",
    "mobilenet_v3_small",
    "efficientnet_b0",
    "regnet_y_400mf",
    "convnext_tiny",
    "swin_t",
    "vit_b_16",
]
FEWEST_PIXELS = {"inception_v3": 96, "alexnet": 64, "vit_b_16": 224}
CUT_LENGTH = 1e-5  # of the image's own length
SMOOTH = ("mobilenet_v3", "efficientnet")


def module(name: str, pixels: int) -> Any:
    """An architecture in float32 whose batch norms have seen four random images."""
    import torch
    from torchvision import models

    torch.manual_seed(0)
    options = {"aux_logits": False} if name == "inception_v3" else {}
    if name == "googlenet":
        options = {"aux_logits": False, "init_weights": True}
    net = models.get_model(name, weights=None, **options).train()
    for part in net.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = None
        if "Dropout" in type(part).__name__:
            part.eval()
    with torch.no_grad():
        net(torch.randn(4, 3, pixels, pixels))
    return net.eval()


def compared(model: Any, x: Any, output: Any, template: Any) -> dict[str, str]:
    """How far outputs and the slopes of output 1 are from PyTorch's, of the largest of each."""
    import torch

    image = torch.tensor(x.reshape(1, *template.shape), requires_grad=True)
    truth = model.double()(image)[0]
    truth[1].backward()
    values, slopes = truth.detach().numpy(), image.grad[0].numpy()
    return {
        "value": f"{np.abs(output - values).max() / np.abs(values).max():.0e}",
        "gradient": f"{np.abs(template - slopes).max() / np.abs(slopes).max():.0e}",
    }


def measure(name: str, pixels: int, n_cuts: int) -> dict[str, Any]:
    """The row of one architecture."""
    import hullwise as hw

    warnings.simplefilter("ignore")
    model = module(name, pixels)
    row: dict[str, Any] = {"network": f"{name} {pixels}"}
    smooth = {"smooth": "pieces"} if name.startswith(SMOOTH) else {}
    try:
        run = clocked(lambda: hw.model.read(model, (3, pixels, pixels), **smooth))
    except hw.ModelError as error:
        return row | {"read": str(error).split(": read")[0].split(". Read are")[0]}
    net, x = run.result, np.random.default_rng(0).normal(size=3 * pixels * pixels)
    row |= {"units": f"{net.n_units:,}", "read": f"{run.cpu:.1f}"}
    p = hw.dissect(net, x)
    run = clocked(lambda: p.template(1))
    if not smooth:
        row |= compared(model, x, p.output, run.result)
    gap = run.result.ravel() @ x + p.b[1] - p.output[1]
    row |= {"A x + b - f": f"{abs(gap) / np.abs(p.output).max():.0e}", "row": f"{run.cpu:.2f}"}
    if n_cuts > 0:
        row["wall"] = f"{clocked(lambda: p.boundary_distance).cpu:.1f}"
    axes = np.random.default_rng(1).normal(size=(2, x.size))
    axes *= CUT_LENGTH * np.linalg.norm(x) / np.linalg.norm(axes, axis=1, keepdims=True)
    if n_cuts > 1:
        run = clocked(lambda: net.along(x, x + axes[0]))
        row["line"] = f"{run.cpu:.1f} ({run.result.n_pieces:,})"
    if n_cuts > 2:
        run = clocked(lambda: net.slice(x, axes, 0.5))
        row["plane"] = f"{run.cpu:.1f} ({run.result.n_regions:,})"
    return row | {"MiB": f"{memory('VmHWM') / MIB:,.0f}"}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--pixels", type=int, default=64)
    arguments.add_argument("--networks", nargs="+", default=ARCHITECTURES)
    arguments.add_argument("--cuts", type=int, default=3, help="0, or the wall, line, plane")
    arguments.add_argument("--max-seconds", type=float, default=600)
    arguments.add_argument("--one", action="store_true", help="this process measures")
    options = arguments.parse_args()
    if options.one:
        (name,) = options.networks
        print(json.dumps(measure(name, options.pixels, options.cuts)))
        return
    head = "network units read value gradient A_x_+_b_-_f row wall line plane MiB"
    heads, rows = [word.replace("_", " ") for word in head.split()], []
    for name in options.networks:
        pixels = max(options.pixels, FEWEST_PIXELS.get(name, 0))
        command = [sys.executable, __file__, "--one", "--networks", name]
        command += ["--pixels", str(pixels), "--cuts", str(options.cuts)]
        try:
            run = subprocess.run(
                command, capture_output=True, text=True, timeout=options.max_seconds
            )
            row = (
                json.loads(run.stdout.splitlines()[-1])
                if run.stdout
                else {"read": run.stderr[-300:]}
            )
        except subprocess.TimeoutExpired:
            row = {"read": f"not within {options.max_seconds:.0f} s"}
        rows.append([{"network": f"{name} {pixels}", **row}.get(key, "") for key in heads])
        print(rows[-1], file=sys.stderr, flush=True)
    show(heads, rows)


if __name__ == "__main__":
    main()
