"""Drawing: what `locate` found, for people to read."""

from ._input import ReportInput
from .report import render_report, write_report

__all__ = ["ReportInput", "render_report", "write_report"]
