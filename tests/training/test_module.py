"""What each epoch says of the training and of the validation."""

import numpy as np
import pytest
import torch
from tests.training.tiny import STILL, best, discs, history, tiny_recipe, train

from limner import metrics
from limner.losses import build_loss
from limner.training import module as module_package
from limner.training.fit import load_best
from limner.training.history import COLUMNS
from limner.training.module import SegmentationModule
from limner.training.pace import Pace


def test_the_row_of_an_epoch_is_that_of_its_network(tmp_path):
    """Scored again from the kept weights, with the metrics of the evaluation."""
    run, recipe, validation = train(tmp_path / "run", "epochs=1"), tiny_recipe(), discs(5, seed=1)
    row = history(run)[0]
    assert tuple(row) == COLUMNS
    images = torch.from_numpy(validation.images).permute(0, 3, 1, 2).float()
    target = torch.from_numpy(validation.masks)[:, None].float()
    with torch.no_grad():
        logits = load_best(recipe, run)(images / 255)
    counts = [metrics.count(*pair) for pair in zip((logits[:, 0].sigmoid() >= 0.5).numpy(), validation.masks.astype(bool), strict=True)]
    for name in ("dice", "iou", "precision", "recall"):
        assert row[f"val_{name}"] == pytest.approx(np.mean([getattr(metrics, name)(count) for count in counts]), rel=1e-4)
    loss = build_loss(recipe.loss)
    batches = [float(loss(logits[part], target[part])) * len(target[part]) for part in (slice(0, 4), slice(4, 5))]
    assert row["val_loss"] == pytest.approx(sum(batches) / 5, rel=1e-4)
    assert best(run)["val_dice"] == pytest.approx(row["val_dice"], rel=1e-4)


def test_training_scores_are_those_of_the_batches_as_trained_on(tmp_path, monkeypatch):
    seen, loss = [], SegmentationModule.training_step

    def recorded(self, batch, batch_idx):
        count = module_package.count_pixels
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module_package, "count_pixels", lambda *arguments: seen.append(arguments[:2]) or count(*arguments))
            return loss(self, batch, batch_idx)

    monkeypatch.setattr(SegmentationModule, "training_step", recorded)
    row = history(train(tmp_path / "run", "epochs=1"))[0]
    preds, target = (torch.cat(values)[:, 0].detach().numpy() for values in zip(*seen, strict=True))
    counts = [metrics.count(*pair) for pair in zip(preds >= 0, target >= 0.5, strict=True)]
    assert len(counts) == 12
    assert row["train_dice"] == pytest.approx(np.mean([metrics.dice(count) for count in counts]), rel=1e-4)
    assert row["train_iou"] == pytest.approx(np.mean([metrics.iou(count) for count in counts]), rel=1e-4)


class Coarse(torch.nn.Module):
    """Gives three logits for one in training, as a network with deep supervision does."""

    def __init__(self):
        super().__init__()
        self.head = torch.nn.Conv2d(3, 1, 1)

    def forward(self, images):
        logits = self.head(images)
        return (logits, logits[..., ::2, ::2], logits[..., ::4, ::4]) if self.training else logits


def test_of_several_logits_the_finest_are_scored(monkeypatch):
    module = SegmentationModule(tiny_recipe(*STILL), Coarse(), Pace(1))
    logged = {}
    monkeypatch.setattr(module, "log_dict", lambda values, **_: logged.update(values))
    monkeypatch.setattr(module, "loss", lambda logits, masks: logits[0].mean())
    monkeypatch.setattr(SegmentationModule, "current_epoch", 0)
    images, masks = torch.full((2, 3, 8, 8), 255, dtype=torch.uint8), torch.ones(2, 1, 8, 8, dtype=torch.uint8)
    torch.nn.init.constant_(module.network.head.weight, 1.0)
    module.training_step((images, masks, torch.arange(2)), 0)
    assert (float(logged["train_dice"]), float(logged["train_iou"])) == (1.0, 1.0)


def test_the_scores_are_of_the_images_of_all_processes(tmp_path, monkeypatch):
    """Here the other process has found nothing in 5 further images, which all have an object, at a loss of 3."""

    found = torch.stack([torch.arange(5, 10), *torch.tensor([[0], [0], [9]]).expand(3, 5)])
    losses = torch.tensor([[15.0], [5.0]])

    def with_another(values):
        return torch.cat([values, found if len(values) == 4 else losses], dim=1)

    settings = ["epochs=1", "stopping.choose_by=val_loss"]
    alone = history(train(tmp_path / "alone", *settings))[0]
    monkeypatch.setattr(module_package, "gathered", with_another)
    run = train(tmp_path / "together", *settings)
    both = history(run)[0]
    for name in ("dice", "iou", "precision", "recall"):
        assert both[f"val_{name}"] == pytest.approx(alone[f"val_{name}"] / 2, rel=1e-4)
    assert both["val_loss"] == pytest.approx((alone["val_loss"] + 3) / 2, rel=1e-4)
    assert best(run)["val_loss"] == pytest.approx(both["val_loss"], rel=1e-4)
