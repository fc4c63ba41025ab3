"""Parts of a recipe that are more than a list of values."""

import pytest

from limner.errors import RecipeError
from limner.recipe import Recipe, change_recipe, load_recipe, parse_recipe, save_recipe
from limner.recipe.schema import NETWORK_PRESETS, DataPart, EncoderUNetPart, SMPPart, UNetPart


@pytest.mark.parametrize(
    ("part", "widths"),
    [
        (UNetPart(), (64, 128, 256, 512, 1024)),  # the paper's
        (UNetPart(levels=2, base_filters=16), (16, 32, 64)),
        (UNetPart(levels=6, base_filters=4), (4, 8, 16, 32, 64, 128, 256)),
        (UNetPart(filters=(8, 16)), (8, 16)),
        (UNetPart(filters=(128, 256, 256, 512, 1024), levels=2), (128, 256, 256)),
        (UNetPart(filters=(128, 256, 256, 512, 1024), levels=4), (128, 256, 256, 512, 1024)),
    ],
)
def test_levels_and_filters_give_the_widths(part, widths):
    assert part.widths == widths


def test_levels_without_filters_for_them_are_refused():
    with pytest.raises(RecipeError, match="4 levels need 5 filters, and 2 are given"):
        load_recipe("phantom-unet", ["network.filters=[8, 16]", "levels=4"])


@pytest.mark.parametrize("setting", ["network=unet-2015", "network.name=unet-2015", "model=unet-2015"])
def test_a_preset_stands_for_a_network_and_its_settings(setting):
    network = load_recipe("polyp-best", [setting, "network.base_filters=8"]).network
    assert network == UNetPart(levels=4, base_filters=8, norm="none", padding="valid", dropout=0.5)


@pytest.mark.parametrize("name", NETWORK_PRESETS)
def test_a_preset_is_saved_as_what_it_stands_for(name, tmp_path):
    recipe = load_recipe("phantom-unet", [f"network={name}"])
    save_recipe(recipe, tmp_path / "recipe.yaml")
    assert recipe.network.name in {"unet", "encoder_unet"}
    assert load_recipe(tmp_path / "recipe.yaml") == recipe


def test_smp_is_named_with_its_architecture():
    assert load_recipe("polyp-best", ["network=smp:FPN"]).network == SMPPart(architecture="FPN")
    chosen = change_recipe(Recipe(name="any"), ["network=smp:FPN", "network.encoder_name=resnet18"])
    assert chosen.network == SMPPart(architecture="FPN", encoder_name="resnet18")


@pytest.mark.parametrize("text", ["dice", {"name": "dice"}])
def test_a_part_may_be_given_by_its_name_alone(text):
    recipe = parse_recipe({"name": "short", "loss": text, "network": "unet-resnet34"}, where="here")
    assert recipe.loss.name == "dice"
    assert recipe.network == EncoderUNetPart(encoder_name="resnet34")


def test_a_part_given_by_name_in_a_file_can_be_set_further(tmp_path):
    (tmp_path / "short.yaml").write_text("name: short\nloss: tversky\nschedule: poly\n")
    assert load_recipe(tmp_path / "short.yaml", ["loss.beta=0.8"]).loss.beta == 0.8


def test_a_whole_part_may_be_set_at_once():
    assert change_recipe(Recipe(name="any"), ["loss={name: tversky, beta: 0.6}"]).loss.beta == 0.6
    assert change_recipe(Recipe(name="any"), ["model={name: unet, filters: [4, 8]}"]).network == UNetPart(filters=(4, 8))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["data.mean=[1, 2, 3]"], "given together"),
        (["data.mean=[1, 2, 3]", "data.std=[1, 1, 1]"], "belong to normalisation=measured"),
        (["normalisation=measured", "data.mean=[1, 2, 3]", "data.std=[1, 0, 1]"], "greater than 0"),
        (["sampling=patches", "keep_aspect=true"], "keep_aspect belongs to"),
        (["normalisation=zscores"], "zscore"),
    ],
)
def test_what_does_not_fit_together_is_refused(settings, message):
    with pytest.raises(RecipeError, match=message):
        change_recipe(Recipe(name="any"), settings)


@pytest.mark.parametrize(("channels", "count"), [("rgb", 3), ("grey", 1), ("green", 1)])
def test_channels_decide_how_many_the_network_sees(channels, count):
    assert DataPart(channels=channels).in_channels == count


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["postprocess.min_area=64"], "min_area belongs to postprocess.choose=fixed, and here it is none"),
        (["postprocess.choose=tuned", "postprocess.split_touching=true"], "split_touching belongs to postprocess.choose=fixed"),
        (["postprocess.choose=fixed"], "choose=fixed needs something that is to be done"),
        (["postprocess.choose=fixed", "postprocess.opening=-1"], "greater than or equal to 0"),
    ],
)
def test_a_post_processing_that_contradicts_itself_is_refused(settings, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe("phantom-unet", settings)


def test_a_post_processing_comes_back_from_its_file(tmp_path):
    recipe = load_recipe("phantom-unet", ["postprocess.choose=fixed", "min_area=64", "largest_only=true"])
    save_recipe(recipe, tmp_path / "mine.yaml")
    assert load_recipe(tmp_path / "mine.yaml") == recipe
    assert (recipe.postprocess.min_area, recipe.postprocess.largest_only) == (64, True)
    assert load_recipe("polyp-best").postprocess.choose == "none"
    assert load_recipe("nuclei-best").postprocess.choose == "tuned"
