from __future__ import annotations

import pytest

from limner.errors import RecipeError, RunError
from limner.recipe import load_recipe
from limner.training.sweep.check import count_parameters
from limner.training.sweep.grid import plan_runs, read_grid

SMALL = ["data.input_size=32", "network.filters=[4,8]", "accelerator=cpu"]


def planned(*settings, grid="loss=bce"):
    return plan_runs(load_recipe("phantom-unet", [*SMALL, *settings]), read_grid([grid]), (0,))


def test_what_a_run_could_not_train_on_is_told_before_the_first():
    with pytest.raises(RecipeError, match="a batch of 3 cannot be divided evenly among 2 processes") as raised:
        count_parameters(planned("trainer.devices=2", grid="batch_size=4,3"))
    assert raised.value.where == "batch_size, in the combination batch_size=3"


def test_it_is_one_process_and_not_one_of_many(monkeypatch):
    for name, value in {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RunError, match="2 were started together"):
        count_parameters(planned())
