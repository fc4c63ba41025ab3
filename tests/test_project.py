"""The project as a whole: locks, addresses, versions, what is imported when."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from tests.absence import WITHOUT_WORKSHOP, WORKSHOP, run_python

import limner

ROOT = Path(__file__).parents[1]
FOLDERS = [".ci", "benchmarks", "docs", "requirements", "src", "tests", "tools"]
LOCKS = ["all.txt", "field.txt", "uv.txt"]
FIELD_HALF = ["limner", *(f"limner.{part}" for part in ("imaging", "data", "metrics", "runtime", "recipe", "evaluation", "report", "cli"))]
# What `limner --help` may not wait for. Typer and Rich are what it is made of.
HEAVY = ["numpy", "cv2", "PIL", "matplotlib", "pydantic", "onnxruntime", "jinja2", "yaml", *WORKSHOP]


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def lock_entries(lock: str) -> list[str]:
    """One string per requirement, its hashes joined to it."""
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    return text.replace("\\\n", " ").splitlines()


def locked_versions(lock: str) -> set[str]:
    return {entry.partition(" ")[0] for entry in lock_entries(lock)}


def committed_files() -> list[Path]:
    """The files git knows of; in an unpacked archive, which has no git, those of the project's own folders."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    if listing:
        return [ROOT / name for name in listing.split("\0") if (ROOT / name).is_file()]
    inside = [path for name in FOLDERS for path in (ROOT / name).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return inside + [path for path in ROOT.iterdir() if path.is_file()]


def committed_texts() -> dict[str, str]:
    texts = {}
    for path in committed_files():
        try:
            texts[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
    return texts


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_requirement_is_pinned_and_hashed(lock: str) -> None:
    unsafe = [entry for entry in lock_entries(lock) if not re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry)]
    assert unsafe == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_address(lock: str) -> None:
    assert not re.search(r"://|--\w*index|--find-links|--trusted-host| @ ", (ROOT / "requirements" / lock).read_text(encoding="utf-8"))


def test_field_lock_is_part_of_the_whole_lock() -> None:
    assert locked_versions("field.txt") <= locked_versions("all.txt")


def test_field_lock_has_nothing_of_the_workshop() -> None:
    names = {entry.partition("==")[0] for entry in locked_versions("field.txt")}
    assert names.isdisjoint(WORKSHOP)


def test_whole_lock_covers_every_declared_dependency() -> None:
    project = pyproject()["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {re.split(r"[\[><=~! ]", line)[0].lower() for group in groups for line in group}
    assert declared <= {entry.partition("==")[0] for entry in locked_versions("all.txt")}


def test_no_file_names_a_registry() -> None:
    # The brackets keep this file from naming them itself.
    hosts = re.compile(r"py[p]i\.org|python[h]osted\.org|download\.py[t]orch\.org|ana[c]onda\.(org|com)", re.IGNORECASE)
    assert {name for name, text in committed_texts().items() if hosts.search(text)} == set()


def test_no_file_names_a_place_on_one_machine() -> None:
    places = re.compile(r"(?<![\w.~<>*}])/(?:work|root|home|Users|farm)/(?=\w)")
    found = {name: match.group() for name, text in committed_texts().items() if (match := places.search(text))}
    assert found == {}


def test_version_is_the_same_everywhere() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d[^\]]*)\]", changelog, re.MULTILINE)
    assert released[0] == pyproject()["project"]["version"] == limner.__version__


def test_package_is_marked_as_typed() -> None:
    assert (ROOT / "src" / "limner" / "py.typed").is_file()


@pytest.mark.parametrize("part", FIELD_HALF)
def test_field_half_imports_without_the_workshop(part: str) -> None:
    run_python(f"{WITHOUT_WORKSHOP}\nimport {part}")


def test_help_imports_nothing_heavy() -> None:
    loaded = run_python(f"""
import sys
from contextlib import suppress
from limner.cli import main

sys.argv = ["limner", "--help"]
with suppress(SystemExit):
    main()
print("\\nloaded:", *sorted(set({HEAVY!r}) & set(sys.modules)))
""")
    assert loaded.splitlines()[-1].split() == ["loaded:"]
