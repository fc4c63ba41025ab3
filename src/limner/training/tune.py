"""What a model file gets when its network is trained, all from the validation part: temperature, threshold, review rule, post-processing.

The threshold is chosen on probabilities, without a look at the post-processing; that is tuned afterwards, on the masks at the threshold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limner.evaluation.calibration import calibrate
from limner.evaluation.flagging import review_rule
from limner.evaluation.postprocess import tune_postprocess
from limner.evaluation.protocols import predict_cases
from limner.evaluation.swept import sweep_cases
from limner.evaluation.thresholds import choose_from
from limner.export.exporter import set_postprocess, update_model
from limner.files import write_json
from limner.metrics import THRESHOLDS
from limner.metrics.review import review_score
from limner.progress import show_progress
from limner.recipe.schema import PostProcessPart
from limner.runtime.format import read_metadata
from limner.runtime.postprocess import PostProcess
from limner.runtime.predictor import load

if TYPE_CHECKING:
    from pathlib import Path

    from limner.data import Dataset
    from limner.evaluation.swept import Swept
    from limner.evaluation.thresholds import ThresholdChoice
    from limner.progress import Progress
    from limner.recipe.schema import ThresholdPart
    from limner.runtime import Predictor
    from limner.training.run_folder import RunFolder

_NOTHING = PostProcessPart()


def tune_model(
    path: Path,
    part: ThresholdPart,
    validation: Dataset,
    run: RunFolder,
    *,
    postprocess: PostProcessPart = _NOTHING,
    progress: bool = True,
) -> None:
    """Calibrate a model file, choose its threshold and its review rule, and tune its post-processing; the run folder keeps how it was done.

    The file itself is asked, at the size of the original masks, so whatever is between image and mask has its part in it.

    Args:
        path: The model file, as it was exported; it is changed.
        part: What the recipe says of the threshold.
        validation: The validation part.
        run: Gets `calibration.json`, `threshold.json` and `postprocess.json`.
        postprocess: What the recipe says of the post-processing.
        progress: Show bars.

    Raises:
        DataError: A validation image cannot be read.
        ModelFileError: The model predicts NaN.
    """
    with show_progress("choosing the threshold", enabled=progress) as tick:
        temperature, swept = _calibrated(path, part, validation, run, tick)
    decided: dict[str, Any] = {"temperature": temperature, "threshold": part.value}
    if choice := _chosen(part, swept, temperature):
        write_json(run.threshold_file, choice.model_dump(mode="json"))
        decided |= {"threshold": choice.threshold, "threshold_origin": choice.sentence()}
    place = swept.thresholds.index(decided["threshold"])
    decided["review"] = review_rule([scores[place] for scores in swept.review])
    update_model(path, metadata=read_metadata(path).model_copy(update=decided))
    if postprocess.choose != "none":
        settings = _settings(path, part, postprocess, validation, run, progress=progress)
        set_postprocess(path, settings)
        if settings.changes_mask and decided["review"]:
            _flag_anew(path, validation, progress=progress)


def _settings(
    path: Path, part: ThresholdPart, wished: PostProcessPart, validation: Dataset, run: RunFolder, *, progress: bool
) -> PostProcess:
    if wished.choose == "fixed":
        return PostProcess(**wished.model_dump(exclude={"choose"}), origin="fixed by the recipe")
    with show_progress("tuning the post-processing", enabled=progress) as tick:
        choice = tune_postprocess(load(path), validation, keep_recall=part.choose == "recall", progress=tick)
    write_json(run.postprocess_file, choice.model_dump(mode="json"))
    return choice.settings


def _flag_anew(path: Path, validation: Dataset, *, progress: bool) -> None:
    """The review rule once more: a score of doubt is of the mask, which the post-processing changes."""
    predictor = load(path)
    with show_progress("choosing what is to be reviewed", enabled=progress) as tick:
        found = [review_score(one.probs, one.mask) for _, one, _ in predict_cases(predictor, validation, progress=tick)]
    update_model(path, metadata=predictor.metadata.model_copy(update={"review": review_rule(found)}))


def _calibrated(path: Path, part: ThresholdPart, validation: Dataset, run: RunFolder, tick: Progress) -> tuple[float, Swept]:
    """The temperature, and what the model says with it."""
    thresholds = (part.value,) if part.choose == "fixed" else THRESHOLDS
    if not part.calibrate:
        return 1.0, sweep_cases(load(path), validation, thresholds=thresholds, progress=tick)
    calibration, swept = calibrate(lambda temperature: _at(path, temperature), validation, thresholds=thresholds, progress=tick)
    write_json(run.calibration_file, calibration.model_dump(mode="json"))
    return calibration.temperature, swept


def _at(path: Path, temperature: float) -> Predictor:
    if read_metadata(path).temperature != temperature:
        update_model(path, temperature=temperature)
    return load(path)


def _chosen(part: ThresholdPart, swept: Swept, temperature: float) -> ThresholdChoice | None:
    """None where the recipe has fixed it. Where no image has an object, there is no recall to choose by: then it is by Dice."""
    if part.choose == "fixed":
        return None
    metric = "dice" if part.choose == "recall" and not any(swept.has_object) else part.choose
    return choose_from(swept, metric=metric, recall=part.recall, temperature=temperature)
