"""The models of all folds as one file, checked against them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.errors import ModelFileError
from limner.export.ensemble import check_ensemble, ensemble_metadata, export_ensemble
from limner.export.exporter import update_model
from limner.files import atomic_path, sha256
from limner.runtime.format import read_metadata
from limner.selection import short_hashes

if TYPE_CHECKING:
    from pathlib import Path

    from limner.data import Dataset
    from limner.evaluation import Evaluation
    from limner.recipe import Recipe
    from limner.training.folds.folder import FoldsFolder

PART = "out-of-fold"  # what the file says its scores are of
_PARITY_IMAGES = 8
_LARGEST_DIFFERENCE = 1e-5  # of a probability, between the ensemble and the mean of its models


def build_ensemble(folder: FoldsFolder, recipe: Recipe, dataset: Dataset, evaluation: Evaluation, folds: int) -> Path:
    """Write model.onnx: the mean of the probabilities of all folds' models.

    Args:
        folder: The cross-validation; all of its folds are finished.
        recipe: Of all folds.
        dataset: All images. Each was trained on by some of the models.
        evaluation: Of all folds together. The file carries its scores; of the ensemble itself there are none, since no image is unseen.
        folds: How many.

    Raises:
        ModelFileError: The models cannot be joined.
    """
    models = [folder.fold(fold).model for fold in range(1, folds + 1)]
    scores = [{**score.model_dump(mode="json"), "part": PART} for score in evaluation.scores]
    metadata = ensemble_metadata(models, recipe, training_data=_training_data(folder, dataset, folds), metrics=scores)
    with atomic_path(folder.model, durable=True) as temporary:
        export_ensemble(models, metadata, temporary)
        parity = check_ensemble(models, temporary, (item.load() for item in dataset.items[:_PARITY_IMAGES]))
        if parity.max_prob_difference > _LARGEST_DIFFERENCE:
            what = f"the ensemble differs from the mean of its models: by {parity.max_prob_difference:.2g} in a probability"
            fix = "nothing was written; the folds' own models are as they were. Try another version of onnxruntime"
            raise ModelFileError(what, where=folder.path, fix=fix)
        update_model(temporary, metadata=read_metadata(temporary).model_copy(update={"parity": parity.model_dump()}))
    return folder.model


def _training_data(folder: FoldsFolder, dataset: Dataset, folds: int) -> dict[str, object]:
    parts = short_hashes(folder.split_file(1))
    hashes = sorted(hash_ for images in parts.values() for hash_ in images)
    return {
        **dataset.provenance(),
        "train": len(hashes),
        "val": 0,
        "test": 0,
        "split": f"{folds} folds; each image was tested in one, and trained on in others",
        "split_sha256": sha256(folder.definition_file.read_bytes()),
        "hashes": {"train": hashes, "val": [], "test": []},
    }
