"""Several people's masks of the same images."""

from __future__ import annotations

import pytest
from tests.data.pairings import found, sides, texts

from limner.data.pairing import pair_names
from limner.errors import DataError


@pytest.mark.parametrize(
    ("image", "first", "second"),
    [
        ("Image_01L.jpg", "Image_01L_1stHO.png", "Image_01L_2ndHO.png"),
        ("im0001.ppm", "im0001.ah.ppm", "im0001.vk.ppm"),
        ("stare-images/im0001.ppm", "labels-ah/im0001.ah.ppm", "labels-vk/im0001.vk.ppm"),
        ("images/21.tif", "1st_manual/21_manual1.gif", "2nd_manual/21_manual2.gif"),
        ("images/21_training.tif", "1st_manual/21_manual1.gif", "2nd_manual/21_manual2.gif"),
        ("test/images/01_test.tif", "test/1st_manual/01_manual1.gif", "test/2nd_manual/01_manual2.gif"),
        ("images/a.png", "manual1/a.png", "manual2/a.png"),
        ("images/a.png", "observer1/a.png", "observer2/a.png"),
        ("images/a.png", "expert1/a.png", "expert2/a.png"),
        ("images/a.png", "Expert 1/a.png", "Expert 2/a.png"),
        ("images/a.png", "ExpertA/a.png", "ExpertB/a.png"),
        ("images/a.png", "annotator_1/a.png", "annotator_2/a.png"),
        ("images/a.png", "rater2/a.png", "rater10/a.png"),
        ("images/a.png", "masks/observer1/a.png", "masks/observer2/a.png"),
        ("images/a.png", "observer1/masks/a.png", "observer2/masks/a.png"),
        ("images/a.png", "masks_observer1/a.png", "masks_observer2/a.png"),
        ("train_images/a.png", "train_masks_rater1/a.png", "train_masks_rater2/a.png"),
        ("images/a.png", "masks/a_expert1.png", "masks/a_expert2.png"),
        ("images/a.png", "masks/expert1_a.png", "masks/expert2_a.png"),
        ("a.png", "a_manual1.png", "a_manual2.png"),
        ("a.png", "a_manual_1.png", "a_manual_2.png"),
        ("a.png", "a_observer1.png", "a_observer2.png"),
        ("a.png", "a_annotator_1.png", "a_annotator_2.png"),
        ("a.png", "a_rater1_mask.png", "a_rater2_mask.png"),
        ("a.png", "a_mask_rater1.png", "a_mask_rater2.png"),
        ("a.png", "observer1/a.png", "observer2/a.png"),
        ("case/image.png", "case/expert1.png", "case/expert2.png"),
        ("case/image.png", "case/image_expert1.png", "case/image_expert2.png"),
        ("case/scan.png", "case/manual1.png", "case/manual2.png"),
    ],
)
def test_observers(image: str, first: str, second: str) -> None:
    names = [second, image, first]
    assert sides(*names) == [(image, (first,), None)]
    assert sides(*names, observer=2) == [(image, (second,), None)]
    left = pair_names(names).problems
    assert [(problem.kind, problem.files) for problem in left] == [("left-out", (second,))]
    assert str(left[0]) == f"{second}: 1 mask by another observer left out; `--observer 2` takes them instead"
    assert "`--observer 1`" in str(pair_names(names, observer=2).problems[0])
    with pytest.raises(DataError, match="no masks by observer 3: the names tell of 2 observers"):
        pair_names(names, observer=3)


def test_masks_of_one_observer_need_no_choice() -> None:
    assert sides("images/a.png", "2nd_manual/a_manual2.png") == [("images/a.png", ("2nd_manual/a_manual2.png",), None)]
    assert pair_names(["images/a.png", "2nd_manual/a_manual2.png"]).problems == ()
    with pytest.raises(DataError, match="no masks by observer 2: no names tell of several observers") as caught:
        pair_names(["images/a.png", "masks/a.png"], observer=2)
    assert caught.value.fix == "leave --observer out"
    with pytest.raises(DataError, match="observer 0"):
        pair_names(["images/a.png", "masks/a.png"], observer=0)


def test_images_that_an_observer_has_not_drawn_are_listed() -> None:
    names = ["a.jpg", "a_1stHO.png", "a_2ndHO.png", "b.jpg", "b_1stHO.png", "c.jpg", "d_2ndHO.png"]
    assert sides(*names, observer=2) == [("a.jpg", ("a_2ndHO.png",), None)]
    assert texts(pair_names(names, observer=2)) == [
        "b.jpg: an image without mask by observer 2",
        "c.jpg: an image without mask",
        "d_2ndHO.png: a mask without image",
        "a_1stHO.png: 2 masks by another observer left out; `--observer 1` takes them instead",
    ]


def test_more_observers_are_told_in_one_line() -> None:
    names = ["images/a.png", *(f"expert{i}/a.png" for i in (1, 2, 3, 4))]
    assert [str(problem) for problem in pair_names(names, observer=2).problems] == [
        "expert1/a.png: 3 masks by 3 other observers left out; `--observer 1` to `4` takes them instead"
    ]


def test_people_in_the_names_of_images_are_no_observers() -> None:
    names = [f"{role}/scan_reader_{i}.png" for role in ("images", "masks") for i in (1, 2, 3)]
    assert [key for key, _, _ in found(*names[:-1])] == ["scan_reader_1", "scan_reader_2"]
    assert texts(pair_names(names[:-1])) == ["images/scan_reader_3.png: an image without mask"]
    apart = [f"images/scan_reader_{i}.png" for i in (1, 2)] + [f"drawn/scan_reader_{i}_mask.png" for i in (1, 2)]
    assert [key for key, _, _ in found(*apart)] == ["scan_reader_1", "scan_reader_2"]
    beside = [f"scan_expert_{i}{end}.png" for i in (1, 2) for end in ("", "_seg")]
    assert [key for key, _, _ in found(*beside)] == ["scan_expert_1", "scan_expert_2"]
    assert [key for key, _, _ in found("0.png", "0_manual.png", "0th.png", "0th_manual.png")] == ["0", "0th"]
    folders = [f"rater{i}/{role}/{i}.png" for i in (1, 2) for role in ("images", "masks")]
    assert [key for key, _, _ in found(*folders)] == ["1", "2"]
