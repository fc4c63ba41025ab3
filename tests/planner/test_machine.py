"""What is found out about the machine."""

from __future__ import annotations

from limner.planner.machine import Machine, encoders_at_hand, this_machine


def test_this_machine_has_cores_and_memory():
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.memory_gib > 0
    assert (machine.gpu is None) == (machine.gpu_memory_gib == 0)


def test_weights_are_looked_for_in_the_cache_of_the_hub(tmp_path, monkeypatch):
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert encoders_at_hand() == ()
    snapshot = tmp_path / "hub" / "models--timm--resnet34.a1_in1k" / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    assert encoders_at_hand() == ()  # begun, and never finished
    (snapshot / "model.safetensors").write_bytes(b"weights")
    assert encoders_at_hand() == ("resnet34",)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "elsewhere"))
    assert encoders_at_hand() == ()


def test_graphics_are_asked_for_what_they_have(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H100 80GB HBM3, 81559'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    machine = this_machine()
    assert (machine.gpu, machine.gpu_memory_gib) == ("NVIDIA H100 80GB HBM3", 79.6)
    program.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    assert this_machine().gpu is None


def test_half_of_the_memory_or_most_of_the_graphics_memory_may_be_used():
    assert Machine(cores=2, memory_gib=8).training_memory == 4 * 2**30
    assert Machine(cores=2, memory_gib=8, gpu="A", gpu_memory_gib=10).training_memory == 7 * 2**30
