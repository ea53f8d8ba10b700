"""The small networks of the study, made and trained here, and the user's own.

The caller's random state of torch is left as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from hullwise.errors import DataError, ModelError

from .._types import Array, Floats
from ._images import Images

LATENT_WIDTH = 64
TRAINING_BATCH = 128


def torch_here() -> bool:
    from importlib.util import find_spec

    return find_spec("torch") is not None


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise DataError(
            "this part trains a network, which needs torch: pip install 'hullwise[torch]'"
        ) from None
    return torch


@contextmanager
def seeded(random_state: int) -> Iterator[Any]:
    """torch with its own random state and one thread, both put back at the end.

    Networks this small are slower on several threads, and their sums would differ.
    """
    torch = _torch()
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(random_state)
        torch.set_num_threads(1)
        try:
            yield torch
        finally:
            torch.set_num_threads(threads)


def cnn(shape: tuple[int, int, int], classes: int, random_state: int) -> Any:
    """Two convolutions, a latent layer of 64 rectified units, and a linear classifier."""
    h, w, c = shape
    with seeded(random_state) as torch:
        nn = torch.nn
        rows, across = min(4, h), min(4, w)
        body = [
            nn.Conv2d(c, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1, stride=2),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d((min(rows, -(-h // 2)), min(across, -(-w // 2)))),
            nn.Flatten(),
        ]
        flat = 32 * min(rows, -(-h // 2)) * min(across, -(-w // 2))
        latent = nn.Sequential(*body, nn.Linear(flat, LATENT_WIDTH), nn.ReLU())
        return nn.Sequential(latent, nn.Linear(LATENT_WIDTH, classes))


def bottlenecked(
    shape: tuple[int, int, int], classes: int, width: int | None, dropout: float, random_state: int
) -> Any:
    """A perceptron whose 64 latent units see the image through `width` numbers, or None: all."""
    with seeded(random_state) as torch:
        nn = torch.nn
        middle = [nn.Linear(LATENT_WIDTH, width)] if width else []
        latent = nn.Sequential(
            nn.Flatten(),
            nn.Linear(int(np.prod(shape)), LATENT_WIDTH),
            nn.ReLU(),
            *middle,
            nn.Linear(width or LATENT_WIDTH, LATENT_WIDTH),
            nn.ReLU(),
        )
        return nn.Sequential(
            latent, nn.Sequential(nn.Dropout(dropout), nn.Linear(LATENT_WIDTH, classes))
        )


def tensor_of(images: Array, scale: tuple[float, float]) -> Any:
    """(n, c, h, w) float32: pixels less the first number, divided by the second."""
    values = np.moveaxis(images.astype(np.float32), 3, 1) - np.float32(scale[0])
    return _torch().from_numpy(np.ascontiguousarray(values / np.float32(scale[1])))


def training_scale(one: Images) -> tuple[float, float]:
    """Mean and standard deviation of all training pixels: what the study's networks are given."""
    spread = float(one.train.std(dtype=np.float64))
    return float(one.train.mean(dtype=np.float64)), spread if spread > 0 else 1.0


def user_scale(one: Images) -> tuple[float, float]:
    """What the user's model is given: 8-bit pixels divided by 255, others as they are."""
    return 0.0, 255.0 if one.train.dtype == np.uint8 else 1.0


def fit(net: Any, one: Images, steps: int, random_state: int) -> Any:
    """Adam on the cross-entropy of seeded batches."""
    if one.train_labels is None:
        raise DataError(f"{one.name} has no labels: a network cannot be trained on it.")
    with seeded(random_state) as torch:
        inputs, labels = (
            tensor_of(one.train, training_scale(one)),
            torch.from_numpy(one.train_labels.astype(np.int64)),
        )
        optimiser = torch.optim.Adam(net.parameters(), lr=2e-3)
        rng = np.random.default_rng(random_state)
        net.train()
        for _ in range(steps):
            rows = torch.from_numpy(
                rng.integers(len(inputs), size=min(TRAINING_BATCH, len(inputs)))
            )
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(net(inputs[rows]), labels[rows]).backward()
            optimiser.step()
        return net.eval()


def outputs(net: Any, images: Array, scale: tuple[float, float]) -> Floats:
    """Flattened outputs (n, k) as float64, in blocks."""
    torch = _torch()
    blocks, was_training = [], bool(getattr(net, "training", False))
    if hasattr(net, "eval"):
        net.eval()
    try:
        with torch.no_grad():
            for start in range(0, len(images), 1024):
                part = net(tensor_of(images[start : start + 1024], scale))
                blocks.append(part.detach().cpu().reshape(len(part), -1).double().numpy())
    except RuntimeError as error:
        size = "x".join(map(str, (images.shape[3], *images.shape[1:3])))
        raise ModelError(f"the model cannot take images of {size} (c, h, w): {error}") from None
    finally:
        if was_training:
            net.train()
    return np.vstack(blocks)


def latents(model: Any, one: Images) -> tuple[Floats, Floats]:
    """Outputs of the user's model at training and test images.

    A torch module is called on (n, c, h, w) float32; all else that `hullwise.model.read` takes
    (an ONNX file, a network) on rows in that order, in float64. 8-bit pixels are divided by 255.
    """
    if hasattr(model, "state_dict"):
        pair = outputs(model, one.train, user_scale(one)), outputs(model, one.test, user_scale(one))
    else:
        h, w, c = one.shape
        net = _read_network(model, (c, h, w))
        if net.n_inputs != h * w * c:
            raise ModelError(
                f"the model takes {net.n_inputs} inputs; an image of {one.name} has "
                f"{c}x{h}x{w} = {h * w * c}."
            )
        pair = net(_flat(one.train, user_scale(one))), net(_flat(one.test, user_scale(one)))
    for part in pair:
        if not np.isfinite(part).all():
            raise ModelError(f"the model's outputs at images of {one.name} are not all finite.")
    return pair


def _read_network(model: Any, shape: tuple[int, int, int]) -> Any:
    """As it says itself how large its inputs are, or for such images where it leaves that open."""
    from hullwise.model import read

    try:
        return read(model)
    except ModelError:
        return read(model, shape)


def _flat(images: Array, scale: tuple[float, float]) -> Floats:
    values = np.moveaxis(images, 3, 1).reshape(len(images), -1).astype(np.float64)
    return (values - scale[0]) / scale[1]


def model_mark(model: Any) -> str:
    """What identifies the model to the cache: its weights or its file, not its name."""
    from .._runs import fingerprint

    if hasattr(model, "state_dict"):
        parts = [v.detach().cpu().numpy() for v in model.state_dict().values()]
        return fingerprint(str(model), *parts)
    if isinstance(model, str | os.PathLike):
        from pathlib import Path

        path = Path(model).expanduser()
        return fingerprint(path.read_bytes() if path.is_file() else str(path))
    from hullwise.model import read

    net = read(model)
    probe = np.random.default_rng(0).normal(size=(16, net.n_inputs))
    return fingerprint(net(probe))
