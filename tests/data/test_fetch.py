"""Getting data sets: what lies in the data folder afterwards, and what the user is told."""

from __future__ import annotations

import gzip
import hashlib
import os
import warnings
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.data.folders import image_bytes, mask_bytes, pairs, write_folder, write_tar, write_zip
from tests.data.http_server import ranges, running, status, whole

from limner.data import open_source
from limner.data.archive import is_archive, open_archive
from limner.data.catalog import Download, catalog_entry, entries, find, locate
from limner.data.catalog import fetch as module
from limner.data.catalog.fetch import fetch
from limner.data.catalog.intake import by_hand
from limner.errors import DataError, LimnerWarning, OutputExistsError

KEYS = [f"cju{number:022d}" for number in range(3)]
FILES = pairs(KEYS, wrapper="Kvasir-SEG/")
STARE_KEYS = ["im0001", "im0002"]
ENTRIES = pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    """No proxy stands between the test and its server."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def base(tmp_path, monkeypatch):
    """The data folder, which is not there yet."""
    monkeypatch.setenv("LIMNER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def server():
    with running() as server:
        yield server


@pytest.fixture
def kvasir():
    """The entry, as if the data set had three pairs."""
    return replace(catalog_entry("kvasir-seg"), pairs=3)


@pytest.fixture
def packed(tmp_path) -> Path:
    """The official download, somewhere else."""
    (tmp_path / "got").mkdir()
    return write_zip(tmp_path / "got" / "kvasir-seg.zip", FILES)


def stare(server=None):
    """The entry of a data set of several archives, with addresses of the server at hand."""
    entry = catalog_entry("stare")
    if server is None:
        return replace(entry, pairs=2)
    downloads = tuple(Download(download.file, f"{server.url}/{download.file}") for download in entry.downloads)
    return replace(entry, pairs=2, downloads=downloads)


def stare_archives(folder: Path) -> dict[str, Path]:
    """Pictures packed by gzip in flat tar archives, as on the official page."""
    folder.mkdir(parents=True, exist_ok=True)
    images = {f"{key}.ppm.gz": gzip.compress(image_bytes(i), mtime=0) for i, key in enumerate(STARE_KEYS)}
    adam = {f"{key}.ah.ppm.gz": gzip.compress(mask_bytes(i), mtime=0) for i, key in enumerate(STARE_KEYS)}
    other = {f"{key}.vk.ppm.gz": gzip.compress(mask_bytes(i + 9), mtime=0) for i, key in enumerate(STARE_KEYS)}
    named = {"stare-images.tar": images, "labels-ah.tar": adam, "labels-vk.tar": other}
    return {name: write_tar(folder / name, files) for name, files in named.items()}


def from_server(entry, server, path: Path, *answers, **facts):
    """The entry with one download from the server at hand."""
    url = server.serve(f"/{path.name}", *(answers or (ranges(path.read_bytes(), etag='"one"'),)))
    return replace(entry, downloads=(Download(path.name, url, **facts),))


def get(entry, **options) -> Path:
    """Fetch without waiting; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return fetch(entry, wait=lambda _: None, **options)


def fails(entry, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        fetch(entry, wait=lambda _: None, **options)
    assert caught.value.where
    assert caught.value.fix
    return caught.value


def tree(folder: Path) -> list[str]:
    """All files below, and all empty folders."""
    found = [path for path in folder.rglob("*") if path.is_file() or not any(path.iterdir())]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def frozen(*places: Path) -> dict[Path, tuple[bytes, int, int]]:
    """Bytes, time and number of links of files."""
    files = [path for place in places for path in ([place] if place.is_file() else place.rglob("*")) if path.is_file()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_nlink) for path in files}


# ------------------------------------------------------------------------------------------------------------------ from a user


def test_an_archive_is_copied_as_it_is(base, kvasir, packed) -> None:
    before = frozen(packed)
    place = get(kvasir, source=packed)
    assert place == base / "kvasir-seg" / "kvasir-seg.zip" == locate("kvasir-seg") == find(kvasir)
    assert place.read_bytes() == packed.read_bytes()
    assert not place.samefile(packed)
    assert frozen(packed) == before
    assert tree(base) == ["kvasir-seg/kvasir-seg.zip"]
    assert list(open_source("kvasir-seg").keys()) == KEYS


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("Kvasir-SEG.zip", "kvasir-seg.zip"),
        ("kvasir-seg (1).zip", "kvasir-seg.zip"),
        ("KVASIRSEG(2).ZIP", "kvasirseg.zip"),
        ("archive.zip", "kvasir-seg.zip"),
    ],
)
def test_an_archive_by_another_name(base, kvasir, packed, name, becomes) -> None:
    place = get(kvasir, source=packed.rename(packed.with_name(name)))
    assert place.name == becomes
    assert locate("kvasir-seg") == place
    assert list(open_source("kvasir-seg").keys()) == KEYS


def test_a_folder_that_holds_the_archive(base, kvasir, packed) -> None:
    """Among other things, which are not looked at."""
    write_folder(packed.parent, pairs(["holiday"]))
    place = get(kvasir, source=packed.parent)
    assert tree(base) == ["kvasir-seg/kvasir-seg.zip"]
    assert place.read_bytes() == packed.read_bytes()


@pytest.mark.parametrize("wrapper", ["", "Kvasir-SEG/", "deep/down/"])
def test_an_unpacked_folder_is_copied(base, tmp_path, kvasir, wrapper) -> None:
    given = write_folder(tmp_path / "mine", pairs(KEYS, wrapper=wrapper) | {f"{wrapper}readme.txt": b"hello"})
    before = frozen(given)
    place = get(kvasir, source=given)
    inner = "deep/down/" if wrapper == "deep/down/" else ""
    assert place == base / "kvasir-seg" / "Kvasir-SEG"
    assert tree(place) == sorted(pairs(KEYS, wrapper=inner) | {f"{inner}readme.txt": b""})
    assert frozen(given) == before
    assert list(open_source("kvasir-seg").keys()) == KEYS


def test_an_archive_of_another_kind_than_the_official_one_is_unpacked(base, tmp_path, kvasir) -> None:
    place = get(kvasir, source=write_tar(tmp_path / "Kvasir-SEG.tar.gz", FILES))
    assert tree(base) == sorted(f"kvasir-seg/{name}" for name in FILES)
    assert place == locate("kvasir-seg")
    assert (place / "images" / f"{KEYS[0]}.png").read_bytes() == FILES[f"Kvasir-SEG/images/{KEYS[0]}.png"]


def test_images_and_masks_from_two_folders(base, tmp_path, kvasir) -> None:
    write_folder(tmp_path, pairs(KEYS))
    place = get(kvasir, source=[tmp_path / "images", tmp_path / "masks", tmp_path / "images"])
    assert tree(place) == sorted(pairs(KEYS))
    assert list(open_source("kvasir-seg").keys()) == KEYS


def test_two_folders_of_one_name_do_not_fall_into_one(base, tmp_path, kvasir) -> None:
    write_folder(tmp_path / "a", pairs(KEYS[:1]))
    write_folder(tmp_path / "b", pairs(KEYS[1:]))
    for folder in ("a", "b"):
        (tmp_path / folder / "in").mkdir()
        for kind in ("images", "masks"):
            (tmp_path / folder / kind).rename(tmp_path / folder / "in" / kind)
    place = get(kvasir, source=[tmp_path / "a" / "in", tmp_path / "b" / "in"])
    assert {name.partition("/")[0] for name in tree(place)} == {"in", "in-2"}
    assert list(open_source("kvasir-seg").keys()) == KEYS


@pytest.mark.parametrize("way", ["folder", "each", "other names"])
def test_several_archives_stay_as_they_are(base, tmp_path, way) -> None:
    archives = stare_archives(tmp_path / "got")
    if way == "other names":
        archives = {name: path.rename(path.with_stem(f"{path.stem} (1)")) for name, path in archives.items()}
    place = get(stare(), source=tmp_path / "got" if way == "folder" else list(archives.values()))
    assert place == base / "stare" == locate("stare")
    assert tree(base) == sorted(f"stare/{name}" for name in archives)
    data = open_source("stare")
    assert list(data.keys()) == STARE_KEYS
    assert data["im0001"].load().mask.shape == (8, 10)


def test_one_of_several_archives_is_missing(base, tmp_path) -> None:
    archives = stare_archives(tmp_path / "got")
    error = fails(stare(), source=archives["stare-images.tar"])
    assert error.what == "no pair of image and mask of STARE is in it, only 2 files"
    assert "labels-ah.tar" in (error.fix or "")
    assert tree(base) == []


def test_several_archives_packed_into_one(base, tmp_path) -> None:
    files = {}
    for path in stare_archives(tmp_path / "got").values():
        archive = open_archive(path)
        files |= {f"stare/{path.stem}/{name}": archive.read(name) for name in archive.names()}
    assert get(stare(), source=write_zip(tmp_path / "mine.zip", files)) == base / "stare" / "STARE.zip"
    assert list(open_source("stare").keys()) == STARE_KEYS


def test_fewer_pairs_are_a_loud_warning(base, tmp_path, kvasir, packed) -> None:
    with pytest.warns(LimnerWarning) as caught:
        fetch(replace(kvasir, pairs=1000), source=packed)
    assert [str(warning.message) for warning in caught] == [
        f"3 pairs found in {packed}, but Kvasir-SEG has 1000: check that it is that, and whole"
    ]
    assert locate("kvasir-seg").is_file()


def test_other_names_and_another_number_are_refused(base, tmp_path, kvasir) -> None:
    error = fails(kvasir, source=write_zip(tmp_path / "mine.zip", pairs(["a", "b"])))
    assert error.what == "it is not Kvasir-SEG: 2 pairs instead of 3, and the files are named otherwise"
    assert (error.fix or "").startswith("to use it, name its path; to get Kvasir-SEG: get kvasir-seg.zip from ")
    assert tree(base) == []


def test_other_names_alone_are_taken(base, tmp_path, kvasir) -> None:
    fetch(kvasir, source=write_zip(tmp_path / "mine.zip", pairs(["a", "b", "c"])))
    assert len(open_source("kvasir-seg")) == 3


def test_another_data_set_of_the_catalog_is_refused(base, tmp_path, kvasir) -> None:
    names = [f"Original/{number}.png" for number in range(1, 4)] + [f"Ground Truth/{number}.png" for number in range(1, 4)]
    given = write_zip(tmp_path / "CVC-ClinicDB.zip", dict.fromkeys(names, b""))
    error = fails(kvasir, source=given)
    assert error.what == "it is CVC-ClinicDB, not Kvasir-SEG"
    assert error.fix == f"limner data get cvc-clinicdb --from {given}"
    assert tree(base) == []


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("notes.txt", b"hello", "no pair of image and mask of Kvasir-SEG is in it, only 1 file"),
        ("kvasir-seg.zip.part", b"PK", "no pair of image and mask of Kvasir-SEG is in it, only 1 file"),
        ("kvasir-seg.zip", b"", "the archive cannot be read: File is not a zip file"),
        ("kvasir-seg.rar", b"Rar!", "archives of this kind are not read"),
    ],
)
def test_what_is_no_such_data_set(base, tmp_path, kvasir, name, data, what) -> None:
    (tmp_path / name).write_bytes(data)
    error = fails(kvasir, source=tmp_path / name)
    assert error.what == what
    assert name in (error.where or "")
    assert tree(base) == []


def test_an_empty_folder_or_nothing_at_all(base, tmp_path, kvasir) -> None:
    (tmp_path / "empty").mkdir()
    assert "only 0 files" in fails(kvasir, source=tmp_path / "empty").what
    assert fails(kvasir, source=tmp_path / "nowhere").what == "there is no such file or folder"


def test_a_copy_that_is_there_is_not_overwritten_unasked(base, tmp_path, kvasir, packed) -> None:
    get(kvasir, source=packed)
    (base / "kvasir-seg" / "my-split.txt").write_text("mine")
    newer = write_zip(tmp_path / "newer.zip", FILES | {"readme.txt": b"new"})
    with pytest.raises(OutputExistsError, match="is there already") as caught:
        get(kvasir, source=newer)
    assert caught.value.where == str(base / "kvasir-seg" / "kvasir-seg.zip")
    assert "--overwrite" in (caught.value.fix or "")
    assert locate("kvasir-seg").read_bytes() == packed.read_bytes()
    get(kvasir, source=newer, overwrite=True)
    assert locate("kvasir-seg").read_bytes() == newer.read_bytes()
    assert tree(base) == ["kvasir-seg/kvasir-seg.zip", "kvasir-seg/my-split.txt"]


def test_a_folder_that_is_there_is_replaced_as_a_whole(base, tmp_path, kvasir) -> None:
    get(kvasir, source=write_folder(tmp_path / "old", pairs(KEYS) | {"old.txt": b""}))
    get(kvasir, source=write_folder(tmp_path / "new", pairs(KEYS)), overwrite=True)
    assert tree(base / "kvasir-seg" / "Kvasir-SEG") == sorted(pairs(KEYS))
    assert tree(base) == sorted(f"kvasir-seg/{name}" for name in FILES)


def test_a_new_copy_is_not_put_where_an_old_one_hides_it(base, tmp_path, kvasir, packed) -> None:
    get(kvasir, source=packed)
    given = write_folder(tmp_path / "new", pairs(KEYS))
    with pytest.raises(OutputExistsError, match="would hide the new one") as caught:
        get(kvasir, source=given, overwrite=True)
    assert caught.value.where == str(base / "kvasir-seg" / "kvasir-seg.zip")
    assert tree(base) == ["kvasir-seg/kvasir-seg.zip"]


def test_several_archives_are_not_put_beside_pictures_that_hide_them(base, tmp_path) -> None:
    write_folder(base / "stare", pairs(["a"]))
    stare_archives(tmp_path / "got")
    with pytest.raises(OutputExistsError, match="would hide"):
        get(stare(), source=tmp_path / "got", overwrite=True)
    assert tree(base) == sorted(f"stare/{name}" for name in pairs(["a"]))


def test_an_empty_folder_is_no_copy(base, kvasir, packed) -> None:
    (base / "kvasir-seg").mkdir(parents=True)
    get(kvasir, source=packed)
    assert tree(base) == ["kvasir-seg/kvasir-seg.zip"]


def test_the_data_folder_is_not_copied_into_itself(base, tmp_path, kvasir) -> None:
    given = write_folder(base / "kvasir-seg", pairs(KEYS))
    for source in (given, base, tmp_path, given / "images"):
        error = fails(kvasir, source=source, overwrite=True)
        assert error.what == "it lies where the copy would go"
    assert tree(base) == sorted(f"kvasir-seg/{name}" for name in pairs(KEYS))


def test_a_data_set_folder_that_is_a_link(base, tmp_path, kvasir, packed) -> None:
    """As where a large disk holds the data."""
    (tmp_path / "large").mkdir()
    base.mkdir()
    (base / "kvasir-seg").symlink_to(tmp_path / "large", target_is_directory=True)
    get(kvasir, source=packed)
    assert tree(tmp_path / "large") == ["kvasir-seg.zip"]
    assert (base / "kvasir-seg").is_symlink()
    assert locate("kvasir-seg").read_bytes() == packed.read_bytes()


def test_ctrl_c_leaves_nothing_of_a_copy(base, tmp_path, kvasir, packed) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    for given in (packed, write_folder(tmp_path / "mine", pairs(KEYS))):
        with pytest.raises(KeyboardInterrupt):
            get(kvasir, source=given, progress=stop)
        assert tree(base) == []
        assert find(kvasir) is None


def test_progress_and_steps_are_told(base, tmp_path, kvasir, monkeypatch) -> None:
    monkeypatch.setattr(module, "MB", 100)
    ticks, steps = [], []
    given = write_zip(tmp_path / "kvasir-seg.zip", FILES)
    get(kvasir, source=given, progress=lambda *tick: ticks.append(tick), on_step=steps.append)
    size = given.stat().st_size
    assert ticks[-1] == (size // 100, size // 100)
    assert steps == [f"copying kvasir-seg.zip ({size} bytes)"]
    ticks.clear()
    folder = write_folder(tmp_path / "mine", pairs(KEYS))
    get(kvasir, source=folder, folder=tmp_path / "other", progress=lambda *tick: ticks.append(tick))
    assert ticks == [(done, 6) for done in range(1, 7)]


def test_a_data_folder_that_cannot_be_written(tmp_path, kvasir, packed) -> None:
    (tmp_path / "data").write_bytes(b"a file, not a folder")
    error = fails(kvasir, source=packed, folder=tmp_path / "data")
    assert error.what == "the system refused: File exists"
    assert error.where == str(tmp_path / "data")
    assert error.fix == "check the permissions, or name another data folder by the environment variable LIMNER_DATA"


def test_a_full_disk(base, kvasir, packed, monkeypatch) -> None:
    def full(*args) -> None:
        raise OSError(28, "No space left on device", "x")

    monkeypatch.setattr(os, "fsync", full)
    error = fails(kvasir, source=packed)
    assert error.what == "the disk is full"
    assert "LIMNER_DATA" in (error.fix or "")
    assert tree(base) == []


# ------------------------------------------------------------------------------------------------------------------ from the net


def test_a_download_comes_into_its_place(base, kvasir, server, packed) -> None:
    steps = []
    sha256 = hashlib.sha256(packed.read_bytes()).hexdigest()
    entry = from_server(kvasir, server, packed, sha256=sha256, size=packed.stat().st_size)
    place = get(entry, on_step=steps.append)
    assert place == base / "kvasir-seg" / "kvasir-seg.zip" == locate("kvasir-seg")
    assert place.read_bytes() == packed.read_bytes()
    assert tree(base) == ["kvasir-seg/kvasir-seg.zip"]
    assert steps == [f"downloading kvasir-seg.zip ({packed.stat().st_size} bytes) from 127.0.0.1"]


def test_several_downloads_come_all_or_not_at_all(base, tmp_path, server) -> None:
    archives = stare_archives(tmp_path / "got")
    for name, path in archives.items():
        server.serve(f"/{name}", whole(path.read_bytes()))
    entry = stare(server)
    server.serve("/labels-ah.tar", status(404), whole(archives["labels-ah.tar"].read_bytes()))
    assert "404" in fails(entry).what
    assert find(entry) is None
    assert tree(base) == ["stare.part/downloaded/stare-images.tar"]
    server.asked.clear()
    assert get(entry) == base / "stare" == locate("stare")
    assert "/stare-images.tar" not in [path for path, _ in server.asked]  # what had come is not asked for again
    assert tree(base) == sorted(f"stare/{name}" for name in archives)
    assert list(open_source("stare").keys()) == STARE_KEYS


def test_a_download_that_broke_off_is_gone_on_with(base, kvasir, server, packed) -> None:
    data = packed.read_bytes()
    entry = from_server(kvasir, server, packed, ranges(data, etag='"one"', cut=100), status(503))
    error = fails(entry)
    part = base / "kvasir-seg.part" / "downloaded" / "kvasir-seg.zip.part"
    assert f"what has come (100 bytes) is kept in {part}, and it goes on from there" in (error.fix or "")
    assert (error.fix or "").endswith(f"; by hand: {by_hand(entry)}")
    assert part.read_bytes() == data[:100]
    assert find(entry) is None
    server.serve("/kvasir-seg.zip", ranges(data, etag='"one"'))
    get(entry)
    assert server.ranges[-1] == "bytes=100-"
    assert tree(base) == ["kvasir-seg/kvasir-seg.zip"]
    assert locate("kvasir-seg").read_bytes() == data


def test_what_was_got_by_hand_after_a_broken_download_tidies_up(base, kvasir, server, packed) -> None:
    entry = from_server(kvasir, server, packed, ranges(packed.read_bytes(), etag='"one"', cut=100), status(503))
    fails(entry)
    get(entry, source=packed)
    assert tree(base) == ["kvasir-seg/kvasir-seg.zip"]


def test_a_refusal_leaves_nothing_and_says_how_to_do_it_by_hand(base, kvasir, server, packed) -> None:
    error = fails(from_server(kvasir, server, packed, status(403)))
    assert error.what == "the server does not give the file to everyone (403 Forbidden)"
    assert (error.fix or "").endswith(
        "by hand: get kvasir-seg.zip from https://datasets.simula.no/kvasir-seg/, then `limner data get kvasir-seg --from FILE`"
    )
    assert tree(base) == []


def test_what_came_and_is_no_archive_is_removed(base, kvasir, server, packed) -> None:
    entry = from_server(kvasir, server, packed, whole(b"PK but no archive"), whole(packed.read_bytes()))
    error = fails(entry)
    assert error.what == "what came is no archive that can be opened (the archive cannot be read: File is not a zip file)"
    assert "it has been removed" in (error.fix or "")
    assert tree(base) == []
    get(entry)
    assert locate("kvasir-seg").read_bytes() == packed.read_bytes()


def test_what_came_and_is_not_the_data_set_is_removed(base, tmp_path, kvasir, server, packed) -> None:
    """Left there, it would be taken for whole the next time."""
    other = write_zip(tmp_path / "kvasir-seg.zip", {"readme.txt": b"moved"}).read_bytes()
    entry = from_server(kvasir, server, packed, whole(other), whole(packed.read_bytes()))
    assert "no pair" in fails(entry).what
    assert tree(base) == []
    get(entry)
    assert locate("kvasir-seg").read_bytes() == packed.read_bytes()


def test_a_download_replaces_what_is_there_only_when_it_is_whole(base, tmp_path, kvasir, server, packed) -> None:
    get(kvasir, source=packed)
    newer = write_zip(tmp_path / "kvasir-seg.zip", FILES | {"readme.txt": b"new"})
    entry = from_server(kvasir, server, newer, status(500))
    with pytest.raises(OutputExistsError):
        get(entry)
    assert server.asked == []
    fails(entry, overwrite=True)
    assert locate("kvasir-seg").read_bytes() == packed.read_bytes()
    server.serve("/kvasir-seg.zip", whole(newer.read_bytes()))
    get(entry, overwrite=True)
    assert locate("kvasir-seg").read_bytes() == newer.read_bytes()
    assert tree(base) == ["kvasir-seg/kvasir-seg.zip"]


def test_two_at_a_time(base, kvasir, packed) -> None:
    """The second is told to wait; the first goes on undisturbed."""
    errors = []

    def meanwhile(done: int, total: int) -> None:
        errors.append(fails(kvasir, source=packed))

    get(kvasir, source=packed, progress=meanwhile)
    assert {error.what for error in errors} == {"another process is getting it at this moment"}
    assert tree(base) == ["kvasir-seg/kvasir-seg.zip"]


def test_registration_is_explained(base) -> None:
    entry = catalog_entry("drive")
    error = fails(entry)
    assert error.what == "DRIVE has to be got by hand"
    assert error.where == entry.address
    assert error.fix == entry.registration
    assert not base.exists() or tree(base) == []


# ------------------------------------------------------------------------------------------------------------------ the catalog


@ENTRIES
def test_advice_ends_with_the_command(entry) -> None:
    """Where, what, and then what to type."""
    assert by_hand(entry).endswith(
        (f"then `limner data get {entry.name} --from FILE`", f"then `limner data get {entry.name} --from FOLDER`")
    )
    assert "https://" in by_hand(entry)


@pytest.mark.parametrize("entry", [entry for entry in entries() if entry.is_open], ids=lambda entry: entry.name)
def test_open_downloads_can_be_got(entry) -> None:
    """Archives that are read, over https, under names by which they are found."""
    assert all(urlsplit(download.url).scheme == "https" for download in entry.downloads)
    assert all(is_archive(Path(download.file)) for download in entry.downloads)
    assert len(entry.downloads) > 1 or entry.downloads[0].file in entry.archives


@pytest.mark.parametrize(
    ("name", "path", "found"),
    [
        ("kvasir-seg", "kvasir-seg/kvasir-seg.zip", 1000),
        ("drive", "drive/DRIVE.zip", 40),
        ("chase-db1", "chase_db1/CHASEDB1.zip", 28),
        ("cvc-clinicdb", "cvc-clinicdb/CVC-ClinicDB.zip", 503),
    ],
)
def test_real_downloads(base, shared, name, path, found) -> None:
    given = shared / "data" / path
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        place = fetch(catalog_entry(name), source=given)
    assert [f"{found} pairs found" in str(warning.message) for warning in caught] == ([] if found == catalog_entry(name).pairs else [True])
    assert place.read_bytes() == given.read_bytes()
    assert len(open_source(name)) == found
