from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.evaluation.fakes import FakeCases, FakeMetadata, FakePredictor, case, some_cases

from limner.errors import LimnerError, RunError
from limner.evaluation import Evaluation, evaluate
from limner.evaluation.store import CASES, SUMMARY
from limner.metrics.names import FAMILIES

if TYPE_CHECKING:
    from pathlib import Path

    from limner.metrics import EmptyRule


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    evaluate(FakePredictor(), some_cases(), part="test").save(tmp_path / "evaluation")
    return tmp_path / "evaluation"


@pytest.mark.parametrize("empty", ["one", "nan", "skip"])
def test_what_is_saved_is_loaded_again(tmp_path: Path, empty: EmptyRule) -> None:
    task = FakeMetadata(task="polyp")
    known = {"group": "p1", "columns": {"site": "A, or B", "scanner": ""}}
    cases = FakeCases(tuple(replace(item, **known) for item in some_cases().items))
    found = evaluate(FakePredictor(metadata=task), cases, empty=empty)
    found.save(tmp_path)
    loaded = Evaluation.load(tmp_path)
    assert loaded.model_dump_json() == found.model_dump_json()  # as text, since NaN is not equal to itself
    assert loaded.cases[1].key == "fair, with a comma"
    assert loaded.cases[1].columns == {"site": "A, or B", "scanner": ""}
    assert (loaded.sums, loaded.curves) == (None, found.curves)


def test_the_files_and_nothing_else(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [CASES, SUMMARY]


def test_the_csv_has_a_row_for_each_image(folder: Path) -> None:
    with (folder / CASES).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = list(rows[0])
    assert columns[:10] == ["key", "height", "width", "tp", "fp", "fn", "tn", "dice", "iou", "precision"]
    assert {"hausdorff95", "roc_auc", "objects_matched_50", "object_share", "brightness", "review", "group", "seconds"} <= set(columns)
    assert [row["dice"] for row in rows] == ["1.0", "0.5", "0.0", "1.0"]


def test_the_summary_says_under_which_conventions(folder: Path) -> None:
    summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    assert "cases" not in summary
    assert summary["resolution"] == "original mask"
    assert summary["scores"][0] == {
        "name": "dice",
        "convention": "per-image",
        "value": 0.625,
        "n": 4,
        "threshold": 0.5,
        "empty": "one",
        "unit": "",
        "interval": summary["scores"][0]["interval"],
    }
    low, high = summary["scores"][0]["interval"]
    assert 0 <= low < 0.625 < high <= 1
    assert summary["bootstrap"] == {"resamples": 2000, "level": 0.95, "by": "image", "seed": 0}


def test_undefined_scores_are_empty_cells_and_null(tmp_path: Path) -> None:
    evaluate(FakePredictor(), some_cases(), empty="nan").save(tmp_path)
    assert (tmp_path / CASES).read_text(encoding="utf-8").splitlines()[-1].startswith("nothing there,1,2,0,0,0,2,,,,,1.0,1.0,1.0,,,,,")
    assert json.loads((tmp_path / SUMMARY).read_text(encoding="utf-8"))["scores"][0]["value"] is None


def test_saving_again_replaces_the_first(folder: Path) -> None:
    evaluate(FakePredictor(threshold=0.15), some_cases()).save(folder)
    assert Evaluation.load(folder).threshold == 0.15


@pytest.mark.parametrize("name", [CASES, SUMMARY])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(RunError, match=f"{name} is missing"):
        Evaluation.load(folder)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (SUMMARY, "{", "not JSON"),
        (SUMMARY, "[]", "not a summary"),
        (SUMMARY, "{}", "damaged: 'model'"),
        (CASES, "key,height\na,1\n", "damaged: 'width'"),
        (CASES, "", "do not belong together"),
    ],
)
def test_a_damaged_file_is_an_error_without_a_traceback(folder: Path, name: str, text: str, message: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=message) as caught:
        Evaluation.load(folder)
    assert caught.value.fix == "run `limner evaluate` again"


def test_bytes_that_are_not_text_are_an_error(folder: Path) -> None:
    (folder / CASES).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RunError, match=f"{CASES} cannot be read"):
        Evaluation.load(folder)


def test_a_row_that_a_spreadsheet_lost_is_noticed(folder: Path) -> None:
    lines = (folder / CASES).read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / CASES).write_text("".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(RunError, match="do not belong together"):
        Evaluation.load(folder)


@pytest.mark.parametrize("column", ["dice", "tp", "hausdorff95", "objects_true"])
def test_a_number_that_somebody_changed_is_noticed(folder: Path, column: str) -> None:
    with (folder / CASES).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows[1][column] = "7"
    with (folder / CASES).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(RunError, match="do not belong together"):
        Evaluation.load(folder)


def test_cells_beyond_the_last_column_are_passed_over(folder: Path) -> None:
    lines = (folder / CASES).read_text(encoding="utf-8").splitlines()
    (folder / CASES).write_text("\n".join([lines[0], *(f"{line},,seen" for line in lines[1:])]), encoding="utf-8")
    assert Evaluation.load(folder).n == 4


def test_a_file_that_a_spreadsheet_saved_is_read(folder: Path) -> None:
    text = (folder / CASES).read_text(encoding="utf-8")
    (folder / CASES).write_text(text, encoding="utf-8-sig", newline="\r\n")
    assert Evaluation.load(folder).n == 4


def test_cases_of_another_evaluation_are_noticed(folder: Path, tmp_path: Path) -> None:
    evaluate(FakePredictor(threshold=0.15), some_cases()).save(tmp_path / "other")
    (tmp_path / "other" / CASES).replace(folder / CASES)
    with pytest.raises(RunError, match="do not belong together"):
        Evaluation.load(folder)


def test_every_row_of_the_table_has_its_convention_n_and_threshold() -> None:
    rows = evaluate(FakePredictor(), some_cases(), empty="skip", bootstrap=None, families=FAMILIES).table()
    assert rows[0] == ("Dice", "per-image", 0.5, 3, 0.5, None, "")
    assert rows[0].text == "0.5000"
    assert list(dict.fromkeys(row.convention for row in rows)) == ["per-image", "pooled", "pranet-256"]
    names = [row.metric for row in rows if row.convention == "pooled"]
    assert names[:4] == ["Dice", "IoU", "Precision", "Recall"]
    assert "ROC AUC" in names
    assert next(row for row in rows if row.metric == "Hausdorff distance").text.endswith(" px")
    assert "IoU, standard deviation over images" in {row.metric for row in rows}


def test_an_undefined_row_says_so() -> None:
    found = evaluate(FakePredictor(), FakeCases((case("a", [[1.0]], [[1]]),)))
    row = next(row for row in found.table() if row.metric == "Dice, standard deviation over images")
    assert (row.value, row.text) == (None, "undefined")


def test_cases_from_worst_to_best() -> None:
    found = evaluate(FakePredictor(), some_cases())
    assert [c.key for c in found.ranked()] == ["missed", "fair, with a comma", "good", "nothing there"]
    skipped = evaluate(FakePredictor(), some_cases(), empty="skip")
    assert [c.key for c in skipped.ranked()] == ["missed", "fair, with a comma", "good"]


def test_an_unknown_score_names_those_that_exist() -> None:
    with pytest.raises(LimnerError, match="no pooled score 'dice_std'") as caught:
        evaluate(FakePredictor(), some_cases()).score("dice_std", "pooled")
    assert "specificity" in str(caught.value.fix)
