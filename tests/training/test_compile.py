"""A compiled network trains as the same network does that is not."""

import pytest
import torch

from limner.data import open_source
from limner.data.phantoms import write_phantoms
from limner.errors import RecipeError
from limner.recipe import load_recipe
from limner.training.devices import check_trainer
from limner.training.fit import fit, new_network
from limner.training.run import load_part
from limner.training.run_folder import RunFolder

SETTINGS = [
    "epochs=1",
    "batch_size=4",
    "data.input_size=32",
    "network.filters=[4,8]",
    "network.convs=1",
    "optimiser=sgd",
    "optimiser.learning_rate=0.1",
    "trainer.accelerator=cpu",
    "trainer.precision=float32",
]


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Seven images to validate on, so that the last batch is smaller."""
    data = open_source(write_phantoms(tmp_path_factory.mktemp("phantoms") / "polyps", count=15, size=(32, 32)))
    keys, recipe = sorted(data.keys()), load_recipe("phantom-unet", SETTINGS)
    return load_part(data, keys[:8], recipe.data), load_part(data, keys[8:], recipe.data)


def train(parts, folder, *settings):
    recipe, run = load_recipe("phantom-unet", [*SETTINGS, *settings]), RunFolder(folder)
    network = new_network(recipe, run)
    fit(network, recipe, *parts, run, progress=False)
    return network, torch.load(run.best, weights_only=True)["network"]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the compiler's own, which are many and of each version others
def test_compiled_or_not_the_weights_are_nearly_the_same(parts, tmp_path, monkeypatch):
    compiled = "trainer.compile=true"
    try:
        check_trainer(load_recipe("phantom-unet", [*SETTINGS, compiled]))
    except RecipeError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(torch._inductor.config, "compile_threads", 1)
    torch._dynamo.utils.counters.clear()
    _, plain = train(parts, tmp_path / "plain")
    assert not torch._dynamo.utils.counters["stats"]
    _, fast = train(parts, tmp_path / "compiled", compiled)
    counted = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert 2 <= counted <= 4
    assert fast.keys() == plain.keys()
    for name, value in plain.items():
        torch.testing.assert_close(fast[name], value, atol=1e-3, rtol=1e-2)
