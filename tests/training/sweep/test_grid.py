from __future__ import annotations

import pytest

from limner.errors import RecipeError
from limner.recipe import load_recipe
from limner.training.sweep.grid import plan_runs, read_grid, read_seeds

BASE = load_recipe("phantom-unet", ["data.input_size=32"])


def test_values_are_split_at_commas_that_are_in_no_bracket_or_quote():
    (axis,) = read_grid(["network.filters=[8, 16],[16,32]"])
    assert axis.values == ("[8, 16]", "[16,32]")
    (axis,) = read_grid(["task='a,b',c"])
    assert axis.values == ("'a,b'", "c")
    (axis,) = read_grid(["loss={name: focal, gamma: 1},bce"])
    assert axis.values == ("{name: focal, gamma: 1}", "bce")


def test_keys_are_those_of_set_and_labels_are_short_where_they_can_be():
    axes = read_grid(["model.levels=2,3", "normalisation=none,minmax", "loss=bce,dice", "network.dropout=0,0.1", "augmentation.dropout=0"])
    assert [axis.key for axis in axes] == ["network.levels", "data.normalisation", "loss.name", "network.dropout", "augmentation.dropout"]
    assert [axis.label for axis in axes] == ["levels", "normalisation", "loss", "network.dropout", "augmentation.dropout"]


@pytest.mark.parametrize(
    ("grid", "settings", "said"),
    [
        ([], [], "needs a grid"),
        (["levels"], [], "must read KEY=V1,V2"),
        (["=2,3"], [], "must read KEY=V1,V2"),
        (["levels=2,,3"], [], "an empty value"),
        (["network.filters=[8,16"], [], "not closed"),
        (["levels=2", "model.levels=3"], [], "given twice"),
        (["levels=2,3"], ["network.levels=4"], "both in the grid and set"),
        (["seed=0,1"], [], "--seeds 0,1,2"),
        (["val_fraction=0.1,0.2"], [], "share one split"),
        (["data.foreground=1,2"], [], "share one split"),
    ],
)
def test_what_is_no_grid_is_said(grid, settings, said):
    with pytest.raises(ValueError, match=said):
        read_grid(grid, settings)


def test_seeds_are_read_and_checked():
    assert read_seeds("3,0, 7") == (3, 0, 7)
    for text in ("", "0,", "a", "-1", "0.5"):
        with pytest.raises(ValueError, match="no list of seeds"):
            read_seeds(text)
    with pytest.raises(ValueError, match="the seed 1 is given twice"):
        read_seeds("1,2,1")


def test_runs_are_the_product_once_with_each_seed():
    runs = plan_runs(BASE, read_grid(["network.filters=[8,16],[4,8,16]", "normalisation=minmax,none"]), (0, 5))
    assert [run.name for run in runs[:4]] == [
        "filters-8-16_normalisation-minmax_seed-0",
        "filters-8-16_normalisation-none_seed-0",
        "filters-4-8-16_normalisation-minmax_seed-0",
        "filters-4-8-16_normalisation-none_seed-0",
    ]
    assert [run.seed for run in runs] == [0, 0, 0, 0, 5, 5, 5, 5]
    assert all(run.recipe.seed == run.seed for run in runs)
    assert runs[6].recipe.network.filters == (4, 8, 16)
    assert runs[6].recipe.data.normalisation == "minmax"
    assert runs[6].choices == {"filters": "[4,8,16]", "normalisation": "minmax"}
    assert runs[0].recipe.epochs == BASE.epochs


def test_a_part_is_exchanged_with_its_settings():
    runs = plan_runs(BASE, read_grid(["model=unet-vessel,resunet", "loss=bce,focal"]), (0,))
    assert [run.recipe.network.name for run in runs] == ["unet", "unet", "resunet", "resunet"]
    assert runs[0].recipe.network.convs == 1
    assert [run.recipe.loss.name for run in runs] == ["bce", "focal", "bce", "focal"]
    assert runs[3].name == "network-resunet_loss-focal_seed-0"


def test_one_invalid_combination_is_named():
    with pytest.raises(RecipeError, match="6 levels need 7 filters") as error:
        plan_runs(load_recipe("phantom-unet"), read_grid(["levels=2,6", "loss=bce,dice"]), (0,))
    assert error.value.where == "the combination levels=6, loss=bce"


def test_two_that_are_the_same_are_refused_however_they_are_written():
    with pytest.raises(RecipeError, match="the same recipe") as error:
        plan_runs(BASE, read_grid(["optimiser.learning_rate=1e-3,0.001"]), (0,))
    assert error.value.where == "learning_rate=1e-3 and learning_rate=0.001"


def test_folders_have_names_of_their_own_that_every_file_system_takes():
    runs = plan_runs(BASE, read_grid(["task=a/b,a:b,'a b',A-B,ä"]), (0,))
    names = [run.name for run in runs]
    assert len({name.casefold() for name in names}) == len(names) == 5
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzAB0123456789_.-") for name in names)
    long = plan_runs(BASE, read_grid([f"description={'x' * 300},{'x' * 299}"]), (0, 1))
    assert len({run.name for run in long}) == 4
    assert all(len(run.name) < 150 for run in long)
