"""`limner augment`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import limner as package
from limner.api.looking import spread
from limner.data.phantoms import write_phantoms
from limner.errors import RunError
from limner.imaging import read_image

if TYPE_CHECKING:
    from pathlib import Path

SMALL = ("--recipe", "phantom-unet", "--set", "data.input_size=32")


@pytest.fixture
def polyps(tmp_path: Path) -> Path:
    return write_phantoms(tmp_path / "polyps", "polyp", count=5, size=(48, 64))


def test_a_sheet_is_drawn_and_named(limner, polyps, tmp_path):
    out = tmp_path / "sheet.png"
    result = limner("augment", polyps, *SMALL, "--out", out, "--images", 2, "--variants", 3)
    assert result.exit_code == 0
    assert "rotate" in result.stdout
    assert "180°" in result.stdout
    assert str(out) in result.stdout
    assert "limner train" in result.stderr
    assert "--set data.input_size=32" in result.stderr
    height, width = read_image(out.read_bytes(), name="sheet").shape[:2]
    assert width > 4 * 192
    assert height > 2 * 192


def test_a_picture_is_never_replaced_unasked(limner, polyps, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ("augment", polyps, *SMALL, "--images", 1, "--variants", 1, "--quiet")
    assert limner(*arguments).exit_code == 0
    written = (tmp_path / "augmentation.png").read_bytes()
    assert limner(*arguments, "--set", "seed=1").exit_code != 0
    assert (tmp_path / "augmentation.png").read_bytes() == written
    assert limner(*arguments, "--set", "seed=1", "--overwrite").exit_code == 0
    assert (tmp_path / "augmentation.png").read_bytes() != written


def test_json(limner, polyps, tmp_path):
    out = tmp_path / "sheet.jpg"
    found = json.loads(limner("augment", polyps, *SMALL, "--each", "--images", 2, "--out", out, "--json").stdout)
    assert found["sheet"] == str(out)
    assert found["images"] == ["polyp-0001", "polyp-0003"]
    assert found["augmentation"]["rotate"] == 180
    assert out.is_file()


def test_without_a_recipe_one_is_planned(limner, polyps, tmp_path):
    result = limner("augment", polyps, "--images", 1, "--variants", 1, "--set", "augmentation.gamma=0.5", "--out", tmp_path / "a.png")
    assert result.exit_code == 0
    assert "measuring the data" in result.stderr
    assert "gamma" in result.stdout


def test_the_foreground_is_as_asked(limner, polyps, tmp_path):
    arguments = ("augment", polyps, *SMALL, "--images", 1, "--variants", 1, "--quiet")
    assert limner(*arguments, "--out", tmp_path / "a.png").exit_code == 0
    assert limner(*arguments, "--foreground", "dark", "--out", tmp_path / "b.png").exit_code == 0
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("arguments", [("--images", "0"), ("--variants", "none")])
def test_wrong_usage(limner, polyps, arguments):
    assert limner("augment", polyps, *arguments).exit_code == 2


def test_mistakes_are_told_before_anything_is_read(tmp_path):
    with pytest.raises(RunError, match="picture"):
        package.preview_augmentation(tmp_path / "nowhere", tmp_path / "sheet.pdf")
    with pytest.raises(RunError, match="at least one"):
        package.preview_augmentation(tmp_path / "nowhere", images=0)


def test_images_are_spread_over_the_source():
    assert spread([str(number) for number in range(1000)], 4) == ("125", "375", "625", "875")
    assert spread(["a", "b"], 6) == ("a", "b")
