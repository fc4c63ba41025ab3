"""The doctor's page: each finding with its reason, its cure and a few pictures, in one HTML file that needs nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from limner.files import write_text
from limner.report.doctor_panels import Panels

if TYPE_CHECKING:
    from pathlib import Path

    from limner.doctor import Case, Diagnosis, Finding

_TEMPLATES = files("limner.report") / "templates"
_CASES = 3  # with pictures, of each finding
_LISTED = 500  # by name, of each finding
_NAMED = 2  # files in a case's heading
_MEANINGS = {
    "error": "break or corrupt training",
    "warning": "are likely mistakes",
    "note": "are good to know",
}
_PLURALS = {"error": "Errors", "warning": "Warnings", "note": "Notes"}


def write_doctor_page(diagnosis: Diagnosis, path: str | Path, *, repair: str = "") -> None:
    """Write the page, atomically. Parent folders are made. `repair` is as for `render_doctor_page`."""
    write_text(path, render_doctor_page(diagnosis, created=datetime.now(tz=UTC), repair=repair))


def render_doctor_page(diagnosis: Diagnosis, *, created: datetime, repair: str = "") -> str:
    """The whole page as HTML.

    Args:
        diagnosis: What was found.
        created: The date on the page.
        repair: The command that writes a repaired copy; empty to name none.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("limner.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    panels = Panels(diagnosis)
    return environment.get_template("doctor.html.j2").render(
        title=f"What the doctor found in {diagnosis.dataset.name}",
        css="".join((_TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "doctor.css")),
        d=diagnosis.as_json(),
        day=f"{created.day} {created:%B %Y}",
        split=diagnosis.split.origin if diagnosis.split else "",
        meanings=_MEANINGS,
        plurals=_PLURALS,
        sections=[_section(finding, panels) for finding in diagnosis.findings],
        repair=repair,
    )


def _section(finding: Finding, panels: Panels) -> dict[str, Any]:
    told = finding.as_json()
    shown = [shown for case in finding.cases[:_CASES] if (shown := _shown(finding, case, panels))["panels"]]
    return {
        **told,
        "shown": shown,
        "folded": bool(finding.files) and len(shown) < len(finding.cases),
        "listed": told["cases"][:_LISTED],
        "more": max(len(finding.cases) - _LISTED, 0),
    }


def _shown(finding: Finding, case: Case, panels: Panels) -> dict[str, Any]:
    names = [PurePosixPath(file).name for file in case.files[:_NAMED]]
    more = ["..."] if len(case.files) > _NAMED else []
    name = "\n".join(dict.fromkeys([*names, *more]))
    return {"name": name, "remark": case.remark, "panels": panels.of(finding.name, case)}
