"""Several masks of one image, and one folder for each case."""

from __future__ import annotations

import pytest
from tests.data.pairings import found, sides, texts

from limner.data.pairing import pair_names


@pytest.mark.parametrize(
    ("image", "masks"),
    [
        ("a.png", ["a_mask.png", "a_mask_1.png", "a_mask_2.png"]),
        ("a.png", ["a_mask_1.png", "a_mask_2.png"]),
        ("a.png", ["a_mask1.png", "a_mask2.png"]),
        ("benign (1).png", ["benign (1)_mask.png", "benign (1)_mask_1.png", "benign (1)_mask_2.png"]),
        ("images/a.png", ["masks/a_mask.png", "masks/a_mask_1.png"]),
        ("images/a.png", ["masks/a_1.png", "masks/a_2.png"]),
        ("images/frame_1.png", ["masks/frame_1_1.png", "masks/frame_1_2.png", "masks/frame_1_3.png"]),
        ("images/a.png", ["masks/a_1_mask.png", "masks/a_2_mask.png"]),
        ("c/images/c.png", ["c/masks/0.png", "c/masks/1.png", "c/masks/f00.png"]),
        ("c/images/c.png", ["c/masks/other.png"]),
        ("set/c/c.png", ["set/c/masks/0.png", "set/c/masks/1.png"]),
        ("case/image.png", ["case/mask_1.png", "case/mask_2.png"]),
    ],
)
def test_several_masks_of_one_image(image: str, masks: list[str]) -> None:
    assert sides(*reversed(masks), image) == [(image, tuple(sorted(masks)), None)]
    assert pair_names([image, *masks]).problems == ()
    assert pair_names([image, *masks]).masks == len(masks)


def test_numbers_are_parts_only_where_no_image_is_numbered() -> None:
    found = pair_names(["images/a.png", "images/a_2.png", "masks/a_1.png", "masks/a_2.png", "masks/a.png"])
    assert [(pair.image, pair.masks) for pair in found.pairs] == [
        ("images/a.png", ("masks/a.png",)),
        ("images/a_2.png", ("masks/a_2.png",)),
    ]
    assert texts(found) == ["masks/a_1.png: a mask without image"]


def test_one_number_alone_may_be_an_images() -> None:
    assert sides("images/a.png", "masks/a_1.png", "images/b.png", "masks/b_1.png") == []
    numbered = sides("images/a.png", "masks/a_1.png", "images/b.png", "masks/b_1.png", "masks/b_2.png")
    assert numbered == [("images/a.png", ("masks/a_1.png",), None), ("images/b.png", ("masks/b_1.png", "masks/b_2.png"), None)]


def test_one_folder_per_case_with_masks_of_any_name() -> None:
    names = ["c1/images/x.png", "c1/masks/0.png", "c1/masks/1.png", "c2/images/y.png", "c2/masks/0.png", "c3/images/z.png"]
    found = pair_names(names)
    assert [(pair.key, pair.masks) for pair in found.pairs] == [("x", ("c1/masks/0.png", "c1/masks/1.png")), ("y", ("c2/masks/0.png",))]
    assert texts(found) == ["c3/images/z.png: an image without mask"]


@pytest.mark.parametrize(
    "names",
    [
        ["train/images/a.png", "train/masks/b.png", "train/masks/c.png", "test/images/d.png", "test/masks/e.png"],
        ["c1/images/a.png", "c1/masks/b.png", "c2/images/c.png", "c2/masks/d.png"],
        ["c1/images/a.png", "c1/masks/b.png", "c1/masks/c.png", "c2/images/b.png", "c2/masks/a.png"],
        ["c1/a.png", "c1/b_mask.png", "c1/b_mask_1.png", "c2/c.png", "c2/d_mask.png"],
        ["images/a.png", "masks/b.png", "masks/c.png"],
        ["case/image.png", "case/liver_mask.png", "case/tumour_mask.png"],
        ["case/image.png", "case/1_mask.png"],
        ["c1/images/a.png", "c1/masks/0.png", "c1/masks/1.png", "c2/images/b.png", "c2/masks/d_mask.png"],
        ["a.png", "masks/0.png", "masks/1.png", "c2/b.png", "c2/masks/0.png"],
        ["a.png", "expert_1.png"],
    ],
)
def test_other_names_are_not_taken_for_cases(names: list[str]) -> None:
    assert sides(*names) == []


def test_many_files_of_a_collision_are_counted() -> None:
    found = pair_names(["c/images/c.png", *(f"c/masks/{i}.png" for i in range(20)), "c/masks/7.jpg"])
    assert str(found.problems[0]).startswith("c/images/c.png, c/masks/0.png, ")
    assert "c/masks/12.png, ... and 16 more: 1 image and 21 masks share one name" in str(found.problems[0])
    assert len(found.problems[0].files) == 22


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("patient1/img.png", "patient1/seg.png"),
        ("patient1/scan.png", "patient1/mask.png"),
        ("patient1/image.png", "patient1/image_mask.png"),
        ("patient1/image_seg.png", "patient1/image_seg_mask.png"),
        ("patient1/visit2/images/1.png", "patient1/visit2/masks/1.png"),
        ("patient1/images/image.png", "patient1/masks/mask.png"),
        ("slices/a.dcm", "slices/a_mask.png"),
        ("images/a.DICOM", "masks/a.ppm"),
    ],
)
def test_one_case_among_others(image: str, mask: str) -> None:
    expected = [(image, (mask,), None), ("other/image.png", ("other/label.png",), None)]
    assert sorted(sides(image, mask, "other/image.png", "other/label.png")) == sorted(expected)


def test_visits_of_patients() -> None:
    names = [f"p{p}/visit{v}/{role}/1.png" for p in (1, 2) for v in (1, 2) for role in ("images", "masks")]
    assert [key for key, _, _ in found(*names)] == ["p1/visit1/1", "p1/visit2/1", "p2/visit1/1", "p2/visit2/1"]
    flat = [f"p{p}/{stem}.png" for p in (1, 2) for stem in ("t1", "t1_mask", "t2", "t2_mask")]
    assert [key for key, _, _ in found(*flat)] == ["p1/t1", "p1/t2", "p2/t1", "p2/t2"]


def test_classes_named_like_masks_hold_pairs_side_by_side() -> None:
    names = ["lesion/a.png", "lesion/a_mask.png", "normal/b.png", "normal/b_mask.png"]
    assert [key for key, _, _ in found(*names)] == ["a", "b"]
    people = ["rater1/a.png", "rater1/a_mask.png", "rater2/b.png", "rater2/b_mask.png"]
    assert [key for key, _, _ in found(*people)] == ["a", "b"]
