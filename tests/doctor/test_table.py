"""Each kind of finding on a folder that is broken in this way alone: found, named, cured; and nothing on clean folders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.doctor.broken import TABLE, Broken, phantoms
from tests.imaging.pictures import encoded

from limner.data.phantoms import STYLES, write_phantoms
from limner.doctor import KINDS, diagnose, repair
from limner.imaging.voc import colour_map


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", [(96, 96), (80, 120)], ids=str)
def test_a_clean_folder_gives_no_finding(style, size, tmp_path):
    diagnosis = diagnose(write_phantoms(tmp_path, style, count=24, size=size))
    assert diagnosis.findings == ()
    assert diagnosis.summary() == "24 pairs: nothing found"
    assert not diagnosis.is_repairable


@pytest.mark.parametrize("broken", TABLE, ids=lambda broken: f"{broken.kind} {broken.label}".strip())
def test_is_found_and_cured_and_the_original_is_left_alone(broken: Broken, tmp_path, state):
    source, out = phantoms(tmp_path / "source", count=broken.count, size=broken.size), tmp_path / "copy"
    broken.break_it(source)
    before = state(source)

    diagnosis = diagnose(source, **broken.options)
    found = {finding.name: finding for finding in diagnosis.findings}
    assert set(found) == {broken.kind, *broken.also}
    assert found[broken.kind].kind.severity == broken.severity
    assert sorted(found[broken.kind].files) == sorted(broken.files)

    repairs = repair(diagnosis, out, leave_out=(broken.kind,) if broken.keeps else ())
    again = diagnose(out, **broken.options)
    assert [finding.name for finding in again.findings] == []
    rows = {row.key: row for row in repairs.rows if row.key}
    assert all(rows[key].result == "left out" and key not in again.dataset for key in broken.gone)
    assert all(rows[key].result == "repaired" and key in again.dataset for key in broken.mended)
    assert state(source) == before


@pytest.mark.parametrize("broken", [broken for broken in TABLE if broken.keeps], ids=lambda broken: broken.kind)
def test_what_is_legitimate_is_kept_and_said_so(broken: Broken, tmp_path):
    source = phantoms(tmp_path / "source", count=broken.count, size=broken.size)
    broken.break_it(source)
    repairs = repair(diagnose(source, **broken.options), tmp_path / "copy")
    row = next(row for row in repairs.rows if row.key == "polyp-0002")
    assert row.result == "kept"
    assert row.in_spite_of == (broken.kind,)
    assert repairs.count("kept") == broken.count


def test_every_kind_that_pictures_can_show_is_in_the_table():
    elsewhere = {"annotation", "left-out", "leak", "similar-frames", "no-pairs"}
    assert {broken.kind for broken in TABLE} == set(KINDS) - elsewhere
    assert all(broken.severity == KINDS[broken.kind].severity for broken in TABLE)


def test_entries_of_an_annotation_file_that_cannot_be_used(tmp_path, state):
    source = phantoms(tmp_path / "source", count=2)
    shutil.rmtree(source / "masks")
    square = [20, 20, 60, 20, 60, 60, 20, 60]
    images = [{"id": number, "file_name": f"polyp-000{number}.png", "width": 96, "height": 96} for number in (0, 1)]
    good = [{"id": number, "image_id": number, "category_id": 1, "segmentation": [square]} for number in (0, 1)]
    good[1]["segmentation"].append([1, 1, 2, 2])  # two points are no outline
    content = {"images": images, "annotations": good, "categories": [{"id": 1, "name": "polyp"}]}
    (source / "coco.json").write_text(json.dumps(content))
    before = state(source)
    diagnosis = diagnose(source)
    assert [(finding.name, finding.kind.severity, finding.files) for finding in diagnosis.findings] == [
        ("annotation", "warning", ("coco.json",))
    ]
    repair(diagnosis, tmp_path / "copy")
    again = diagnose(tmp_path / "copy")
    assert again.findings == ()
    assert again.dataset["polyp-0001"].load().mask.sum() == 40 * 40
    assert state(source) == before


def test_masks_of_another_observer_are_a_note(tmp_path):
    source = phantoms(tmp_path / "source", count=3)
    for path in (source / "masks").iterdir():
        for observer in ("1stHO", "2ndHO"):
            shutil.copyfile(path, source / "images" / f"{path.stem}_{observer}.png")
    shutil.rmtree(source / "masks")
    diagnosis = diagnose(source / "images")
    assert [(finding.name, finding.kind.severity) for finding in diagnosis.findings] == [("left-out", "note")]
    assert diagnosis.findings[0].files == tuple(f"polyp-000{number}_2ndHO.png" for number in range(3))
    repair(diagnosis, tmp_path / "copy")
    assert diagnose(tmp_path / "copy").findings == ()


def test_levels_that_mean_something_are_no_fringes(tmp_path):
    """A map of instances and a palette of classes are read as they are meant."""
    source = phantoms(tmp_path / "source", count=2, size=(96, 96))
    cells = np.kron(np.arange(1, 65).reshape(8, 8), np.pad(np.ones((8, 8), int), 2)).astype(np.uint16)
    (source / "masks/polyp-0000.png").write_bytes(encoded(Image.fromarray(cells), "PNG"))
    voc = Image.fromarray(np.pad(np.pad(np.ones((40, 40), np.uint8), 2, constant_values=255), 26), "P")
    voc.putpalette(colour_map().ravel().tolist())
    (source / "masks/polyp-0001.png").write_bytes(encoded(voc, "PNG"))
    diagnosis = diagnose(source)
    assert diagnosis.findings == ()
    shares = [one.mask.coverage.share for one in diagnosis.evidence.examinations]
    assert shares == [item.load().mask.mean() for item in diagnosis.dataset]


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_the_documentation_tells_of_each_kind(kind):
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    assert f"| `{kind.name}` | {kind.severity} | {kind.why} | {kind.fix} |" in page
