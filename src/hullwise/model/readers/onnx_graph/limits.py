"""What a file may ask of its reader: bounded, and in proportion to what the file itself holds.

A few hundred bytes can ask for petabytes (doubled concatenations, huge pads and pools) or for years
(loops, functions that call functions). Every array is therefore counted by its shape before it is
made, every layer by the products that one row costs, every call of an operator once.
"""

from __future__ import annotations

import math

from ...._core.memory import check_memory
from ....errors import ModelError
from ...affine_layers import Shape

LARGEST_ARRAY = 2**27  # numbers in one array
CONSTANTS_TOGETHER = 2**26  # numbers in all constants that the graph makes, beside SHARE_OF_STORED
LAYERS_TOGETHER = 2**28  # numbers in all layers, and in one row's values
SHARE_OF_STORED = 64  # numbers made for each number that the file holds
PRODUCTS_OF_A_ROW = 2**36  # multiplications, beside REUSE_OF_STORED
REUSE_OF_STORED = 2**16  # multiplications for each number that the file holds
CALLS_OF_OPERATORS = 20_000  # beside the nodes of the file's own graph
NESTED_CALLS = 32  # functions in functions, branches in branches


class ReadingLimits:
    """What is left of the limits while a file is read; every method raises ModelError beyond."""

    def __init__(self, stored_numbers: int, nodes: int) -> None:
        self.largest = LARGEST_ARRAY + stored_numbers
        self.constants = CONSTANTS_TOGETHER + SHARE_OF_STORED * stored_numbers
        self.numbers = LAYERS_TOGETHER + SHARE_OF_STORED * stored_numbers
        self.products = PRODUCTS_OF_A_ROW + REUSE_OF_STORED * stored_numbers
        self.calls = CALLS_OF_OPERATORS + nodes

    def count_call(self, name: str) -> None:
        self.calls -= 1
        if self.calls < 0:
            raise ModelError(
                f"the file calls more operators (through its functions) than its size allows; the "
                f"reading ended at {name!r}"
            )

    def check_array(self, shape: Shape, name: str) -> None:
        """That one array may be made, before it is."""
        size = math.prod(shape)
        check_memory(8 * size, f"layer {name!r}, an array of shape {_short(shape)},")
        if size > self.largest:
            raise ModelError(
                f"layer {name!r} asks for an array of shape {_short(shape)}: {size:,} numbers, "
                f"where this file may ask for {self.largest:,}"
            )

    def count_constants(self, size: int, name: str) -> None:
        """That so many numbers more may be worked out from constants."""
        self.constants -= size
        if self.constants < 0:
            raise ModelError(
                f"up to layer {name!r} the graph makes more constants than a file of this size may "
                f"ask for ({size:,} numbers in this layer)"
            )

    def count_numbers(self, size: int, name: str) -> None:
        """That so many numbers more may be held by layers."""
        self.numbers -= size
        if self.numbers < 0:
            raise ModelError(
                f"up to layer {name!r} the network needs more numbers than a file of this size may "
                f"ask for ({size:,} in this layer)"
            )

    def count_products(self, count: int, name: str) -> None:
        self.products -= count
        if self.products < 0:
            raise ModelError(
                f"up to layer {name!r} one row costs more multiplications than a file of this size "
                f"may ask for ({count:,} in this layer)"
            )


def _short(shape: Shape) -> str:
    text = " x ".join(str(size) for size in shape[:6])
    return text + (" x ..." if len(shape) > 6 else "")
