"""The panel of predictions."""

import numpy as np
import pytest
from PIL import Image
from tests.evaluation.fakes import FakeCases, FakePredictor
from tests.evaluation.fakes import case as fake_case

from limner.data import open_source
from limner.data.phantoms import write_phantoms
from limner.report.panel import PanelCase, predict_panel, save_panel
from limner.types import Prediction


class Redness:
    threshold = 0.5

    def predict_sample(self, sample):
        probs = sample.image[..., 0].astype(np.float32) / 255
        return Prediction(probs=probs, mask=probs >= 0.5, threshold=0.5)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return open_source(write_phantoms(tmp_path_factory.mktemp("panel"), "polyp", count=9, size=(48, 64)))


@pytest.mark.parametrize(("images", "each", "shown"), [(9, 4, (0, 2, 4, 6)), (3, 4, (0, 1, 2)), (9, 1, (0,)), (0, 4, ())])
def test_images_are_taken_evenly_not_by_their_score(phantoms, images, each, shown):
    keys = [item.key for item in phantoms.items[:images]]
    cases = predict_panel(Redness(), phantoms.subset(keys), each)
    assert [case.key for case in cases] == [keys[index] for index in shown]
    for case in cases:
        sample = phantoms[case.key].load()
        np.testing.assert_array_equal(case.target, sample.mask)
        np.testing.assert_array_equal(case.preds, sample.image[..., 0] >= 128)


def test_pictures_are_where_they_belong(tmp_path):
    """A row of white image, black truth, grey probability, white prediction; found again in the file."""
    size = (40, 40)
    case = PanelCase(
        "case", np.full((*size, 3), (255, 0, 0), np.uint8), np.zeros(size, bool), np.full(size, 0.5, np.float32), np.ones(size, bool)
    )
    save_panel({"train": [case], "test": []}, tmp_path / "panel.png")
    picture = np.asarray(Image.open(tmp_path / "panel.png").convert("RGB")).astype(int)
    middle = picture[picture.shape[0] * 3 // 5]
    centres = [middle[int((column + 0.5) * picture.shape[1] / 4)].tolist() for column in range(4)]
    assert centres[0] == [255, 0, 0]
    assert centres[1] == [0, 0, 0]
    assert centres[2] == pytest.approx([127, 127, 127], abs=2)
    assert centres[3] == [255, 255, 255]


def test_a_part_without_images_is_left_out(phantoms, tmp_path):
    cases = predict_panel(Redness(), phantoms, 2)
    save_panel({"train": cases, "test": cases}, tmp_path / "both.png")
    save_panel({"train": cases, "test": []}, tmp_path / "one.png")
    both, one = (np.asarray(Image.open(tmp_path / f"{name}.png")).shape for name in ("both", "one"))
    assert both == (one[0], 2 * one[1], one[2])


def test_the_same_cases_give_the_same_file(phantoms, tmp_path):
    for name in ("a", "b"):
        save_panel({"test": predict_panel(Redness(), phantoms, 2)}, tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(("field", "expected"), [([[1, 1, 0]], 1.0), (None, 2 / 3), ([[1, 1]], 2 / 3)])
def test_dice_is_that_of_the_field_of_view(field, expected):
    """One that does not fit is passed over: the panel shows training images too, which nothing else judges."""
    fov = None if field is None else np.array(field, dtype=bool)
    row = predict_panel(FakePredictor(), FakeCases((fake_case("a", [[0.9, 0.1, 0.9]], [[1, 0, 0]], fov=fov),)))[0]
    assert row.dice == pytest.approx(expected)
