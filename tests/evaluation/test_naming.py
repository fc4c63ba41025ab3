"""Which picture is the prediction for which image."""

from __future__ import annotations

import pytest

from limner.errors import DataError
from limner.evaluation.naming import Named, match_names

TWO = [Named("a", "images/a.jpg"), Named("b", "images/b.jpg")]


@pytest.mark.parametrize(
    "pictures",
    [
        ["a.png", "b.png"],
        ["a.tif", "b.bmp"],
        ["A.PNG", "B.PNG"],
        ["out/a.png", "out/b.png"],
        ["masks/images/a.png", "masks/images/b.png"],
        ["a_mask.png", "b_mask.png"],
        ["a_pred.png", "b-prediction.png"],
        ["mask_a.png", "pred_b.png"],
        ["a segmentation.png", "b_seg.png"],
        ["a_pred_mask.png", "b_mask_pred.png"],
        ["a.jpg.png", "b.jpg.png"],
        ["a.jpg_pred.png", "b_prob.png"],
    ],
)
def test_the_ways_in_which_tools_name_them(pictures: list[str]) -> None:
    found = match_names(TWO, pictures, where="p")
    assert found.files == dict(zip("ab", pictures, strict=True))
    assert (found.missing, found.extra) == ((), ())


def test_what_is_missing_and_what_is_too_many() -> None:
    found = match_names(TWO, ["a.png", "legend.png"], where="p")
    assert (found.files, found.missing, found.extra) == ({"a": "a.png"}, ("b",), ("legend.png",))


def test_keys_with_folders() -> None:
    images = [Named("p1/a", "p1/images/a.png"), Named("p2/a", "p2/images/a.png")]
    for pictures in (["p1/a.png", "p2/a.png"], ["p1/images/a.png", "p2/images/a.png"], ["p1/a_mask.png", "p2/a_mask.png"]):
        assert match_names(images, pictures, where="p").files == dict(zip(("p1/a", "p2/a"), pictures, strict=True))
    assert match_names(images, ["a.png"], where="p").files == {}  # whose is it?


def test_the_exact_name_goes_before_a_similar_one() -> None:
    images = [Named("a", "a.png"), Named("a_mask", "a_mask.png")]
    found = match_names(images, ["a.png", "a_mask.png"], where="p")
    assert found.files == {"a": "a.png", "a_mask": "a_mask.png"}


def test_a_dot_in_a_key_is_no_suffix() -> None:
    images = [Named("v1.2", "v1.2.png"), Named("v1.3", "v1.3.png")]
    assert match_names(images, ["v1.3.png", "v1.2_pred.png"], where="p").files == {"v1.2": "v1.2_pred.png", "v1.3": "v1.3.png"}


def test_the_channel_of_nnunet() -> None:
    images = [Named("case_001_0000", "imagesTs/case_001_0000.png"), Named("case_002_0000", "imagesTs/case_002_0000.png")]
    found = match_names(images, ["case_001.png", "case_002.png"], where="p")
    assert found.files == {"case_001_0000": "case_001.png", "case_002_0000": "case_002.png"}


@pytest.mark.parametrize(
    "pictures", [["a.png", "a.jpg"], ["fold1/a.png", "fold2/a.png"], ["a.png", "a_mask.png"], ["a_pred.png", "a_prob.png"]]
)
def test_two_pictures_for_one_image_are_an_error(pictures: list[str]) -> None:
    with pytest.raises(DataError, match="2 pictures could be the prediction for 'a'") as caught:
        match_names(TWO, [*pictures, "b.png"], where="somewhere")
    assert all(name in caught.value.what for name in pictures)
    assert caught.value.where == "somewhere"
