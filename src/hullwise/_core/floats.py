"""What float64 is: constants of its arithmetic."""

from __future__ import annotations

UNIT_ROUNDOFF = 2.0**-53  # relative error of one operation, rounded to nearest
