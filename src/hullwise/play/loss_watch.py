"""When a training run may stop: its loss is flat, or nothing is left of it."""

from __future__ import annotations

__all__ = ["LossWatch"]

FLAT_STEPS = 3000
FLAT_SHARE = 0.01  # a loss that falls by less within so many steps is flat
LEARNT_SHARE = 1e-4  # of the first loss


class LossWatch:
    """Looks at the loss on all rows, and says once when training should pause.

    Examples
    --------
    >>> watch = LossWatch()
    >>> watch.sentence(0, 0.7), watch.sentence(1000, 0.3), watch.sentence(2000, 0.3)
    (None, None, None)
    >>> watch.sentence(4000, 0.3)
    'The loss has not fallen by 1 % in 3,000 steps: training stopped itself. Play goes on.'
    """

    def __init__(self) -> None:
        self._first: float | None = None
        self._lowest, self._lowest_step = float("inf"), 0
        self._may_be_learnt = True

    def restart(self) -> None:
        """Training goes on although the loss is flat: wait as long again, for that alone."""
        self._lowest, self._may_be_learnt = float("inf"), False

    def sentence(self, step: int, loss: float) -> str | None:
        """Why training should pause after the loss at a step, None where it should not."""
        if self._first is None:
            self._first = loss
        if loss <= LEARNT_SHARE * self._first and self._may_be_learnt:
            self.restart()
            return (
                f"The loss is {loss:.2g}: nothing is left to learn here, so training stopped "
                "itself. Play goes on."
            )
        if loss < (1 - FLAT_SHARE) * self._lowest:
            self._lowest, self._lowest_step = loss, step
        elif step - self._lowest_step >= FLAT_STEPS:
            self.restart()
            return (
                f"The loss has not fallen by {100 * FLAT_SHARE:.0f} % in {FLAT_STEPS:,} steps: "
                "training stopped itself. Play goes on."
            )
        return None
