from __future__ import annotations

from rich.console import Console

from limner import progress


def test_without_a_terminal_there_are_few_lines(monkeypatch, capsys):
    moments = iter(range(1001))
    monkeypatch.setattr(progress, "monotonic", lambda: next(moments) / 10)
    with progress.show_progress("reading") as tick:
        for done in range(1, 1001):
            tick(done, 1000)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"reading: {done}/1000" for done in range(100, 1001, 100)]


def test_what_is_done_in_a_moment_prints_nothing(monkeypatch, capsys):
    monkeypatch.setattr(progress, "monotonic", lambda: 0.0)
    with progress.show_progress("reading") as tick:
        tick(1, 1)
    assert capsys.readouterr().err == ""


def test_a_terminal_has_a_bar(monkeypatch, capsys):
    console = Console(stderr=True, force_terminal=True, width=100)
    monkeypatch.setattr(progress, "error_console", lambda: console)
    with progress.show_progress("reading") as tick:
        tick(3, 4)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "reading" in shown.err
    assert "3/4" in shown.err


def test_nothing_is_shown_unless_wanted(capsys):
    with progress.show_progress("reading", enabled=False) as tick:
        tick(1, 1)
    assert capsys.readouterr() == ("", "")


def test_nothing_to_do_is_no_error(capsys):
    with progress.show_progress("reading") as tick:
        tick(0, 0)
    assert capsys.readouterr().err == ""
