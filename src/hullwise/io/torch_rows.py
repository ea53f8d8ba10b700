"""Rows in a torch tensor, on whatever device it lies."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.types import Array, Floats, Indices
from ..errors import DataError, DataTypeError
from .coercion import refuse_tensor_kind

TENSOR_DTYPES = (
    "float64",
    "float32",
    "float16",
    "bfloat16",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
)
PROPOSAL_ROUNDING = {"float32": 0.0, "bfloat16": 2.0**-6}


class TorchRows:
    """Rows of a tensor: products are made on its device, proofs in float64.

    Parameters
    ----------
    tensor : torch.Tensor (n, d)
        Real numbers or bool. It is not copied, and must not change.
    propose : {"float32", "bfloat16"}
        In what the first passes multiply. Those propose rows and prove what their rounding lets
        them; whatever is nearer to the boundary is decided in float64. On graphics processors
        bfloat16 is many times faster.
    columns : tuple of str, optional
        Names of the features.

    Raises
    ------
    DataTypeError
        For what is no tensor of numbers.
    DataError
        For a tensor of another shape, or an unknown `propose`.

    Notes
    -----
    Blocks are made on the device, 32 MiB at a time, beside the tensor. A device without float64
    hands those blocks to the processor. A cloud of at most 4 million numbers is copied to main
    memory, where small products are faster.

    Examples
    --------
    >>> import hullwise as hw
    >>> torch = __import__("pytest").importorskip("torch")
    >>> rows = hw.TorchRows(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    >>> rows
    TorchRows(3 x 2 float32 on cpu)
    >>> hw.locate(hw.Cloud(rows), [[0.2, 0.3], [1.0, 1.0]]).verdict
    array([ 1, -1], dtype=int8)
    """

    seekable = True

    def __init__(
        self, tensor: Any, *, propose: str = "float32", columns: tuple[str, ...] | None = None
    ) -> None:
        dtype_name = str(getattr(tensor, "dtype", type(tensor).__name__)).removeprefix("torch.")
        if dtype_name not in (*TENSOR_DTYPES, "bool") or not hasattr(tensor, "detach"):
            raise DataTypeError(f"found {dtype_name}: expected a torch tensor of real numbers")
        refuse_tensor_kind(tensor, "it")
        if tensor.ndim != 2 or 0 in tensor.shape:
            raise DataError(
                f"Expected 2D tensor with at least one row and one column, found shape "
                f"{tuple(tensor.shape)}"
            )
        if propose not in PROPOSAL_ROUNDING:
            raise DataError(f"propose={propose!r}: expected one of {', '.join(PROPOSAL_ROUNDING)}")
        self.tensor = tensor.detach()
        self.n, self.d = (int(size) for size in tensor.shape)
        self.dtype = np.dtype("float32" if dtype_name == "bfloat16" else dtype_name)
        self.columns, self.propose = columns, propose
        self.coarse = PROPOSAL_ROUNDING[propose]

    def block(self, start: int, stop: int) -> Array:
        """Rows start to stop, in main memory."""
        return self._array(self.tensor[start:stop])

    def take(self, rows: Indices) -> Floats:
        """The given rows, in main memory, float64."""
        import torch

        at = torch.as_tensor(np.asarray(rows, dtype=np.int64), device=self.tensor.device)
        return self._array(self.tensor[at]).astype(np.float64)

    def _array(self, part: Any) -> Array:
        part = part.float() if self._is_bfloat16 else part
        return np.asarray(part.cpu().numpy())

    @property
    def _is_bfloat16(self) -> bool:
        return str(self.tensor.dtype) == "torch.bfloat16"

    def multiplies(self, single: bool) -> bool:
        """Whether the device can make the products of a pass: float64 is missing from some."""
        return single or self.tensor.device.type != "mps"

    def __repr__(self) -> str:
        dtype_name = str(self.tensor.dtype).removeprefix("torch.")
        return f"TorchRows({self.n} x {self.d} {dtype_name} on {self.tensor.device})"
