from __future__ import annotations

import pytest
from tests.data.folders import image_bytes, write_folder

from limner.batch import output_names, plan
from limner.errors import DataError, LimnerWarning


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ([("in", "a.png"), ("in", "deep/b.jpg")], ["a", "deep/b"]),
        ([("in", "a.png"), ("in", "a.jpg")], ["in/a.png", "in/a.jpg"]),
        ([("x", "a.png"), ("y", "a.png"), ("y", "b.png")], ["x/a", "y/a", "b"]),
        ([("x", "a.png"), ("y", "a.png"), ("in", "x/a.png")], ["x/a", "y/a", "in/x/a"]),
        ([("in", "a.b.png"), ("in", "a.c.png")], ["a.b", "a.c"]),
        ([("new/images", "a.png"), ("old/images", "a.png")], ["new/images/a", "old/images/a"]),
        ([], []),
    ],
)
def test_outputs_have_names_of_their_own(files, names):
    assert output_names(files) == names


def test_what_cannot_be_told_apart_is_an_error():
    with pytest.raises(DataError, match="same name"):
        output_names([("images", "a.png"), ("images", "a.png")])


def test_two_folders_of_one_name_can_be_given_if_their_images_differ(tmp_path):
    write_folder(tmp_path, {"x/images/a.png": image_bytes(1), "y/images/b.png": image_bytes(2)})
    assert [job.name for job in plan([tmp_path / "x" / "images", tmp_path / "y" / "images"])] == ["a", "b"]


def test_an_input_given_twice_is_taken_once(tmp_path):
    write_folder(tmp_path, {"a.png": image_bytes(1)})
    assert len(plan([tmp_path, f"{tmp_path}/.", tmp_path.parent / "." / tmp_path.name])) == 1


def test_masks_in_a_data_set_are_not_taken_for_images(tmp_path):
    write_folder(tmp_path, {"images/a.png": image_bytes(1), "masks/a.png": image_bytes(2)})
    with pytest.warns(LimnerWarning, match="1 file left out as masks"):
        jobs = plan([tmp_path])
    assert [job.name for job in jobs] == ["images/a"]
