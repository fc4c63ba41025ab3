import pytest

from limner.errors import RecipeError
from limner.recipe import Recipe, load_recipe, recipe_names, save_recipe


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_is_valid_and_says_what_it_is(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description
    assert recipe.source


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_and_its_file_are_the_same(name, tmp_path):
    recipe = load_recipe(name, ["epochs=7", "data.input_size=[64, 96]"])
    save_recipe(recipe, tmp_path / "recipe.yaml")
    assert load_recipe(tmp_path / "recipe.yaml") == recipe


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epoch=3", "unknown key 'epoch' .did you mean 'epochs'"),
        ("network.encoder=resnet34", "did you mean 'encoder_name'"),
        ("data.size=3", "unknown key 'data.size'"),
        ("network.name=unett", "'unet'"),
        ("epochs=0", "'epochs': input should be greater than or equal to 1"),
        ("epochs=many", "'epochs'"),
        ("data.input_size=[8, 64]", "between 16 and 4096"),
        ("epochs", "must read key=value"),
        ("=3", "must read key=value"),
        ("epochs.deep=3", "'epochs' is a value"),
        ("network.decoder_channels=[256,128", "is not YAML"),
        ("description=a: b", "'description'"),
        ("description=2026-02-31", "is not YAML"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_right(setting, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe("polyp-unet-resnet50", [setting])


@pytest.mark.parametrize("text", ["2e-3", "2E-3", "0.002", "2.0e-3"])
def test_numbers_are_read_as_people_write_them(text):
    assert load_recipe("phantom-unet", [f"optimiser.learning_rate={text}"]).optimiser.learning_rate == 0.002


def test_a_colour_is_no_comment():
    assert load_recipe("phantom-unet", ["data.foreground=#ff0000"]).data.foreground == "#ff0000"


def test_another_network_brings_its_own_settings_in_any_order():
    recipe = load_recipe("polyp-unet-resnet50", ["network.filters=[4, 8]", "network.name=unet"])
    assert recipe.network.filters == (4, 8)


def test_another_optimiser_keeps_the_settings_it_shares():
    before = load_recipe("polyp-unet-resnet50").optimiser
    after = load_recipe("polyp-unet-resnet50", ["optimiser.name=adamw"]).optimiser
    assert after == before.model_copy(update={"name": "adamw"})


def test_naming_the_part_that_is_there_changes_nothing():
    assert load_recipe("polyp-unet-resnet50", ["network.name=encoder_unet"]) == load_recipe("polyp-unet-resnet50")


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(RecipeError, match="did you mean 'phantom-unet'"):
        load_recipe("phantom_unet")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such recipe file"),
        (b"a: [", "not YAML"),
        (b"- a", "not a YAML mapping"),
        ("name: x".encode("utf-16"), "is not"),
        (b"", "not a YAML"),
        (b"name: x\n1: unet", "not a YAML mapping"),
        (b"name: x\nno: dice", "not a YAML mapping"),
        (b"name: 2026-02-31", "not YAML"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path, content, message):
    path = tmp_path / "recipe.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecipeError, match=message):
        load_recipe(path)


def test_a_recipe_cannot_be_changed():
    recipe = Recipe(name="x")
    with pytest.raises(ValueError, match="frozen"):
        recipe.epochs = 3
