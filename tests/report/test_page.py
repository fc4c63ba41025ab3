"""The page as a whole: self-contained, escaped, complete, and the same numbers in summary.json."""

from __future__ import annotations

import csv
import json
import math
import re
from html.parser import HTMLParser

import pytest
from tests.report.fakes import make_case, make_evaluation, make_history, sample

from limner.evaluation import Evaluation
from limner.report import SplitFacts, write_report
from limner.report.words import agreement, percent

VOID = {"meta", "img", "br", "hr", "input", "link", "path", "use"}


class Page(HTMLParser):
    """What a reader sees, and what a browser would follow."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.text, self.tags, self.attributes = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag, f"</{tag}> does not close what is open"

    def handle_data(self, data):
        if not {"style", "svg"} & set(self.stack):
            self.text.append(data)

    def values(self, *names):
        return [value for _, name, value in self.attributes if name in names]


def write(data, folder):
    path = write_report(data, folder)
    return path.read_text(encoding="utf-8"), json.loads((folder / "summary.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def written(full, tmp_path_factory):
    """The full report: text of the page, summary, folder."""
    folder = tmp_path_factory.mktemp("report")
    return (*write(full, folder), folder)


def leaves(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from leaves(inner)
    elif isinstance(value, list):
        yield len(value)
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def forms(leaf):
    """All ways in which a value of the summary may be printed."""
    if isinstance(leaf, str):
        return re.findall(r"\d+(?:\.\d+)?", leaf) + [str(int(number)) for number in re.findall(r"\d+", leaf)]
    if isinstance(leaf, bool) or leaf is None:
        return []
    shapes = [str(leaf), f"{leaf:g}", f"{leaf:.6g}", f"{leaf:.2f}", f"{leaf:.3f}", f"{leaf:.1f}", percent(leaf), agreement(leaf)]
    return [number for shape in shapes for number in re.findall(r"\d+(?:\.\d+)?", shape)]


def test_every_number_on_the_page_is_in_the_summary(written):
    text, summary, _ = written
    page = Page(text)
    known = {form for leaf in leaves(summary) for form in forms(leaf)}
    shown = re.findall(r"(?<![\w.])\d+(?:\.\d+)?", " ".join([*page.text, *page.values("alt")]))
    # "Both empty counts as 1, otherwise 0" is a rule, not a result.
    assert len(shown) > 150
    assert set(shown) - known - {"0", "1"} == set()


def test_refers_to_nothing_outside_itself(written):
    text, _, _ = written
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(page.tags)
    assert all(value.startswith(("#", "data:image/jpeg;base64,")) for value in page.values("href", "src", "xlink:href", "srcset"))
    assert not re.search(r"@import|https?:|url\((?!#)", text)
    assert "default-src 'none'" in text


def test_is_well_formed_and_can_be_read_aloud(written):
    text, _, _ = written
    page = Page(text)
    ids = page.values("id")
    assert page.stack == []
    assert len(ids) == len(set(ids))
    assert {value.removeprefix("#") for value in page.values("href")} <= set(ids)
    assert page.tags.count("img") == 27 == len([alt for alt in page.values("alt") if alt])
    assert len(page.values("aria-label")) >= 6
    assert page.values("lang") == ["en"]


def test_stays_small(written):
    assert (written[2] / "report.html").stat().st_size < 3_000_000


def test_escapes_whatever_a_data_set_is_called(vary, evaluation, tmp_path):
    evil = "<script>alert('x')</script>"
    cases = [case.model_copy(update={"key": evil + case.key}) for case in evaluation.cases]
    known = {"source": evil, "problems": (evil,), "notice": evil}
    data = vary(
        title=evil,
        evaluation=make_evaluation(cases).model_copy(update=known),
        split=SplitFacts({"train": 1}, evil, "c0ffee", evil),
        gallery=[],
        facts={evil: {evil: evil}},
        recipe={evil: evil},
    )
    text, _ = write(data, tmp_path)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "<script" not in (tmp_path / "report.md").read_text(encoding="utf-8").split("```")[0].replace("\\<script", "")


def test_shows_every_section(written):
    text, _, _ = written
    for name in ("scores", "spread", "probabilities", "review", "subgroups", "gallery", "training", "data", "facts", "recipe"):
        assert f'<section id="{name}">' in text
    assert "Discs &lt;and&gt; more" in text
    assert "7 March 2025" in text
    assert "masks/x.png: has no image" in text


def test_leaves_out_what_it_was_not_given(bare, tmp_path):
    text, summary = write(bare, tmp_path)
    assert re.findall(r'<section id="(\w+)">', text) == ["scores", "spread", "subgroups"]
    assert summary["training"] is summary["threshold_choice"] is summary["split"] is summary["parity"] is summary["problems"] is None
    assert summary["gallery"] == []


def test_works_with_history_but_no_curve(vary, tmp_path):
    text, _ = write(vary(threshold_choice=None), tmp_path)
    assert "Choice of the threshold" not in text
    assert "Learning rate" in text


def test_one_case(vary, evaluation, tmp_path):
    one = make_evaluation(evaluation.cases[:1])
    text, summary = write(vary(evaluation=one, gallery=[], history=make_history(1)), tmp_path)
    Page(text)
    assert summary["spread"]["median"] == summary["spread"]["lowest"] == one.cases[0].dice
    assert summary["scores"][2]["value"] is None, "one image has no standard deviation"


@pytest.mark.parametrize("empty", ["nan", "skip"])
def test_scores_that_are_not_defined(vary, evaluation, tmp_path, empty):
    nothing = make_case("nothing", 0, 0, 0, 4800, empty=empty)
    data = vary(evaluation=make_evaluation([*evaluation.cases, nothing], empty=empty), gallery=[])
    text, summary = write(data, tmp_path)
    Page(text)
    assert "nan" not in re.sub(r"“nan”|<td>nan</td>", "", re.sub(r"data:[^\"]+", "", text)).lower().replace("provenance", "")
    assert summary["spread"]["n_undefined"] == summary["spread"]["n_without_object"] == 1
    assert (summary["headline"][0]["value"] is None) == (empty == "nan")
    assert summary["cases"][-1]["dice"] is None


def test_no_score_at_all(vary, tmp_path):
    cases = [make_case(f"e{number}", 0, 0, 0, 4800, empty="skip") for number in range(3)]
    text, summary = write(vary(evaluation=make_evaluation(cases, empty="skip"), gallery=[]), tmp_path)
    Page(text)
    assert summary["spread"]["median"] is None
    assert "No image has a defined Dice" in text


def test_history_with_holes(vary, tmp_path):
    history = make_history(5)
    history[2]["val_dice"] = math.nan
    del history[3]["val_loss"]
    _, summary = write(vary(history=history), tmp_path)
    assert summary["training"]["best_epoch"] == 5
    assert summary["training"]["history"][2]["val_dice"] is None


@pytest.mark.parametrize(
    ("stopping", "sentence"),
    [
        ({}, "Epoch 5 was kept: its validation Dice of 0.850 was the highest."),
        ({"choose_by": "val_loss"}, "Epoch 3 was kept: its validation loss of 0.100 was the lowest."),
        ({"choose_by": "val_precision"}, "Epoch 5 was kept: its validation precision of 0.850 was the highest."),
    ],
)
def test_says_which_epoch_was_kept_and_why(vary, tmp_path, stopping, sentence):
    history = make_history(5)
    history[2]["val_loss"] = 0.1
    text, summary = write(vary(history=history, recipe={"name": "fake", "stopping": stopping}), tmp_path)
    assert sentence in text
    assert summary["training"]["chosen_by"] == stopping.get("choose_by", "val_dice")


@pytest.mark.parametrize("part", ["val", "train", "test", "all"])
@pytest.mark.parametrize("notice", [None, "3 of the 12 images were seen"])
def test_says_when_the_scores_are_not_a_test(vary, evaluation, tmp_path, part, notice):
    """It depends on what the model has seen, not on what the part is called."""
    evaluation = make_evaluation(evaluation.cases, part=part, seen_in_training=3 if notice else 0, notice=notice)
    text, summary = write(vary(evaluation=evaluation, gallery=[]), tmp_path)
    assert (summary["seen_in_training"], summary["notice"]) == (3 if notice else 0, notice)
    for shown in (text, (tmp_path / "report.md").read_text(encoding="utf-8")):
        assert ("These scores are not a test" in shown) == (notice in shown if notice else False) == bool(notice)


def test_a_notice_of_another_kind_does_not_deny_that_it_is_a_test(vary, evaluation, tmp_path):
    notice = "2 predictions had another size than the mask and were resized to it by the nearest pixel"
    evaluation = make_evaluation(evaluation.cases, notice=notice)
    text, _ = write(vary(evaluation=evaluation, gallery=[]), tmp_path)
    for shown in (text, (tmp_path / "report.md").read_text(encoding="utf-8")):
        assert notice in shown
        assert "not a test" not in shown


def test_the_split_is_called_that_of_the_training_data(written):
    """A seed in the recipe need not be the one by which a given split was drawn; the split's origin says which it was."""
    text, summary, folder = written
    assert "<h3>Split of the training data (more discs)</h3>" in text
    assert "Split of the training data (more discs): train 40" in (folder / "report.md").read_text(encoding="utf-8")
    assert "seed" not in summary["split"]


def test_the_recipe_alone_is_not_said_to_repeat_the_training(written):
    assert re.search(r"split\.json</code> and no time budget, it repeats the training", written[0])


def test_the_evaluation_can_be_loaded_from_the_reports_files(full, written):
    assert Evaluation.load(written[2]) == full.evaluation


def test_same_input_same_page(full, written, tmp_path):
    assert write(full, tmp_path) == written[:2]


def test_writes_every_case_to_the_table(full, written):
    with (written[2] / "cases.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["key"] for row in rows] == [case.key for case in full.evaluation.cases]
    assert float(rows[3]["dice"]) == full.evaluation.cases[3].dice


def test_leaves_nothing_half_written(written):
    assert sorted(path.name for path in written[2].iterdir()) == ["cases.csv", "report.html", "report.md", "summary.json"]


def test_markdown_has_the_headline_and_the_tables(written):
    _, summary, folder = written
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# Discs \\<and\\> more\n")
    dice = summary["headline"][0]
    low, high = dice["interval"]
    assert f"**Dice {dice['value']:.3f}** (per-image, 95 % interval {low:.3f} to {high:.3f}, n = 12, threshold 0.43" in text
    assert "| Metric | per-image | pooled |" in text
    assert "temperature 1.75; on the validation part, expected calibration error 0.125 before, 0.062 after" in text
    assert "> **Worse than the rest, beyond chance**: site B: mean Dice" in text
    assert "| worst | disc" in text
    assert "```yaml\nname: fake" in text


def test_a_key_that_breaks_tables(vary, evaluation, tmp_path):
    shown = vary().gallery[0]
    key = "a|b\nc"
    cases = [evaluation.cases[0].model_copy(update={"key": key})]
    gallery = [type(shown)(key, sample(key, 5).image, shown.target, shown.preds, 0.5, 0.3, "worst")]
    write_report(vary(evaluation=make_evaluation(cases), gallery=gallery), tmp_path)
    assert "| worst | a\\|b c |" in (tmp_path / "report.md").read_text(encoding="utf-8")
