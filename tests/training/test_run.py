import json
import shutil
import sys
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
import torch
from tests.training.tiny import history

from limner.data import load_split, open_source
from limner.data.phantoms import write_phantoms
from limner.errors import DataError, ModelFileError, OutputExistsError, RecipeError, RunError
from limner.export.parity import Parity
from limner.imaging import write_mask
from limner.models import build_network
from limner.recipe import load_recipe
from limner.runtime import load
from limner.training import module as training_module
from limner.training import pace as pace_module
from limner.training import run as run_module
from limner.training.module import SegmentationModule
from limner.training.run import export_run, train_run
from limner.training.run_folder import RunFolder

SETTINGS = ["epochs=2", "batch_size=4", "data.input_size=32", "network.filters=[4,8]"]


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return write_phantoms(tmp_path_factory.mktemp("phantoms") / "polyps", count=20, size=(48, 40))


@pytest.fixture(scope="module")
def finished(phantoms, tmp_path_factory):
    return train_run(phantoms, load_recipe("phantom-unet", SETTINGS), tmp_path_factory.mktemp("runs") / "a", progress=False)


@pytest.fixture
def quick(monkeypatch):
    """No export: for tests of what comes before it."""
    monkeypatch.setattr(run_module, "_export", lambda *_: None)


@pytest.fixture
def clock(monkeypatch):
    """A second passes whenever training looks at the clock, however busy the machine is."""
    seconds = count(monotonic())
    for module in (pace_module, training_module):
        monkeypatch.setattr(module, "monotonic", lambda: next(seconds))


@contextmanager
def interrupted_in_the_second_epoch():
    """Ctrl-C after its first step."""
    step = SegmentationModule.on_train_batch_end

    def interrupted(self, *arguments):
        step(self, *arguments)
        if self.current_epoch == 1:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SegmentationModule, "on_train_batch_end", interrupted)
        yield


def test_a_run_folder_holds_everything(finished):
    names = {path.relative_to(finished).as_posix() for path in finished.rglob("*") if path.is_file()}
    assert {
        "recipe.yaml",
        "split.json",
        "run.json",
        "metrics.csv",
        "calibration.json",
        "threshold.json",
        "model.onnx",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
    } <= names
    assert any(name.startswith("tensorboard/events") for name in names)
    assert not any(Path(name).name.startswith(".") for name in names)


def test_the_facts_say_how_it_was_made(finished, phantoms):
    facts = json.loads((finished / "run.json").read_text())
    assert facts["state"] == "finished"
    assert facts["seed"] == 0
    assert facts["source"] == str(phantoms)
    assert {"python", "limner", "torch"} <= set(facts["versions"])
    assert facts["machine"]["processor"]


def test_the_recipe_in_the_folder_is_the_resolved_one(finished):
    assert load_recipe(finished / "recipe.yaml") == load_recipe("phantom-unet", SETTINGS)


def test_the_history_has_one_row_per_epoch(finished):
    lines = (finished / "metrics.csv").read_text().splitlines()
    assert lines[0] == (
        "epoch,train_loss,train_dice,train_iou,val_loss,val_dice,val_iou,val_precision,val_recall,learning_rate,images_per_second,seconds"
    )
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2"]


def test_the_model_says_where_its_threshold_and_data_come_from(finished):
    metadata = load(finished).metadata
    assert metadata.threshold_origin == "best mean per-image Dice on 3 validation images"
    assert (metadata.training_data["train"], metadata.training_data["val"], metadata.training_data["test"]) == (13, 3, 4)
    assert metadata.parity["max_prob_difference"] < 1e-3
    assert metadata.parity["mask_agreement"] > 0.999


def test_the_same_seed_gives_the_same_model(finished, phantoms, tmp_path, quick):
    again = train_run(phantoms, load_recipe("phantom-unet", SETTINGS), tmp_path / "again", progress=False)
    first = torch.load(finished / "checkpoints" / "best.ckpt", weights_only=True)["network"]
    second = torch.load(again / "checkpoints" / "best.ckpt", weights_only=True)["network"]
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=1e-6, rtol=1e-5)


def test_a_finished_run_is_not_overwritten_and_resuming_it_does_nothing(finished, phantoms):
    recipe = load_recipe("phantom-unet", [*SETTINGS, "epochs=3"])
    before = (finished / "metrics.csv").read_bytes()
    with pytest.raises(RunError, match="already holds a run"):
        train_run(phantoms, recipe, finished, progress=False)
    train_run(phantoms, recipe, finished, resume=True, progress=False)
    assert (finished / "metrics.csv").read_bytes() == before


def test_a_folder_with_something_else_in_it_is_left_alone(phantoms, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="not empty"):
        train_run(phantoms, load_recipe("phantom-unet", SETTINGS), tmp_path, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_failed_before_its_first_epoch_can_be_started_over(phantoms, tmp_path, quick):
    wrong = load_recipe("polyp-unet-resnet50", ["network.encoder_weights=/nowhere", "data.input_size=32"])
    with pytest.raises(DataError, match="no weights"):
        train_run(phantoms, wrong, tmp_path / "run", progress=False)
    train_run(phantoms, load_recipe("phantom-unet", [*SETTINGS, "epochs=1"]), tmp_path / "run", progress=False)
    assert load_recipe(tmp_path / "run" / "recipe.yaml").name == "phantom-unet"


@pytest.mark.parametrize("name", ["recipe.yaml", "split.json", "plan.json"])
def test_what_somebody_keeps_in_the_folder_is_left_alone(finished, phantoms, tmp_path, name):
    kept = tmp_path / "mine" / name
    kept.parent.mkdir()
    kept.write_bytes((finished / (name if name == "split.json" else "recipe.yaml")).read_bytes())
    before = kept.read_bytes()
    with pytest.raises(RunError, match="not empty"):
        train_run(phantoms, load_recipe("phantom-unet", SETTINGS), kept.parent, split=finished / "split.json", progress=False)
    assert kept.read_bytes() == before


def test_an_attempt_that_failed_can_be_started_over_on_its_own_split(phantoms, tmp_path, quick):
    wrong = load_recipe("polyp-unet-resnet50", ["network.encoder_weights=/nowhere", "data.input_size=32", "seed=5"])
    with pytest.raises(DataError, match="no weights"):
        train_run(phantoms, wrong, tmp_path / "run", progress=False)
    split = tmp_path / "run" / "split.json"
    drawn = load_split(split)
    train_run(phantoms, load_recipe("phantom-unet", [*SETTINGS, "epochs=1"]), tmp_path / "run", split=split, progress=False)
    assert (load_split(split).train, load_split(split).val) == (drawn.train, drawn.val)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot lock a folder")
def test_two_processes_do_not_train_into_one_folder(phantoms, tmp_path, quick):
    recipe, run = load_recipe("phantom-unet", [*SETTINGS, "epochs=1"]), RunFolder(tmp_path / "run")
    with run.alone():
        for resume in (False, True):
            with pytest.raises(RunError, match="another process trains into this folder"):
                train_run(phantoms, recipe, run.path, resume=resume, progress=False)
    assert not run.path.exists()
    train_run(phantoms, recipe, run.path, progress=False)
    assert run.last.is_file()


def test_a_run_goes_on_without_its_facts_as_the_error_advises(phantoms, tmp_path, quick):
    recipe = load_recipe("phantom-unet", [*SETTINGS, "epochs=1"])
    run = RunFolder(train_run(phantoms, recipe, tmp_path / "run", progress=False))
    run.facts_file.write_text("{")
    with pytest.raises(RunError, match="facts are damaged") as raised:
        train_run(phantoms, recipe, run.path, resume=True, progress=False)
    assert raised.value.fix == "delete the file and resume the run"
    run.facts_file.unlink()
    train_run(phantoms, recipe, run.path, resume=True, progress=False)
    facts = run.facts()
    assert (facts["state"], facts["source"], facts["ended"]) == ("finished", str(phantoms), "all 1 epochs are done")


def test_resuming_on_changed_data_is_refused(phantoms, tmp_path, quick):
    source = shutil.copytree(phantoms, tmp_path / "polyps")
    recipe = load_recipe("phantom-unet", [*SETTINGS, "epochs=1"])
    out = train_run(source, recipe, tmp_path / "run", progress=False)
    keys = load_split(out / "split.json").train
    (source / "images" / f"{keys[0]}.png").write_bytes((source / "images" / f"{keys[1]}.png").read_bytes())
    with pytest.raises(DataError, match="1 file changed or gone"):
        train_run(source, recipe, out, resume=True, progress=False)
    with pytest.raises(DataError, match="1 file changed or gone"):
        train_run(source, recipe, tmp_path / "other", split=out / "split.json", progress=False)


def test_the_test_part_is_never_read(phantoms, tmp_path, quick):
    source = shutil.copytree(phantoms, tmp_path / "polyps")
    keys = sorted(open_source(source).keys())
    lists = {"train": tmp_path / "train.txt", "test": tmp_path / "test.txt"}
    lists["train"].write_text("\n".join(keys[4:]))
    lists["test"].write_text("\n".join(keys[:4]))
    for key in keys[:4]:
        (source / "images" / f"{key}.png").write_bytes(b"never to be opened")
    out = train_run(source, load_recipe("phantom-unet", [*SETTINGS, "epochs=1"]), tmp_path / "run", split=lists, progress=False)
    assert load_split(out / "split.json").test == tuple(keys[:4])


def test_a_budget_ends_the_training_early_and_completes_the_schedule(phantoms, tmp_path, quick, clock):
    recipe = load_recipe("phantom-unet", [*SETTINGS, "epochs=100000"])
    out = train_run(phantoms, recipe, tmp_path / "run", budget_s=300.0, progress=False)
    last = history(RunFolder(out))[-1]
    assert last["epoch"] < 300
    assert last["learning_rate"] < 1e-2 * recipe.optimiser.learning_rate


def test_a_resumed_run_keeps_its_budget(phantoms, tmp_path, quick, clock):
    recipe = load_recipe("phantom-unet", [*SETTINGS, "epochs=100000"])
    with interrupted_in_the_second_epoch(), pytest.raises(KeyboardInterrupt):
        train_run(phantoms, recipe, tmp_path / "run", budget_s=200.0, progress=False)
    with pytest.raises(RunError, match="budget that it began with, which is 200 s"):
        train_run(phantoms, recipe, tmp_path / "run", budget_s=900.0, resume=True, progress=False)
    train_run(phantoms, recipe, tmp_path / "run", resume=True, progress=False)
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["budget_s"] == 200.0
    assert facts["state"] == "finished"
    last = history(RunFolder(tmp_path / "run"))[-1]
    assert last["epoch"] < 200
    assert last["learning_rate"] < 1e-2 * recipe.optimiser.learning_rate


def test_there_must_be_a_run_to_resume(phantoms, tmp_path):
    with pytest.raises(RunError, match="no run to resume"):
        train_run(phantoms, load_recipe("phantom-unet", SETTINGS), tmp_path / "typo", resume=True, progress=False)


def test_what_a_kill_leaves_half_written_is_removed_on_resuming(finished, phantoms, tmp_path):
    run = shutil.copytree(finished, tmp_path / "run")
    leftover = run / "checkpoints" / ".last.0123abcd.ckpt"
    leftover.write_bytes(b"half")
    train_run(phantoms, load_recipe("phantom-unet", SETTINGS), run, resume=True, progress=False)
    assert not leftover.exists()


def test_gradients_are_clipped_in_bf16_too(phantoms, tmp_path, quick):
    settings = [*SETTINGS, "epochs=1", "precision=bf16", "optimiser.clip_norm=1e-12", "optimiser.name=sgd", "optimiser.weight_decay=0"]
    out = train_run(phantoms, load_recipe("phantom-unet", settings), tmp_path / "run", progress=False)
    torch.manual_seed(0)
    before = build_network(load_recipe("phantom-unet", settings).network).state_dict()
    after = torch.load(out / "checkpoints" / "best.ckpt", weights_only=True)["network"]
    for name in (name for name in before if name.endswith(".weight")):
        torch.testing.assert_close(after[name], before[name], atol=1e-9, rtol=0)


def test_a_fused_optimiser_can_be_clipped_in_bf16(phantoms, tmp_path, quick):
    settings = [*SETTINGS, "epochs=1", "precision=bf16", "optimiser.clip_norm=1.0", "optimiser.name=adamw"]
    train_run(phantoms, load_recipe("phantom-unet", settings), tmp_path / "run", progress=False)


def test_a_file_that_differs_from_its_network_is_not_written(phantoms, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "check_parity", lambda *_: Parity(max_prob_difference=0.1, mask_agreement=0.9, n=3))
    with pytest.raises(ModelFileError, match="differs from the network"):
        train_run(phantoms, load_recipe("phantom-unet", [*SETTINGS, "epochs=1"]), tmp_path / "run", progress=False)
    assert not list((tmp_path / "run").glob("*.onnx"))


def test_ctrl_c_keeps_the_complete_epochs(phantoms, tmp_path, quick):
    with interrupted_in_the_second_epoch(), pytest.raises(KeyboardInterrupt):
        train_run(phantoms, load_recipe("phantom-unet", SETTINGS), tmp_path / "run", progress=False)
    assert len((tmp_path / "run" / "metrics.csv").read_text().splitlines()) == 2
    assert load(export_run(tmp_path / "run", tmp_path / "so-far.onnx")).predict(np.zeros((40, 60, 3), np.uint8)).mask.shape == (40, 60)
    train_run(phantoms, load_recipe("phantom-unet", SETTINGS), tmp_path / "run", resume=True, progress=False)
    assert len((tmp_path / "run" / "metrics.csv").read_text().splitlines()) == 3


def test_what_is_wrong_with_the_optimiser_is_told_before_any_data_is_read(tmp_path):
    with pytest.raises(RecipeError, match="no optimiser named 'adm'"):
        train_run(tmp_path / "nowhere", load_recipe("phantom-unet", ["optimiser=adm"]), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_run_says_why_its_training_ended(phantoms, tmp_path, quick):
    nothing_learnt = ["optimiser.learning_rate=1e-30", "network.norm=none", "stopping.patience=1"]
    recipe = load_recipe("phantom-unet", [*SETTINGS, "epochs=9", *nothing_learnt])
    facts = json.loads((train_run(phantoms, recipe, tmp_path / "run", progress=False) / "run.json").read_text())
    assert facts["ended"] == "after epoch 1 the validation Dice did not become better for 1 epoch"


def test_masks_that_are_all_empty_are_named_before_training(phantoms, tmp_path):
    source = shutil.copytree(phantoms, tmp_path / "polyps")
    for path in (source / "masks").iterdir():
        write_mask(path, np.zeros((48, 40), bool))
    with pytest.raises(DataError, match="all 13 masks of the training part are empty"):
        train_run(source, load_recipe("phantom-unet", SETTINGS), tmp_path / "run", progress=False)


def test_a_training_that_diverges_ends_with_advice(phantoms, tmp_path):
    recipe = load_recipe("phantom-unet", [*SETTINGS, "optimiser.name=sgd", "optimiser.learning_rate=1e30", "network.norm=none"])
    with pytest.raises(RunError, match="has diverged"):
        train_run(phantoms, recipe, tmp_path / "run", progress=False)


def test_export_writes_the_finished_model_and_overwrites_nothing(finished, tmp_path):
    image = np.full((40, 60, 3), 90, np.uint8)
    path = export_run(finished, tmp_path / "polyp.onnx")
    assert np.array_equal(load(path).predict(image).probs, load(finished).predict(image).probs)
    with pytest.raises(OutputExistsError):
        export_run(finished, path)


def test_export_of_an_unfinished_run_takes_the_best_epoch_so_far(finished, tmp_path):
    unfinished = shutil.copytree(finished, tmp_path / "run")
    (unfinished / "model.onnx").unlink()
    assert load(export_run(unfinished, tmp_path / "m.onnx")).metadata.threshold_origin == "not chosen: the run is not finished"
    with pytest.raises(RunError, match="no complete epoch"):
        export_run(tmp_path / "nothing", tmp_path / "n.onnx")
