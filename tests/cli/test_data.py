"""`limner data`: list, info, get."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.cli.test_help import HEAVY, PROBE
from tests.data.folders import pairs, write_zip
from typer.main import get_command

from limner.cli import data as module
from limner.cli.app import app
from limner.cli.data import plain_pattern
from limner.data.catalog import catalog_entry, catalog_names
from limner.data.catalog import fetch as fetching

KEYS = [f"cju{number:022d}" for number in range(3)]


@pytest.fixture(autouse=True)
def base(tmp_path, monkeypatch):
    """The data folder, which is not there yet."""
    monkeypatch.setenv("LIMNER_DATA", str(tmp_path / "base"))
    return tmp_path / "base"


@pytest.fixture
def packed(tmp_path):
    return write_zip(tmp_path / "kvasir-seg.zip", pairs(KEYS, wrapper="Kvasir-SEG/"))


def test_alone_it_shows_its_help(limner) -> None:
    result = limner("data")
    assert result.exit_code == 2
    assert "Usage: limner data [OPTIONS] COMMAND" in result.output
    places = [result.output.index(f"\n  {command} ") for command in ("list", "info", "get")]
    assert places == sorted(places)


@pytest.mark.parametrize("command", ["list", "info", "get"])
def test_each_command_has_help_with_examples(limner, command) -> None:
    result = limner("data", command, "--help")
    assert result.exit_code == 0
    assert f"  Examples:\n    limner data {command}" in result.stdout
    assert all(len(line) <= 120 for line in result.stdout.splitlines())


EXAMPLES = [
    line.split()[1:]
    for epilog in (module.EPILOG, module.EPILOG_LIST, module.EPILOG_INFO, module.EPILOG_GET)
    for line in epilog.splitlines()
    if line.startswith("  limner ")
]


@pytest.mark.parametrize("example", EXAMPLES, ids=" ".join)
def test_each_example_is_right_usage(example) -> None:
    group, command, *args = example
    get_command(app).commands[group].commands[command].make_context(command, args)


@pytest.mark.parametrize("args", [["data"], ["data", "--help"], ["data", "get", "--help"]], ids=" ".join)
def test_help_imports_nothing_heavy(args) -> None:
    probe = subprocess.run([sys.executable, "-c", PROBE.format(args=args)], capture_output=True, text=True, check=False)
    loaded = set(probe.stdout.rpartition("loaded:")[2].split())
    assert "typer" in loaded
    assert not loaded & (HEAVY | {"requests", "urllib3"})


def test_list_names_each_data_set_alike_as_table_and_json(limner, base, packed) -> None:
    assert limner("data", "get", "kvasir-seg", "--from", packed).exit_code == 0
    listed = json.loads(limner("data", "list", "--json").stdout)
    assert [fact["name"] for fact in listed] == catalog_names()
    table = limner("data", "list").stdout
    rows = {line.split()[0]: line for line in table.splitlines() if line.strip()}
    for fact in listed:
        row = rows[fact["name"]]
        assert fact["task"] in row
        assert str(fact["pairs"]) in row
        assert fact["licence"].split(";")[0] in row
        assert ("download" if fact["download"] else "by hand") in row
        assert row.rstrip().endswith("yes" if fact["name"] == "kvasir-seg" else "no")
    there = {fact["name"]: fact["at_hand"] for fact in listed if fact["at_hand"]}
    assert there == {"kvasir-seg": str(base / "kvasir-seg" / "kvasir-seg.zip")}


@pytest.mark.parametrize("name", catalog_names())
def test_info_shows_all_facts(limner, base, name) -> None:
    entry = catalog_entry(name)
    facts = json.loads(limner("data", "info", name, "--json").stdout)
    assert (facts["name"], facts["pairs"], facts["groups"], facts["at_hand"]) == (name, entry.pairs, entry.group_noun, None)
    assert facts["looked_for"][0] == str(base / name / entry.archives[0])
    assert [split["name"] for split in facts["splits"]] == [split.name for split in entry.splits]
    assert [file["sha256"] for file in facts["files"]] == [download.sha256 for download in entry.downloads]
    assert [layout["image"] for layout in facts["layouts"]] == [layout.image for layout in entry.layouts]
    shown = limner("data", "info", name)
    assert shown.exit_code == 0
    flat = _flat(shown.stdout)
    for text in (entry.title, entry.licence, entry.citation, entry.notes, entry.address, *(split.name for split in entry.splits)):
        assert _flat(text) in flat
    assert "(?P<" not in shown.stdout
    assert ("limner data get" in shown.stderr) == entry.is_open


def _flat(text: str) -> str:
    """Without the spaces and line breaks of a table."""
    return "".join(text.split())


def test_info_says_what_is_at_hand(limner, base, packed) -> None:
    assert "\n  at hand      no" in limner("data", "info", "kvasir-seg").stdout
    limner("data", "get", "kvasir-seg", "--from", packed)
    place = base / "kvasir-seg" / "kvasir-seg.zip"
    shown = limner("data", "info", "kvasir-seg")
    assert _flat(f"at hand {place}, but 3 pairs") in _flat(shown.stdout)
    assert "limner train kvasir-seg" in shown.stderr
    facts = json.loads(limner("data", "info", "kvasir-seg", "--json").stdout)
    assert (facts["at_hand"], facts["pairs_at_hand"]) == (str(place), 3)
    place.write_bytes(b"broken")
    assert _flat(f"{place}, but it cannot be read") in _flat(limner("data", "info", "kvasir-seg").stdout)


def test_get_prints_the_place_and_what_to_do_next(limner, base, packed) -> None:
    result = limner("data", "get", "kvasir-seg", "--from", packed)
    assert result.exit_code == 0
    assert result.stdout == f"data: {base / 'kvasir-seg' / 'kvasir-seg.zip'}\n"
    assert f"WARNING: 3 pairs found in {packed}, but Kvasir-SEG has 1000" in result.stderr
    assert f"copying kvasir-seg.zip ({packed.stat().st_size} bytes) ..." in result.stderr
    assert result.stderr.splitlines()[-1] == "next: limner doctor kvasir-seg, limner train kvasir-seg"
    assert (base / "kvasir-seg" / "kvasir-seg.zip").read_bytes() == packed.read_bytes()


def test_quiet_says_no_steps(limner, packed) -> None:
    assert "copying" not in limner("data", "get", "kvasir-seg", "--quiet", "--from", packed).stderr


def test_get_again_needs_overwrite(limner, base, packed, tmp_path) -> None:
    limner("data", "get", "kvasir-seg", "--from", packed)
    again = limner("data", "get", "kvasir-seg", "--from", packed)
    assert again.exit_code == 1
    assert again.stdout == ""
    assert "is there already" in again.stderr
    assert "--overwrite" in again.stderr
    newer = write_zip(tmp_path / "newer.zip", pairs(KEYS[:2], wrapper="Kvasir-SEG/"))
    assert limner("data", "get", "kvasir-seg", "--from", newer, "--overwrite").exit_code == 0
    assert (base / "kvasir-seg" / "kvasir-seg.zip").read_bytes() == newer.read_bytes()


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["get", "kvasir"], 1, "did you mean 'kvasir-seg'?"),
        (["info", "imagenet"], 1, "the catalog has no data set 'imagenet'"),
        (["get"], 2, "Missing argument"),
        (["get", "kvasir-seg", "--from"], 2, "--from"),
        (["get", "kvasir-seg", "--from", "nowhere.zip"], 1, "there is no such file or folder"),
        (["get", "drive"], 1, "register at https://drive.grand-challenge.org/"),
        (["fetch"], 2, "No such command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_and_wrong_input(limner, base, args, code, said) -> None:
    result = limner("data", *args)
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert not base.exists() or list(base.iterdir()) == []


@pytest.mark.parametrize(("source", "said"), [([], "go on with: limner data get kvasir-seg"), (["--from", "x"], "nothing was changed")])
def test_ctrl_c_says_what_is_kept(limner, monkeypatch, source, said) -> None:
    def stop(*args, **options) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fetching, "fetch", stop)
    result = limner("data", "get", "kvasir-seg", *source)
    assert result.exit_code == 130
    assert said in result.stderr


@pytest.mark.parametrize(
    ("pattern", "plain"),
    [
        (r"images?/(?P<id>cju[0-9a-z]{22})", "images?/ID"),
        (r"(?P<place>C\d|seq\d+)/(?P<id>[^/]+?)[_\]]?_mask", r"PLACE/ID[_\]]?_mask"),
        (r"(?P<id>(?:a|b(?:c|d))\d)_(?:x|y)", "ID_(x|y)"),
        (r"(?P<id>a \(\d+\))_mask", "ID_mask"),
        ("plain", "plain"),
    ],
)
def test_patterns_are_made_readable(pattern, plain) -> None:
    assert plain_pattern(pattern) == plain
