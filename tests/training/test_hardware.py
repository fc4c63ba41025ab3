"""What follows from what the machine can do."""

import psutil
import pytest
import torch

from limner.recipe import load_recipe
from limner.timing import machine
from limner.training.hardware import choose_memory_format, choose_precision, describe_machine, has_fast_bf16, peak_memory_gib


@pytest.fixture
def flags(monkeypatch):
    """Pretends to be a processor with some flags."""
    return lambda *names: monkeypatch.setattr(machine, "processor_facts", lambda: {"flags": " ".join(names)})


def recipe(*settings):
    return load_recipe("phantom-unet", ["trainer.accelerator=cpu", *settings])


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16", "bf16"])
def test_where_the_processor_has_bf16_it_is_used_and_channels_last_with_it(flags, flag):
    flags("fpu", flag)
    assert choose_precision(recipe()) == "bf16-mixed"
    assert choose_memory_format(recipe()) is torch.channels_last
    assert choose_precision(recipe("trainer.precision=float32")) == "32-true"
    assert choose_memory_format(recipe("trainer.channels_last=off")) is torch.contiguous_format


def test_where_it_has_not_all_is_as_usual_unless_asked_for(flags):
    flags("fpu", "avx2")
    assert choose_precision(recipe()) == "32-true"
    assert choose_memory_format(recipe()) is torch.contiguous_format
    assert choose_precision(recipe("trainer.precision=bf16")) == "bf16-mixed"
    assert choose_memory_format(recipe("trainer.channels_last=on")) is torch.channels_last


def test_of_a_gpu_its_own_abilities_count(flags, monkeypatch):
    flags("avx512_bf16")
    for capability, fast in {(7, 5): False, (8, 0): True, (9, 0): True}.items():
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda capability=capability: capability)
        assert has_fast_bf16("cuda") is fast
    assert not has_fast_bf16("mps")


def test_the_machine_in_words_and_numbers():
    facts = describe_machine()
    assert facts["processor"]
    assert facts["cores"] >= 1
    assert facts["memory_gib"] > 0


def test_the_most_memory_that_was_held_is_more_than_what_is_held_now():
    assert peak_memory_gib() >= round(psutil.Process().memory_info().rss / 2**30, 2) > 0
