from __future__ import annotations

import math
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tests.export.toys import SIZE, THRESHOLD, random_image, toy_network, toy_recipe
from torch import nn

from limner.errors import ModelFileError
from limner.export import check_parity, export_network, exporter, new_metadata, set_threshold, update_model
from limner.export.graph import constant
from limner.runtime import load
from limner.runtime.card import CARD_KEY, render_card
from limner.runtime.format import ReviewRule, read_metadata

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def model(toy_model: Path, tmp_path: Path) -> Path:
    return shutil.copyfile(toy_model, tmp_path / "model.onnx")


def in_graph(path: Path, name: str) -> float:
    return next(onnx.numpy_helper.to_array(t).item() for t in onnx.load(path).graph.initializer if t.name == name)


def threshold_in_graph(path: Path) -> float:
    return in_graph(path, "threshold")


def dimensions(value: onnx.ValueInfoProto) -> list[str | int]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def test_the_file_takes_images_of_any_size_and_number(toy_model: Path) -> None:
    graph = onnx.load(toy_model).graph
    assert {value.name: dimensions(value) for value in graph.input} == {"image": ["N", "H", "W", 3]}
    assert {value.name: dimensions(value) for value in graph.output} == {"probs": ["N", "H", "W"], "mask": ["N", "H", "W"]}


def test_the_file_is_one_valid_model_of_one_opset(toy_model: Path) -> None:
    model = onnx.load(toy_model)
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)]
    assert model.ir_version <= 10  # what ONNX Runtime 1.20 reads
    assert sorted(path.name for path in toy_model.parent.iterdir()) == ["toy.onnx"]


def test_the_network_inside_keeps_its_batch_size_open(toy_model: Path) -> None:
    shapes = {value.name: dimensions(value) for value in onnx.load(toy_model).graph.value_info}
    inside = [shape for name, shape in shapes.items() if name.startswith("network/") and shape[2:] == list(SIZE)]
    assert inside
    assert not [shape for shape in inside if isinstance(shape[0], int)]


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_batch_gives_what_its_images_give_alone(toy_model: Path, number: int) -> None:
    session = onnxruntime.InferenceSession(toy_model, providers=["CPUExecutionProvider"])
    batch = np.stack([random_image(37, 51, seed) for seed in range(number)])
    probs, mask = session.run(["probs", "mask"], {"image": batch})
    assert probs.shape == mask.shape == (number, 37, 51)
    alone = np.concatenate([session.run(["probs"], {"image": image[None]})[0] for image in batch])
    np.testing.assert_allclose(probs, alone, atol=1e-6)


def test_the_file_tells_nothing_of_the_machine_that_made_it(toy_model: Path) -> None:
    content = toy_model.read_bytes()
    assert b"site-packages" not in content
    assert b".py" not in content


def test_metadata_come_back_as_they_went_in(toy_model: Path) -> None:
    metadata = read_metadata(toy_model)
    assert metadata.recipe == toy_recipe().model_dump(mode="json")
    assert (metadata.threshold, metadata.threshold_origin) == (THRESHOLD, "chosen for the tests")
    assert metadata.training_data == {"name": "toys", "train": 3}
    assert metadata.input_size == SIZE
    assert metadata.versions["torch"] == torch.__version__.split("+")[0]
    assert datetime.fromisoformat(metadata.created).tzinfo == UTC


def test_exporting_changes_nothing_in_the_network_and_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    network, recipe = toy_network().to(torch.bfloat16), toy_recipe()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    export_network(network, recipe, new_metadata(recipe), tmp_path / "model.onnx")
    after = network.state_dict()
    assert network.training
    assert all(tensor.dtype == after[name].dtype and torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert capfd.readouterr() == ("", "")


def test_a_network_that_onnx_cannot_express_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    class Undecided(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image[:, :1] if float(image.sum()) > 0 else image[:, 1:2]

    with pytest.raises(ModelFileError, match="cannot be expressed in ONNX"):
        export_network(Undecided(), toy_recipe(), new_metadata(toy_recipe()), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_metadata_of_another_recipe_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="input size"):
        export_network(toy_network(), toy_recipe(), new_metadata(toy_recipe(size=(64, 64))), tmp_path / "model.onnx")


def test_a_new_threshold_changes_the_graph_the_metadata_and_the_masks(model: Path) -> None:
    image = random_image(40, 60)
    before = load(model).predict(image)
    set_threshold(model, 0.8, "best mean per-image Dice on 5 validation images")
    after = load(model).predict(image)
    assert np.array_equal(before.probs, after.probs)
    assert np.array_equal(after.mask, after.probs >= np.float32(0.8))
    assert after.foreground_share < before.foreground_share
    assert threshold_in_graph(model) == np.float32(0.8)
    assert read_metadata(model).threshold_origin == "best mean per-image Dice on 5 validation images"


def test_graph_and_metadata_never_disagree_on_the_threshold(model: Path) -> None:
    score = {"name": "dice", "convention": "per-image", "value": 0.9, "n": 5}
    metadata = read_metadata(model).model_copy(update={"threshold": 0.25, "metrics": [score]})
    update_model(model, metadata=metadata)
    assert threshold_in_graph(model) == read_metadata(model).threshold == 0.25
    update_model(model, threshold=0.75)
    assert threshold_in_graph(model) == read_metadata(model).threshold == 0.75
    assert read_metadata(model).metrics == [score]


def test_an_update_leaves_the_rest_of_the_file_alone(model: Path) -> None:
    before = onnx.load(model)
    update_model(model, threshold=0.75)
    after = onnx.load(model)
    assert after.graph.node == before.graph.node
    assert {t.name: t.raw_data for t in after.graph.initializer if t.name != "threshold"} == {
        t.name: t.raw_data for t in before.graph.initializer if t.name != "threshold"
    }


def test_the_model_card_is_in_the_file_and_under_its_checksum(model: Path) -> None:
    update_model(model, threshold=0.75)
    entries = {entry.key: entry.value for entry in onnx.load(model).metadata_props}
    assert entries[CARD_KEY] == render_card(read_metadata(model))
    assert "0.75" in entries[CARD_KEY]
    changed = model.read_bytes().replace(b"# phantom-unet", b"# Phantom-unet", 1)
    assert changed != model.read_bytes()
    model.write_bytes(changed)
    with pytest.raises(ModelFileError, match="damaged"):
        read_metadata(model)


def test_a_damaged_file_is_not_updated(model: Path) -> None:
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(ModelFileError):
        update_model(model, threshold=0.75)
    assert model.read_bytes() == content
    assert [path.name for path in model.parent.iterdir()] == ["model.onnx"]


def test_a_threshold_out_of_range_is_refused(model: Path) -> None:
    with pytest.raises(ModelFileError, match="threshold"):
        update_model(model, threshold=1.5)
    assert read_metadata(model).threshold == THRESHOLD


def test_a_temperature_divides_the_logits(model: Path) -> None:
    image = random_image(*SIZE)  # not resized, so that the logits of the pixels are those of the probabilities
    plain = load(model).predict(image).probs.astype(float)
    update_model(model, temperature=2.5)
    calibrated = load(model).predict(image)
    logits = np.log(plain / (1 - plain))
    np.testing.assert_allclose(calibrated.probs, 1 / (1 + np.exp(-logits / 2.5)), atol=1e-5)
    assert np.array_equal(calibrated.mask, calibrated.probs >= np.float32(THRESHOLD))
    assert (in_graph(model, "temperature"), read_metadata(model).temperature) == (2.5, 2.5)
    update_model(model, temperature=1.0)
    np.testing.assert_array_equal(load(model).predict(image).probs, plain.astype(np.float32))


def test_graph_and_metadata_never_disagree_on_the_temperature(model: Path) -> None:
    update_model(model, metadata=read_metadata(model).model_copy(update={"temperature": 0.5}))
    assert in_graph(model, "temperature") == read_metadata(model).temperature == 0.5
    update_model(model, threshold=0.75)
    assert in_graph(model, "temperature") == read_metadata(model).temperature == 0.5


def test_a_network_is_exported_with_the_temperature_of_its_metadata(tmp_path: Path) -> None:
    recipe = toy_recipe()
    path = export_network(toy_network(), recipe, new_metadata(recipe, temperature=3.0), tmp_path / "model.onnx")
    assert in_graph(path, "temperature") == 3.0
    assert check_parity(toy_network(), recipe, path, [random_image(40, 60), random_image(33, 50)]).max_prob_difference < 1e-4


def test_a_wrong_temperature_is_seen_to_disagree_with_the_network(model: Path) -> None:
    update_model(model, temperature=2.0)
    images = [random_image(40, 60)]
    assert check_parity(toy_network(), toy_recipe(), model, images).max_prob_difference < 1e-4
    graph = onnx.load(model)
    constant("temperature", np.array(1.9, np.float32), graph)
    exporter.write_model(graph, read_metadata(model), model)
    assert check_parity(toy_network(), toy_recipe(), model, images).max_prob_difference > 1e-3


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.inf, math.nan])
def test_a_temperature_that_is_none_is_refused(model: Path, temperature: float) -> None:
    with pytest.raises(ModelFileError, match="temperature is above 0"):
        update_model(model, temperature=temperature)
    assert read_metadata(model).temperature == 1


@pytest.fixture
def old_model(model: Path) -> Path:
    """As an older limner made it, without the division and its constant."""
    graph = onnx.load(model)
    division = next(node for node in graph.graph.node if "temperature" in node.input)
    for node in graph.graph.node:
        node.input[:] = [division.input[0] if name == division.output[0] else name for name in node.input]
    graph.graph.node.remove(division)
    kept = [tensor for tensor in graph.graph.initializer if tensor.name != "temperature"]
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(kept)
    exporter.write_model(graph, read_metadata(model), model)
    return model


def test_a_file_of_an_older_limner_predicts_and_takes_a_threshold_as_before(old_model: Path, toy_model: Path) -> None:
    image = random_image(40, 60)
    np.testing.assert_allclose(load(old_model).predict(image).probs, load(toy_model).predict(image).probs, atol=1e-6)
    assert (load(old_model).metadata.temperature, load(old_model).metadata.review) == (1.0, None)
    update_model(old_model, threshold=0.8)
    assert load(old_model).threshold == 0.8


def test_a_file_of_an_older_limner_takes_no_temperature(old_model: Path) -> None:
    content = old_model.read_bytes()
    with pytest.raises(ModelFileError, match="older limner, whose graph knows no temperature"):
        update_model(old_model, temperature=1.5)
    assert old_model.read_bytes() == content


def test_a_review_rule_comes_back_as_it_went_in(model: Path) -> None:
    rule = ReviewRule(threshold=0.21, share=0.1, origin="the most doubtful 10 % of 88 validation images lie above it")
    update_model(model, metadata=read_metadata(model).model_copy(update={"review": rule}))
    assert read_metadata(model).review == rule
