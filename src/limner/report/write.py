"""The report's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from limner.evaluation import store
from limner.files import write_text
from limner.report.html import render_html
from limner.report.summary import summarise_report
from limner.report.tables import render_markdown

if TYPE_CHECKING:
    from limner.report.data import ReportData


def write_report(data: ReportData, folder: str | Path) -> Path:
    """Write `cases.csv`, `summary.json`, `report.md` and `report.html` into `folder`.

    Each file is whole or absent, and the page comes last: where it is, the others are. Files of an earlier report are replaced.

    Args:
        data: What to report.
        folder: Made when it is not there.

    Returns:
        The path of the page, one file that opens from disk and refers to nothing outside itself.
    """
    summary = summarise_report(data)
    page = Path(folder) / "report.html"
    html = render_html(data, summary)
    store.write(folder, summary, summary["cases"])
    write_text(page.with_suffix(".md"), render_markdown(summary))
    write_text(page, html)
    return page
