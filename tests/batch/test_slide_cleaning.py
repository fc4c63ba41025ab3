"""Post-processing by bands of rows leaves the very mask that it leaves of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.batch.masks import bands, comb, cut_masks, rings

from limner.batch.slide_cleaning import Cleaning
from limner.batch.waiting_rows import WaitingRows
from limner.imaging.mask_stream import Kept
from limner.runtime.postprocess import PostProcess, clean

CHOICES = {
    "opening": st.sampled_from([0, 0.4, 1, 1.5, 2, 3.3]),
    "max_hole": st.sampled_from([0, 0.5, 1, 4, 9, 30, 300, 5000]),
    "min_area": st.sampled_from([0, 0.5, 2, 7.5, 20, 150, 5000]),
    "largest_only": st.booleans(),
}


def cleaned(mask, cuts, chosen, scale, folder, most_bytes=None):
    probs = np.random.default_rng(0).random(mask.shape, np.float32)
    with WaitingRows(folder, most_bytes) as waiting:
        cleaning = Cleaning(chosen, scale, waiting)
        found = [rows for pair in zip(bands(probs, cuts), bands(mask, cuts), strict=True) for rows in cleaning.add(*pair)]
        found += cleaning.finish()
    assert np.array_equal(np.concatenate([rows for rows, _ in found]), probs)
    assert all(len(one) == len(other) for one, other in found)
    return np.concatenate([rows for _, rows in found])


@pytest.mark.parametrize("step", [*CHOICES, "all"])
def test_bands_are_cleaned_as_the_whole_mask(step, tmp_path):
    fields = CHOICES if step == "all" else {step: CHOICES[step]}

    @settings(max_examples=60, deadline=None)
    @given(cut=cut_masks(), chosen=st.builds(PostProcess, **fields), scale=st.sampled_from([1.0, 1.5, 0.5]))
    def check(cut, chosen, scale):
        mask, cuts = cut
        assert np.array_equal(cleaned(mask, cuts, chosen, scale, tmp_path), clean(mask, chosen, scale=scale))

    check()


def test_a_large_disc_opens_by_distances(tmp_path):
    mask = np.hypot(*np.ogrid[-70:70, -50:50]) < 60
    mask[::29, ::31] = False
    mask[100:, :20] = True
    for radius in (12, 25.5):
        chosen = PostProcess(opening=radius)
        found = cleaned(mask, [0, 3, 50, 51, 100, 140], chosen, 1.0, tmp_path)
        assert np.array_equal(found, clean(mask, chosen, scale=1.0)), radius


def test_of_equally_large_objects_the_first_stays_though_it_is_complete_later(tmp_path):
    mask = np.zeros((8, 12), bool)
    mask[1:5, 2] = mask[1, 5:9] = mask[3:7, 11] = True
    for cuts in ([0, 8], [0, 2, 8], list(range(9))):
        assert np.flatnonzero(cleaned(mask, cuts, PostProcess(largest_only=True), 1.0, tmp_path).any(0)).tolist() == [2]


def test_probabilities_that_do_not_fit_wait_in_a_file(tmp_path):
    mask = rings(40)
    for most in (0, 1000, 5000):
        found = cleaned(mask, list(range(0, 41, 4)), PostProcess(largest_only=True), 1.0, tmp_path, most)
        assert np.array_equal(found, clean(mask, PostProcess(largest_only=True), scale=1.0))
    assert not list(tmp_path.iterdir())


def test_rows_are_not_held_longer_than_it_takes_to_decide():
    step, mask = Kept(50), comb(60)
    given_, taken = 0, 0
    for top in range(0, 60, 4):
        given_ += 4
        taken += sum(len(rows) for rows in step.add(mask[top : top + 4]))
        assert given_ - taken <= 52  # teeth are a pixel wide: after fifty rows they are large enough
    assert taken > 0
