"""Which runs are one model, and what it is called."""

from __future__ import annotations

import pytest
from tests.comparison.fakes import cases, write_run

from limner.comparison import gather_models, load_runs
from limner.errors import RunError

DICE = [0.8, 0.9, 0.7]


@pytest.fixture
def made(tmp_path):
    """`made("unet/a", recipe={...})` makes a folder with an evaluation and returns it."""
    return lambda name, **known: write_run(tmp_path / name, cases(DICE), **known)


def recipe(name="unet", seed=0, **more):
    return {"name": name, "seed": seed, "data": {"input_size": [64, 64]}, **more}


def gathered(folders, **how):
    return [(model.name, [run.folder.name for run in model.runs]) for model in gather_models(load_runs(folders), **how)]


def test_runs_that_differ_in_their_seed_alone_are_one_model(made):
    folders = [
        made("unet_seed-0", recipe=recipe(seed=0)),
        made("resnet_seed-0", recipe=recipe("resnet", seed=0)),
        made("unet_seed-1", recipe=recipe(seed=1), report=True),  # the summary of a report, and a run folder's file, tell the same
        made("resnet_seed-1", recipe=recipe("resnet", seed=1)),
    ]
    assert gathered(folders) == [("unet", ["unet_seed-0", "unet_seed-1"]), ("resnet", ["resnet_seed-0", "resnet_seed-1"])]
    assert gathered(folders, group_seeds=False) == [(folder.name, [folder.name]) for folder in folders]
    assert [run.seed for run in load_runs(folders)] == [0, 0, 1, 1]


def test_any_other_difference_makes_two_models(made):
    assert len(gathered([made("a", recipe=recipe(seed=0)), made("b", recipe=recipe(seed=1, epochs=9))])) == 2


def test_what_was_measured_on_the_images_that_a_seed_has_drawn_makes_no_other_model(made):
    def trained(seed, **data):
        return recipe(seed=seed) | {"data": {"normalisation": "measured", "mean": [90.0 + seed] * 3, "std": [50.0 + seed] * 3, **data}}

    folders = [made("unet_seed-0", recipe=trained(0)), made("unet_seed-1", recipe=trained(1))]
    other = made("other_seed-1", recipe=trained(1, input_size=[96, 96]))
    assert gathered([*folders, other]) == [("unet", ["unet_seed-0", "unet_seed-1"]), ("other_seed-1", ["other_seed-1"])]


def test_the_same_recipe_and_seed_twice_are_two_models(made):
    """They were trained on other data, or on another machine: whoever compares them wants to know."""
    assert len(gathered([made("a", recipe=recipe()), made("b", recipe=recipe())])) == 2


def test_evaluations_of_unknown_origin_are_models_of_their_own(made):
    assert gathered([made("a"), made("b")]) == [("a", ["a"]), ("b", ["b"])]


def test_seeds_without_a_common_name_are_called_after_the_model(made):
    folders = [
        made("monday", recipe=recipe(seed=0), model="my-unet"),
        made("friday", recipe=recipe(seed=1), model="my-unet"),
        made("other"),
    ]
    assert [name for name, _ in gathered(folders)] == ["my-unet", "other"]


def test_folders_of_one_name_are_told_apart(made):
    assert [name for name, _ in gathered([made("unet/scores"), made("resnet/scores")])] == ["unet/scores", "resnet/scores"]


def test_names_can_be_given(made):
    folders = [made("a"), made("b")]
    assert [name for name, _ in gathered(folders, names=["old", "new"])] == ["old", "new"]
    for names in (["one"], ["same", "same"], ["", "x"], ["a", "b", "c"]):
        with pytest.raises(RunError, match="name") as caught:
            gathered(folders, names=names)
        assert caught.value.fix == "there are 2 models: a, b"


def test_one_model_is_told_what_to_do(made):
    with pytest.raises(RunError, match="one run alone") as caught:
        gathered([made("a")])
    assert "limner compare RUN RUN" in caught.value.fix
    seeds = [made(f"unet_seed-{seed}", recipe=recipe(seed=seed)) for seed in range(3)]
    with pytest.raises(RunError, match="all 3 runs are the same recipe with another seed") as caught:
        gathered(seeds)
    assert "--no-group-seeds" in caught.value.fix


def test_what_is_no_evaluation_is_refused(made, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder, words in (("nowhere", "no such folder"), ("empty", "summary.json is missing")):
        with pytest.raises(RunError, match=words) as caught:
            load_runs([tmp_path / folder])
        assert str(tmp_path / folder) in caught.value.where
        assert "limner evaluate" in caught.value.fix
    run = made("a")
    with pytest.raises(RunError, match="given twice"):
        load_runs([run, run / ".." / "a"])
