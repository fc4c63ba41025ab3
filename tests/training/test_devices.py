"""On what a training runs, and what is said when that cannot be had."""

import pytest
import torch

from limner.errors import DataError, RecipeError
from limner.recipe import load_recipe
from limner.training import devices as module
from limner.training.devices import Devices, check_enough, check_trainer, choose_devices


@pytest.fixture
def machine(monkeypatch):
    """Pretends to be a machine with so many GPUs of a kind."""
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_NUM_NODES", "CXX"):
        monkeypatch.delenv(name, raising=False)

    def pretend(*, cuda=0, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    pretend()
    return pretend


def recipe(*settings):
    return load_recipe("phantom-unet", settings)


def test_auto_is_a_gpu_if_there_is_one_and_else_the_processor(machine):
    assert choose_devices(recipe()) == Devices("cpu")
    machine(cuda=2)
    assert choose_devices(recipe()) == Devices("cuda")
    assert choose_devices(recipe("trainer.accelerator=cpu")) == Devices("cpu")


def test_mps_has_to_be_asked_for(machine):
    machine(mps=True)
    assert choose_devices(recipe()) == Devices("cpu")
    assert choose_devices(recipe("trainer.accelerator=mps")) == Devices("mps")


def test_all_devices_are_all_gpus_and_one_process_on_the_processor(machine):
    assert choose_devices(recipe("trainer.devices=auto")) == Devices("cpu", 1)
    machine(cuda=4)
    assert choose_devices(recipe("trainer.devices=auto")) == Devices("cuda", 4)


def test_where_processes_were_started_all_devices_are_theirs(machine, monkeypatch):
    for name, value in {"RANK": "2", "LOCAL_RANK": "0", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    both = recipe("trainer.devices=auto", "trainer.nodes=2")
    assert choose_devices(both) == Devices("cpu", 2, 2)
    check_trainer(both)


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_what_is_not_there_is_refused_with_what_is(machine, kind):
    with pytest.raises(RecipeError, match=f"no {kind} device") as raised:
        check_trainer(recipe(f"trainer.accelerator={kind}"))
    assert raised.value.where == "trainer.accelerator"
    assert "here cpu" in raised.value.fix


def test_more_devices_than_there_are_are_refused_with_how_many_there_are(machine):
    machine(cuda=2)
    with pytest.raises(RecipeError, match="4 cuda devices are asked for, and this process sees 2") as raised:
        check_trainer(recipe("trainer.devices=4"))
    assert "trainer.devices=2" in raised.value.fix
    machine(mps=True)
    with pytest.raises(RecipeError, match="sees 1"):
        check_trainer(recipe("trainer.accelerator=mps", "trainer.devices=2"))


def test_a_batch_must_be_divisible(machine):
    check_trainer(recipe("batch_size=6", "trainer.devices=3"))
    with pytest.raises(RecipeError, match="a batch of 8 cannot be divided evenly among 3") as raised:
        check_trainer(recipe("batch_size=8", "trainer.devices=3"))
    assert raised.value.fix == "set it to 6 or 9"
    with pytest.raises(RecipeError) as raised:
        check_trainer(recipe("batch_size=2", "trainer.devices=3"))
    assert raised.value.fix == "set it to 3"


def test_several_machines_need_a_launcher(machine):
    with pytest.raises(RecipeError, match="started alone") as raised:
        check_trainer(recipe("trainer.nodes=2"))
    assert "torchrun" in raised.value.fix


def test_as_many_processes_as_were_started_must_be_asked_for(machine, monkeypatch):
    for name, value in {"SLURM_STEP_NUM_TASKS": "8", "SLURM_STEP_NUM_NODES": "2", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}.items():
        monkeypatch.setenv(name, value)
    check_trainer(recipe("trainer.devices=4", "trainer.nodes=2"))
    with pytest.raises(
        RecipeError, match="8 processes were started together, 4 on each machine, and the recipe asks for 1 x cpu"
    ) as raised:
        check_trainer(recipe())
    assert raised.value.fix == "add --set trainer.devices=4 --set trainer.nodes=2"


@pytest.mark.parametrize("strategy", ["fsdp", "ddp_spawn", "nonsense"])
def test_strategies_under_which_no_process_has_the_whole_network_are_refused(machine, strategy):
    with pytest.raises(RecipeError, match=strategy) as raised:
        check_trainer(recipe(f"trainer.strategy={strategy}"))
    assert "ddp" in raised.value.fix
    check_trainer(recipe("trainer.strategy=ddp"))


def test_a_compiler_must_be_there(machine, monkeypatch, tmp_path):
    header = tmp_path / "Python.h"
    header.touch()
    monkeypatch.setattr(module.sysconfig, "get_path", lambda _name: str(tmp_path))
    monkeypatch.setattr(module.shutil, "which", lambda name: name if name == "g++" else None)
    compiled = recipe("trainer.compile=true")
    check_trainer(compiled)
    header.unlink()
    with pytest.raises(RecipeError, match="header files"):
        check_trainer(compiled)
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(RecipeError, match="no-such-compiler"):
        check_trainer(compiled)


def test_a_gpu_compiles_with_triton(machine, monkeypatch):
    machine(cuda=1)
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(RecipeError, match="Triton"):
        check_trainer(recipe("trainer.compile=true"))


def test_each_process_must_have_something_to_do():
    check_enough(4, 4, Devices("cpu", 4))
    with pytest.raises(DataError, match="the validation part has 3 images or patches, too few for 4 processes") as raised:
        check_enough(20, 3, Devices("cpu", 4))
    assert "trainer.devices=3" in raised.value.fix


def test_devices_in_words():
    assert str(Devices("cuda", 4)) == "4 x cuda"
    assert str(Devices("cuda", 4, 2)) == "4 x cuda on each of 2 machines"


def test_each_process_has_a_gpu_of_its_own(machine, monkeypatch):
    assert Devices("cpu", 2).own == torch.device("cpu")
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert Devices("cuda", 4).own == torch.device("cuda", 3)
