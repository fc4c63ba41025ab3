"""Every layout in which a data set is passed around, in miniature: which images meet which masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.data.catalog.made import (
    DSB_IDS,
    OFFICIAL,
    REPACKED,
    Made,
    busi_with_several_masks,
    chase,
    clinicdb_in_two_formats,
    colondb,
    drive,
    dsb2018,
    kvasir,
    numbered,
)
from tests.data.catalog.pictures import SIZE, drawn, image, mask
from tests.data.folders import write_folder, write_zip

from limner.data import open_source
from limner.data.catalog import catalog_entry, catalog_names, recognise
from limner.data.options import SourceOptions
from limner.data.source import survey
from limner.errors import DataError

CASES = [
    *(pytest.param(name, make, id=f"{name}-official") for name, make in OFFICIAL.items()),
    *(pytest.param(name, make, id=label) for label, (name, make) in REPACKED.items()),
]
SOUND = [case for case in CASES if case.id not in {"clinicdb-two-formats", "drive-without-test-masks"}]


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """An empty data folder."""
    monkeypatch.setenv("LIMNER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def put(data: Path, name: str, files: dict[str, bytes]) -> None:
    """Put a data set into the data folder, as the archive that its authors hand out."""
    (data / name).mkdir(parents=True)
    write_zip(data / name / catalog_entry(name).archives[0], files)


def test_every_data_set_is_made_in_its_official_layout() -> None:
    assert sorted({*OFFICIAL, "dsb2018"}) == catalog_names()


@pytest.mark.parametrize(("name", "make"), CASES)
def test_images_meet_their_masks_in_an_archive(data, name: str, make) -> None:
    made: Made = make()
    put(data, name, made.files)
    found = open_source(name)
    assert list(found.keys()) == sorted(made.keys)
    for item in found:
        sample = item.load()
        assert sample.image.shape == (SIZE, SIZE, 3)
        assert np.array_equal(sample.mask, drawn(made.keys[item.key])), item.key
    assert {item.key: item.fov.name for item in found if item.fov} == made.fov


@pytest.mark.parametrize(("name", "make"), SOUND)
def test_nothing_is_complained_of(name: str, make) -> None:
    pairing = catalog_entry(name).pair(make().files)
    assert pairing.problems == ()
    assert pairing.images == pairing.masks == len(pairing.pairs)


@pytest.mark.parametrize(("name", "make"), CASES)
def test_junk_case_and_wrappers_do_not_count(name: str, make) -> None:
    plain = catalog_entry(name).pair(make().files)
    names = [f"my copy/{file.replace('images', 'Images')}" for file in make().files]
    junk = [f"__MACOSX/{file.rpartition('/')[0]}/._{file.rpartition('/')[2]}" for file in names]
    wrapped = catalog_entry(name).pair([*names, *junk, "my copy/.DS_Store", "my copy/readme.txt"])
    assert [pair.key for pair in wrapped.pairs] == [pair.key for pair in plain.pairs]
    assert len(wrapped.problems) == len(plain.problems)


@pytest.mark.parametrize(("name", "make"), [case for case in CASES if case.values[1]().second])
def test_second_observer(data, name: str, make) -> None:
    made: Made = make()
    put(data, name, made.files)
    found = open_source(name, options=SourceOptions(observer=2))
    assert list(found.keys()) == sorted(made.second)
    for item in found:
        assert np.array_equal(item.load().mask, drawn(made.second[item.key])), item.key


def test_who_has_no_second_mask_is_listed() -> None:
    pairing = catalog_entry("drive").pair(drive().files, observer=2)
    assert [problem.kind for problem in pairing.problems] == ["orphan-image"] * 3


@pytest.mark.parametrize(("name", "observer"), [("kvasir-seg", 2), ("drive", 3), ("drive", 0)])
def test_unknown_observer(name: str, observer: int) -> None:
    with pytest.raises(DataError, match="none by observer"):
        catalog_entry(name).pair([], observer=observer)


@pytest.mark.parametrize(("name", "make"), SOUND)
def test_missing_mask_and_foreign_file(name: str, make) -> None:
    made: Made = make()
    before = catalog_entry(name).pair(made.files)
    lost = before.pairs[1]
    names = [*(set(made.files) - set(lost.masks)), "elsewhere/holiday.jpg"]
    after = catalog_entry(name).pair(names)
    assert [pair for pair in before.pairs if pair != lost] == list(after.pairs)
    assert [(problem.kind, problem.files) for problem in after.problems] == [
        ("orphan-image", (lost.image,)),
        ("left-out", ("elsewhere/holiday.jpg",)),
    ]
    assert "elsewhere/holiday.jpg" in after.problems[1].text


@pytest.mark.parametrize(("name", "make"), SOUND)
def test_missing_image(name: str, make) -> None:
    made: Made = make()
    before = catalog_entry(name).pair(made.files)
    after = catalog_entry(name).pair(set(made.files) - {before.pairs[0].image})
    assert after.pairs == before.pairs[1:]
    assert [(problem.kind, problem.files) for problem in after.problems] == [("orphan-mask", before.pairs[0].masks)]


def test_test_images_without_masks_are_listed_not_used() -> None:
    made = drive(test_masks=False)
    pairing = catalog_entry("drive").pair(made.files)
    assert {problem.files[0] for problem in pairing.problems} == made.unwanted


def test_two_formats_are_taken_once() -> None:
    made = clinicdb_in_two_formats()
    pairing = catalog_entry("cvc-clinicdb").pair(made.files)
    assert all(pair.image.endswith(".png") for pair in pairing.pairs)
    assert [(problem.kind, set(problem.files)) for problem in pairing.problems] == [("left-out", made.unwanted)]


def test_two_files_for_one_image_are_not_guessed_between() -> None:
    files = numbered("Original", "Ground Truth", "png").files | {"Ground Truth/25.tif": mask(0, "tif")}
    pairing = catalog_entry("cvc-clinicdb").pair(files)
    assert "25" not in [pair.key for pair in pairing.pairs]
    assert [problem.kind for problem in pairing.problems] == ["collision"]
    assert pairing.problems[0].files == ("Ground Truth/25.png", "Ground Truth/25.tif", "Original/25.png")


def test_drawings_are_left_out_without_a_word() -> None:
    pairing = catalog_entry("cvc-colondb").pair(colondb().files)
    assert pairing.problems == ()
    assert not colondb().unwanted & {file for pair in pairing.pairs for file in (pair.image, *pair.masks)}


# ------------------------------------------------------------------------------------------------------- several masks


@pytest.mark.parametrize("top", ["", "stage1_train/"])
def test_nuclei_are_merged_or_kept_apart(data, top: str) -> None:
    put(data, "dsb2018", dsb2018(top).files)
    found = open_source("dsb2018")
    assert list(found.keys()) == sorted(DSB_IDS)
    assert found.problems == ()
    for item in found:
        assert item.mask is not None
        assert len(item.mask.files) == 3
        blocks = item.load_instances()[::8, ::8]
        assert blocks.tolist() == [[1, 2], [3, 0]]
        assert np.array_equal(item.load().mask[::8, ::8], blocks > 0)


def test_image_whose_nuclei_are_gone() -> None:
    files = [name for name in dsb2018().files if not name.startswith(f"{DSB_IDS[0]}/masks")]
    pairing = catalog_entry("dsb2018").pair(files)
    assert [pair.key for pair in pairing.pairs] == [DSB_IDS[1]]
    assert [problem.kind for problem in pairing.problems] == ["orphan-image"]


def test_nuclei_whose_image_is_gone_are_one_problem() -> None:
    files = [name for name in dsb2018().files if not name.startswith(f"{DSB_IDS[0]}/images")]
    [problem] = catalog_entry("dsb2018").pair(files).problems
    assert problem.kind == "orphan-mask"
    assert len(problem.files) == 3
    assert "and 2 more" in problem.text


def test_several_lesions_and_none(data) -> None:
    put(data, "busi", busi_with_several_masks().files)
    found = open_source("busi")
    assert len(found) == 7
    assert found["benign (10)"].load().mask[::8, ::8].tolist() == [[False, True], [False, True]]
    assert not found["normal (1)"].load().mask.any()


# ------------------------------------------------------------------------------------------------------------- by path


@pytest.mark.parametrize(("name", "make"), SOUND)
def test_copy_is_recognised_by_its_own_name(tmp_path, name: str, make) -> None:
    folder = write_folder(tmp_path / catalog_entry(name).folder.lower().replace("-", "_"), make().files)
    found = open_source(folder)
    assert found.entry is catalog_entry(name)
    assert list(found.keys()) == sorted(make().keys)


@pytest.mark.parametrize("name", [name for name in OFFICIAL if name not in {"chase-db1", "isic2018-task1"}])
def test_copy_is_recognised_by_the_folder_in_it(tmp_path, name: str) -> None:
    found = open_source(write_zip(tmp_path / "download (1).zip", OFFICIAL[name]().files))
    assert found.entry is catalog_entry(name)


def test_own_data_is_not_taken_for_something_else(tmp_path) -> None:
    files = [f"{folder}/{number}.png" for folder in ("images", "masks") for number in range(9)]
    assert recognise(tmp_path / "polyps", files) is None
    assert recognise(tmp_path / "images", files) is None
    assert recognise(tmp_path / "Drive", files) is None
    assert recognise(tmp_path / "Kvasir-SEG", files) is None
    assert recognise(tmp_path / "Kvasir-SEG", []) is None
    assert recognise(tmp_path / "elsewhere", kvasir("images", "masks").files) is None


def test_a_tenth_of_foreign_pictures_makes_it_unsure() -> None:
    names = [f"{folder}/{number}.png" for folder in ("Original", "Ground Truth") for number in range(9)]
    assert recognise(Path("CVC_ClinicDB.zip"), [*names, "a.jpg", "b.jpg"]) is catalog_entry("cvc-clinicdb")
    assert recognise(Path("CVC_ClinicDB.zip"), [*names, "a.jpg", "b.jpg", "c.jpg"]) is None


def test_unknown_layout_is_paired_by_its_words(data) -> None:
    files = {f"set/images/{name}.png": image(0, "png") for name in "ab"} | {f"set/labels/{name}.png": mask(0, "png") for name in "ab"}
    put(data, "kvasir-seg", files)
    assert list(open_source("kvasir-seg").keys()) == ["a", "b"]


def test_problems_of_a_copy_with_nothing_in_it(data) -> None:
    put(data, "chase-db1", {"Image_01L.jpg": image(0, "jpg")})
    assert survey("chase-db1").items == ()


# -------------------------------------------------------------------------------------------------------------- groups


@pytest.mark.parametrize(("name", "make"), CASES)
def test_groups_are_those_of_the_entry(data, name: str, make) -> None:
    put(data, name, make().files)
    entry = catalog_entry(name)
    groups = {item.key: item.group for item in open_source(name)}
    assert groups == {key: entry.group_of(key) for key in make().keys}
    assert (entry.group is None) == (entry.group_noun is None)


def test_both_eyes_are_one_group() -> None:
    entry = catalog_entry("chase-db1")
    groups = [entry.group_of(key) for key in sorted(chase().keys)]
    assert groups == [f"child-{number}" for number in ("01", "01", "02", "02", "10", "10", "11", "11", "14", "14")]


def test_sequences_are_those_that_are_published() -> None:
    entry = catalog_entry("cvc-clinicdb")
    last = (25, 50, 67, 78, 103, 126, 151, 177, 199, 205, 227, 252, 277, 297, 317, 342, 363, 383, 408, 428, 447, 466, 478, 503)
    last += (528, 546, 571, 591, 612)
    assert len(last) == 29
    first = 1
    for number, end in enumerate(last, start=1):
        assert {entry.group_of(str(frame)) for frame in range(first, end + 1)} == {f"sequence-{number:02d}"}
        first = end + 1
    assert entry.group_of("0") is entry.group_of("613") is entry.group_of("frame") is None


def test_sequences_of_polypgen_are_groups_and_centres_are_not() -> None:
    entry = catalog_entry("polypgen")
    assert entry.group_of("seq1/0_endocv2021_positive_167") == "seq1"
    assert entry.group_of("C4/2_endocv2021_positive_1059") is None
