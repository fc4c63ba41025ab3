from __future__ import annotations

from pathlib import Path

import pytest
import typer

from limner.cli.options import read_budget, read_split


def test_a_budget_is_in_seconds():
    assert read_budget("1h30m") == 5400.0
    assert read_budget(None) is None


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ("train=a.txt,test=b.txt", {"train": Path("a.txt"), "test": Path("b.txt")}),
        ("test=b.txt", {"test": Path("b.txt")}),
        ("train=a,b.txt,validation=c=d.txt", {"train": Path("a,b.txt"), "val": Path("c=d.txt")}),
        ("runs/a/split.json", Path("runs/a/split.json")),
        (None, None),
    ],
)
def test_a_split_is_lists_or_a_file(text, lists):
    assert read_split(text) == lists


@pytest.mark.parametrize("text", ["", "a.txt", "train=", "tset=a.txt", "train=a.txt,train=b.txt", "val=a.txt,validation=b.txt"])
def test_another_split_is_wrong_usage(text):
    with pytest.raises(typer.BadParameter):
        read_split(text)
