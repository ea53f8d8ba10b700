"""draft"""

from ._exact import half, share_inside, share_outside, threshold
