"""What a model is worth on a data set: its evaluation, and the report of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Unpack

from limner.data.splits import PARTS, load_leaks
from limner.evaluation import FolderPredictions, ThresholdChoice, evaluate
from limner.evaluation.calibration import Calibration
from limner.progress import show_progress
from limner.report import (
    ParityFacts,
    ReportData,
    SplitFacts,
    build_gallery,
    predict_panel,
    read_history,
    save_curves,
    save_panel,
    write_report,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from limner.data import Dataset
    from limner.data.splits import Split
    from limner.evaluation import Evaluation, How, Segmenter
    from limner.evaluation.folder import FolderMetadata
    from limner.runtime import ModelMetadata, Predictor
    from limner.selection import Selection

_CURVES, _PANEL = "figures/curves.svg", "figures/panel.png"
_RUN_FACTS = ("source", "started", "finished", "seconds", "budget_s", "precision", "seed", "ended")


def evaluate_selection(segmenter: Segmenter, selection: Selection, *, progress: bool, **how: Unpack[How]) -> Evaluation:
    """Score a model on the images selected; what is known of them goes into the result.

    Args:
        segmenter: The model, or a folder of predictions.
        selection: The images.
        progress: Show progress on standard error.
        how: As for `limner.evaluation.evaluate`: the empty-mask rule, families of metrics, and so on.

    Raises:
        DataError: There are none, or one cannot be loaded.
    """
    with show_progress(f"evaluating ({selection.part})", enabled=progress) as tick:
        found = evaluate(segmenter, selection.dataset, part=selection.part, progress=tick, **how)
    known = {"seen_in_training": selection.seen, "notice": selection.notice, "problems": tuple(map(str, selection.dataset.problems))}
    return found.model_copy(update=known)


def report_selection(
    predictor: Predictor | FolderPredictions, selection: Selection, evaluation: Evaluation, out: Path, *, run: Path | None = None
) -> Path:
    """Write report.html, report.md, summary.json and cases.csv into `out`; with a run folder, its training is reported too.

    Returns:
        The path of the page.
    """
    metadata = predictor.metadata
    data = ReportData(
        title=f"{metadata.task.capitalize()} segmentation: {metadata.name} on {evaluation.source}",
        evaluation=evaluation,
        task=metadata.task,
        facts=_facts(predictor, run),
        recipe=metadata.recipe,
        history=read_history(run / "metrics.csv") if run else (),
        threshold_choice=_threshold_choice(run),
        calibration=_calibration(run),
        gallery=build_gallery(predictor, selection.dataset, evaluation),
        split=_split_facts(metadata),
        parity=_parity_facts(metadata),
        panel=_read_panel(run),
    )
    return write_report(data, out)


def draw_run(predictor: Predictor, dataset: Dataset, split: Split, run: Path) -> None:
    """Draw a run's figures: `figures/curves.svg` and `.png` of its epochs, and `figures/panel.png` of predictions on train and test part.

    Raises:
        DataError: An image or a mask cannot be read any more.
    """
    (run / _CURVES).parent.mkdir(exist_ok=True)
    save_curves(read_history(run / "metrics.csv"), run / _CURVES)
    shown = {"train": split.train, **({"test": split.test} if split.test else {"validation": split.val})}
    save_panel({name: predict_panel(predictor, dataset.subset(keys)) for name, keys in shown.items()}, run / _PANEL)


def _read_panel(run: Path | None) -> bytes | None:
    file = run / _PANEL if run else None
    return file.read_bytes() if file and file.is_file() else None


def _facts(predictor: Predictor | FolderPredictions, run: Path | None) -> dict[str, Mapping[str, Any]]:
    if isinstance(predictor, FolderPredictions):
        return {"model": {"predictions": str(predictor.path)}}
    metadata = predictor.metadata
    model = {"file": str(predictor.path), "created": metadata.created, "input_size": list(metadata.input_size)}
    if run is None:
        return {"model": model, "versions": metadata.versions}
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    training = {name: facts[name] for name in _RUN_FACTS if facts.get(name) is not None}
    leaks = run / "leaks.json"
    if leaks.is_file():
        training["leak_check"] = load_leaks(leaks).sentence().removeprefix("leak check: ")
    return {"model": model, "training": training, "machine": facts.get("machine", {}), "versions": facts.get("versions", {})}


def _threshold_choice(run: Path | None) -> ThresholdChoice | None:
    file = run / "threshold.json" if run else None
    return ThresholdChoice.model_validate_json(file.read_bytes()) if file and file.is_file() else None


def _calibration(run: Path | None) -> Calibration | None:
    file = run / "calibration.json" if run else None
    return Calibration.load(file) if file and file.is_file() else None


def _split_facts(metadata: ModelMetadata | FolderMetadata) -> SplitFacts | None:
    data = metadata.training_data
    if "split_sha256" not in data:
        return None
    counts = {part: int(data[part]) for part in PARTS if part in data}
    return SplitFacts(counts=counts, origin=data.get("split", ""), sha256=data["split_sha256"], name=data.get("name", ""))


def _parity_facts(metadata: ModelMetadata | FolderMetadata) -> ParityFacts | None:
    parity = metadata.parity
    if parity is None:
        return None
    return ParityFacts(parity["max_prob_difference"], parity["mask_agreement"], parity["n"])
