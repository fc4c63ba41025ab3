"""What is known of each image so far, in predictions.csv and the files beside it: begun with claims, saved now and then, taken up again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from limner.batch.collected import open_collected
from limner.errors import OutputExistsError
from limner.prediction_table import claim, is_claim, read_table, save_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from limner.batch.findings import Finding
    from limner.batch.jobs import Job
    from limner.batch.layout import Layout
    from limner.prediction_table import Row

_SAVE_EVERY_S = 10.0
_SAVE_SHARE = 20.0  # what takes long to save is saved less often: a twentieth of the time goes into it at most


class Ledger:
    """The rows of all images, and what else is kept of each in files that hold them all.

    The table is written at the beginning, with claims for what is to come: so even after a power cut, it is known whose the masks are.

    Args:
        jobs: The images.
        layout: Where outputs go.
        task: What is outlined.
        model: The model's name and checksum.
        resume: Go on with what is there.

    Raises:
        OutputExistsError: On resuming, the table is of another model, or the mask of another image would be replaced.
        DataError: On resuming, a file cannot be read.
    """

    def __init__(self, jobs: Sequence[Job], layout: Layout, *, task: str, model: str, resume: bool) -> None:
        self._jobs, self._layout, self._model, self._resume = jobs, layout, model, resume
        self._collected = open_collected(layout, task, model)
        earlier = self._earlier_rows() if resume else {}
        claims = {layout.mask_name(job): claim(job.image.display, layout.mask_name(job), model) for job in jobs}
        others = {mask: row for mask, row in earlier.items() if mask not in claims}
        self._rows: dict[str, Row] = others | {mask: earlier.get(mask, row) for mask, row in claims.items()}
        if resume:
            for one in self._collected.values():
                one.read()
        self._saved, self._pause = time.monotonic(), _SAVE_EVERY_S

    def is_complete(self, job: Job) -> bool:
        """Whether all of an image's outputs are there, and all that is to be said of it."""
        mask = self._layout.mask_name(job)
        row = self._rows[mask]
        if is_claim(row) or not all(path.is_file() for path in self._layout.files(job)):
            return False
        return all(self._collected[name].holds(mask, row) for name in self._layout.collected_of(job))

    def enter(self, job: Job, finding: Finding, milliseconds: float) -> None:
        """Note what is to be said of an image whose outputs are written."""
        mask = self._layout.mask_name(job)
        self._rows[mask] |= {"file": job.image.display, **finding.row, "milliseconds": f"{milliseconds:.1f}"}
        for name, entry in finding.collected.items():
            self._collected[name].add(mask, entry)
        if time.monotonic() - self._saved > self._pause:
            self.save()

    def begin(self) -> None:
        """Write the table with its claims. Masks that are to be replaced go at once: none of them should be taken for a new one."""
        self.save()
        if not self._resume:
            for job in self._jobs:
                self._layout.mask(job).unlink(missing_ok=True)

    def save(self) -> None:
        """Write the table and the files beside it."""
        start = time.monotonic()
        for one in self._collected.values():
            one.save(self._rows)
        save_table(self._rows.values(), self._layout.table)
        self._saved = time.monotonic()
        self._pause = max(_SAVE_EVERY_S, _SAVE_SHARE * (self._saved - start))

    def close(self) -> list[Row]:
        """Save all, without claims on masks that were not written after all; the jobs' rows that have numbers."""
        for job in self._jobs:
            if not self._layout.mask(job).is_file():
                del self._rows[self._layout.mask_name(job)]
        self.save()
        found = [self._rows[mask] for job in self._jobs if (mask := self._layout.mask_name(job)) in self._rows]
        return [row for row in found if not is_claim(row)]

    def _earlier_rows(self) -> dict[str, Row]:
        """Rows to go on with, once it is clear that neither models nor images get mixed up."""
        rows = read_table(self._layout.table)
        other = next((row["model"] for row in rows.values() if row["model"] != self._model), None)
        if other is not None:
            what = f"the predictions here are by another model: '{other}', and this one is '{self._model}'"
            raise OutputExistsError(what, where=self._layout.table, fix=_NOT_RESUME)
        self._refuse_to_replace(self._jobs, rows)
        return rows

    def _refuse_to_replace(self, jobs: Iterable[Job], rows: dict[str, Row]) -> None:
        """Make sure that the mask of each job is its own, or not there."""
        for job in jobs:
            file, mask = job.image.display, self._layout.mask(job)
            row = rows.get(self._layout.mask_name(job))
            if row is None:
                if mask.exists():
                    what = f"a mask is already there, and {self._layout.table.name} does not say that it is of {file}"
                    raise OutputExistsError(what, where=mask, fix=_NOT_RESUME)
            elif row["file"] != file and Path(row["file"]).resolve() != Path(file).resolve():
                raise OutputExistsError(f"the mask is of {row['file']}, not of {file}", where=mask, fix=_NOT_RESUME)


_NOT_RESUME = "choose another --out; or, to replace what is there, give --overwrite instead of --resume"
