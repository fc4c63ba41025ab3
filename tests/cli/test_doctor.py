from __future__ import annotations

import html
import json
import shlex

import numpy as np
import pytest
from tests.doctor.broken import IMAGE, MASK, THIRD, half_size, phantoms, set_mask, twice

from limner.data import open_source
from limner.doctor.repair import copy as copying
from limner.imaging import encode_png


@pytest.fixture
def source(tmp_path):
    return phantoms(tmp_path / "data")


def test_a_clean_folder(limner, source):
    result = limner("doctor", source)
    assert result.exit_code == 0
    assert result.stdout == "6 pairs: nothing found\n"


def test_findings_are_a_table_and_the_command_that_repairs(limner, source):
    half_size(source)
    (source / "masks/polyp-0003.png").write_bytes(encode_png(np.zeros((96, 96), bool)))
    result = limner("doctor", source)
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0] == "6 pairs: 1 error, 1 note"
    rows = [line.split()[:3] for line in lines if line.split()[:1] in (["error"], ["note"])]
    assert rows == [["error", "resized-mask", "1"], ["note", "empty-mask", "1"]]
    assert f"{IMAGE}, {MASK}: image 96x96, mask 48x48; 0.5 times" in " ".join(result.stdout.split())
    assert lines[-1] == f"repair: limner doctor {source} --fix --out data-repaired"


def test_the_command_that_repairs_keeps_the_options(limner, source, tmp_path):
    twice(source)
    lists = {"train": "again polyp-0000 polyp-0001 polyp-0003", "test": THIRD}
    for name, keys in lists.items():
        (tmp_path / name).write_text("\n".join(keys.split()))
    split = f"train={tmp_path / 'train'},test={tmp_path / 'test'}"
    last = limner("doctor", source, "--split", split, "--input-size", 64, "--group", "^p.$").stdout.splitlines()[-1]
    command = ["limner", "doctor", str(source), "--split", split, "--input-size", "64", "--group", "^p.$"]
    assert shlex.split(last.removeprefix("repair: ")) == [*command, "--fix", "--out", "data-repaired"]


def test_what_only_can_be_known_is_not_offered_for_repair(limner, source):
    set_mask(np.zeros_like)(source)
    result = limner("doctor", source)
    assert result.stdout.startswith("6 pairs: 1 note\n")
    assert "repair:" not in result.stdout


def test_json_holds_everything_and_nothing_else_is_printed(limner, source):
    half_size(source)
    found = json.loads(limner("doctor", source, "--json").stdout)
    assert found["pairs"] == 6
    assert found["summary"] == {"error": 1, "warning": 0, "note": 0}
    (finding,) = found["findings"]
    assert {name: finding[name] for name in ("kind", "severity", "count", "files", "keys", "cure")} == {
        "kind": "resized-mask",
        "severity": "error",
        "count": 1,
        "files": [IMAGE, MASK],
        "keys": [THIRD],
        "cure": "resize the mask to its image",
    }


def test_strict_fails_on_errors_alone(limner, source):
    set_mask(np.zeros_like)(source)
    assert limner("doctor", source, "--strict").exit_code == 0
    half_size(source)
    assert limner("doctor", source).exit_code == 0
    result = limner("doctor", source, "--strict")
    assert result.exit_code == 1
    assert "resized-mask" in result.stdout


def test_fix_writes_a_copy_and_says_what_was_done(
    limner,
    source,
    tmp_path,
):
    half_size(source)
    before = {path: path.read_bytes() for path in source.rglob("*.png")}
    out = tmp_path / "copy"
    result = limner("doctor", source, "--fix", "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-3:] == ["pairs:  5 kept, 1 repaired, 0 left out", f"copy:   {out}", f"table:  {out / 'repairs.csv'}"]
    assert limner("doctor", out).stdout == "6 pairs: nothing found\n"
    assert {path: path.read_bytes() for path in source.rglob("*.png")} == before


def test_leave_out_goes_further(limner, source, tmp_path):
    set_mask(np.zeros_like)(source)
    result = limner("doctor", source, "--fix", "--out", tmp_path / "copy", "--leave-out", "empty-mask", "--json")
    assert json.loads(result.stdout)["repairs"] == {"out": str(tmp_path / "copy"), "kept": 5, "repaired": 0, "left out": 1, "split": None}
    assert THIRD not in open_source(tmp_path / "copy")


def test_foreground_makes_masks_of_labels(limner, source, tmp_path):
    mask = np.zeros((96, 96), np.uint8)
    mask[20:40, 20:40], mask[50:80, 50:80] = 1, 2
    (source / MASK).write_bytes(encode_png(mask))
    assert "label-map" in limner("doctor", source).stdout
    for path in (source / "masks").iterdir():
        if path.name != f"{THIRD}.png":
            path.write_bytes(encode_png(np.where(open_source(source)[path.stem].load().mask, 2, 0).astype(np.uint8)))
    result = limner("doctor", source, "--foreground", "2", "--fix", "--out", tmp_path / "copy")
    assert result.stdout.startswith("6 pairs: nothing found\n")
    assert open_source(tmp_path / "copy")[THIRD].load().mask.sum() == 900


def test_page(limner, source, tmp_path):
    half_size(source)
    page = tmp_path / "pages/findings.html"
    result = limner("doctor", source, "--html", page)
    assert result.exit_code == 0, result.output
    assert f"page:   {page}" in result.stderr
    assert "resized-mask" in page.read_text()
    again = limner("doctor", source, "--html", page)
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    assert limner("doctor", source, "--html", page, "--overwrite").exit_code == 0


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["--fix"], 2, "add --out DIR"),
        (["--out", "copy"], 2, "--out goes with --fix"),
        (["--leave-out", "empty-mask"], 2, "--leave-out goes with --fix"),
        (["--input-size", "4"], 2, "--input-size"),
        (["--split", "what"], 1, "no official split 'what'"),
        (["--split", "trian=a.txt"], 2, "--split"),
        (["--split", "none.json"], 1, "no such split file"),
        (["--fix", "--out", "copy", "--leave-out", "empty"], 1, "did you mean 'empty-mask'?"),
        (["--foreground", ",,"], 1, "foreground"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use(limner, source, monkeypatch, tmp_path, args, code, words):
    monkeypatch.chdir(tmp_path)
    result = limner("doctor", source, *args)
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert not (tmp_path / "copy").exists()


def test_a_missing_source(limner, tmp_path):
    result = limner("doctor", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "there is no such folder" in result.stderr


def test_a_source_of_orphans_alone(limner, source, tmp_path):
    for path in (source / "masks").iterdir():
        path.unlink()
    result = limner("doctor", source)
    assert result.exit_code == 0
    assert result.stdout.startswith("0 pairs: 1 error, 1 warning\n")
    assert "no image with a mask" in result.stdout
    assert "repair:" not in result.stdout
    assert limner("doctor", source, "--strict", "--html", tmp_path / "page.html").exit_code == 1
    assert "no image with a mask" in (tmp_path / "page.html").read_text(encoding="utf-8")
    fixed = limner("doctor", source, "--fix", "--out", tmp_path / "copy")
    assert fixed.exit_code == 1
    assert "no pair would be left" in fixed.stderr


def test_a_source_without_pictures(limner, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    result = limner("doctor", tmp_path)
    assert result.exit_code == 1
    assert "no pictures" in result.stderr


@pytest.mark.parametrize("place", ["full", "data/copy"])
def test_a_folder_that_cannot_serve_is_refused_before_the_work(limner, source, tmp_path, monkeypatch, place):
    from limner import doctor

    monkeypatch.setattr(doctor, "diagnose", lambda *_args, **_more: pytest.fail("it was examined all the same"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    result = limner("doctor", source, "--fix", "--out", tmp_path / place)
    assert result.exit_code == 1
    assert "--out" in result.stderr


def test_ctrl_c_leaves_no_half_copy(limner, source, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(copying, "write_pair", stop)
    result = limner("doctor", source, "--fix", "--out", tmp_path / "copy")
    assert result.exit_code == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_the_page_names_the_same_command_as_the_table(limner, source, tmp_path):
    half_size(source)
    page = tmp_path / "page.html"
    last = limner("doctor", source, "--input-size", 64, "--html", page).stdout.splitlines()[-1]
    assert last.startswith("repair: limner doctor ")
    assert html.escape(last.removeprefix("repair: ")) in page.read_text(encoding="utf-8")


def test_a_folder_is_no_page(limner, source, tmp_path):
    result = limner("doctor", source, "--html", tmp_path, "--overwrite")
    assert result.exit_code == 1
    assert "there is a folder where the page should be" in result.stderr


def test_a_suspicion_can_be_refused(limner, source, tmp_path):
    set_mask(np.ones_like)(source)
    before = (source / MASK).read_bytes()
    result = limner("doctor", source, "--fix", "--out", tmp_path / "copy", "--keep", "full-mask", "--json")
    assert json.loads(result.stdout)["repairs"] == {"out": str(tmp_path / "copy"), "kept": 6, "repaired": 0, "left out": 0, "split": None}
    assert (tmp_path / "copy" / MASK).read_bytes() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--keep", "unreadable"), "cannot be kept as they are"),
        (("--keep", "nonsense"), "there is no kind of finding"),
        (("--keep", "full-mask", "--leave-out", "full-mask"), "both left out and kept"),
    ],
)
def test_what_cannot_be_kept(limner, source, tmp_path, options, words):
    result = limner("doctor", source, "--fix", "--out", tmp_path / "copy", *options)
    assert result.exit_code == 1
    assert words in result.stderr
    assert not (tmp_path / "copy").exists()
