"""Masks and probabilities of other tools, in many guises."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image
from tests.data.folders import write_folder, write_zip

from limner.api.subjects import open_subject
from limner.data import open_source
from limner.errors import DataError, LimnerError
from limner.evaluation import FolderPredictions, evaluate
from limner.imaging import encode_png
from limner.metrics import Counts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from limner.data import Dataset
    from limner.evaluation import Evaluation, MissingRule

SIZE = (12, 16)


def disc(radius: float, size: tuple[int, int] = SIZE) -> np.ndarray:
    rows, columns = np.ogrid[: size[0], : size[1]]
    return (rows - size[0] / 2) ** 2 + (columns - size[1] / 2) ** 2 < radius**2


TRUE = {"a": disc(4), "b": disc(3), "c": disc(0)}
FOUND = {"a": disc(3.2), "b": disc(4.5), "c": disc(1.5)}
EXPECTED = {
    key: Counts(
        tp=int((found & TRUE[key]).sum()),
        fp=int((found & ~TRUE[key]).sum()),
        fn=int((~found & TRUE[key]).sum()),
        tn=int((~found & ~TRUE[key]).sum()),
    )
    for key, found in FOUND.items()
}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    files = {f"images/{key}.png": encode_png(np.full((*SIZE, 3), 9, np.uint8)) for key in TRUE}
    files |= {f"masks/{key}.png": encode_png(mask.astype(np.uint8) * 255) for key, mask in TRUE.items()}
    return open_source(write_folder(tmp_path / "data", files))


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Write one picture for each image, as `encode` makes it of a mask, under `name`."""

    def write(encode: Callable[[np.ndarray], Any], name: str = "{}.png", **more: np.ndarray) -> Path:
        place = tmp_path / "predicted"
        for key, mask in {**FOUND, **more}.items():
            path = place / name.format(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(encode(mask)).save(path, quality=95) if path.suffix == ".jpg" else Image.fromarray(encode(mask)).save(path)
        return place

    return write


def scored(path: Path, dataset: Dataset, threshold: float | None = None, missing: MissingRule = "error") -> Evaluation:
    predictions = FolderPredictions(path, threshold)
    predictions.match(dataset)
    return evaluate(predictions, predictions.settle(dataset, missing))


def as_byte(mask: np.ndarray) -> np.ndarray:
    return mask.astype(np.uint8) * 255


@pytest.mark.parametrize(
    ("encode", "name"),
    [
        (as_byte, "{}.png"),
        (as_byte, "out/{}_mask.png"),
        (as_byte, "{}.bmp"),
        (as_byte, "{}.tif"),
        (as_byte, "{}.jpg"),
        (lambda mask: mask, "{}_pred.png"),
        (lambda mask: mask.astype(np.uint8), "{}.png"),
        (lambda mask: np.stack([as_byte(mask)] * 3, axis=-1), "{}.png"),
        (lambda mask: mask.astype(np.uint16) * 65535, "{}.png"),
        (lambda mask: mask.astype(np.float32), "{}.tif"),
    ],
)
def test_masks_in_many_guises(folder: Callable[..., Path], dataset: Dataset, encode: Callable[..., Any], name: str) -> None:
    found = scored(folder(encode, name), dataset)
    assert {case.key: case.counts for case in found.cases} == EXPECTED
    assert (found.threshold, found.model, found.score("dice").threshold) == (None, "predicted", None)
    assert found.families == ("region", "boundary", "objects")
    assert found.threshold_origin == "masks as they came"


def test_grey_masks_say_where_they_were_cut(folder: Callable[..., Path], dataset: Dataset) -> None:
    soft = folder(lambda mask: cv2.GaussianBlur(as_byte(mask), (3, 3), 0))
    assert scored(soft, dataset).threshold_origin == "grey masks, cut at half of their highest level"
    Image.fromarray(as_byte(FOUND["a"])).save(soft / "a.png")
    assert scored(soft, dataset).threshold_origin == "masks as they came; some are grey masks, cut at half of their highest level"


def graded(mask: np.ndarray) -> np.ndarray:
    """Probabilities of 0.3 in what was found, and 0.2 elsewhere; one pixel is sure."""
    probs = np.where(mask, 0.3, 0.2)
    probs[0, 0] = 1
    return probs


@pytest.mark.parametrize(
    ("encode", "name"),
    [
        (lambda mask: np.rint(graded(mask) * 255).astype(np.uint8), "{}.png"),
        (lambda mask: np.rint(graded(mask) * 65535).astype(np.uint16), "{}_prob.png"),
        (lambda mask: graded(mask).astype(np.float32), "{}.tif"),
        (lambda mask: np.stack([np.rint(graded(mask) * 255).astype(np.uint8)] * 3, axis=-1), "{}.png"),
    ],
)
def test_probabilities_as_grey_levels(folder: Callable[..., Path], dataset: Dataset, encode: Callable[..., Any], name: str) -> None:
    found = scored(folder(encode, name), dataset, threshold=0.25)
    expected = {key: Counts(c.tp, c.fp + 1, c.fn, c.tn - 1) for key, c in EXPECTED.items()}
    assert {case.key: case.counts for case in found.cases} == expected
    assert (found.threshold, found.score("dice").threshold) == (0.25, 0.25)
    assert "probability" in found.families
    true, probs = TRUE["a"].astype(float), graded(FOUND["a"])
    assert found.cases[0].scores["brier"] == pytest.approx(np.mean((probs - true) ** 2), abs=2e-3)


@pytest.mark.parametrize(
    ("encode", "name", "found"),
    [
        (lambda mask: mask.astype(np.uint8), "{}.png", "is 1, where white is 255"),
        (lambda mask: mask.astype(np.uint8) * 100, "{}.png", "is 100, where white is 255"),
        (lambda mask: mask.astype(np.uint16) * 255, "{}.png", "is 255, where white is 65535"),
    ],
)
def test_levels_too_low_for_any_threshold_are_refused(
    folder: Callable[..., Path], dataset: Dataset, encode: Callable[..., Any], name: str, found: str
) -> None:
    predictions = FolderPredictions(folder(encode, name), 0.5)
    predictions.match(dataset)
    evaluate(predictions, dataset)
    with pytest.raises(DataError, match=found) as caught:
        predictions.check_levels()
    assert "leave out --threshold" in str(caught.value.fix)


@pytest.mark.parametrize(
    ("encode", "name"),
    [
        (lambda mask: np.zeros(mask.shape, np.uint8), "{}.png"),  # nothing was found
        (lambda mask: np.full(mask.shape, 0.4, np.float32), "{}.tif"),  # floats have no scale to be mistaken
        (lambda mask: mask.astype(np.uint8) * 128, "{}.png"),
        (lambda mask: mask, "{}.png"),
    ],
)
def test_levels_that_can_be_probabilities_are_taken(
    folder: Callable[..., Path], dataset: Dataset, encode: Callable[..., Any], name: str
) -> None:
    predictions = FolderPredictions(folder(encode, name), 0.5)
    predictions.match(dataset)
    evaluate(predictions, dataset)
    predictions.check_levels()


@pytest.mark.parametrize("threshold", [None, 0.5])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_is_refused_by_the_files_name(
    folder: Callable[..., Path], dataset: Dataset, threshold: float | None, wrong: float
) -> None:
    place = folder(lambda mask: mask.astype(np.float32), "{}.tif")
    broken = FOUND["b"].astype(np.float32)
    broken[2, 3] = wrong
    Image.fromarray(broken).save(place / "b.tif")
    with pytest.raises(DataError, match="1 value in it are NaN or infinite") as caught:
        scored(place, dataset, threshold)
    assert caught.value.where == str(place / "b.tif")


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_a_picture_that_is_cut_short_should_be_copied_again(folder: Callable[..., Path], dataset: Dataset, threshold: float | None) -> None:
    place = folder(as_byte)
    (place / "b.png").write_bytes((place / "b.png").read_bytes()[:60])
    with pytest.raises(DataError, match="cannot be read") as caught:
        scored(place, dataset, threshold)
    assert "copy the file again" in str(caught.value.fix)
    assert caught.value.where == str(place / "b.png")


def test_without_probabilities_the_path_is_named_as_it_was_given(folder: Callable[..., Path], dataset: Dataset) -> None:
    predictions = FolderPredictions(folder(as_byte))
    predictions.match(dataset)
    with pytest.raises(LimnerError, match="no probabilities to score") as caught:
        evaluate(predictions, dataset, families=["probability"])
    assert caught.value.where == str(predictions.path)


def test_pictures_that_look_like_probabilities_are_spoken_of(folder: Callable[..., Path], dataset: Dataset) -> None:
    soft = folder(lambda mask: cv2.GaussianBlur(as_byte(mask), (3, 3), 0) // 2)
    predictions = FolderPredictions(soft)
    predictions.match(dataset)
    evaluate(predictions, dataset)
    (said,) = predictions.notices(dataset, "error")
    assert said.startswith("3 masks had more than two grey levels")
    assert "--threshold" in said


def test_pictures_that_are_no_masks_say_how_to_read_them(folder: Callable[..., Path], dataset: Dataset) -> None:
    labels = folder(lambda mask: np.where(mask, 128, 0).astype(np.uint8) + np.where(disc(2), 100, 0).astype(np.uint8))
    with pytest.raises(DataError) as caught:
        scored(labels, dataset)
    assert "--threshold" in str(caught.value.fix)
    wild = folder(lambda mask: mask.astype(np.float32) * 7, "{}.tif")
    for path in wild.glob("*.png"):
        path.unlink()
    with pytest.raises(DataError, match="are no probabilities"):
        scored(wild, dataset, threshold=0.5)


def test_predictions_of_another_size_are_resized_and_counted(folder: Callable[..., Path], dataset: Dataset) -> None:
    double = lambda mask: as_byte(mask).repeat(2, axis=0).repeat(2, axis=1)  # noqa: E731
    predictions = FolderPredictions(folder(double))
    predictions.match(dataset)
    found = evaluate(predictions, dataset)
    assert {case.key: case.counts for case in found.cases} == EXPECTED
    assert predictions.notices(dataset, "error") == [
        "3 predictions had another size than the mask and were resized to it by the nearest pixel"
    ]


def test_probabilities_of_another_size_are_resized_bilinearly(tmp_path: Path, dataset: Dataset) -> None:
    ramp = np.linspace(0, 1, 4, dtype=np.float32)[None].repeat(3, axis=0)
    for key in TRUE:
        (tmp_path / "p").mkdir(exist_ok=True)
        Image.fromarray(ramp).save(tmp_path / "p" / f"{key}.tif")
    predictions = FolderPredictions(tmp_path / "p", threshold=0.5)
    predictions.match(dataset)
    probs = predictions.predict_sample(dataset["a"].load()).probs
    assert probs.shape == SIZE
    centres = np.clip((np.arange(16) + 0.5) / 4 - 0.5, 0, 3) / 3
    np.testing.assert_allclose(probs[5], centres, atol=1e-6)


def test_a_prediction_on_its_side_is_an_error(folder: Callable[..., Path], dataset: Dataset) -> None:
    with pytest.raises(DataError, match="one of the two is turned"):
        scored(folder(lambda mask: as_byte(mask.T)), dataset)


def test_maps_of_instances_keep_their_objects(tmp_path: Path) -> None:
    pairs = np.kron(np.arange(1, 13, dtype=np.uint16).reshape(6, 2), np.ones((5, 5), np.uint16))  # two squares touch each other
    labels = np.pad(np.concatenate([np.pad(pair, ((2, 2), (0, 0))) for pair in np.split(pairs, 6)]), 6)
    data = open_source(write_folder(tmp_path / "data", {f"{role}/a.png": encode_png(labels > 0) for role in ("images", "masks")}))
    (tmp_path / "predicted").mkdir()
    for place in (tmp_path / "data" / "masks", tmp_path / "predicted"):
        Image.fromarray(labels).save(place / "a.png")
    found = scored(tmp_path / "predicted", data).cases[0].objects
    assert found is not None
    assert (found.true, found.predicted, found.matched[-1]) == (12, 12, 12)


def two_squares() -> np.ndarray:
    labels = np.zeros((24, 32), np.uint8)
    labels[4:14, 4:14], labels[4:14, 14:24] = 1, 2  # they touch
    return labels


def test_a_map_of_few_instances_is_taken_for_nuclei_alone(tmp_path: Path) -> None:
    """Of anything else, levels 0, 1 and 2 could be classes."""
    labels = two_squares()
    data = open_source(write_folder(tmp_path / "data", {f"{role}/a.png": encode_png(labels > 0) for role in ("images", "masks")}))
    theirs = write_folder(tmp_path / "predicted", {"a.png": encode_png(labels)})
    with pytest.raises(DataError, match="3 grey levels"):
        scored(theirs, data)
    nuclei = FolderPredictions(theirs, task="nucleus")
    nuclei.match(data)
    found = nuclei.predict_sample(data["a"].load())
    assert found.objects is not None
    np.testing.assert_array_equal(found.objects, labels)
    np.testing.assert_array_equal(found.mask, labels > 0)


def test_missing_predictions(folder: Callable[..., Path], dataset: Dataset) -> None:
    place = folder(as_byte)
    (place / "b.png").unlink()
    with pytest.raises(DataError, match="1 of 3 images have no prediction: b") as caught:
        scored(place, dataset)
    assert "--missing skip" in str(caught.value.fix)
    skipped = scored(place, dataset, missing="skip")
    assert [case.key for case in skipped.cases] == ["a", "c"]
    empty = scored(place, dataset, missing="empty")
    assert empty.cases[1].counts == Counts(fn=int(TRUE["b"].sum()), tn=int((~TRUE["b"]).sum()))
    predictions = FolderPredictions(place)
    predictions.match(dataset)
    assert predictions.notices(dataset, "skip") == ["1 of the 3 images have no prediction and are left out: the scores are of the others"]
    assert "nothing was found" in predictions.notices(dataset, "empty")[0]


def test_pictures_of_nothing_and_none_at_all(folder: Callable[..., Path], dataset: Dataset, tmp_path: Path) -> None:
    predictions = FolderPredictions(folder(as_byte, legend=disc(1)))
    predictions.match(dataset)
    assert predictions.extra == ("legend.png",)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no picture was found"):
        FolderPredictions(tmp_path / "empty")
    write_folder(tmp_path / "others", {"x.png": encode_png(as_byte(disc(2)))})
    with pytest.raises(DataError, match="none of its 1 picture is named after an image"):
        FolderPredictions(tmp_path / "others").match(dataset)


def predicted_by_limner(tmp_path: Path, *, probs: bool) -> Path:
    files = {"predictions.csv": b"file,mask\n"}
    for key, mask in FOUND.items():
        files[f"masks/images/{key}.png"] = encode_png(as_byte(mask))
        files[f"overlays/images/{key}.png"] = encode_png(np.full((*SIZE, 3), 9, np.uint8))
        if probs:
            picture = io.BytesIO()
            Image.fromarray(np.rint(graded(mask) * 65535).astype(np.uint16)).save(picture, "PNG")
            files[f"probs/images/{key}.png"] = picture.getvalue()
    return write_folder(tmp_path / "predictions", files)


def test_the_folder_of_limner_predict(tmp_path: Path, dataset: Dataset) -> None:
    found = scored(predicted_by_limner(tmp_path, probs=False), dataset)
    assert {case.key: case.counts for case in found.cases} == EXPECTED
    assert "probability" not in found.families
    with pytest.raises(DataError, match="no probabilities"):
        FolderPredictions(tmp_path / "predictions", threshold=0.5)


def test_the_folder_of_limner_predict_with_probabilities(tmp_path: Path, dataset: Dataset) -> None:
    place = predicted_by_limner(tmp_path, probs=True)
    masks = scored(place, dataset)
    assert {case.key: case.counts for case in masks.cases} == EXPECTED
    assert masks.threshold is None
    assert masks.cases[0].scores["brier"] == pytest.approx(np.mean((graded(FOUND["a"]) - TRUE["a"]) ** 2), abs=1e-4)
    assert scored(place, dataset, threshold=0.9).cases[0].counts.tp == 0


def test_an_archive_will_do(folder: Callable[..., Path], dataset: Dataset, tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in folder(as_byte).iterdir()}
    assert {case.key: case.counts for case in scored(write_zip(tmp_path / "packed.zip", files), dataset).cases} == EXPECTED


@pytest.mark.parametrize("threshold", [128.0, -0.1, float("nan")])
def test_a_threshold_that_is_no_probability_is_refused(tmp_path, threshold) -> None:
    """At 128, which somebody may mean as a grey level, every prediction would be empty without a word."""
    with pytest.raises(LimnerError, match="a threshold is a probability"):
        open_subject(tmp_path, threshold)
