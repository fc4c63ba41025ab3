import csv
import io
from dataclasses import replace

import pytest
from rich.console import Console
from tests.timing.fakes import made_up, made_up_row

from limner.cli.console import make_table
from limner.errors import DataError
from limner.timing.table import as_csv, as_markdown, check_suffix, cost_table, doubt, speed_table, told, write_table


@pytest.mark.parametrize("make", [speed_table, cost_table])
def test_a_table_fits_a_hundred_columns(make):
    table = make(made_up())
    page = io.StringIO()
    Console(file=page, width=100).print(make_table(table.title, table.columns, table.rows, right=table.right))
    assert "tf_efficientnet_lite0" in page.getvalue()  # else it was folded
    assert all(len(line) <= 100 for line in page.getvalue().splitlines())


def test_cells_say_what_was_found():
    assert speed_table(made_up()).rows[0][3:] == ["45.0 ±11%", "25.0 ±20%", "20.2", "130", "140", "1.00"]
    assert cost_table(made_up()).rows[0][3:] == ["32.52 M", "2.00", "121.8 MB", "1234 MB", "90%"]


def test_what_is_not_known_is_a_dash():
    row = replace(made_up_row(), parameters=None, gflops=None, peak_share=None)
    assert [cost_table(replace(made_up(), rows=(row,))).rows[0][index] for index in (3, 4, 7)] == ["-", "-", "-"]


def test_the_share_of_the_peak_may_be_more_than_all_of_it():
    row = replace(made_up_row(), precision="int8", peak_share=1.234)
    assert cost_table(replace(made_up(), rows=(row,))).rows[0][7] == "123%"


def test_the_clocks_are_told():
    text = "\n".join(told(made_up()))
    assert "1 thread per prediction" in text
    assert "3 of the 5 images of pictures, evenly spaced, 30x20 to 64x48" in text
    assert "brought to 352x352 beforehand, one at a time" in text
    assert "8 at once" in "\n".join(told(replace(made_up(), batch=8)))
    assert "in patches" in "\n".join(told(replace(made_up(), rows=(replace(made_up_row(), sampling="patches"),))))


def test_of_a_busy_machine_the_numbers_are_doubted():
    assert doubt(made_up()) is None
    busy = replace(made_up(), busy=0.4)
    assert "40%" in doubt(busy)
    assert doubt(busy) in as_markdown(busy)


def test_csv_has_every_number_in_full():
    row = next(csv.DictReader(io.StringIO(as_csv(made_up()))))
    assert (row["model"], float(row["network_fps"]), float(row["p95_ms"]), int(row["memory_bytes"])) == (
        *("tf_efficientnet_lite0", 45.0, 130.5, 1_234_000_000),
    )


def test_markdown_has_both_tables():
    lines = as_markdown(made_up()).splitlines()
    assert [line for line in lines if line.startswith("| model")] == [
        "| model | precision | provider | network | file | p50 | p95 | p99 | ratio |",
        "| model | precision | provider | weights | GFLOPs | file | memory | of peak |",
    ]


def test_the_suffix_decides_what_is_written(tmp_path):
    write_table(made_up(), tmp_path / "speed.MD")
    assert (tmp_path / "speed.MD").read_text(encoding="utf-8") == as_markdown(made_up())
    with pytest.raises(DataError, match="CSV or Markdown"):
        check_suffix(tmp_path / "speed.txt")
