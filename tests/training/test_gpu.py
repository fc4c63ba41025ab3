"""Training on CUDA devices: the same as on the processor. Skipped where there are none."""

import numpy as np
import pytest
import torch

from limner.data.resident import NativeSet, ResidentSet
from limner.recipe import load_recipe
from limner.training import loader as loader_module
from limner.training.devices import Devices
from limner.training.fit import fit, fit_in_processes, new_network
from limner.training.loader import ResidentLoader
from limner.training.patches import PatchLoader, TileLoader
from limner.training.run_folder import RunFolder
from limner.training.shared import share

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")]
GPU = Devices("cuda").own
SETTINGS = [
    "epochs=2",
    "batch_size=4",
    "data.input_size=32",
    "network.filters=[8,16]",
    "optimiser.name=sgd",
    "optimiser.learning_rate=0.05",
    "schedule=constant",
    "loss=bce",
    "trainer.precision=float32",
    "trainer.channels_last=off",
]


def resident(count=11):
    images = np.random.default_rng(count).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return ResidentSet(tuple(map(str, range(count))), images, (images[..., 0] > 128).astype(np.uint8))


def native():
    part = resident()
    return NativeSet(part.keys, tuple(part.images), tuple(part.masks))


def equal(batches, others):
    return all(torch.equal(a.cpu(), b) for one, other in zip(batches, others, strict=True) for a, b in zip(one, other, strict=True))


@pytest.fixture
def exact(monkeypatch):
    """Without TF32, which rounds as bf16 does."""
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def trained(folder, *settings):
    recipe, run = load_recipe("phantom-unet", [*SETTINGS, *settings]), RunFolder(folder)
    parts = resident(16), resident(5)
    if recipe.trainer.devices == 1:
        fit(new_network(recipe, run), recipe, *parts, run, progress=False)
    else:
        fit_in_processes(recipe, *map(share, parts), run, progress=False)
    return torch.load(run.best, weights_only=True)["network"]


@pytest.mark.parametrize("seed", [None, 3])
def test_images_kept_on_the_gpu_come_in_the_same_batches(seed):
    batches = list(ResidentLoader(resident(), 4, seed=seed, device=GPU))
    assert all(values.is_cuda for batch in batches for values in batch)
    assert equal(batches, list(ResidentLoader(resident(), 4, seed=seed)))


def test_images_that_do_not_fit_come_in_pinned_memory(monkeypatch):
    monkeypatch.setattr(loader_module, "_SHARE_OF_GPU", 0.0)
    batches = list(ResidentLoader(resident(), 4, seed=3, device=GPU))
    assert all(batch[0].is_pinned() and batch[1].is_pinned() for batch in batches)
    assert all(batch[0].is_contiguous(memory_format=torch.channels_last) for batch in batches)
    assert equal(batches, list(ResidentLoader(resident(), 4, seed=3)))


def test_patches_come_in_pinned_memory():
    pairs = [
        [PatchLoader(native(), (16, 16), 4, foreground=0.5, seed=1, device=device) for device in (GPU, torch.device("cpu"))],
        [TileLoader(native(), (16, 16), 4, device=device) for device in (GPU, torch.device("cpu"))],
    ]
    for ours, theirs in pairs:
        batches = list(ours)
        assert all(batch[0].is_pinned() for batch in batches)
        assert equal(batches, list(theirs))


def test_the_gpu_ends_where_the_processor_does(tmp_path, exact):
    there, here = trained(tmp_path / "gpu"), trained(tmp_path / "cpu", "trainer.accelerator=cpu")
    for name, value in there.items():
        torch.testing.assert_close(value.cpu(), here[name], atol=1e-3, rtol=1e-2)


@pytest.mark.parametrize(
    "settings", [["trainer.precision=bf16", "trainer.channels_last=on"], ["trainer.compile=true"]], ids=["bf16", "compiled"]
)
@pytest.mark.filterwarnings("default")  # the compiler's own
def test_what_makes_it_fast_changes_little(tmp_path, settings):
    fast, plain = trained(tmp_path / "fast", *settings), trained(tmp_path / "plain")
    for name, value in fast.items():
        torch.testing.assert_close(value, plain[name], atol=0.05, rtol=0.1)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there is one CUDA device")
def test_two_gpus_end_where_one_does_also_with_batch_normalisation(tmp_path):
    both, one = trained(tmp_path / "two", "trainer.devices=2"), trained(tmp_path / "one")
    for name, value in both.items():
        torch.testing.assert_close(value.cpu(), one[name].cpu(), atol=5e-3, rtol=2e-2)
