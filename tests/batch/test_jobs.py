"""What outputs are called."""

from __future__ import annotations

import pytest

from limner.batch import output_names
from limner.errors import DataError


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
