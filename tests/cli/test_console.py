from __future__ import annotations

from limner.cli.console import make_table, print_table


def test_text_that_looks_like_markup_is_printed_as_it_is(capsys):
    print_table(make_table("my [/data] on [bold]x", ["[b]"], [["[/i] and a cell wide enough for the title"]]))
    shown = capsys.readouterr().out
    assert "my [/data] on [bold]x" in shown
    assert "[/i]" in shown
