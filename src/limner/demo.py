"""The whole way once, on phantoms: paint, check, train, evaluate, export, predict. Needs no data and no network."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from limner import api
from limner.data import Dataset, load_split, open_source
from limner.data.phantoms import write_phantoms
from limner.durations import format_duration
from limner.errors import DataError, OutputExistsError
from limner.files import atomic_path, write_json
from limner.progress import error_console, show_progress
from limner.recipe import load_recipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from limner.api import RunResult
    from limner.data.phantoms import Style
    from limner.evaluation import Evaluation

DEFAULT_COUNT = 200
SIZE = (128, 128)
RECIPE = "phantom-unet"
NOTE = "demo.json"  # says that a folder is a demo's, and so may be replaced
SHOWN = ("summary.json", "report.html")  # of the run folder, put where a newcomer finds them
_TASKS: dict[Style, str] = {"polyp": "polyp", "nuclei": "nucleus", "vessel": "vessel"}


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo has made.

    Attributes:
        folder: Everything is in here.
        report: The page.
        model: The exported model, one file.
        masks: Masks that the exported file predicted.
        evaluation: Scores on the test part.
    """

    folder: Path
    report: Path
    model: Path
    masks: Path
    evaluation: Evaluation


def run_demo(
    out: str | Path = "limner-demo",
    *,
    style: Style = "polyp",
    seed: int = 0,
    count: int = DEFAULT_COUNT,
    settings: Iterable[str] = (),
    overwrite: bool = False,
) -> DemoResult:
    """Run the demo, announcing each step on standard error.

    Args:
        out: Folder for everything. If it holds something already, a numbered one beside it is used.
        style: `polyp`, `nuclei` or `vessel`.
        seed: Seed of the phantoms, the split and the training.
        count: Number of phantoms.
        settings: Strings `key=value` that change the recipe.
        overwrite: Replace an earlier demo in `out`.

    Raises:
        MissingExtraError: PyTorch and its companions are not installed.
        OutputExistsError: `overwrite` was asked for, but `out` is no demo.
    """
    api.require_training("the demo")
    recipe_settings = [f"task={_TASKS[style]}", f"seed={seed}", *settings]
    load_recipe(RECIPE, recipe_settings)  # a wrong setting ends here, before anything is made
    folder = _take_folder(Path(out), overwrite=overwrite)
    steps = _Steps(total=6)
    data = _paint(steps, folder / "phantoms", style, count, seed)
    with steps.step("Checking that each image has its mask"):
        dataset = open_source(data)
        steps.done(_check(dataset))
    run = _train(steps, dataset, folder / "run", recipe_settings)
    model = _export(steps, run, folder / f"phantom-{style}.onnx")
    masks = _predict(steps, model, run, dataset, folder / "predictions")
    for name in SHOWN:
        with atomic_path(folder / name) as temporary:
            shutil.copyfile(run.folder / name, temporary)
    return DemoResult(folder, folder / "report.html", model, masks, run.evaluation)


def _paint(steps: _Steps, folder: Path, style: Style, count: int, seed: int) -> Path:
    with steps.step(f"Painting {count} phantoms"), show_progress("painting") as tick:
        write_phantoms(folder, style, count, SIZE, seed, progress=tick)
        steps.done(f"{folder / 'images'} and {folder / 'masks'}")
    return folder


def _check(dataset: Dataset) -> str:
    """Read every pair, and say what was found."""
    if dataset.problems:
        what = f"the phantoms are not as they should be: {dataset.problems[0]}"
        raise DataError(what, where=dataset.place, fix="remove the folder and start again")
    with show_progress("reading") as tick:
        shares = []
        for done, item in enumerate(dataset.items, start=1):
            shares.append(float(item.load().mask.mean()))
            tick(done, len(dataset))
    return f"{len(dataset)} pairs, no problem; the object covers {100 * min(shares):.1f} to {100 * max(shares):.1f} % of an image"


def _train(steps: _Steps, dataset: Dataset, folder: Path, settings: list[str]) -> RunResult:
    with steps.step("Splitting the images and training a small U-Net"):
        steps.note("starting PyTorch ...")
        from limner.training.run import train_run

        train_run(dataset, load_recipe(RECIPE, settings), folder, on_step=steps.note)
        split = load_split(folder / "split.json")
        steps.done(f"{len(split.train)} images to train, {len(split.val)} to validate, {len(split.test)} to test")
    with steps.step("Evaluating on the test images, which nothing was chosen on"):
        run = api.finish_run(dataset, folder)
        scores = [run.evaluation.score(name) for name in ("dice", "iou")]
        steps.done(f"Dice {scores[0].value:.4f}, IoU {scores[1].value:.4f} (per-image, {run.evaluation.n} images)")
    return run


def _export(steps: _Steps, run: RunResult, path: Path) -> Path:
    from limner.runtime.format import read_metadata

    with steps.step("Exporting the model to one file"):
        api.export_model(run.folder, path)
        parity = read_metadata(path).parity or {}
        difference = parity.get("max_prob_difference")
        checked = "" if difference is None else f"; largest difference from PyTorch {difference:.1e}"
        steps.done(f"{path}, {path.stat().st_size / 1e6:.1f} MB{checked}")
    return path


def _predict(steps: _Steps, model: Path, run: RunResult, dataset: Dataset, out: Path) -> Path:
    """Predict the test images with the exported file alone, as a user of the model would."""
    with steps.step("Predicting with the exported file, without PyTorch"):
        tested = dataset.subset(case.key for case in run.evaluation.cases)
        found = api.predict(model, [item.image.display for item in tested.items], out)
        steps.done(f"{found.written} masks in {out / 'masks'}")
    return out / "masks"


def _take_folder(out: Path, *, overwrite: bool) -> Path:
    """The folder to use, marked as a demo's."""
    if out.exists() and not out.is_dir():
        raise OutputExistsError("there is a file where the demo's folder should be", where=out, fix="choose another folder with --out")
    folder = out
    if out.is_dir() and any(out.iterdir()):
        folder = _emptied(out) if overwrite else _numbered(out)
    write_json(folder / NOTE, {"about": "made by limner demo; `limner demo --overwrite` replaces what a demo makes"})
    return folder


def _numbered(out: Path) -> Path:
    number = 2
    while (folder := out.with_name(f"{out.name}-{number}")).exists():
        number += 1
    return folder


def _emptied(out: Path) -> Path:
    """Remove what an earlier demo made, and nothing else."""
    if not (out / NOTE).is_file():
        raise OutputExistsError("the folder is not a demo's, so it is not replaced", where=out, fix="choose another folder with --out")
    for name in ("phantoms", "run", "predictions"):
        if (out / name).is_dir():
            shutil.rmtree(out / name)
    for name in (*SHOWN, *(f"phantom-{style}.onnx" for style in _TASKS)):
        (out / name).unlink(missing_ok=True)
    return out


@dataclass(slots=True)
class _Steps:
    """Numbered steps on standard error, each with a tick and its time."""

    total: int
    number: int = 0
    _outcome: str = field(default="", init=False)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step, and tick it off when it is done."""
        self.number += 1
        self._outcome = ""
        start = time.monotonic()
        self._print(f"{self.number}/{self.total}  {title}", style="bold")
        yield
        self._print(f"  ✓  {self._outcome}  [{format_duration(time.monotonic() - start)}]", style="green")

    def done(self, outcome: str) -> None:
        """What the step has brought."""
        self._outcome = outcome

    def note(self, text: str) -> None:
        """Something within a step."""
        self._print(f"     {text}", style="dim")

    @staticmethod
    def _print(text: str, *, style: str) -> None:
        error_console().print(text, style=style, markup=False, soft_wrap=True)
