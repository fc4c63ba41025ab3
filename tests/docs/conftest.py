"""Running a page, and the folder that Getting started leaves behind, in which the other pages are run."""

from __future__ import annotations

import doctest
import io
import os
import shlex
import subprocess
import sys
import warnings
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from tests.docs.pages import ROOT, Block, Command, blocks

from limner.cli import main

BIN = Path(sys.executable).parent
# Two epochs of a tiny network: it learns next to nothing, but everything that a page shows can be done with it.
TINY = "--recipe phantom-unet --set epochs=2 --set data.input_size=64 --set network.filters=[8,16]"
LOOSELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which Getting started was followed: `polyps/`, `unseen/`, the run `runs/polyps/`."""
    folder = tmp_path_factory.mktemp("started")
    run_page(ROOT / "docs" / "getting-started.md", folder)
    return folder


def run_page(page: Path, folder: Path) -> None:
    """Run all blocks of a page in `folder`, from the top down; the examples in Python share their names."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.is_run and block.language == "python":
            with chdir(folder):
                exec(compile(block.text, block.place, "exec"), names)
        elif block.is_run:
            for command in block.commands():
                run_command(command, block, folder)


def run_command(command: Command, block: Block, folder: Path) -> None:
    """Run a command; it must end with the code, and print the text, that the page shows."""
    line = f"{command.text} {block.notes.get('test adds', '').replace('TINY', TINY)}".strip()
    run = run_limner if line.startswith("limner ") and ">" not in line else run_shell
    code, printed = run(line, folder)
    told = f"{block.place}: {line}\n{printed}"
    assert code == int(block.notes.get("exit", "0")), told
    as_shown = doctest.OutputChecker().check_output(command.shown, printed, LOOSELY)
    assert as_shown or not command.shown.strip(), f"{told}\nbut the page shows\n{command.shown}"


def run_limner(line: str, folder: Path) -> tuple[int, str]:
    """Run limner within this process: importing PyTorch anew for each command would take most of the time."""
    printed = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        chdir(folder),
        redirect_stdout(printed),
        redirect_stderr(printed),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("default")  # as in a process of its own, where warnings are no errors
        patch.setenv("COLUMNS", "120")
        patch.setattr(sys, "argv", shlex.split(line))
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0), printed.getvalue()
    return 0, printed.getvalue()


def run_shell(line: str, folder: Path) -> tuple[int, str]:
    """Run a command line as a user would who has limner on the path."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "120"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout
