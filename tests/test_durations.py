from __future__ import annotations

import pytest

from limner.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("10min", 600), ("1h30m", 5400), ("2h", 7200), ("1.5h", 5400), ("1h0m30s", 3630), ("1H 30M", 5400)],
)
def test_what_people_write(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "10x", "-5m", "30m1h", "0s", "0h0m", "1h30", "ten minutes", "1e3s", "5 m s"])
def test_what_is_none(text):
    with pytest.raises(ValueError, match="10m"):
        parse_duration(text)
