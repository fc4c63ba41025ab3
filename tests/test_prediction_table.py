from __future__ import annotations

import pytest

from limner.errors import DataError
from limner.prediction_table import COLUMNS, claim, is_claim, read_table, save_table

ROWS = [
    claim(f"in/{name}.png", f"masks/{name}.png", "toy 0123456789ab") | {"milliseconds": "1.0", "objects": "27", "needs_review": "0.125"}
    for name in ("ä", "b")
]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "predictions.csv"
    save_table(ROWS, path)
    return path


def test_what_is_saved_is_read(table):
    assert read_table(table) == {"masks/ä.png": ROWS[0], "masks/b.png": ROWS[1]}


def test_where_there_is_no_table_there_are_no_rows(tmp_path):
    assert read_table(tmp_path / "predictions.csv") == {}


def test_a_claim_is_told_from_a_row():
    assert is_claim(claim("in/a.png", "masks/a.png", "toy 0123456789ab"))
    assert not is_claim(ROWS[0])


def test_a_table_saved_by_a_spreadsheet_as_utf_8_is_read(table):
    text = table.read_text("utf-8")
    table.write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    assert list(read_table(table).values()) == ROWS


@pytest.mark.parametrize("missing", [["needs_review", "flagged", "objects"], ["objects"]])
def test_a_table_of_an_older_limner_is_named_as_such(tmp_path, missing):
    columns = [column for column in COLUMNS if column not in missing]
    path = tmp_path / "predictions.csv"
    path.write_text(f"{','.join(columns)}\na.png,masks/a.png,toy 0123456789ab{',1' * (len(columns) - 3)}\n")
    with pytest.raises(DataError, match=f"by an older limner, whose table has no {missing[0]}") as caught:
        read_table(path)
    assert caught.value.where == str(path)
    assert "--overwrite" in (caught.value.fix or "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.encode("latin-1"), "UTF-8"),
        (lambda text: text.encode("utf-16"), "UTF-8"),
        (lambda text: text.replace(",", ";").encode(), "columns"),
        (lambda text: text.replace(COLUMNS[-1], f"{COLUMNS[-1]},remark").encode(), "columns"),
        (lambda text: f"{text}in/c.png,masks/c.png\n".encode(), "fields"),
        (lambda text: text.replace("in/b.png", "b" * 200_000).encode(), "field larger"),
        (lambda text: b"", "columns"),
        (lambda text: text.replace(",27,", ",27.0,").encode(), "no number"),
        (lambda text: text.replace(",0.125,", ",much,").encode(), "no number"),
    ],
)
def test_any_other_table_is_an_error_with_advice(table, change, message):
    table.write_bytes(change(table.read_text("utf-8")))
    with pytest.raises(DataError, match=message) as caught:
        read_table(table)
    assert caught.value.where == str(table)
    assert "UTF-8" in (caught.value.fix or "")


@pytest.mark.parametrize("number", ["-0.0000", "1.25E-01"])
def test_numbers_as_rounding_and_spreadsheets_leave_them_are_read(table, number):
    table.write_text(table.read_text("utf-8").replace(",0.125,", f",{number},"), "utf-8")
    assert [row["needs_review"] for row in read_table(table).values()] == [number] * 2
