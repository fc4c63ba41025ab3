"""Whatever the names and the layout, a pair is right or it is a listed problem."""

from __future__ import annotations

import random
import string
from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from limner.data.affixes import identity, split_number, without_fov_suffix, without_split_word
from limner.data.names import role_of
from limner.data.observers import observer_of, split_observer
from limner.data.pairing import Pairing, image_names, pair_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def _is_plain(stem: str) -> bool:
    """Whether a stem has nothing that could be an affix, or a number that could be that of a part."""
    kept = {stem.strip(" ._-"), without_split_word(stem), without_fov_suffix(stem), split_observer(stem)[0], split_number(stem)[0]}
    bare = role_of(stem) or observer_of(stem) or observer_of(f"{stem}_manual")
    return kept == {stem} and identity(stem) == stem.casefold() and not bare


stems = st.text(alphabet=string.ascii_lowercase + string.digits + "_-. ", min_size=1, max_size=8).filter(_is_plain)
keys = st.lists(stems, min_size=1, max_size=12, unique=True)
suffixes = st.sampled_from([".png", ".jpg", ".JPG", ".tif", ".bmp", ".dcm"])
folders = st.sampled_from(
    [("images", "masks"), ("img", "labels"), ("Original", "Ground Truth"), ("image", "GT"), ("train_images", "train_masks"), ("", "mask")]
)
wrappers = st.sampled_from(["", "Kvasir-SEG/", "a/b/", "masks of polyps/"])
affixes = st.sampled_from(
    ["_mask", "-mask", "_segmentation", "_lesion", "_gt", "_label", "_seg", ".seg", "_manual", "_1stHO", ".ah", "_manual1"]
)


@st.composite
def layouts(draw: st.DrawFn) -> Callable[[str], tuple[str, str]]:
    """A function from a key to the names of its image and mask."""
    wrapper, image_suffix, mask_suffix = draw(wrappers), draw(suffixes), draw(suffixes)
    if draw(st.booleans()):
        affix = draw(affixes)
        return lambda key: (f"{wrapper}{key}{image_suffix}", f"{wrapper}{key}{affix}{mask_suffix}")
    image_folder, mask_folder = draw(folders)
    affix = draw(st.sampled_from(["", "_mask"]))
    place = f"{wrapper}{image_folder}/" if image_folder else wrapper
    return lambda key: (f"{place}{key}{image_suffix}", f"{wrapper}{mask_folder}/{key}{affix}{mask_suffix}")


def mixed(names: Iterable[str], seed: int) -> list[str]:
    """The names as another system would list them."""
    shuffled = list(names)
    random.Random(seed).shuffle(shuffled)
    return shuffled


def used(pairing: Pairing) -> list[str]:
    """All names in pairs."""
    return [name for pair in pairing.pairs for name in (pair.image, *pair.masks, pair.fov) if name]


def told(pairing: Pairing, names: Iterable[str]) -> list[str]:
    """All names in problems, as often as they are there; a folder stands for all in it. Likely copies are in pairs, too."""
    left = [problem for problem in pairing.problems if problem.kind != "copied-folder"]
    return [
        name
        for problem in left
        for named in problem.files
        for name in names
        if name == named or (named.endswith("/") and name.startswith(named))
    ]


def check(names: list[str], pairing: Pairing) -> None:
    """Each picture is in exactly one pair or problem, once; no key is there twice."""
    assert Counter(used(pairing) + told(pairing, names)) == Counter(names)
    assert len({pair.key for pair in pairing.pairs}) == len(pairing.pairs)
    assert all(pair.masks for pair in pairing.pairs)
    for problem in pairing.problems:
        assert list(problem.files) == sorted(set(problem.files))
        assert problem.text


@given(keys=keys, layout=layouts(), seed=st.integers(0, 2**16))
def test_every_pair_is_found_and_right(keys, layout, seed) -> None:
    names = [name for key in keys for name in layout(key)]
    pairing = pair_names(mixed(names, seed))
    assert {(pair.image, *pair.masks) for pair in pairing.pairs} == {layout(key) for key in keys}
    assert pairing.problems == ()
    assert [pair.key for pair in pairing.pairs] == sorted(keys)


@given(keys=keys, layout=layouts(), dropped=st.sets(st.integers(0, 23)))
def test_with_files_missing_pairs_are_right_and_the_rest_is_listed(keys, layout, dropped) -> None:
    names = [name for key in keys for name in layout(key)]
    kept = [name for i, name in enumerate(names) if i not in dropped]
    pairing = pair_names(kept)
    whole = {layout(key) for key in keys if set(layout(key)) <= set(kept)}
    assert {(pair.image, *pair.masks) for pair in pairing.pairs} == whole
    paired = {name for pair in whole for name in pair}
    assert sorted(name for problem in pairing.problems for name in problem.files) == sorted(set(kept) - paired)
    assert all(problem.kind in ("orphan-image", "orphan-mask") for problem in pairing.problems)


observed = st.sampled_from(
    [
        ("images/{}.jpg", "1st_manual/{}.png", "2nd_manual/{}.png"),
        ("images/{}_training.tif", "1st_manual/{}_manual1.gif", "2nd_manual/{}_manual2.gif"),
        ("{}.jpg", "{}_1stHO.png", "{}_2ndHO.png"),
        ("{}.ppm", "{}.ah.ppm", "{}.vk.ppm"),
        ("images/{}.png", "masks/rater1/{}.png", "masks/rater2/{}.png"),
        ("images/{}.png", "expert_1/{}.png", "expert_2/{}.png"),
        ("img/{}.png", "gt/{}_annotator_1.png", "gt/{}_annotator_2.png"),
    ]
)
fields = st.sampled_from(["mask/{}_mask.gif", "fov/{}.png", "FOV_masks/{}.png", "roi/{}.png"])


@given(keys=keys, layout=observed, fov=fields, observer=st.sampled_from([1, 2]), seed=st.integers(0, 2**16))
def test_observers_and_fields_of_view_are_told_apart(keys, layout, fov, observer, seed) -> None:
    of_key = {key: [name.format(key) for name in (*layout, fov)] for key in keys}
    with_fov = "/" in layout[0] and (layout[1].startswith("1st_manual/") or not fov.startswith("mask/"))
    of_key = of_key if with_fov else {key: [*files[:3], ""] for key, files in of_key.items()}
    names = [name for files in of_key.values() for name in files if name]
    pairing = pair_names(mixed(names, seed), observer=observer)
    expected = {(files[0], (files[observer],), files[3] or None) for files in of_key.values()}
    assert {(pair.image, pair.masks, pair.fov) for pair in pairing.pairs} == expected
    assert [problem.files for problem in pairing.problems] == [tuple(sorted(files[3 - observer] for files in of_key.values()))]
    check(names, pairing)


many = st.sampled_from(
    [
        "{key}/images/{key}.png {key}/masks/nucleus no{part}.png",
        "{key}.png {key}_mask_{part}.png",
        "images/{key}.png masks/{key}_{part}.png",
    ]
)


@given(
    parts=st.dictionaries(stems, st.sets(st.integers(0, 99), min_size=2, max_size=5), min_size=1, max_size=8),
    layout=many,
    seed=st.integers(0, 2**16),
)
def test_parts_of_masks_stay_with_their_image(parts, layout, seed) -> None:
    image, mask = layout.split(" ", 1)
    masks = {image.format(key=key): {mask.format(key=key, part=part) for part in numbers} for key, numbers in parts.items()}
    names = [name for image, held in masks.items() for name in (image, *held)]
    pairing = pair_names(mixed(names, seed))
    assert {pair.image: set(pair.masks) for pair in pairing.pairs} == masks
    assert [pair.key for pair in pairing.pairs] == sorted(parts)
    assert pairing.problems == ()


parts = st.one_of(
    st.sampled_from(["images", "masks", "labels", "train", "test", "Kvasir-SEG", "1", "GT", "train_images", "a_mask", "seg", "a"]),
    st.sampled_from(
        ["mask", "1st_manual", "2nd_manual", "observer1", "expert2", "fov", "roi", "JPEGImages", "SegmentationClass", "SegmentationObject"]
    ),
)
bases = st.one_of(
    st.sampled_from(["a", "b", "a_mask", "a_seg", "mask", "image", "img_a", "1", "10", "A", "fov", "mask_1", "expert_1"]),
    st.sampled_from(["a_1", "a_2", "a_mask_1", "a_mask_2", "a_fov", "a_1stHO", "a_2ndHO", "a_manual1", "a_training", "a_rater_2"]),
)
wild_names = st.builds(lambda folders, stem, suffix: "/".join([*folders, stem]) + suffix, st.lists(parts, max_size=3), bases, suffixes)
wild = st.lists(wild_names, max_size=16, unique=True)
tame_names = st.builds(
    lambda folder, stem, suffix: f"{folder}{stem}{suffix}",
    st.sampled_from(["", "images/", "masks/", "fov/", "1st_manual/", "2nd_manual/", "mask/", "a/images/", "a/masks/"]),
    bases,
    st.sampled_from([".png", ".jpg"]),
)


@given(names=st.one_of(wild, st.lists(tame_names, max_size=16, unique=True)), seed=st.integers(0, 2**16))
def test_in_any_mess_each_picture_is_in_one_pair_or_one_problem(names, seed) -> None:
    pairing = pair_names(names)
    check(names, pairing)
    assert pairing == pair_names(mixed(names, seed))
    assert pairing.images + pairing.masks <= len(names)


@given(names=wild)
def test_in_any_mess_pairs_share_a_name_or_a_folder(names) -> None:
    for pair in pair_names(names).pairs:
        place = pair.image.split("/")[:-1]
        for mask in pair.masks:
            same_name = _bare(pair.image) == _bare(mask) or role_of(_stem(pair.image)) or role_of(_stem(mask))
            assert same_name or set(place) & set(mask.split("/")[:-1]) or _stem(pair.image) in place


@given(names=wild)
def test_images_alone_have_keys_of_their_own(names) -> None:
    pairing = image_names(names)
    found = pairing.pairs
    assert len({pair.key for pair in found}) == len({pair.image for pair in found}) == len(found)
    assert bool(found) == bool(names)
    assert Counter(used(pairing) + told(pairing, names)) == Counter(names)
    assert all(pair.masks == () and pair.fov is None for pair in found)


def _stem(name: str) -> str:
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _bare(name: str) -> str:
    """A stem without anything that an affix could be."""
    stem = identity(split_observer(identity(without_fov_suffix(_stem(name))))[0])
    return without_split_word(split_number(stem)[0])
