"""Whatever the names and the layout, a pair is right or it is a listed problem."""

from __future__ import annotations

import random
import string
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from limner.data.names import identity, role_of
from limner.data.pairing import image_names, pair_names

if TYPE_CHECKING:
    from collections.abc import Callable

stems = st.text(alphabet=string.ascii_lowercase + string.digits + "_-. ", min_size=1, max_size=8).filter(
    lambda stem: stem == stem.strip(" ._-") and identity(stem) == stem.casefold() and role_of(stem) is None
)
keys = st.lists(stems, min_size=1, max_size=12, unique=True)
suffixes = st.sampled_from([".png", ".jpg", ".JPG", ".tif", ".bmp"])
folders = st.sampled_from(
    [("images", "masks"), ("img", "labels"), ("Original", "Ground Truth"), ("image", "GT"), ("train_images", "train_masks"), ("", "mask")]
)
wrappers = st.sampled_from(["", "Kvasir-SEG/", "a/b/", "masks of polyps/"])
affixes = st.sampled_from(["_mask", "-mask", "_segmentation", "_lesion", "_gt", "_label", "_seg", ".seg"])


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


@given(keys=keys, layout=layouts(), seed=st.integers(0, 2**16))
def test_every_pair_is_found_and_right(keys, layout, seed) -> None:
    names = [name for key in keys for name in layout(key)]
    random.Random(seed).shuffle(names)
    pairing = pair_names(names)
    assert {(pair.image, pair.mask) for pair in pairing.pairs} == {layout(key) for key in keys}
    assert pairing.problems == ()
    assert [pair.key for pair in pairing.pairs] == sorted(keys)


@given(keys=keys, layout=layouts(), dropped=st.sets(st.integers(0, 23)))
def test_with_files_missing_pairs_are_right_and_the_rest_is_listed(keys, layout, dropped) -> None:
    names = [name for key in keys for name in layout(key)]
    kept = [name for i, name in enumerate(names) if i not in dropped]
    pairing = pair_names(kept)
    whole = {layout(key) for key in keys if set(layout(key)) <= set(kept)}
    assert {(pair.image, pair.mask) for pair in pairing.pairs} == whole
    paired = {name for pair in whole for name in pair}
    assert sorted(problem.split(": ")[0] for problem in pairing.problems) == sorted(set(kept) - paired)


parts = st.sampled_from(["images", "masks", "labels", "train", "test", "Kvasir-SEG", "1", "GT", "train_images", "a_mask", "seg"])
bases = st.sampled_from(["a", "b", "a_mask", "a_seg", "mask", "image", "img_a", "1", "10", "A"])
wild_names = st.builds(lambda folders, stem, suffix: "/".join([*folders, stem]) + suffix, st.lists(parts, max_size=3), bases, suffixes)
wild = st.lists(wild_names, max_size=14, unique=True)


@given(names=wild)
def test_in_any_mess_nothing_is_used_twice_or_lost(names) -> None:
    pairing = pair_names(names)
    used = [name for pair in pairing.pairs for name in (pair.image, pair.mask)]
    assert len(set(used)) == len(used)
    assert len({pair.key for pair in pairing.pairs}) == len(pairing.pairs)
    for pair in pairing.pairs:
        assert identity(_stem(pair.image)) == identity(_stem(pair.mask or "")) or role_of(_stem(pair.image))
    if len(used) < len(names):
        assert pairing.problems
    assert pairing == pair_names(reversed(names))


@given(names=wild)
def test_images_alone_have_keys_of_their_own(names) -> None:
    found = image_names(names).pairs
    assert len({pair.key for pair in found}) == len({pair.image for pair in found}) == len(found)
    assert bool(found) == bool(names)


def _stem(name: str) -> str:
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
