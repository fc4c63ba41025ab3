"""Fields of view, and masks of single objects."""

from __future__ import annotations

import pytest
from tests.data.pairings import found, sides, texts

from limner.data.pairing import pair_names


@pytest.mark.parametrize(
    ("image", "mask", "fov"),
    [
        ("training/images/21_training.tif", "training/1st_manual/21_manual1.gif", "training/mask/21_training_mask.gif"),
        ("images/21_training.tif", "1st_manual/21_manual1.gif", "mask/21_training_mask.gif"),
        ("images/01_dr.JPG", "manual1/01_dr.tif", "mask/01_dr_mask.tif"),
        ("images/a.png", "manual/a.png", "masks/a.png"),
        ("images/a.png", "vessels/a.png", "mask/a.png"),
        ("images/a.png", "vessel-segmentations/a.png", "masks/a.png"),
        ("images/a.png", "masks/a.png", "fov/a.png"),
        ("images/a.png", "masks/a.png", "FOV_masks/a.png"),
        ("images/a.png", "masks/a.png", "roi/a.png"),
        ("images/a.png", "labels/a.png", "fov/a_fov.png"),
        ("train_images/a.png", "train_masks/a.png", "train_fov/a.png"),
        ("set/a.png", "set/masks/a.png", "set/fov/a.png"),
        ("a.png", "a_mask.png", "a_fov.png"),
        ("a.png", "a_mask.png", "a_FOV_mask.png"),
        ("a.png", "a_mask.png", "a_mask_fov.png"),
        ("a.png", "a_mask.png", "fov/a.png"),
        ("images/a.png", "masks/a.png", "masks/a_fov.png"),
        ("images/a.png", "masks/a.png", "images/a_fov.png"),
        ("a.png", "a_manual1.png", "a_mask.png"),
        ("21_training.tif", "21_manual1.gif", "21_training_mask.gif"),
        ("case/scan.png", "case/mask.png", "case/fov.png"),
        ("case/image.png", "case/image_mask.png", "case/image_fov.png"),
    ],
)
def test_fields_of_view(image: str, mask: str, fov: str) -> None:
    assert sides(fov, mask, image) == [(image, (mask,), fov)]
    assert pair_names([fov, mask, image]).problems == ()
    assert pair_names([fov, mask, image]).masks == 1


def test_a_mask_is_a_field_of_view_only_beside_a_drawing_of_the_same_images() -> None:
    assert pair_names(["images/a.png", "manual/a.png", "mask/b.png"]).problems[0].kind == "rival-masks"
    assert pair_names(["images/a.png", "manual/a.png", "mask/a.png", "labels/a.png"]).problems[0].kind == "rival-masks"
    assert pair_names(["images/a.png", "manual/a.png", "mask/a.png", "masks/a.png"]).problems[0].kind == "rival-masks"
    assert pair_names(["images/a.png", "labels/a.png", "mask/a.png"]).problems[0].kind == "rival-masks"
    assert pair_names(["image/a.jpg", "GT/a_GT.tif", "mask/a_Mask.tif"]).problems[0].kind == "rival-masks"
    assert pair_names(["images/a.png", "Ground truth/a.png", "mask/a.png"]).problems[0].kind == "rival-masks"
    assert pair_names(["images/a.png", "expert1/a.png", "expert2/a.png", "masks/a.png"]).problems[0].kind == "rival-masks"
    assert pair_names(["a.png", "a_gt.png", "a_mask.png"]).problems[0].kind == "collision"
    assert pair_names(["a.png", "a_manual.png", "a_mask.png"]).problems[0].kind == "collision"
    assert pair_names(["a.png", "a_manual2.png", "a_mask.png"]).problems[0].kind == "collision"
    assert pair_names(["a.png", "a_rater1.png", "a_rater2.png", "a_mask.png"]).problems[0].kind == "collision"


def test_fields_of_view_for_both_observers() -> None:
    names = ["images/1.tif", "1st_manual/1_manual1.gif", "2nd_manual/1_manual2.gif", "mask/1_mask.gif"]
    assert sides(*names) == [("images/1.tif", ("1st_manual/1_manual1.gif",), "mask/1_mask.gif")]
    assert sides(*names, observer=2) == [("images/1.tif", ("2nd_manual/1_manual2.gif",), "mask/1_mask.gif")]


def test_fields_of_view_that_belong_to_no_pair_are_told_in_one_line() -> None:
    names = ["images/a.png", "masks/a.png", "fov/a.png", "fov/b.png", "fov/c.png", "fov/c.gif"]
    assert sides(*names) == [("images/a.png", ("masks/a.png",), "fov/a.png")]
    assert [problem.files for problem in pair_names(names).problems] == [("fov/b.png", "fov/c.gif", "fov/c.png")]
    alone = pair_names(["images/a.png", "roi/a.png"])
    assert [problem.kind for problem in alone.problems] == ["orphan-image", "left-out"]
    assert "if they are masks, name their folder `masks`" in str(alone.problems[1])
    assert sides("images/a.png", "masks/a.png", "fov/a.png", "fov/a.gif") == [("images/a.png", ("masks/a.png",), None)]


def test_positions_under_the_microscope_are_no_fields_of_view() -> None:
    assert [key for key, _, _ in found("fov_1/a.png", "fov_1/a_mask.png", "fov_2/a.png", "fov_2/a_mask.png")] == ["fov_1/a", "fov_2/a"]
    assert [key for key, _, _ in found("fov_images/a.png", "fov_masks/a.png")] == ["a"]
    assert [key for key, _, _ in found("roi_images/a.png", "roi_masks/a.png", "images/b.png", "masks/b.png")] == ["a", "b"]
    assert [key for key, _, _ in found("images/a_fov.png", "masks/a_fov.png", "images/b_fov.png", "masks/b_fov.png")] == ["a_fov", "b_fov"]
    assert [key for key, _, _ in found("fov_01.png", "fov_01_mask.png")] == ["fov_01"]


def test_pascal_voc() -> None:
    names = [
        f"VOC2012/{folder}/a.{kind}"
        for folder, kind in (("JPEGImages", "jpg"), ("SegmentationClass", "png"), ("SegmentationObject", "png"))
    ]
    others = ["VOC2012/ImageSets/Segmentation/train.txt", "VOC2012/Annotations/a.xml"]
    assert sides(*names) == [(names[0], (names[1],), None)]
    found = pair_names([*names, *others])
    assert texts(found) == ["SegmentationObject/: 1 file left out, since they tell single objects apart; the masks beside them are taken"]
    assert found.problems[0].files == (names[2],)
    assert sides(names[0], names[2]) == [(names[0], (names[2],), None)]
