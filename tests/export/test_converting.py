"""A model in other precisions: what changes, what must not, and what is said of it."""

from __future__ import annotations

import shutil
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from tests.export.own_data import SIZE, TRAIN, VAL, write_model_of, write_pictures
from torch import nn

from limner.data import open_source
from limner.errors import DataError, ModelFileError
from limner.export import converting, export_network, new_metadata, quantising, set_threshold, update_model
from limner.export.converting import convert_model
from limner.export.ensemble import ensemble_metadata, export_ensemble
from limner.export.images import own_images
from limner.export.int8 import quantise
from limner.export.networks import find_networks
from limner.recipe import load_recipe
from limner.runtime import load
from limner.runtime.format import read_metadata
from limner.training.run import export_run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from limner.data import Dataset
    from limner.export.bias import Corrections
    from limner.export.calibration import Ranges


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def dataset(source: Path) -> Dataset:
    return open_source(source)


@pytest.fixture(scope="module")
def models(source: Path, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By precision."""
    folder = tmp_path_factory.mktemp("models")
    found = {"float32": write_model_of(source, folder / "float32.onnx")}
    for precision in ("float16", "int8"):
        found[precision] = convert_model(found["float32"], folder / f"{precision}.onnx", precision, dataset, progress=False)
    return found


def dice_by_hand(model: Path, dataset: Dataset) -> float:
    scores = []
    for item in list(dataset.items)[TRAIN:]:
        sample = item.load()
        mask = load(model, provider="cpu").predict(sample.image).mask
        scores.append(2 * (mask & sample.mask).sum() / (mask.sum() + sample.mask.sum()))
    return 100 * fmean(scores)


def inside(model: Path, kind: int) -> list[str]:
    return [tensor.name for tensor in onnx.load(model).graph.initializer if tensor.data_type == kind and tensor.dims]


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_next_to_nothing_is_lost_and_the_file_says_how_much(models: dict[str, Path], dataset: Dataset, precision: str) -> None:
    before, after = (dice_by_hand(models[name], dataset) for name in ("float32", precision))
    assert before > 80, "else there would be little to lose"
    parity = read_metadata(models[precision]).parity
    assert parity["dice_lost"] == pytest.approx(before - after, abs=0.01)
    assert abs(parity["dice_lost"]) < 0.5
    assert (parity["n"], parity["dice_n"], parity["reference"]) == (VAL, VAL, "the float32 file")
    assert 0 < parity["mean_prob_difference"] < parity["max_prob_difference"] < 0.3


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_all_else_stays_as_it_was(models: dict[str, Path], precision: str) -> None:
    one, other = (read_metadata(models[name]) for name in ("float32", precision))
    assert other.precision == precision
    changed = {"precision", "parity", "quantisation", "metrics", "created", "versions"}
    assert one.model_dump(exclude=changed) == other.model_dump(exclude=changed)
    assert other.metrics == [{**one.metrics[0], "precision": "float32"}], "nobody has measured the new file on the test part"
    assert other.parameters == one.parameters is not None
    graph, original = (onnx.load(models[name]).graph for name in (precision, "float32"))
    assert (graph.input, graph.output) == (original.input, original.output)
    around = {node.name: node for node in original.node if not node.name.startswith("network/")}
    assert all(around[node.name].op_type == node.op_type for node in graph.node if node.name in around)
    assert around.keys() <= {node.name for node in graph.node}
    onnx.checker.check_model(onnx.load(models[precision]), full_check=True)


def test_float16_has_all_weights_in_half(models: dict[str, Path]) -> None:
    assert not [name for name in inside(models["float16"], onnx.TensorProto.FLOAT) if name.startswith("network/")]
    weights = [name for name in inside(models["float16"], onnx.TensorProto.FLOAT16) if "weight" in name]
    assert len(weights) == 5


def test_int8_has_all_but_the_first_and_the_last_layer_in_whole_numbers(models: dict[str, Path]) -> None:
    said = read_metadata(models["int8"]).quantisation
    weights = [name for name in inside(models["int8"], onnx.TensorProto.INT8) if name.endswith("quantized")]
    assert (said["layers"], len(said["float_layers"]), len(weights)) == (5, 2, 3)
    assert said["calibrated_on"] == f"{TRAIN} of {TRAIN} training images"
    assert said["measured_on"] == f"{VAL} of {VAL} validation images"
    graph = onnx.load(models["int8"]).graph
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    largest = max(abs(values[name].astype(int)).max() for name in weights)
    assert 32 < largest <= 64, "of seven bits, so that two products fit into sixteen on any processor"
    assert "ConvTranspose" not in {node.op_type for node in graph.node}


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_threshold_and_temperature_can_be_changed(models: dict[str, Path], tmp_path: Path, precision: str) -> None:
    path = shutil.copyfile(models[precision], tmp_path / "model.onnx")
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    plain = load(path, provider="cpu").predict(image).probs.astype(float)
    update_model(path, temperature=2.0)
    set_threshold(path, 0.7, "by hand")
    changed = load(path, provider="cpu").predict(image)
    np.testing.assert_allclose(changed.probs, 1 / (1 + np.sqrt((1 - plain) / plain)), atol=1e-4)
    assert np.array_equal(changed.mask, changed.probs >= np.float32(0.7))
    assert read_metadata(path).precision == precision


def test_float16_can_do_without_images(models: dict[str, Path], tmp_path: Path) -> None:
    path = convert_model(models["float32"], tmp_path / "half.onnx", "float16", None, progress=False)
    assert read_metadata(path).parity is None
    assert load(path).predict(np.zeros((9, 9, 3), np.uint8)).probs.shape == (9, 9)


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_what_loses_too_much_is_not_written(
    models: dict[str, Path], dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    for module in (converting, quantising):
        monkeypatch.setattr(module, "MOST_LOST", -100.0)
    with pytest.raises(ModelFileError, match="points of Dice on 6 images") as raised:
        convert_model(models["float32"], tmp_path / "model.onnx", precision, dataset, progress=False)
    assert "nothing was written" in str(raised.value)
    assert not any(tmp_path.iterdir())


def test_layers_that_hurt_stay_in_float(models: dict[str, Path], dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One layer is made to do harm, by a shift of the logits whenever it is quantised."""
    original, harmful = quantise, find_networks(onnx.load(models["float32"]))[0].inner[1]

    def quantise_badly(
        model: onnx.ModelProto, ranges: Ranges, *, biases: Corrections, kept: Collection[str] = (), only: str | None = None
    ) -> onnx.ModelProto:
        result = original(model, ranges, biases=biases, kept=kept, only=only)
        if harmful not in kept and only in {None, harmful}:
            bias = next(tensor for tensor in result.graph.initializer if tensor.name.endswith("head.bias"))
            bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) + 3, bias.name))
        return result

    for place in ("limner.export.quantising.quantise", "limner.export.ranking.quantise"):
        monkeypatch.setattr(place, quantise_badly)
    path = convert_model(models["float32"], tmp_path / "model.onnx", "int8", dataset, progress=False)
    metadata = read_metadata(path)
    assert harmful in metadata.quantisation["float_layers"]
    assert len(metadata.quantisation["float_layers"]) == 3
    assert metadata.parity["dice_lost"] < 0.5


def test_an_ensemble_is_measured_on_images_that_it_was_not_calibrated_on(source: Path, dataset: Dataset, tmp_path: Path) -> None:
    recipe = load_recipe("phantom-unet", [f"data.input_size={list(SIZE)}", "data.normalisation=unit"])
    folds = [write_model_of(source, tmp_path / f"{number}.onnx", val=0) for number in range(2)]
    data = read_metadata(folds[0]).training_data
    both = export_ensemble(folds, ensemble_metadata(folds, recipe, training_data=data), tmp_path / "both.onnx")
    for precision in ("float16", "int8"):
        path = convert_model(both, tmp_path / f"{precision}.onnx", precision, dataset, progress=False)
        image = dataset.items[0].load_image()
        np.testing.assert_allclose(load(path).predict(image).probs, load(both).predict(image).probs, atol=0.2)
    said = read_metadata(path).quantisation
    assert said["calibrated_on"] == "13 of 26 training images"
    assert said["measured_on"] == "13 of 13 training images that it was not calibrated on"
    images = own_images(read_metadata(both), dataset)
    assert not {item.key for item in images.calibration} & {item.key for item in images.measured}


def test_patches_are_quantised_too(source: Path, dataset: Dataset, tmp_path: Path) -> None:
    model = write_model_of(source, tmp_path / "patches.onnx", "data.sampling=patches")
    path = convert_model(model, tmp_path / "int8.onnx", "int8", dataset, progress=False)
    image = dataset.items[-1].load_image()
    exact, found = (load(file, provider="cpu").predict(image).probs for file in (model, path))
    np.testing.assert_allclose(found, exact, atol=0.2)
    assert read_metadata(path).parity["n"] == VAL


def test_images_of_a_model_are_known_by_their_content(models: dict[str, Path], source: Path, tmp_path: Path) -> None:
    for file in sorted(source.rglob("*.png")):
        renamed = tmp_path / file.parent.name / f"x{99 - int(file.stem)}.png"
        renamed.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, renamed)
    metadata = read_metadata(models["float32"])
    first, second = (own_images(metadata, open_source(place)) for place in (source, tmp_path))
    assert [item.image.read() for item in first.calibration] == [item.image.read() for item in second.calibration]
    assert len(first.measured) == VAL


def _without_hashes(metadata: dict[str, object]) -> dict[str, object]:
    return {**metadata, "training_data": {"name": "spots"}}


def _of_others(metadata: dict[str, object]) -> dict[str, object]:
    return {**metadata, "training_data": {"hashes": {"train": ["0" * 12] * 20}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [(_without_hashes, "does not say which images"), (_of_others, "only 0 of the 20 images that the model was trained on are here")],
)
def test_images_of_others_are_of_no_use(
    models: dict[str, Path], dataset: Dataset, tmp_path: Path, change: Callable[[dict[str, object]], dict[str, object]], message: str
) -> None:
    path = shutil.copyfile(models["float32"], tmp_path / "model.onnx")
    metadata = read_metadata(path)
    update_model(path, metadata=type(metadata).model_validate(change(metadata.model_dump())))
    with pytest.raises(DataError, match=message):
        convert_model(path, tmp_path / "int8.onnx", "int8", dataset, progress=False)


def test_a_file_that_is_converted_already_is_refused(models: dict[str, Path], dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="in int8 already"):
        convert_model(models["int8"], tmp_path / "again.onnx", "float16", dataset)


def test_of_float16_and_int8_no_float32_is_made(models: dict[str, Path], tmp_path: Path) -> None:
    for precision in ("float16", "int8"):
        with pytest.raises(ModelFileError, match=f"the file is in {precision}, of which float32 cannot be made"):
            export_run(models[precision], tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_float16_needs_no_images_to_calibrate_on(models: dict[str, Path], source: Path, dataset: Dataset, tmp_path: Path) -> None:
    path = shutil.copyfile(models["float32"], tmp_path / "model.onnx")
    metadata = read_metadata(path)
    hashes = dict(metadata.training_data["hashes"])
    update_model(path, metadata=metadata.model_copy(update={"training_data": {"hashes": hashes | {"train": hashes["train"][:3]}}}))
    assert read_metadata(convert_model(path, tmp_path / "half.onnx", "float16", dataset, progress=False)).parity["n"] == VAL
    with pytest.raises(DataError, match="only 3 of the 3 images"):
        convert_model(path, tmp_path / "int8.onnx", "int8", dataset, progress=False)


def test_layers_that_resize_by_one_factor_are_in_half_too(tmp_path: Path) -> None:
    """Their factor is one constant, and stays in float32."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4, padding=1), *(nn.Upsample(scale_factor=2, mode="bilinear") for _ in range(2)))
    network.append(nn.Conv2d(4, 1, 1))
    recipe = load_recipe("phantom-unet", [f"data.input_size={list(SIZE)}"])
    path = export_network(network, recipe, new_metadata(recipe), tmp_path / "model.onnx")
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    half = convert_model(path, tmp_path / "half.onnx", "float16", None, progress=False)
    np.testing.assert_allclose(load(half).predict(image).probs, load(path).predict(image).probs, atol=2e-3)
