"""Drawing: what `locate` found, for people to read."""

from .report import ReportInput, render_report, write_report

__all__ = ["ReportInput", "render_report", "write_report"]
