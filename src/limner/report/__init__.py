"""The report: one HTML page that can be sent to a colleague, and the same numbers as JSON, Markdown and CSV."""

from limner.report.data import GalleryCase, ParityFacts, ReportData, SplitFacts, read_history
from limner.report.figures import save_curves
from limner.report.gallery import build_gallery, pick_cases
from limner.report.panel import predict_panel, save_panel
from limner.report.write import write_report

__all__ = [
    "GalleryCase",
    "ParityFacts",
    "ReportData",
    "SplitFacts",
    "build_gallery",
    "pick_cases",
    "predict_panel",
    "read_history",
    "save_curves",
    "save_panel",
    "write_report",
]
