import pytest
import torch

from limner.training.augment import augment, augment_fully
from limner.training.augment.draws import KINDS, Draws, change_some
from limner.training.loader import generator

GEOMETRY = {"rotate": 45, "zoom": 0.3, "shift": 0.1, "shear": 15, "warp": 0.2, "elastic": 0.05}
# Strengths that change every pixel's value or place somewhere, for the tests of one kind at a time.
STRENGTHS = {
    "horizontal_flip": 1.0,
    "vertical_flip": 1.0,
    **GEOMETRY,
    "brightness": 0.2,
    "contrast": 0.5,
    "saturation": 0.5,
    "hue": 60,
    "gamma": 0.5,
    "blur": 2.0,
    "noise": 0.1,
    "jpeg": 80,
    "dropout": 0.3,
    "cutmix": 1.0,
}


def test_nothing_gives_back_the_very_tensors(textures, only):
    for part in (only(), only(probability=0.0, rotate=30, blur=2.0, jpeg=60, dropout=0.3, noise=0.1, gamma=1.0, hue=90)):
        images, masks = augment(*textures, part, generator(0))
        assert images is textures[0]
        assert masks is textures[1]


def test_every_kind_is_in_these_tests():
    assert tuple(STRENGTHS) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_changes_something_and_the_given_tensors_are_not_written_to(kind, textures, only):
    before = [tensor.clone() for tensor in textures]
    images, masks = augment(*textures, only(**{kind: STRENGTHS[kind]}), generator(0))
    assert not torch.equal(images, textures[0])
    assert torch.equal(textures[0], before[0])
    assert torch.equal(textures[1], before[1])
    moves = kind in {*GEOMETRY, "horizontal_flip", "vertical_flip", "cutmix"}
    assert torch.equal(masks, textures[1]) != moves


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"cutmix", "horizontal_flip", "vertical_flip"}])
def test_two_equal_images_are_changed_differently(kind, textures, only):
    images, masks = (tensor[:1].repeat(2, 1, 1, 1) for tensor in textures)
    first, second = augment(images, masks, only(**{kind: STRENGTHS[kind]}), generator(1))[0]
    assert not torch.equal(first, second)


@pytest.mark.parametrize("kind", KINDS)
def test_images_that_do_not_draw_a_change_stay_bit_for_bit(kind, textures, only):
    images = textures[0].repeat(8, 1, 1, 1)
    masks = textures[1].repeat(8, 1, 1, 1)
    chance = {kind: 0.5} if STRENGTHS[kind] == 1.0 else {kind: STRENGTHS[kind], "probability": 0.5}
    changed, _ = augment(images, masks, only(**chance), generator(2))
    same = (changed == images).flatten(1).all(1)
    assert 5 <= same.sum() <= 27  # of 32; outside that a fair coin falls once in 100 000


def test_values_shapes_and_layout_stay_what_they_are(textures, everything):
    for layout in (torch.contiguous_format, torch.channels_last):
        given = textures[0].contiguous(memory_format=layout)
        for seed in range(5):
            images, masks = augment(given, textures[1], everything, generator(seed))
            assert images.shape == given.shape
            assert images.dtype == torch.float32
            assert images.stride() == given.stride()
            assert images.min() >= 0
            assert images.max() <= 255
            assert set(masks.unique().tolist()) == {0.0, 1.0}


def test_layout_of_the_input_makes_no_difference(textures, everything):
    images, masks = augment(*textures, everything, generator(3))
    others, other_masks = augment(textures[0].contiguous(memory_format=torch.channels_last), textures[1], everything, generator(3))
    torch.testing.assert_close(others, images, atol=0.01, rtol=0)
    assert torch.equal(other_masks, masks)


def test_the_same_seed_gives_the_same_and_another_does_not(textures, everything):
    first = augment(*textures, everything, generator(0, 1, 2))
    again = augment(*textures, everything, generator(0, 1, 2))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], augment(*textures, everything, generator(0, 2, 1))[0])


def test_the_generator_is_advanced_alike_whatever_is_on(textures, everything, only):
    states = []
    for part in (everything, only(rotate=30), only()):
        random = generator(0)
        augment(*textures, part, random)
        states.append(random.get_state())
    assert all(torch.equal(states[0], state) for state in states)


def test_a_kind_does_not_depend_on_which_others_are_on(textures, only):
    alone = augment(*textures, only(**GEOMETRY), generator(4))[1]
    rest = {kind: value for kind, value in STRENGTHS.items() if kind not in {*GEOMETRY, "horizontal_flip", "vertical_flip", "cutmix"}}
    assert torch.equal(augment(*textures, only(**GEOMETRY, **rest), generator(4))[1], alone)
    covered = augment(*textures, only(dropout=0.4), generator(4))[0] == 127.5
    among_others = augment(*textures, only(dropout=0.4, brightness=0.2, rotate=30), generator(4))[0] == 127.5
    assert torch.equal(covered, among_others)


def test_autocast_does_not_round_places_and_colours(textures, everything):
    expected = augment(*textures, everything, generator(0))
    with torch.autocast("cpu", torch.bfloat16):
        images, masks = augment(*textures, everything, generator(0))
    assert images.dtype == torch.float32
    assert torch.equal(images, expected[0])
    assert torch.equal(masks, expected[1])


def test_fully_goes_to_the_limit_whatever_the_chances(only):
    grey = torch.full((6, 3, 16, 16), 100.0)
    brighter = augment_fully(grey, grey[:, :1], only(brightness=0.2, probability=0.1), generator(0))[0].mean((1, 2, 3))
    assert sorted(set(brighter.round().tolist())) == [49.0, 151.0]
    ramp = torch.arange(16.0).expand(6, 3, 16, 16)
    flipped, _ = augment_fully(ramp, ramp[:, :1], only(horizontal_flip=0.01), generator(0))
    assert torch.equal(flipped, ramp.flip(3))


def test_a_batch_of_one_goes_through(textures, everything):
    images, masks = augment(textures[0][:1], textures[1][:1], everything, generator(0))
    assert images.shape == (1, 3, 40, 56)
    assert masks.shape == (1, 1, 40, 56)


def test_only_what_is_chosen_is_given_to_the_change():
    images = torch.arange(4.0).view(4, 1, 1, 1)
    changed = change_some(
        images, torch.tensor([False, True, False, True]), lambda some, by: some + by.view(-1, 1, 1, 1), images[:, 0, 0, 0]
    )
    assert changed.flatten().tolist() == [0, 2, 2, 6]


def test_draws_keep_their_limits():
    draws = Draws(1000, generator(0))
    factors = draws.factor("zoom", 0.25)
    assert 0.8 <= factors.min() < 0.81
    assert 1.24 < factors.max() <= 1.25
    assert 0.45 < (factors < 1).float().mean() < 0.55
    assert draws.upto("blur", 2.0).min() >= 0
    assert -3 <= draws.either_way("hue", 3.0).min() < -2.9
    assert abs(float(draws.happens("noise", 0.3).float().mean()) - 0.3) < 0.05
