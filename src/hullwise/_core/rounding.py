"""The unit of all rounding bounds."""

from __future__ import annotations

# of float64: a rounded sum, product or quotient is off by so much of itself
UNIT_ROUNDOFF = 2.0**-53
