"""Every command and every example of README.md and docs/ does what the page says it does."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tests.absence import WITHOUT_WORKSHOP, run_python
from tests.docs.conftest import run_page
from tests.docs.pages import PAGES, ROOT, blocks

if TYPE_CHECKING:
    from pathlib import Path

BUILDING_ON = [page for page in PAGES if page.name not in {"README.md", "getting-started.md"}]


def test_readme_runs_in_an_empty_folder(tmp_path: Path) -> None:
    run_page(ROOT / "README.md", tmp_path)


def test_getting_started_runs_in_an_empty_folder(started: Path) -> None:
    assert (started / "runs" / "polyps" / "report.html").is_file()


@pytest.mark.parametrize("page", BUILDING_ON, ids=lambda page: page.name)
def test_page_runs_after_getting_started(page: Path, started: Path, tmp_path: Path) -> None:
    run_page(page, shutil.copytree(started, tmp_path / "page"))


@pytest.mark.parametrize("command", ["predict runs/polyps unseen/images --out field", "evaluate runs/polyps unseen --out field"])
def test_model_is_used_without_the_workshop(command: str, started: Path, tmp_path: Path) -> None:
    """Whoever has installed the field half alone can predict and evaluate."""
    line = command.replace("--out field", f"--out {tmp_path / 'field'}")
    run_python(f"{WITHOUT_WORKSHOP}\nfrom limner.cli import main\nsys.argv = ['limner', *{line.split()!r}]\nmain()", started)
    assert any((tmp_path / "field").iterdir())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_says_what_it_is(page: Path) -> None:
    """A block of `bash` or of nothing at all would be passed over without a word."""
    allowed = {"console", "python", "yaml", "json", "text", "toml", "csv"}
    assert [block.place for block in blocks(page) if block.language not in allowed] == []
