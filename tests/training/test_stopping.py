"""Which epoch is kept, and when and why training ends."""

import json
from functools import partial

import pytest
from tests.training.tiny import ENCODER, best, history, last, train

from limner.progress import error_console
from limner.training import fit as fit_module
from limner.training import module as module_package
from limner.training import pace as pace_module
from limner.training.module import SegmentationModule

LOSSES = [0.9, 0.5, 0.6, 0.4, 0.45, 0.41, 0.42, 0.43]
DICES = [0.1, 0.6, 0.8, 0.7, 0.7, 0.75, 0.7, 0.7]
SCORES = ("val_loss", "val_dice", "val_iou", "val_precision", "val_recall")
POLY = ["schedule=poly", "schedule.power=1", "optimiser.learning_rate=0.01"]


@pytest.fixture
def validation(monkeypatch):
    """What each epoch's validation says is made up."""

    def made_up(self):
        self.found.clear()
        self.losses.clear()
        loss, dice = LOSSES[self.current_epoch], DICES[self.current_epoch]
        return {"val_loss": loss, "val_dice": dice, "val_iou": dice / 2, "val_precision": 1 - loss, "val_recall": dice / 3}

    monkeypatch.setattr(SegmentationModule, "_validation_scores", made_up)


@pytest.fixture
def seconds(monkeypatch):
    """A clock that goes on by so many seconds in each step and in each validation, and stands still otherwise."""
    now, step, validation_step = [1000.0], SegmentationModule.training_step, SegmentationModule.validation_step
    for module in (pace_module, module_package):
        monkeypatch.setattr(module, "monotonic", lambda: now[0])
    monkeypatch.setattr(fit_module, "Pace", partial(pace_module.Pace, _since=now[0]))

    def set_to(*, step_s, validation_s=0.0, late_s=0.0):
        now[0] = 1000.0 + late_s

        def slow_step(self, *arguments):
            now[0] += step_s
            return step(self, *arguments)

        def slow_validation(self, batch, batch_idx):
            now[0] += validation_s if batch_idx == 0 else 0
            validation_step(self, batch, batch_idx)

        monkeypatch.setattr(SegmentationModule, "training_step", slow_step)
        monkeypatch.setattr(SegmentationModule, "validation_step", slow_validation)
        return now

    return set_to


def ended(run):
    return json.loads(run.facts_file.read_text())["ended"]


@pytest.mark.parametrize(("name", "epoch"), [("val_loss", 4), ("val_dice", 3), ("val_iou", 3), ("val_precision", 4), ("val_recall", 3)])
def test_the_epoch_is_chosen_by_what_the_recipe_says(tmp_path, validation, name, epoch):
    run = train(tmp_path / "run", "epochs=5", f"stopping.choose_by={name}")
    assert best(run)["epoch"] == epoch
    assert best(run)[name] == pytest.approx(history(run)[epoch - 1][name], rel=1e-5)
    assert ended(run) == "all 5 epochs are done"


def test_of_epochs_that_the_history_shows_as_equal_the_first_is_kept(tmp_path, monkeypatch):
    """By the history the report says which epoch was kept."""
    dices = [0.5, 0.60000001, 0.60000004]
    monkeypatch.setattr(SegmentationModule, "_validation_scores", lambda self: dict.fromkeys(SCORES, dices[self.current_epoch]))
    run = train(tmp_path / "run", "epochs=3")
    rows = history(run)
    assert best(run)["epoch"] == max(rows, key=lambda row: row["val_dice"])["epoch"] == 2


def test_a_kill_after_the_last_epoch_does_not_lose_why_it_ended(tmp_path, validation):
    run = train(tmp_path / "run", "epochs=2")
    run.facts_file.unlink()
    assert ended(train(tmp_path / "run", "epochs=2")) == "all 2 epochs are done"


def test_training_ends_when_nothing_becomes_better(tmp_path, validation):
    run = train(tmp_path / "run", "epochs=8", "stopping.patience=3")
    assert len(history(run)) == 6
    assert ended(run) == "after epoch 3 the validation Dice did not become better for 3 epochs"
    assert best(run)["epoch"] == 3


def test_it_may_be_ended_by_something_else_than_the_epoch_is_chosen_by(tmp_path, validation):
    run = train(tmp_path / "run", "epochs=8", "stopping.patience=2", "stopping.stop_by=val_loss")
    assert len(history(run)) == 6
    assert ended(run) == "after epoch 4 the validation loss did not become better for 2 epochs"
    assert best(run)["epoch"] == 3  # by Dice


def test_what_is_hardly_better_does_not_count_for_stopping_but_for_choosing(tmp_path, validation):
    run = train(tmp_path / "run", "epochs=8", "stopping.choose_by=val_loss", "stopping.min_delta=0.2", "stopping.patience=3")
    assert len(history(run)) == 5
    assert ended(run) == "after epoch 2 the validation loss did not become better for 3 epochs"
    assert best(run)["epoch"] == 4


def test_patience_that_ends_with_the_last_epoch_ends_nothing_early(tmp_path, validation):
    run = train(tmp_path / "run", "epochs=6", "stopping.patience=3")
    assert ended(run) == "all 6 epochs are done"


def test_a_training_that_was_ended_is_not_gone_on_with(tmp_path, validation):
    """Killed while it was exported, it begins again after its training."""
    settings = ["epochs=8", "stopping.patience=3"]
    run = train(tmp_path / "run", *settings)
    before = run.last.read_bytes()
    run.facts_file.unlink()
    train(tmp_path / "run", *settings)
    assert run.last.read_bytes() == before
    assert len(history(run)) == 6
    assert ended(run) == "after epoch 3 the validation Dice did not become better for 3 epochs"


def test_the_plateau_follows_its_own_score(tmp_path, validation):
    settings = ["epochs=8", "schedule=plateau", "schedule.monitor=val_dice", "schedule.patience=1", "schedule.factor=0.5"]
    rates = [row["learning_rate"] for row in history(train(tmp_path / "run", *settings, "optimiser.learning_rate=0.008"))]
    # Nothing better than in epoch 3: lowered after epochs 5 and 7, which is seen in the epochs that follow.
    assert rates == pytest.approx([0.008] * 5 + [0.004] * 2 + [0.002])


def test_the_rate_of_the_history_is_that_of_the_decoder(tmp_path, validation):
    settings = [*ENCODER, "epochs=1", "schedule=constant", "optimiser.learning_rate=0.008"]
    assert history(train(tmp_path / "run", *settings))[0]["learning_rate"] == 0.008


def test_a_budget_too_short_for_one_epoch_says_so(tmp_path, validation, seconds):
    seconds(step_s=10)
    run = train(tmp_path / "run", "epochs=4", budget_s=15)
    assert ended(run) == "the budget was used up after 2 of the 3 steps of the first epoch: the network is hardly trained"
    assert len(history(run)) == 1
    assert best(run)["epoch"] == 1


def test_a_budget_that_is_used_up_before_the_first_step_still_gives_a_network(tmp_path, validation, seconds):
    """Setting up several processes, or compiling, can take longer than somebody's budget."""
    seconds(step_s=10, late_s=20)
    run = train(tmp_path / "run", "epochs=4", budget_s=15)
    assert ended(run) == "the budget was used up after 1 of the 3 steps of the first epoch: the network is hardly trained"
    assert best(run)["epoch"] == 1


def test_a_budget_in_the_midst_of_the_epochs_completes_the_schedule(tmp_path, validation, seconds):
    seconds(step_s=10)
    run = train(tmp_path / "run", "epochs=8", *POLY, budget_s=70)
    assert ended(run) == "the budget was used up in epoch 3 of 8"
    assert [row["learning_rate"] for row in history(run)] == pytest.approx(
        [0.01 * 5 / 7, 0.01 * 2 / 7, 0.01 / 7], rel=1e-4
    )  # of each epoch's last step


def test_a_budget_far_longer_than_the_epochs_is_not_used(tmp_path, validation, seconds):
    seconds(step_s=10)
    run = train(tmp_path / "run", "epochs=2", *POLY, budget_s=1e6)
    assert ended(run) == "all 2 epochs are done"
    assert [row["learning_rate"] for row in history(run)] == pytest.approx([0.01 * 4 / 6, 0.01 / 6], rel=1e-4)


def test_a_budget_leaves_time_for_the_last_validation(tmp_path, validation, seconds):
    """10 s a step, 15 s a validation: what the first one took is kept back from then on."""
    now = seconds(step_s=10, validation_s=15)
    run = train(tmp_path / "run", "epochs=8", budget_s=125)
    assert ended(run) == "the budget was used up in epoch 3 of 8"
    assert now[0] - 1000 == 125  # 3 steps, 15 s, 3 steps, 15 s, 2 steps, 15 s
    assert last(run)["global_step"] == 8


def test_a_budget_that_ends_with_a_validation_begins_no_further_epoch(tmp_path, validation, seconds):
    seconds(step_s=10, validation_s=30)
    run = train(tmp_path / "run", "epochs=8", budget_s=60)
    assert ended(run) == "the budget was used up in epoch 1 of 8"
    assert last(run)["global_step"] == 3


def test_early_stopping_and_plateau_under_a_budget(tmp_path, validation, seconds):
    seconds(step_s=10)
    settings = ["epochs=8", "schedule=plateau", "schedule.monitor=val_dice", "schedule.patience=0", "optimiser.learning_rate=0.01"]
    stopped = train(tmp_path / "stopped", *settings, "stopping.patience=2", budget_s=1000)
    assert ended(stopped) == "after epoch 3 the validation Dice did not become better for 2 epochs"
    seconds(step_s=10)
    cut = train(tmp_path / "cut", *settings, "stopping.patience=2", budget_s=110)
    assert ended(cut) == "the budget was used up in epoch 4 of 8"
    assert [row["learning_rate"] for row in history(stopped)] == pytest.approx([0.01] * 4 + [0.002])
    assert [row["learning_rate"] for row in history(cut)] == pytest.approx([0.01] * 4)


def test_progress_names_what_chooses_and_why_it_ended(tmp_path, validation, capsys):
    error_console.cache_clear()
    settings = ["epochs=8", "stopping.patience=3", "stopping.choose_by=val_loss", "stopping.stop_by=val_dice"]
    train(tmp_path / "run", *settings, progress=True)
    lines = capsys.readouterr().err.splitlines()
    error_console.cache_clear()
    assert "validation loss 0.6000, Dice 0.8000" in lines[2]
    assert lines[2].endswith("best validation loss 0.5000 (epoch 2)")
    assert lines[-1] == "training has ended: after epoch 3 the validation Dice did not become better for 3 epochs"
    assert last(train(tmp_path / "run", *settings))["epoch"] == 5
