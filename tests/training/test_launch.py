"""Processes that torchrun or SLURM has started: which one this is."""

import pytest
from lightning.fabric.plugins.environments import LightningEnvironment, SLURMEnvironment, TorchElasticEnvironment

from limner.api.making import choose_recipe
from limner.errors import RunError
from limner.recipe import load_recipe, save_recipe
from limner.training.launch import cluster_environment, hand_out, is_follower, launched, launched_here, local_rank

TORCHRUN = {"RANK": "5", "LOCAL_RANK": "1", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4", "MASTER_ADDR": "a", "MASTER_PORT": "1"}
SRUN = {
    "SLURM_NTASKS": "8",
    "SLURM_STEP_NUM_TASKS": "8",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_PROCID": "6",
    "SLURM_LOCALID": "2",
    "SLURM_NODEID": "1",
}


@pytest.fixture
def environment(monkeypatch):
    """Sets variables, with no others of launchers beside them."""
    for name in (*TORCHRUN, *SRUN, "SLURM_NTASKS_PER_NODE"):
        monkeypatch.setenv(name, "")  # so that it is put back as it was, also what limner sets
        monkeypatch.delenv(name)

    def put(variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return put


def test_a_process_alone_is_no_follower_and_tells_nobody(environment):
    assert (launched(), launched_here(), local_rank(), is_follower()) == (0, 0, 0, False)
    assert isinstance(cluster_environment(), LightningEnvironment)
    hand_out({"recipe": "none"})


def test_torchrun(environment):
    environment(TORCHRUN)
    assert (launched(), launched_here(), local_rank(), is_follower()) == (8, 4, 1, True)
    assert isinstance(cluster_environment(), TorchElasticEnvironment)
    environment({"RANK": "0", "LOCAL_RANK": "0"})
    assert not is_follower()


def test_torchrun_with_one_process_is_a_process_alone(environment):
    environment({**TORCHRUN, "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1"})
    assert (launched(), is_follower()) == (0, False)


def test_srun(environment):
    environment(SRUN)
    assert (launched(), launched_here(), local_rank(), is_follower()) == (8, 4, 2, True)
    found = cluster_environment()
    assert isinstance(found, SLURMEnvironment)
    assert not found.auto_requeue
    environment({"SLURM_PROCID": "0", "SLURM_LOCALID": "0"})
    assert not is_follower()


def test_torchrun_within_a_slurm_job_counts(environment):
    environment({**SRUN, **TORCHRUN})
    assert isinstance(cluster_environment(), TorchElasticEnvironment)


def test_a_batch_script_that_does_not_use_srun_waits_for_nobody(environment):
    environment({"SLURM_NTASKS": "8", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"})
    assert (launched(), is_follower()) == (0, False)
    assert isinstance(cluster_environment(), LightningEnvironment)


def test_a_run_may_go_on_on_other_devices_but_not_otherwise_changed(tmp_path):
    save_recipe(load_recipe("phantom-unet", ["trainer.devices=2"]), tmp_path / "recipe.yaml")
    assert choose_recipe(None, [], tmp_path, resume=True).trainer.devices == 2
    assert choose_recipe(None, ["trainer.devices=4"], tmp_path, resume=True).trainer.devices == 4
    with pytest.raises(RunError, match="differs in: epochs"):
        choose_recipe(None, ["trainer.devices=4", "epochs=3"], tmp_path, resume=True)
