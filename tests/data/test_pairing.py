"""Pairs from names, in the layouts that people have."""

from __future__ import annotations

import pytest
from tests.data.pairings import found, texts

from limner.data.pairing import Pair, image_names, pair_names


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/a.jpg", "masks/a.jpg"),
        ("images/a.jpg", "masks/a.png"),
        ("images/a.JPG", "masks/A.PNG"),
        ("image/a.jpg", "mask/a.png"),
        ("img/a.jpg", "label/a.png"),
        ("imgs/a.jpg", "labels/a.png"),
        ("Original/a.png", "Ground Truth/a.png"),
        ("images/a.png", "GT/a.png"),
        ("images/a.png", "ground_truth/a.png"),
        ("images/a.png", "annotations/a.png"),
        ("images/a.png", "seg/a.png"),
        ("images/a.png", "segmentations/a.png"),
        ("JPEGImages/a.jpg", "SegmentationClass/a.png"),
        ("a.jpg", "masks/a.png"),
        ("a.jpg", "deep/masks/a.png"),
        ("Kvasir-SEG/images/a.jpg", "Kvasir-SEG/masks/a.jpg"),
        ("one/two/images/a.jpg", "one/two/masks/a.jpg"),
        ("train/images/a.jpg", "train/masks/a.jpg"),
        ("images/train/a.jpg", "masks/train/a.jpg"),
        ("images/train/deep/a.jpg", "masks/train/deep/a.jpg"),
        ("train_images/a.jpg", "train_masks/a.png"),
        ("TrainImages/a.jpg", "TrainMasks/a.png"),
        ("ISIC2018_Task1-2_Training_Input/a.jpg", "ISIC2018_Task1_Training_GroundTruth/a_segmentation.png"),
        ("images/a.jpg", "masks/a_mask.png"),
        ("images/a.jpg", "images/a_mask.png"),
        ("images/img_a.jpg", "masks/mask_a.png"),
        ("images/a.jpg", "labels/label-a.png"),
        ("a_image.jpg", "a_label.png"),
        ("image_a.jpg", "label_a.png"),
        ("img_a.jpg", "img_a_mask.jpg"),
        ("lesion_a.jpg", "lesion_a_mask.jpg"),
        ("a_lesion.jpg", "a_lesion_mask.jpg"),
        ("images/a_seg.png", "masks/a_seg.png"),
        ("images/mask_a.png", "masks/mask_a.png"),
        ("masks/a.png", "masks/a_mask.png"),
        ("segmentation/a.png", "segmentation/a_mask.png"),
        ("case/image.png", "case/mask.png"),
        ("images/a b.c (1).png", "masks/a b.c (1).png"),
        ("images/ä.png", "masks/a\u0308.png"),
        ("images/lesion/a.png", "masks/lesion/a.png"),
        ("set/images/manual/a.png", "set/masks/manual/a.png"),
        ("train_images/lesion/a.png", "train_masks/lesion/a.png"),
        ("a.png", "a_mask_1.png"),
    ],
)
def test_layouts(image: str, mask: str) -> None:
    pairing = pair_names([mask, image])
    assert [(pair.image, pair.masks) for pair in pairing.pairs] == [(image, (mask,))]
    assert pairing.problems == ()


AFFIXES = [
    *("_mask", "-mask", ".mask", " mask", "_masks", "_Mask", "_segmentation", "_lesion", "_gt", "_GT", "_label", "_labels", "_seg"),
    *("_annotation", "_manual", "_groundtruth", "_GroundTruth", "_ground_truth", "_1stHO", "_1STHO", "_manual1", "_Manual1", ".ah", ".vk"),
]


@pytest.mark.parametrize("affix", AFFIXES)
def test_affixes_side_by_side(affix: str) -> None:
    assert found("x1.jpg", f"x1{affix}.png", "x10.jpg", f"x10{affix}.png") == [
        ("x1", "x1.jpg", f"x1{affix}.png"),
        ("x10", "x10.jpg", f"x10{affix}.png"),
    ]


@pytest.mark.parametrize("affix", AFFIXES)
def test_affixes_in_folders(affix: str) -> None:
    assert found("images/x1.jpg", f"masks/x1{affix}.png", "images/x10.jpg", f"masks/x10{affix}.png") == [
        ("x1", "images/x1.jpg", f"masks/x1{affix}.png"),
        ("x10", "images/x10.jpg", f"masks/x10{affix}.png"),
    ]


@pytest.mark.parametrize("prefix", ["mask_", "Mask-", "label_", "gt_", "seg.", "1stHO_", "manual1_"])
def test_prefixes(prefix: str) -> None:
    for folders in (("", ""), ("images/", "masks/")):
        image, mask = f"{folders[0]}x1.jpg", f"{folders[1]}{prefix}x1.png"
        assert found(image, mask, f"{folders[0]}x10.jpg") == [("x1", image, mask)]


def test_breast_ultrasound_in_classes() -> None:
    numbered = [f"BUSI/benign/benign (1){end}.png" for end in ("", "_mask", "_mask_1", "_mask_2")]
    single = [f"BUSI/malignant/malignant (1){end}.png" for end in ("", "_mask")]
    pairing = pair_names([*single, *numbered, "BUSI/normal/normal (1).png", "BUSI/normal/normal (1)_mask.png"])
    assert [(pair.key, len(pair.masks)) for pair in pairing.pairs] == [("benign (1)", 3), ("malignant (1)", 1), ("normal (1)", 1)]
    assert pairing.problems == ()


def test_one_folder_per_case() -> None:
    assert found("all/p1/image.png", "all/p1/mask.png", "all/p2/image.png", "all/p2/mask.png") == [
        ("p1", "all/p1/image.png", "all/p1/mask.png"),
        ("p2", "all/p2/image.png", "all/p2/mask.png"),
    ]


def test_names_that_begin_alike_never_meet() -> None:
    pairing = pair_names(["images/train1.jpg", "masks/train10.jpg", "images/train100.jpg", "masks/train.jpg"])
    assert pairing.pairs == ()
    assert len(pairing.problems) == 4


def test_order_of_names_does_not_matter() -> None:
    names = ["images/b.png", "masks/a.png", "images/a.png", "masks/b.png", "masks/c.png"]
    assert pair_names(names) == pair_names(reversed(names))


def test_orphans_are_listed() -> None:
    pairing = pair_names(["images/a.png", "masks/a.png", "images/b.png", "masks/c.png"])
    assert [pair.key for pair in pairing.pairs] == ["a"]
    assert texts(pairing) == ["images/b.png: an image without mask", "masks/c.png: a mask without image"]
    assert [(problem.kind, problem.files) for problem in pairing.problems] == [
        ("orphan-image", ("images/b.png",)),
        ("orphan-mask", ("masks/c.png",)),
    ]
    assert (pairing.images, pairing.masks) == (2, 2)


@pytest.mark.parametrize(
    ("names", "counts"),
    [
        (["images/a.png", "images/a.jpg", "masks/a.png"], "2 images and 1 mask"),
        (["images/a.png", "masks/a.png", "masks/a.jpg"], "1 image and 2 masks"),
        (["images/a.png", "masks/a.png", "masks/a_gt.png"], "1 image and 2 masks"),
        (["a.png", "a_mask.png", "a_seg.png"], "1 image and 2 masks"),
        (["a.png", "a_mask_1.png", "a_mask_1.jpg"], "1 image and 2 masks share one name; merge the masks into one, or"),
        (["a.png", "a_mask.png", "a_mask_1.png", "a_seg.png"], "1 image and 3 masks"),
        (["images/a.png", "masks/a.png", "masks/a_1.png"], "1 image and 2 masks"),
        (["images/a.png", "masks/a_1.png", "masks/a_2.png", "masks/a_2.jpg"], "1 image and 3 masks"),
        (["images/a.png", "images/a.jpg", "masks/a_1.png", "masks/a_2.png"], "2 images and 2 masks"),
        (["c/images/c.png", "c/masks/1.png", "c/masks/1.jpg"], "1 image and 2 masks"),
        (["c/images/c.png", "c/masks/c.png", "c/masks/1.png"], "1 image and 2 masks"),
        (["images/1_train.png", "images/1_test.png", "masks/1.png"], "2 images and 1 mask"),
        (["c/scan.png", "c/mask.png", "c/seg.png"], "1 image and 2 masks"),
        (["c/image.png", "c/mask.png", "c/mask_1.png"], "1 image and 2 masks"),
        (["images/a.png", "images/img_a.png", "masks/a.png"], "2 images and 1 mask"),
        (["images/a.png", "masks/a.png", "train/images/b.png", "images/train/b.png", "train/masks/b.png"], "2 images and 1 mask"),
    ],
)
def test_collisions_are_listed_not_guessed(names: list[str], counts: str) -> None:
    pairing = pair_names(names)
    assert len(pairing.problems) == 1
    assert counts in str(pairing.problems[0])
    assert pairing.problems[0].kind == "collision"
    paired = {name for pair in pairing.pairs for name in (pair.image, *pair.masks)}
    assert pairing.problems[0].files == tuple(sorted(set(names) - paired))
    assert all(pair.key != "b" for pair in pairing.pairs)


def test_classes_named_like_masks_train_too() -> None:
    names = [f"{role}/{kind}/{key}.png" for role in ("images", "masks") for kind, key in (("lesion", "a"), ("normal", "b"))]
    pairing = pair_names(names)
    assert [(pair.image, *pair.masks) for pair in pairing.pairs] == [
        ("images/lesion/a.png", "masks/lesion/a.png"),
        ("images/normal/b.png", "masks/normal/b.png"),
    ]
    assert pairing.problems == ()


def test_copies_in_two_formats_are_told() -> None:
    names = [f"{kind}/{role}/{key}.{kind}" for kind in ("PNG", "TIF") for role in ("Original", "Ground Truth") for key in (1, 2)]
    pairing = pair_names(names)
    assert [pair.key for pair in pairing.pairs] == ["PNG/1", "PNG/2", "TIF/1", "TIF/2"]
    assert [str(problem).split(";")[0] for problem in pairing.problems] == [
        "PNG/ and TIF/: they hold images of the same names and look like copies"
    ]
    assert pairing.problems[0].files == ("PNG/Original/", "TIF/Original/")


def test_many_copies_are_told_in_one_line() -> None:
    pairing = pair_names(f"{copy}/{role}/a.png" for copy in range(9) for role in ("images", "masks"))
    assert [str(problem).split(":")[0] for problem in pairing.problems] == ["0/, 1/ and 7 more folders"]


@pytest.mark.parametrize(
    "names",
    [
        ["train/images/1.png", "train/masks/1.png", "test/images/2.png", "test/masks/2.png"],
        ["p1/image.png", "p1/mask.png", "p2/image.png", "p2/mask.png"],
    ],
)
def test_folders_of_other_images_are_no_copies(names: list[str]) -> None:
    pairing = pair_names(names)
    assert len(pairing.pairs) == 2
    assert pairing.problems == ()


def test_each_copy_is_named_by_one_folder_of_images() -> None:
    names = [f"{copy}/{role}/{i}.png" for copy in "xy" for role in ("images", "masks") for i in (1, 2)]
    moved = [name.replace("y/images/2", "y/img/2") for name in names]
    assert pair_names(moved).problems[0].files == ("x/images/", "y/images/")


def test_whole_stems_settle_what_affixes_leave_open() -> None:
    assert [key for key, _, _ in found("images/a.png", "images/a_seg.png", "masks/a.png", "masks/a_seg.png")] == ["a", "a_seg"]
    assert [key for key, _, _ in found("images/A.png", "images/a.png", "masks/A.png", "masks/a.png")] == ["A", "a"]


def test_two_folders_of_masks_are_refused() -> None:
    pairing = pair_names(["set/images/a.png", "set/labels/a.png", "set/masks/a.png", "set/readme.txt"])
    assert pairing.pairs == ()
    assert texts(pairing) == ["labels/ and masks/: several folders look like the masks of the same images; keep one of them"]
    assert pairing.problems[0].kind == "rival-masks"
    assert pairing.problems[0].files == ("set/images/a.png", "set/labels/", "set/masks/")


def test_a_folder_stands_for_its_files_only_if_all_are_meant() -> None:
    names = ["images/x/a.png", "masks/x/a.png", "labels/x/a.png", "images/y/b.png", "masks/y/b.png"]
    pairing = pair_names(names)
    assert [pair.key for pair in pairing.pairs] == ["b"]
    assert pairing.problems[0].files == ("images/x/a.png", "labels/", "masks/x/a.png")


def test_parts_do_not_mix() -> None:
    assert found("train/images/1.png", "test/masks/1.png") == []
    assert found("fold1/images/1.png", "fold2/masks/1.png") == []
    assert found("train_images/1.png", "test_masks/1.png") == []
    keys = [key for key, _, _ in found("train/images/1.png", "train/masks/1.png", "test/images/1.png", "test/masks/1.png")]
    assert keys == ["test/1", "train/1"]


def test_only_repeated_stems_get_their_folder() -> None:
    names = [f"{part}/{role}/{key}.png" for part in ("a", "b") for role in ("images", "masks") for key in ("1", f"only{part}")]
    assert [pair.key for pair in pair_names(names).pairs] == ["a/1", "b/1", "onlya", "onlyb"]


def test_junk_is_ignored() -> None:
    names = ["images/a.png", "masks/a.png", "__MACOSX/images/._a.png", "__MACOSX/images/b.png", "images/.DS_Store", "images/._a.png"]
    pairing = pair_names([*names, "images/Thumbs.db", "masks/Thumbs.db", "readme.txt", "boxes.json", ".hidden/c.png", "images/noextension"])
    assert pairing.pairs == (Pair("a", "images/a.png", ("masks/a.png",)),)
    assert pairing.problems == ()


def test_names_without_roles_are_images() -> None:
    pairing = pair_names(["one/a.png", "two/a.png"])
    assert (pairing.images, pairing.masks, pairing.pairs) == (2, 0, ())


def test_nothing() -> None:
    assert pair_names([]) == pair_names(["a.txt"])
    assert image_names([]).pairs == ()


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["a.png", "b.jpg"], ["a", "b"]),
        (["images/a.png", "masks/a.png", "images/b.png", "masks/c.png"], ["a", "b"]),
        (["a.png", "a_mask.png", "b_seg.png"], ["a", "b_seg"]),
        (["masks/a.png", "masks/b.png"], ["a", "b"]),
        (["lesion_1.png", "target.png"], ["lesion_1", "target"]),
        (["x/a.png", "y/a.png", "y/b.png"], ["b", "x/a", "y/a"]),
        (["a.png", "a.jpg", "a.png.jpg"], ["a.jpg", "a.png", "a.png.jpg"]),
        (["c/image.png", "c/photo.png"], ["image", "photo"]),
        (["c/image.png", "c/photo.png", "d/x.png"], ["c/image.png", "c/photo.png", "x"]),
        (["train/images/a.png", "images/train/a.png"], ["images/train/a.png", "train/images/a.png"]),
        (["patients/lesion/a.jpg", "patients/normal/b.jpg"], ["a", "b"]),
        (["patients/lesion/1.jpg", "patients/normal/1.jpg"], ["lesion/1", "normal/1"]),
        (["set/target/a.jpg", "set/source/b.jpg"], ["a", "b"]),
        (["set/manual/a.jpg", "set/automatic/b.jpg"], ["a", "b"]),
        (["set/label/a.jpg", "set/plain/b.jpg"], ["a", "b"]),
        (["lesion/a.jpg", "normal/b.jpg", "overview.jpg"], ["a", "b", "overview"]),
        (["x/images/a.png", "x/masks/a.png", "y/masks/b.png"], ["a", "b"]),
        (["images/lesion/a.png", "images/normal/b.png", "masks/lesion/a.png", "masks/normal/b.png"], ["a", "b"]),
        (["ISIC_Task1-2_Training_Input/a.jpg", "ISIC_Task1_Training_GroundTruth/a_segmentation.png"], ["a"]),
        (["a.png", "a_mask.png", "a_mask_1.png"], ["a"]),
    ],
)
def test_images_alone(names: list[str], keys: list[str]) -> None:
    assert sorted(pair.key for pair in image_names(names).pairs) == keys
    assert all(pair.masks == () and pair.fov is None for pair in image_names(names).pairs)


def test_masks_left_out_are_counted_with_the_reason() -> None:
    found = image_names(["images/a.png", "images/b.png", "masks/a.png", "masks/b.png", "masks/c.png"])
    assert texts(found) == ["masks/: 3 files left out as masks, since a folder of this name lies beside its images"]
    assert (found.images, found.masks) == (2, 3)
    found = image_names(["x.png", "x_seg.png", "y.png", "y_seg.png"])
    assert texts(found) == ["x_seg.png: 2 files left out as masks, since they are named like this and lie beside their images"]
    found = image_names(f"{case}/{role}/{key}.png" for case in "ab" for role in ("images", "masks") for key in (1, 2))
    assert texts(found) == ["masks/ in 2 folders: 4 files left out as masks, since a folder of this name lies beside its images"]
    assert image_names(["lesion/a.png", "normal/b.png"]).problems == ()


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["Image_01L.jpg", "Image_01L_1stHO.png", "Image_01L_2ndHO.png"], ["Image_01L"]),
        (["im1.ppm", "im1.ah.ppm", "im1.vk.ppm"], ["im1"]),
        (["t/images/21_training.tif", "t/1st_manual/21_manual1.gif", "t/mask/21_training_mask.gif"], ["21_training"]),
        (["21_training.tif", "21_manual1.gif", "21_training_mask.gif"], ["21_training"]),
        (["a.png", "a_mask.png", "a_fov.png"], ["a"]),
        (["images/a.png", "fov/a.png", "masks/a.png"], ["a"]),
        (["a.png", "a_1_mask.png", "a_2_mask.png"], ["a"]),
        (["c/images/c.png", "c/masks/1.png", "c/masks/2.png"], ["c"]),
        (["JPEGImages/a.jpg", "SegmentationClass/a.png", "SegmentationObject/a.png"], ["a"]),
        (["rater1/a.png", "rater2/b.png"], ["a", "b"]),
        (["fov/a.png", "fov/b.png"], ["a", "b"]),
        (["x/fov/a.png", "y/roi/b.png"], ["a", "b"]),
        (["fov_1.png", "sample_fov.png", "reader_2.png", "scan_reader_1.png"], ["fov_1", "reader_2", "sample_fov", "scan_reader_1"]),
    ],
)
def test_no_mask_of_any_kind_is_predicted(names: list[str], keys: list[str]) -> None:
    found = image_names(names)
    assert [pair.key for pair in found.pairs] == keys
    assert sorted(name for problem in found.problems for name in problem.files) == sorted(set(names) - {pair.image for pair in found.pairs})


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("imagesTr/c{}_0000.png", "labelsTr/c{}.png"),
        ("images/{}.jpg", "masks/{}.jpg.png"),
        ("train/images/{}.png", "train/binary_masks/{}.png"),
        ("train/images/{}.png", "train/cell_masks/{}.png"),
        ("Tissue Images/{}.tif", "Binary Masks/{}.png"),
        ("imgs/{}.png", "msks/{}_msk.png"),
        ("CXR/{}.png", "ManualMask/{}.png"),
        ("train_{}.bmp", "train_{}_anno.bmp"),
    ],
)
@pytest.mark.parametrize("other", ["", "test"])
def test_layouts_that_tools_and_publishers_leave(image: str, mask: str, other: str) -> None:
    images, masks = ([name.format(key).replace("train", other or "train") for key in "ab"] for name in (image, mask))
    beside = ["train/images/z.png", "train/binary_masks/z.png"] if other and image.startswith("train/") else []
    found = [(pair.image, *pair.masks) for pair in pair_names([*images, *masks, *beside]).pairs]
    assert [pair for pair in found if pair[0] not in beside] == list(zip(images, masks, strict=True))


def test_one_channel_of_several_and_the_first_of_several_frames_are_no_images_of_their_own() -> None:
    names = ["imagesTr/a_0000.png", "imagesTr/a_0001.png", "labelsTr/a.png"]
    assert pair_names(names).pairs == ()


def test_names_that_speak_against_each_other_are_not_joined() -> None:
    names = [f"{part}/{folder}/a.png" for part in "xy" for folder in ("train_images", "test_masks")]
    assert pair_names(names).pairs == ()


def test_an_image_beside_one_of_the_same_name_is_told_what_to_do() -> None:
    texts = [str(problem) for problem in pair_names(["a.jpg", "a.png", "b.jpg"]).problems]
    assert texts == [
        "a.jpg: an image without mask; if it is the mask of a.png, or that is its mask, add `_mask` to the mask's name",
        "a.png: an image without mask; if it is the mask of a.jpg, or that is its mask, add `_mask` to the mask's name",
        "b.jpg: an image without mask",
    ]
