"""Problems: what is said of files that are left out."""

from __future__ import annotations

from typing import get_args

import pytest

from limner.data.pairing import image_names, pair_names
from limner.data.problems import Problem, ProblemKind

KINDS = {
    "orphan-image": ["images/a.png", "masks/a.png", "images/b.png"],
    "orphan-mask": ["images/a.png", "masks/a.png", "masks/b.png"],
    "collision": ["images/a.png", "images/a.jpg", "masks/a.png"],
    "rival-masks": ["images/a.png", "masks/a.png", "labels/a.png"],
    "copied-folder": [f"{copy}/{role}/{i}.png" for copy in "xy" for role in ("images", "masks") for i in (1, 2)],
    "left-out": ["a.png", "a_1stHO.png", "a_2ndHO.png"],
}


def test_a_problem_is_said_in_its_words() -> None:
    assert str(Problem("collision", ("a.png",), "a.png: twice")) == "a.png: twice"
    assert Problem("collision", ("a.png",), "x") == Problem("collision", ("a.png",), "x")


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_that_names_lead_to(kind: str) -> None:
    problems = pair_names(KINDS[kind]).problems
    assert [problem.kind for problem in problems] == [kind]
    assert all(name in KINDS[kind] or any(given.startswith(name) for given in KINDS[kind]) for name in problems[0].files)
    assert set(KINDS) | {"annotation"} == set(get_args(ProblemKind))


def test_files_are_named_from_the_source_on_whatever_is_around_them() -> None:
    wrapped = {kind: [f"deep/set/{name}" for name in names] for kind, names in KINDS.items()}
    for kind, names in KINDS.items():
        assert pair_names(wrapped[kind]).problems[0].files == tuple(f"deep/set/{name}" for name in pair_names(names).problems[0].files)


def test_masks_beside_images_to_predict_are_named_one_by_one() -> None:
    found = image_names(["deep/images/a.png", "deep/masks/a.png", "deep/masks/b.png", "deep/fov/a.png"])
    assert [(problem.kind, problem.files) for problem in found.problems] == [
        ("left-out", ("deep/fov/a.png",)),
        ("left-out", ("deep/masks/a.png", "deep/masks/b.png")),
    ]


def test_problems_come_in_the_order_of_their_weight() -> None:
    names = ["x/images/a.png", "x/masks/a.png", "x/masks/a.jpg", "x/images/b.png", "x/masks/b_manual1.png", "x/masks/b_manual2.png"]
    names += [f"{copy}/{role}/1.png" for copy in ("y", "z") for role in ("images", "masks")]
    names += ["x/images/c.png", "w/images/a.png", "w/masks/a.png", "w/labels/a.png"]
    kinds = [problem.kind for problem in pair_names(names).problems]
    assert kinds == ["rival-masks", "collision", "orphan-image", "copied-folder", "left-out"]
