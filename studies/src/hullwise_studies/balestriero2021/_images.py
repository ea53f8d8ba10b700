"""Labelled images in memory, and the files they are read from.

Read are .npz archives, IDX files (MNIST, Fashion-MNIST; also gzipped) and the binary batches of
CIFAR-10. Pickles are never opened: unpickling runs whatever a file says.
"""

from __future__ import annotations

import gzip
import os
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from hullwise.errors import DataError, FileError

from .._types import Array

CIFAR_RECORD_BYTES = 1 + 3 * 32 * 32
IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
FILE_PROBLEMS = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Training and test images.

    Attributes
    ----------
    name : str
    train, test : (n, h, w, c) array
        uint8 or float; c is 1 for grey images.
    train_labels, test_labels : (n,) int array or None
        Classes as whole numbers.
    """

    name: str
    train: Array
    test: Array
    train_labels: Array | None = None
    test_labels: Array | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        h, w, c = self.train.shape[1:]
        return int(h), int(w), int(c)

    @property
    def classes(self) -> int:
        """How many classes there are in training and test images together; 0 without labels."""
        both = [y for y in (self.train_labels, self.test_labels) if y is not None]
        return max((int(y.max()) + 1 for y in both), default=0)

    def __repr__(self) -> str:
        size = "x".join(map(str, self.shape if self.shape[2] > 1 else self.shape[:2]))
        return f"Images({self.name}: {len(self.train):,} and {len(self.test):,} of {size})"

    def sample(self, train: int | None, test: int | None, random_state: int = 0) -> Images:
        """A seeded sample of each, in order of the rows; None or too large a number takes all."""
        rng = np.random.default_rng(random_state)
        a, b = (_pick(rng, len(x), m) for x, m in ((self.train, train), (self.test, test)))
        labels = (self.train_labels, a), (self.test_labels, b)
        picked = (None if y is None else y[rows] for y, rows in labels)
        return Images(self.name, self.train[a], self.test[b], *picked)


def _pick(rng: np.random.Generator, n: int, m: int | None) -> Array:
    return np.arange(n) if m is None or m >= n else np.sort(rng.choice(n, m, replace=False))


def images(
    train: Any,
    test: Any,
    train_labels: Any = None,
    test_labels: Any = None,
    *,
    name: str = "images",
) -> Images:
    """Images from arrays.

    Parameters
    ----------
    train, test : array (n, h, w) or (n, h, w, c)
        uint8, or numbers without NaN. A table (n, d) is taken as square grey images where d is a
        square number.
    train_labels, test_labels : array (n,), optional
        Classes, numbers or text; parts that need them are left out without.
    name : str
        What the set is called in tables.

    Returns
    -------
    Images

    Raises
    ------
    DataError
        For arrays of other shapes, NaN, or labels of another length.

    Examples
    --------
    >>> import numpy as np
    >>> from hullwise_studies import balestriero2021
    >>> balestriero2021.images(np.zeros((5, 4, 3)), np.ones((2, 4, 3)))
    Images(images: 5 and 2 of 4x3)
    """
    name = re.sub(r"[^\w.-]+", "-", name) or "images"  # it becomes part of the name of a file
    a, b = _pixels(train, f"{name}: train"), _pixels(test, f"{name}: test")
    if a.shape[1:] != b.shape[1:]:
        raise DataError(
            f"{name}: training images are {_size(a)}, test images {_size(b)}: expected one size."
        )
    if (train_labels is None) != (test_labels is None):
        raise DataError(f"{name}: labels of only one of train and test; give both or none.")
    if train_labels is None:
        return Images(name, a, b)
    y, z = np.asarray(train_labels).ravel(), np.asarray(test_labels).ravel()
    for rows, labels, what in ((a, y, "train"), (b, z, "test")):
        if len(rows) != len(labels):
            raise DataError(f"{name}: {len(labels):,} labels for {len(rows):,} {what} images.")
    codes = np.unique(np.concatenate([y, z]), return_inverse=True)[1]
    return Images(name, a, b, codes[: len(y)], codes[len(y) :])


def _size(values: Array) -> str:
    return "x".join(map(str, values.shape[1:]))


def _pixels(values: Any, name: str) -> Array:
    pixels = np.asarray(values)
    if pixels.ndim == 2 and isqrt(pixels.shape[1]) ** 2 == pixels.shape[1]:
        pixels = pixels.reshape(len(pixels), isqrt(pixels.shape[1]), -1)
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    if pixels.ndim != 4 or 0 in pixels.shape:
        raise DataError(
            f"{name} has shape {np.shape(values)}: expected (n, h, w) or (n, h, w, c), none empty."
        )
    if pixels.dtype.kind not in "buif":
        raise DataError(f"{name} holds {pixels.dtype}: expected numbers.")
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        row = int(np.argmin(np.isfinite(pixels).reshape(len(pixels), -1).all(axis=1)))
        raise DataError(f"{name}: image {row} has NaN or infinite pixels; remove it.")
    return pixels


def digits(random_state: int = 0) -> Images:
    """scikit-learn's 1,797 digits of 8x8 pixels: 1,297 for training, a seeded 500 for test."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = np.random.default_rng(random_state).permutation(len(bunch.target))
    test, train = np.sort(order[:500]), np.sort(order[500:])
    pixels = bunch.images.astype(np.uint8)
    return images(
        pixels[train], pixels[test], bunch.target[train], bunch.target[test], name="digits"
    )


def read_images(path: str | os.PathLike[str]) -> list[Images]:
    """Every set of images in a folder and in the folders in it, or the one of an .npz file.

    Parameters
    ----------
    path : path
        An .npz file with x_train, y_train, x_test, y_test (X_train ... too), or a folder of such
        files, of IDX files (train-images-idx3-ubyte, t10k-images-idx3-ubyte and the labels, also
        .gz) or of CIFAR-10's binary version (data_batch_1.bin ... test_batch.bin).

    Returns
    -------
    list of Images
        Those named mnist first, then by name.

    Raises
    ------
    FileError
        There is no such set, or a file is cut short or of another kind.

    Notes
    -----
    Pickled versions (of CIFAR-10, or object arrays in .npz) are refused: reading them would run
    code. Other .npz files in the folder are passed over.

    Examples
    --------
    >>> import numpy as np, tempfile, os
    >>> from hullwise_studies import balestriero2021
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     grey = np.zeros((3, 2, 2), dtype=np.uint8)
    ...     np.savez(os.path.join(folder, "tiny.npz"), x_train=grey, x_test=grey)
    ...     print(balestriero2021.read_images(folder))
    [Images(tiny: 3 and 3 of 2x2)]
    """
    top = Path(path).expanduser()
    if top.is_file():
        if top.suffix != ".npz":
            raise FileError(str(path), "is no .npz file; name a folder of images, or an .npz file")
        archive = _npz(top)
        if archive is None:
            raise FileError(str(path), "holds no x_train and x_test")
        return [archive]
    if not top.is_dir():
        raise FileError(str(path), "is not there; name a folder of images, or an .npz file")
    sets = []
    for folder in (top, *sorted(p for p in top.iterdir() if p.is_dir())):
        sets += [s for p in sorted(folder.glob("*.npz")) if (s := _npz(p)) is not None]
        sets += [s for read in (_idx, _cifar) if (s := read(folder)) is not None]
    if not sets:
        expected = "an .npz with x_train and x_test, IDX files, or CIFAR-10's data_batch_*.bin"
        pickles = sorted(p.name for p in top.rglob("data_batch_1"))
        more = "; pickled batches are not read: take CIFAR-10's binary version" if pickles else ""
        raise FileError(str(path), f"holds no images: expected {expected}{more}")
    for number, one in enumerate(sets):
        if one.name in {s.name for s in sets[:number]}:
            sets[number] = replace(one, name=f"{one.name}-{number + 1}")
    return sorted(sets, key=lambda s: (s.name != "mnist", s.name))


def _read_or_refuse(path: Path, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except FileError:
        raise
    except FILE_PROBLEMS as error:
        raise FileError(str(path), f"cannot be read ({error}); fetch it again") from None


def _npz(path: Path) -> Images | None:
    """The set in an archive, or None where it holds something else."""

    def work() -> Images | None:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            names = {name.lower(): name for name in stored.files}
            if not {"x_train", "x_test"} <= set(names):
                return None
            x = [stored[names[key]] for key in ("x_train", "x_test")]
            y = [stored[names[key]] if key in names else None for key in ("y_train", "y_test")]
        return images(*x, *y, name=path.stem)

    archive = _read_or_refuse(path, work)
    return archive if isinstance(archive, Images) else None


# ---- IDX --------------------------------------------------------------------------------------


def _idx(folder: Path) -> Images | None:
    """The set of four IDX files in a folder; labels may be missing."""
    paths = {
        (part, kind): _idx_path(folder, part, kind)
        for part in ("train", "t10k")
        for kind in ("images", "labels")
    }
    train, test = paths["train", "images"], paths["t10k", "images"]
    if train is None and test is None:
        return None
    if train is None or test is None:
        missing = "train-images" if train is None else "t10k-images"
        raise FileError(str(folder), f"holds one half of an IDX set: {missing} is missing")
    y = [paths[part, "labels"] for part in ("train", "t10k")]
    labels = [None if p is None else read_idx(p) for p in y]
    return images(read_idx(train), read_idx(test), *labels, name=folder.name or "idx")


def _idx_path(folder: Path, part: str, kind: str) -> Path | None:
    """train-images-idx3-ubyte, train-images.idx3-ubyte, with or without .gz."""
    paths = [p for p in folder.glob(f"{part}-{kind}[-.]idx*") if p.is_file()]
    return min(paths, key=lambda p: (p.suffix == ".gz", p.name), default=None)


def read_idx(path: Path) -> Array:
    """The array of an IDX file: two zeros, a type, a number of axes, their lengths, the values."""

    def work() -> Array:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            content = stream.read()
        if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES:
            raise FileError(str(path), f"is no IDX file: it begins with {content[:4]!r}")
        kind, axes = np.dtype(IDX_TYPES[content[2]]), content[3]
        start = 4 + 4 * axes
        shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
        expected = start + kind.itemsize * int(np.prod(shape, dtype=object))
        if len(content) != expected:
            raise FileError(
                str(path),
                f"has {len(content):,} bytes where its head {tuple(shape)} needs {expected:,}: "
                "cut short or damaged; fetch it again",
            )
        values = np.frombuffer(content, kind, offset=start).reshape(shape)
        return values.astype(kind.newbyteorder("="))

    return np.asarray(_read_or_refuse(path, work))


# ---- CIFAR-10 ---------------------------------------------------------------------------------


def _cifar(folder: Path) -> Images | None:
    """CIFAR-10's binary version: records of a label and 32x32 pixels of red, green and blue."""
    train, test = sorted(folder.glob("data_batch_*.bin")), folder / "test_batch.bin"
    if not train and not test.is_file():
        return None
    if not train or not test.is_file():
        missing = "test_batch.bin" if train else "data_batch_1.bin"
        raise FileError(str(folder), f"holds one half of CIFAR-10: {missing} is missing")
    parts = [_batch(p) for p in train]
    x, y = (np.concatenate(columns) for columns in zip(*parts))
    q, z = _batch(test)
    return images(x, q, y, z, name="cifar10")


def _batch(path: Path) -> tuple[Array, Array]:
    content = np.frombuffer(_read_or_refuse(path, path.read_bytes), np.uint8)
    if not len(content) or len(content) % CIFAR_RECORD_BYTES:
        raise FileError(
            str(path),
            f"has {len(content):,} bytes: expected a multiple of {CIFAR_RECORD_BYTES:,} (a label "
            "and "
            "32x32x3 pixels); cut short, or not CIFAR-10's binary version",
        )
    records = content.reshape(-1, CIFAR_RECORD_BYTES)
    if records[:, 0].max() > 9:
        raise FileError(str(path), f"holds a label {records[:, 0].max()}: expected 0 to 9")
    return records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), records[:, 0]
