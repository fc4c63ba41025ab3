from __future__ import annotations

import math
from datetime import UTC
from pathlib import Path

import numpy as np

from limner.report import ReportData, read_history
from limner.report.summary import to_json


def test_history_of_a_run(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,train_loss,val_loss,val_dice\n1,0.5,0.6,0.7\n2,0.4,,nonsense\n3,0.3\n", encoding="utf-8")
    rows = read_history(path)
    assert rows[0] == {"epoch": 1.0, "train_loss": 0.5, "val_loss": 0.6, "val_dice": 0.7}
    assert all(math.isnan(value) for value in (rows[1]["val_loss"], rows[1]["val_dice"], rows[2]["val_dice"]))


def test_no_history(tmp_path):
    assert read_history(tmp_path / "metrics.csv") == []


def test_history_of_a_longer_row(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("epoch\n1,2,3\n", encoding="utf-8")
    assert read_history(path) == [{"epoch": 1.0}]


def test_dates_carry_their_zone(evaluation):
    assert ReportData("t", evaluation).created.tzinfo is UTC


def test_json_of_anything():
    value = {1: (np.float32(0.5), np.int64(3), np.nan), "p": Path("a/b"), "b": True, "n": None}
    assert to_json(value) == {"1": [0.5, 3, None], "p": "a/b", "b": True, "n": None}
