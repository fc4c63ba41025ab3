"""Recipes: validated configuration, one object <-> one YAML file."""

from limner.recipe.io import change_recipe, data_settings, full_key, load_recipe, parse_recipe, recipe_names, save_recipe
from limner.recipe.schema import Recipe

__all__ = ["Recipe", "change_recipe", "data_settings", "full_key", "load_recipe", "parse_recipe", "recipe_names", "save_recipe"]
