from __future__ import annotations

import pytest

from limner.errors import RunError
from limner.training.sweep.folder import SweepFolder


@pytest.mark.parametrize("name", ["split.json", "leaks.json"])
def test_what_somebody_keeps_in_the_folder_is_left_alone(tmp_path, name):
    """A sweep would write its own there."""
    (tmp_path / name).write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        SweepFolder(tmp_path).refuse_to_overwrite()


def test_a_new_folder_and_an_empty_one_will_do(tmp_path):
    SweepFolder(tmp_path).refuse_to_overwrite()
    SweepFolder(tmp_path / "new").refuse_to_overwrite()
