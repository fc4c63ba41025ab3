"""The table of scores: one convention a column, whatever the order and the number of the scores."""

from __future__ import annotations

from limner.report.score_table import score_table


def row(name, convention, value, *, n=12, unit="", ends=None):
    return {"name": name, "convention": convention, "value": value, "n": n, "unit": unit, "interval": ends}


SCORES = [
    row("dice", "per-image", 0.8, ends=(0.7, 0.9)),
    row("iou", "per-image", 0.7),
    row("iou_std", "per-image", 0.1),
    row("hausdorff95", "per-image", 12.3456, unit="px", ends=(10.0, 15.5)),
    row("roc_auc", "per-image", None, n=11),
    row("dice", "pooled", 0.85),
    row("dice", "pranet-256", 0.75),
]


def test_a_column_for_each_convention():
    table = score_table(SCORES, 12)
    assert table["conventions"] == ["per-image", "pooled", "pranet-256"]
    assert [group["name"] for group in table["groups"]] == ["Overlap", "Boundary", "Probabilities, without a threshold"]
    dice, iou, spread = table["groups"][0]["rows"]
    assert [cell["text"] for cell in dice["cells"]] == ["0.800", "0.850", "0.750"]
    assert dice["cells"][0]["interval"] == "0.700 to 0.900"
    assert (iou["label"], iou["cells"][1], iou["cells"][2]) == ("IoU", None, None)
    assert spread["label"] == "IoU, standard deviation over images"


def test_units_and_images_that_are_missing():
    _, boundary, probability = score_table(SCORES, 12)["groups"]
    assert boundary["rows"][0]["cells"][0] == {"text": "12.35 px", "interval": "10.00 to 15.50", "n": None}
    assert probability["rows"][0]["cells"][0] == {"text": "–", "interval": "", "n": 11}
