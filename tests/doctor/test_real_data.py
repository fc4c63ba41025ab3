"""What the doctor finds in published data sets; docs/doctor.md tells of it."""

from __future__ import annotations

import pytest

from limner.doctor import diagnose


def found_in(archive):
    diagnosis = diagnose(archive)
    return diagnosis, {finding.name: finding for finding in diagnosis.findings}


def stems(case):
    return tuple(file.rpartition("/")[2].partition(".")[0] for file in case.files)


@pytest.mark.slow
def test_kvasir_seg_has_fringes_and_a_few_copies(shared):
    diagnosis, found = found_in(shared / "data/kvasir-seg/kvasir-seg.zip")
    assert len(diagnosis.dataset) == 1000
    assert set(found) == {"not-binary", "near-duplicate"}
    assert len(found["not-binary"].cases) == found["not-binary"].details["lossy"] == 1000
    assert found["not-binary"].details["median_levels"] == 64
    assert {stems(case) for case in found["near-duplicate"].cases} >= {
        ("cju30bmab08bi0835mvlr6e0r", "cju77k828z46w0871r0avuoo9"),
        ("cju76lsehyia10987u54vn8rb", "cju772304yw5t0818vbw8kkjf"),
        ("cju886ryxnsl50801r93jai7q", "cju8amfdtqi4x09871tygrgqe"),
    }
    assert len(found["near-duplicate"].cases) < 10


@pytest.mark.slow
def test_a_published_split_of_kvasir_seg_leaks(shared):
    splits = shared / "data/kvasir-seg/splits"
    lists = {part: splits / f"effisegnet-800-100-100.{part}.txt" for part in ("train", "validation", "test")}
    diagnosis = diagnose(shared / "data/kvasir-seg/kvasir-seg.zip", split=lists)
    leak = next(finding for finding in diagnosis.findings if finding.name == "leak")
    assert ("cju30bmab08bi0835mvlr6e0r", "cju77k828z46w0871r0avuoo9") in {stems(case) for case in leak.cases}


@pytest.mark.slow
def test_cvc_clinicdb_has_grey_masks_and_neighbouring_frames(shared):
    diagnosis, found = found_in(shared / "data/cvc-clinicdb/CVC-ClinicDB.zip")
    assert len(diagnosis.dataset) == 503
    assert len(found["not-binary"].cases) == 134
    assert found["not-binary"].details["lossy"] == 0
    similar = found["similar-frames"]
    assert len(similar.cases) == similar.details["within_known_groups"] >= 15
    assert diagnosis.count("error") == 0


@pytest.mark.parametrize("name", ["drive/DRIVE.zip", "chase_db1/CHASEDB1.zip"])
def test_fundus_photographs_give_no_finding(shared, name):
    assert diagnose(shared / "data" / name).findings == ()
