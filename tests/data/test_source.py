"""Sources: folders, archives, single files, catalog names."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import numpy as np
import pytest
from tests.data.folders import image_bytes, mask_bytes, pairs, write_folder, write_tar, write_zip

from limner.data import archive, open_source
from limner.data.options import SourceOptions
from limner.errors import DataError
from limner.imaging import read_image, read_mask

KEYS = ("a", "b", "train1", "train10")


@pytest.fixture(params=["folder", "zip", "tar", "tar.gz", "tgz"])
def source(request, tmp_path):
    """The same small data set in each kind of source."""
    files = pairs(KEYS, wrapper="Set/") | {"Set/readme.txt": b"hello"}
    if request.param == "folder":
        return write_folder(tmp_path / "set", files)
    write = write_zip if request.param == "zip" else write_tar
    return write(tmp_path / f"set.{request.param}", files)


def test_every_kind_of_source_gives_the_same(source) -> None:
    data = open_source(source)
    assert data.name == "set"
    assert data.place == str(source)
    assert data.keys() == KEYS
    assert len(data) == 4
    assert data.problems == ()
    assert [item.key for item in data] == list(KEYS)
    sample = data["train10"].load()
    assert sample.key == "train10"
    assert np.array_equal(sample.image, read_image(image_bytes(3), name="x"))
    assert sample.mask.shape == (8, 10)
    assert data["a"].hashes() == {"image": sha256(image_bytes(0)).hexdigest(), "mask": sha256(mask_bytes(0)).hexdigest()}
    assert data["a"].image.name == "Set/images/a.png"
    assert str(source) in data["a"].image.display


def test_source_as_text(source) -> None:
    assert open_source(str(source)).keys() == KEYS


def test_images_alone(source) -> None:
    data = open_source(source, masks=False)
    assert data.keys() == KEYS
    assert data["b"].mask is None
    assert set(data["b"].hashes()) == {"image"}
    with pytest.raises(DataError, match="has no mask"):
        data["b"].load()


def test_items_survive_pickling_and_threads(source) -> None:
    data = pickle.loads(pickle.dumps(open_source(source)))
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda key: data[key].image.read(), KEYS * 25))
    assert read == [image_bytes(KEYS.index(key)) for key in KEYS * 25]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fork_does_not_disturb_the_parent(source) -> None:
    data = open_source(source)
    data["a"].image.read()
    child = os.fork()
    if child == 0:
        intact = all(data[key].image.read() == image_bytes(i) for i, key in enumerate(KEYS))
        os._exit(0 if intact else 1)
    assert all(data[key].image.read() == image_bytes(i) for i, key in enumerate(KEYS))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_subset_is_sorted_and_strict(source) -> None:
    data = open_source(source)
    part = data.subset(["train1", "a", "a"])
    assert part.keys() == ("a", "train1")
    assert part["a"] is data["a"]
    with pytest.raises(DataError, match="no item 'trian1'") as caught:
        data.subset(["trian1"])
    assert caught.value.fix == "did you mean 'train1'?"
    assert "a" in part
    assert "b" not in part


def test_the_second_observer_is_taken_on_demand(tmp_path) -> None:
    files = {"a.png": image_bytes(), "a_1stHO.png": mask_bytes(1), "a_2ndHO.png": mask_bytes(2)}
    path = write_zip(tmp_path / "two.zip", files)
    first, second = open_source(path), open_source(path, options=SourceOptions(observer=2))
    assert np.array_equal(first["a"].load().mask, read_mask(mask_bytes(1), name="x"))
    assert np.array_equal(second["a"].load().mask, read_mask(mask_bytes(2), name="x"))
    assert [problem.files for problem in second.problems] == [("a_1stHO.png",)]
    with pytest.raises(DataError, match="no masks by observer 3"):
        open_source(path, options=SourceOptions(observer=3))


def test_several_masks_of_one_image_are_merged(tmp_path) -> None:
    parts = {f"a_mask_{i}.png": mask_bytes(i) for i in (1, 2, 3)}
    item = open_source(write_folder(tmp_path, {"a.png": image_bytes(), "b.png": image_bytes(1), "b_mask.png": mask_bytes()} | parts))["a"]
    masks = [read_mask(data, name=name) for name, data in parts.items()]
    assert np.array_equal(item.load().mask, masks[0] | masks[1] | masks[2])
    assert set(np.unique(item.load_instances()[masks[2]])) == {3}
    assert item.fov is None


def test_objects_that_are_not_told_apart_are_what_the_caller_makes_of_the_mask(tmp_path) -> None:
    """A picture of two tones tells nothing apart; several pictures do."""
    files = (
        {"a.png": image_bytes(), "a_mask.png": mask_bytes()}
        | {"b.png": image_bytes(1)}
        | {f"b_mask_{i}.png": mask_bytes(i) for i in (1, 2)}
    )
    data = open_source(write_folder(tmp_path, files))
    whole = data["a"].load().mask
    assert np.array_equal(data["a"].load_instances(lambda mask: mask.astype(np.int32) * 7), whole * 7)
    assert data["b"].load_instances(lambda mask: mask.astype(np.int32) * 7).max() == 2


def test_fields_of_view_are_kept(tmp_path) -> None:
    files = pairs(["a", "b"]) | {"fov/a.png": mask_bytes(7)}
    data = open_source(write_folder(tmp_path, files))
    assert data["b"].fov is None
    assert data["a"].fov is not None
    assert data["a"].fov.read() == mask_bytes(7)


def test_single_image_without_masks(tmp_path) -> None:
    write_folder(tmp_path, {"polyp_lesion.png": image_bytes(1), "other.png": image_bytes(2)})
    data = open_source(tmp_path / "polyp_lesion.png", masks=False)
    assert data.keys() == ("polyp_lesion",)
    assert data.name == "polyp_lesion.png"
    assert data["polyp_lesion"].image.read() == image_bytes(1)


def test_problems_are_kept(tmp_path) -> None:
    files = pairs(["a"]) | {"images/lone.png": image_bytes()}
    problems = open_source(write_folder(tmp_path, files)).problems
    assert [(problem.kind, problem.files, str(problem)) for problem in problems] == [
        ("orphan-image", ("images/lone.png",), "images/lone.png: an image without mask")
    ]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "no pictures among its 0 files"),
        ({"a.txt": b"", "b.csv": b""}, "no pictures among its 2 files"),
        ({f"{i}.png": b"" for i in range(12)}, "only 12 images without any mask"),
        ({"x/a_mask.png": b"", "y/b_mask.png": b""}, "only 2 masks without any image"),
        ({"images/a.png": b"", "masks/b.png": b""}, "only 1 image and 1 mask, but no two that belong together"),
        ({"images/a.png": b"", "masks/a.png": b"", "labels/a.png": b""}, "several folders look like the masks"),
    ],
)
def test_nothing_usable_says_what_was_found(tmp_path, files, expected: str) -> None:
    with pytest.raises(DataError, match=expected) as caught:
        open_source(write_folder(tmp_path, files))
    assert caught.value.where == str(tmp_path)
    assert caught.value.fix


def test_folder_around_an_archive_is_told(tmp_path) -> None:
    write_zip(tmp_path / "data.zip", pairs(["a"]))
    with pytest.raises(DataError) as caught:
        open_source(tmp_path)
    assert "data.zip" in (caught.value.fix or "")


def test_missing_source(tmp_path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        open_source(tmp_path / "nowhere")
    with pytest.raises(DataError) as caught:
        open_source("kvasir-sge")
    assert "kvasir-seg" in (caught.value.fix or "")


def test_file_that_is_no_picture(tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match="it is no picture"):
        open_source(tmp_path / "notes.txt", masks=False)


def test_sizes_must_agree(tmp_path) -> None:
    write_folder(tmp_path, {"images/a.png": image_bytes(size=(8, 10)), "masks/a.png": mask_bytes(size=(10, 8))})
    with pytest.raises(DataError, match="the mask is 8x10 pixels, but its image 10x8") as caught:
        open_source(tmp_path)["a"].load()
    assert caught.value.where == str(tmp_path / "masks" / "a.png")


@pytest.mark.parametrize(("size", "turned"), [((10, 8), True), ((10, 9), False)])
def test_turned_images_are_told_by_their_sizes(tmp_path, size, turned: bool) -> None:
    write_folder(tmp_path, {"images/a.png": image_bytes(size=(8, 10)), "masks/a.png": mask_bytes(size=size)})
    with pytest.raises(DataError) as caught:
        open_source(tmp_path)["a"].load()
    assert ("EXIF" in (caught.value.fix or "")) is turned


def test_unreadable_pictures_are_named_with_their_archive(tmp_path) -> None:
    path = write_zip(tmp_path / "a.zip", pairs(["a"]) | {"images/a.png": b"no picture"})
    with pytest.raises(DataError) as caught:
        open_source(path)["a"].load()
    assert caught.value.where == f"{path}:images/a.png"


def test_file_that_vanished(tmp_path) -> None:
    data = open_source(write_folder(tmp_path, pairs(["a"])))
    (tmp_path / "images" / "a.png").unlink()
    with pytest.raises(DataError, match="cannot be read") as caught:
        data["a"].load()
    assert caught.value.where == str(tmp_path / "images" / "a.png")


def test_folders_that_may_not_be_read_are_not_passed_over(tmp_path, monkeypatch) -> None:
    write_folder(tmp_path, pairs(["a"]))
    monkeypatch.setattr(os, "scandir", _denied)
    with pytest.raises(DataError, match="the folder cannot be read"):
        open_source(tmp_path)


@pytest.fixture
def linked(tmp_path):
    """A data set whose folders are links to folders elsewhere."""
    write_folder(tmp_path / "store", pairs(["a", "b"]))
    place = tmp_path / "set"
    place.mkdir()
    try:
        (place / "images").symlink_to(tmp_path / "store" / "images", target_is_directory=True)
        (place / "masks").symlink_to(tmp_path / "store" / "masks", target_is_directory=True)
    except OSError:
        pytest.skip("the system lets nobody make links")
    return place


def test_links_to_folders_are_followed(linked) -> None:
    data = open_source(linked)
    assert data.keys() == ("a", "b")
    assert data["b"].image.read() == image_bytes(1)
    assert data["b"].image.name == "images/b.png"


def test_links_in_circles_end(linked) -> None:
    (linked / "around").symlink_to(linked, target_is_directory=True)
    (linked / "up").symlink_to(linked.parent, target_is_directory=True)
    (linked.parent / "store" / "down").symlink_to(linked, target_is_directory=True)
    assert open_source(linked).keys() == ("a", "b")


def test_a_folder_goes_by_its_own_name_before_a_links(tmp_path) -> None:
    write_folder(tmp_path, pairs(["a"]))
    (tmp_path / "alias").symlink_to(tmp_path / "images", target_is_directory=True)
    data = open_source(tmp_path)
    assert data["a"].image.name == "images/a.png"
    assert data.problems == ()


def _denied(path: str) -> None:
    raise PermissionError(13, "Permission denied", str(path))


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tgz"])
@pytest.mark.parametrize("content", [b"", b"not an archive at all" * 100])
def test_other_content_under_an_archives_name(tmp_path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_source(path)
    assert str(path) in (caught.value.where or "")


@pytest.mark.parametrize("suffix", [".tar.xz", ".tar.bz2", ".TXZ", ".7z", ".rar"])
def test_other_archives_name_those_that_are_read(tmp_path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"packed")
    for place in (path, tmp_path):
        with pytest.raises(DataError) as caught:
            open_source(place)
        assert ".zip, .tar, .tar.gz, .tgz" in (caught.value.fix or "")


@pytest.mark.parametrize(
    ("number", "fix"), [(errno.ENOSPC, "free some space"), (errno.EACCES, "permissions"), (errno.ENOENT, "still there")]
)
def test_what_the_system_refuses_is_not_blamed_on_the_archive(tmp_path, monkeypatch, number: int, fix: str) -> None:
    def refuse(*args) -> None:
        raise OSError(number, os.strerror(number))

    path = write_tar(tmp_path / "a.tar.gz", pairs(["a"]))
    monkeypatch.setattr(shutil, "copyfileobj", refuse)
    with pytest.raises(DataError, match=os.strerror(number)) as caught:
        open_source(path)
    assert fix in (caught.value.fix or "")
    assert "download" not in (caught.value.fix or "")


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
@pytest.mark.parametrize("length", [200, 600, 1024, 1100, 3413])
def test_archive_cut_short(tmp_path, suffix: str, length: int) -> None:
    path = (write_zip if suffix == ".zip" else write_tar)(tmp_path / f"a{suffix}", pairs(map(str, range(30))))
    assert path.stat().st_size > length
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match="archive cannot be read"):
        [item.load() for item in open_source(path)]


def test_damaged_member_is_named(tmp_path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as stored:
        for name, data in pairs(["a"]).items():
            stored.writestr(name, data)
    content = bytearray(path.read_bytes())
    content[content.find(b"IDAT") + 8] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match="CRC") as caught:
        open_source(path)["a"].load()
    assert caught.value.where == f"{path}:images/a.png"


def test_encrypted_archive_is_told(tmp_path) -> None:
    path = write_zip(tmp_path / "a.zip", pairs(["a"]))
    content = bytearray(path.read_bytes())
    start = -1
    while (start := content.find(b"PK\x01\x02", start + 1)) >= 0:
        content[start + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        open_source(path)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_hostile_names_are_only_names(tmp_path, kind: str) -> None:
    files = {"../../images/a.png": image_bytes(), "/etc/../masks/a.png": mask_bytes(), "C:\\images\\b.png": image_bytes(1)}
    inner = tmp_path / "one" / "two"
    inner.mkdir(parents=True)
    path = (write_zip if kind == "zip" else write_tar)(inner / f"a.{kind}", files | {"masks\\b.png": mask_bytes(1)})
    data = open_source(path, masks=False)
    assert {item.image.name for item in data} == {"images/a.png", "images/b.png", "etc/masks/a.png"}
    assert all(".." not in item.key and not item.key.startswith("/") for item in data)
    assert data["b"].image.read() == image_bytes(1)
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()] == [f"one/two/a.{kind}"]


def test_links_in_a_tar_are_not_followed(tmp_path) -> None:
    import tarfile

    path = write_tar(tmp_path / "a.tar", pairs(["a"]))
    with tarfile.open(path, "a") as tar:
        link = tarfile.TarInfo("images/b.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert open_source(path).keys() == ("a",)
    assert open_source(path).problems == ()


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_members_that_would_fill_the_memory_are_refused(tmp_path, monkeypatch, suffix: str) -> None:
    path = (write_zip if suffix == ".zip" else write_tar)(tmp_path / f"a{suffix}", pairs(["a"]))
    monkeypatch.setattr(archive, "LARGEST_MEMBER", 10)
    with pytest.raises(DataError, match="GiB when unpacked"):
        open_source(path)["a"].load()


def test_existing_path_goes_before_the_catalog(tmp_path, monkeypatch) -> None:
    write_folder(tmp_path / "kvasir-seg", pairs(["mine"]))
    monkeypatch.chdir(tmp_path)
    assert open_source("kvasir-seg").keys() == ("mine",)


def test_kvasir_as_it_comes(shared) -> None:
    data = open_source(shared / "data" / "kvasir-seg" / "kvasir-seg.zip")
    assert len(data) == 1000
    assert data.problems == ()
    for item in data:
        assert item.mask is not None
        assert [file.name for file in item.mask.files] == [item.image.name.replace("/images/", "/masks/")]
    assert data[data.keys()[0]].load().image.shape == (352, 352, 3)
    alone = open_source(data.place, masks=False)
    assert alone.keys() == data.keys()
    assert [str(problem).split(", since")[0] for problem in alone.problems] == ["masks/: 1000 files left out as masks"]


def test_clinicdb_as_it_comes(shared) -> None:
    data = open_source(shared / "data" / "cvc-clinicdb" / "CVC-ClinicDB.zip")
    assert len(data) == 503
    assert data.problems == ()
    assert 0 < data["432"].load().mask.mean() < 1


def test_drive_as_it_comes(shared) -> None:
    data = open_source(shared / "data" / "drive" / "DRIVE.zip")
    assert len(data) == 40
    assert all(item.fov is not None for item in data)
    item = data["21_training"]
    assert item.mask is not None
    assert [file.name for file in item.mask.files] == ["DRIVE/training/1st_manual/21_manual1.gif"]
    assert item.load().mask.shape == (584, 565)
    assert 0.05 < item.load().mask.mean() < 0.2


def test_a_json_file_of_no_known_kind_is_named(tmp_path):
    write_folder(tmp_path, {"images/a.png": image_bytes(), "export/min.json": b'[{"image": "a.png", "tag": "polyp"}]'})
    with pytest.raises(DataError, match="1 image without any mask") as error:
        open_source(tmp_path)
    assert error.value.fix.startswith("export/min.json is of no kind that is read as annotations, which are manifests")
