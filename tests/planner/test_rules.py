"""The rules: what follows from which numbers, and that the reasons name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.planner.fingerprints import LAPTOP, SERVER, fingerprint, nuclei, spread, survival, vessels

from limner.planner.machine import encoders_in
from limner.planner.plan import plan_for
from limner.planner.rules_data import choose_shares, choose_view
from limner.planner.rules_network import choose_encoder, choose_filters, choose_network, choose_normalisation, receptive_field
from limner.planner.rules_training import (
    choose_augmentation,
    choose_batch,
    choose_epochs,
    choose_loss,
    choose_optimiser,
    choose_postprocess,
    pieces,
    training_bytes,
)
from limner.recipe import Recipe, change_recipe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limner.planner import Reason


def values(reasons: Iterable[Reason]) -> dict[str, Any]:
    return {reason.key: reason.value for reason in reasons}


def why(reasons: Iterable[Reason], key: str) -> str:
    return next(reason.why for reason in reasons if reason.key == key)


def recipe(*settings: str) -> Recipe:
    return change_recipe(Recipe(name="test"), ["network.name=unet", *settings])


def test_large_objects_are_resized_to_the_smallest_size_worth_its_while():
    assert values(choose_view(fingerprint(), LAPTOP)) == {"data.sampling": "resize", "data.input_size": [256, 256]}
    assert values(choose_view(fingerprint(), SERVER))["data.input_size"] == [352, 352]
    assert "Dice 0.996" in why(choose_view(fingerprint(), LAPTOP), "data.input_size")


def test_the_size_grows_until_the_masks_survive():
    left = survival((256, 256, 0.93, 0.99, 1.0), (320, 320, 0.98, 0.90, 1.0), (384, 384, 0.98, 0.97, 0.9), (448, 448, 0.98, 0.97, 0.99))
    large = fingerprint(height=spread(900), width=spread(900), long_side=spread(900), survival=left)
    assert values(choose_view(large, LAPTOP))["data.input_size"] == [448, 448]


def test_thin_structures_that_only_nearly_the_full_size_keeps_are_seen_in_patches():
    for machine, side in ((LAPTOP, 256), (SERVER, 512)):
        chosen = choose_view(vessels(), machine)
        assert values(chosen) == {"data.sampling": "patches", "data.input_size": [side, side], "data.patch_foreground": 0.3}
        assert "centre lines" in why(chosen, "data.sampling")


def test_small_objects_in_images_of_many_sizes_are_seen_in_patches():
    chosen = choose_view(nuclei(), SERVER)
    assert values(chosen)["data.sampling"] == "patches"
    assert values(chosen)["data.input_size"] == [256, 256]  # no larger than the smaller images
    assert "2.7-fold" in why(chosen, "data.sampling")
    assert values(choose_view(nuclei(long_side=spread(256)), LAPTOP))["data.sampling"] == "resize"


def test_what_the_user_asks_for_goes_first():
    asked = choose_view(vessels(), LAPTOP, "resize")
    assert values(asked) == {"data.sampling": "resize", "data.input_size": [512, 480]}
    assert "data.sampling=patches would lose nothing" in why(asked, "data.input_size")
    assert values(choose_view(fingerprint(), LAPTOP, "patches"))["data.input_size"] == [256, 256]


def test_without_any_foreground_the_proportions_decide():
    bare = fingerprint(survival=(), height=spread(300), width=spread(600), long_side=spread(600))
    assert values(choose_view(bare, LAPTOP))["data.input_size"] == [128, 256]


@pytest.mark.parametrize(("changes", "expected"), [({"images": 500}, 0.1), ({"images": 30}, 0.2), ({"images": 500, "groups": 14}, 0.2)])
def test_few_images_or_groups_hold_out_more(changes, expected):
    assert values(choose_shares(fingerprint(**changes)))["data.test_fraction"] == expected


@pytest.mark.parametrize(
    ("images", "machine", "asked", "expected"),
    [
        (500, SERVER, (), "encoder_unet"),
        (500, LAPTOP, (), "unet"),
        (49, SERVER, (), "unet"),
        (49, LAPTOP, ("network.encoder_weights",), "encoder_unet"),
        (500, SERVER, ("network.filters",), "unet"),
    ],
)
def test_a_pretrained_encoder_needs_weights_and_images(images, machine, asked, expected):
    assert values(choose_network(fingerprint(images=images), machine, asked)) == {"network.name": expected}


def test_the_encoder_is_one_whose_weights_are_there():
    for machine, at_hand, name in [
        (LAPTOP, ("resnet50", "resnet34"), "resnet34"),
        (SERVER, ("resnet34", "resnet50"), "resnet50"),
        (LAPTOP, ("tf_efficientnet_lite0", "mobilenetv2_100"), "mobilenetv2_100"),
        (LAPTOP, (), "resnet34"),
    ]:
        assert values(choose_encoder(machine, at_hand))["network.encoder_name"] == name


def test_weights_in_a_folder_choose_their_encoder(tmp_path):
    for name in ("resnet50.raw01.fp16.safetensors", "tf_efficientnet_lite0.safetensors", "README.md"):
        (tmp_path / name).touch()
    assert encoders_in(str(tmp_path)) == ("resnet50", "tf_efficientnet_lite0")
    assert encoders_in("imagenet") == encoders_in("none") == ()
    plan = plan_for(fingerprint(images=500), LAPTOP, settings=[f"network.encoder_weights={tmp_path}"])
    assert plan.recipe.network.encoder_name == "resnet50"
    assert plan.recipe.network.encoder_weights == str(tmp_path)


def test_levels_reach_over_the_objects():
    assert [receptive_field(poolings) for poolings in (3, 4, 5)] == [68, 140, 284]
    small = choose_filters(nuclei(), LAPTOP, (256, 256), patches=True)
    assert values(small)["network.filters"] == [16, 32, 64, 128]
    large = choose_filters(fingerprint(), SERVER, (352, 352), patches=False)
    assert values(large)["network.filters"] == [32, 64, 128, 256, 512, 512]
    resized = choose_filters(fingerprint(), LAPTOP, (96, 96), patches=False)  # objects of 220 px are 60 px then
    assert values(resized)["network.filters"] == [16, 32, 64, 128, 256]


def test_the_range_of_grey_levels_is_brought_near_to_the_usual():
    assert values(choose_normalisation(fingerprint(), "unet")) == {"data.normalisation": "imagenet"}
    assert values(choose_normalisation(nuclei(), "unet")) == {"data.normalisation": "half"}
    assert values(choose_normalisation(nuclei(), "encoder_unet")) == {"data.normalisation": "imagenet"}


def test_the_loss_follows_the_share_of_foreground():
    assert values(choose_loss(fingerprint())) == {"loss.name": "dice_bce"}
    assert "12 %" in why(choose_loss(fingerprint()), "loss.name")
    assert values(choose_loss(fingerprint(foreground=spread(0.2, 0.4, 0.6)))) == {"loss.name": "bce"}
    assert values(choose_loss(fingerprint(empty=0.5)))["loss.bce_weight"] == 2.0


def test_augmentation_follows_what_the_images_share():
    free = values(choose_augmentation(nuclei()))
    assert (free["augmentation.vertical_flip"], free["augmentation.rotate"], free["augmentation.saturation"]) == (0.5, 180.0, 0.4)
    assert free["augmentation.brightness"] == 0.09  # their mean is 47 of 255: twice as much would leave a black image
    upright = values(choose_augmentation(fingerprint(upside_down=0.1)))
    assert (upright["augmentation.vertical_flip"], upright["augmentation.rotate"]) == (0.0, 15.0)
    assert values(choose_augmentation(fingerprint(grey=1.0)))["augmentation.saturation"] == 0.0
    assert values(choose_augmentation(vessels()))["augmentation.zoom"] == 0.15


def test_the_batch_is_what_memory_and_images_allow():
    def batch(machine, *settings, **changes):
        return values(choose_batch(fingerprint(**changes), machine, recipe("network.filters=[64, 128, 256, 512]", *settings)))["batch_size"]

    assert batch(LAPTOP, "data.input_size=256") == 8
    assert batch(SERVER, "data.input_size=256") == 16
    assert batch(LAPTOP, "data.input_size=512") == 4  # 1.6 GiB each, of 8
    assert batch(LAPTOP.model_copy(update={"memory_gib": 2.0}), "data.input_size=512") == 2
    assert batch(LAPTOP, "data.input_size=64", images=20) == 4


def test_memory_grows_with_pixels_and_channels():
    small, large = recipe("network.filters=[16, 32]", "data.input_size=64"), recipe("network.filters=[32, 64]", "data.input_size=128")
    assert training_bytes(large) == 8 * training_bytes(small)
    assert training_bytes(Recipe(name="resnet")) == 3500 * 256 * 256


def test_patches_count_as_many_times_as_they_cover_an_image():
    patches = recipe("data.sampling=patches", "data.input_size=256")
    assert pieces(vessels(images=100), patches) == pytest.approx(80 * 9)
    assert pieces(vessels(images=100), recipe()) == pytest.approx(80)


def test_epochs_make_about_the_usual_number_of_steps():
    chosen = choose_epochs(fingerprint(images=1000), LAPTOP, recipe("batch_size=8"), None)
    assert values(chosen) == {"epochs": 20}
    assert "budget" not in why(chosen, "epochs")
    assert values(choose_epochs(fingerprint(images=10), SERVER, recipe("batch_size=4"), None)) == {"epochs": 300}
    assert "10 min 0 s" in why(choose_epochs(fingerprint(), LAPTOP, recipe(), 600), "epochs")


def test_optimisers_are_those_that_are_known_to_work():
    assert values(choose_optimiser("encoder_unet", 16))["optimiser.name"] == "adam"
    assert [values(choose_optimiser("unet", batch))["optimiser.learning_rate"] for batch in (2, 4, 8, 16)] == [0.002, 0.002, 0.003, 0.003]


def test_masks_of_many_objects_are_cleaned_as_validation_shows():
    assert values(choose_postprocess(nuclei())) == {"postprocess.choose": "tuned"}
    assert f"about {nuclei().objects.middle:.0f} objects" in why(choose_postprocess(nuclei()), "postprocess.choose")
    assert choose_postprocess(fingerprint(objects=spread(1))) == choose_postprocess(vessels()) == []
    assert plan_for(nuclei(), LAPTOP).recipe.postprocess.choose == "tuned"
    assert plan_for(nuclei(), LAPTOP, settings=["postprocess.choose=none"]).recipe.postprocess.choose == "none"
