"""Encoders from timm, with pretrained weights by name (timm fetches them) or from a local file or folder, also without a net."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import timm
from safetensors import SafetensorError, safe_open

from limner.errors import DataError, RecipeError, nearest

if TYPE_CHECKING:
    from torch import nn

    from limner.recipe.schema import EncoderUNetPart


def build_encoder(part: EncoderUNetPart, *, pretrained: bool = True) -> nn.Module:
    """The encoder as a network from (N, C, H, W) to a list of feature maps, finest first.

    `feature_info.channels()` and `feature_info.reduction()` of the result describe the maps. A first layer for other than three
    channels is made from the pretrained one by timm.

    Raises:
        RecipeError: timm has no such model, or it cannot return feature maps.
        DataError: The weights cannot be had, or are another network's.
    """
    if not timm.is_model(part.encoder_name):
        raise RecipeError(
            f"timm has no encoder named '{part.encoder_name}'",
            where="network.encoder_name",
            fix=nearest(part.encoder_name, timm.list_models()),
        )
    if not pretrained or part.encoder_weights == "none":
        return _create(part)
    if part.encoder_weights == "imagenet":
        return _from_timm(part)
    return _from_file(part, _weights_file(part))


def _create(part: EncoderUNetPart, **options: Any) -> nn.Module:  # noqa: ANN401 - timm's options
    try:
        return timm.create_model(part.encoder_name, features_only=True, in_chans=part.in_channels, **options)
    except (RuntimeError, AttributeError, AssertionError) as error:
        raise RecipeError(
            f"the encoder '{part.encoder_name}' cannot be used for feature maps: {error}",
            where="network.encoder_name",
            fix="choose another encoder",
        ) from None


def _from_timm(part: EncoderUNetPart) -> nn.Module:
    _create(part)  # what is wrong with the encoder itself is told apart from a net that is down
    if not timm.is_model_pretrained(part.encoder_name):
        raise RecipeError(
            f"timm has no ImageNet weights of '{part.encoder_name}'",
            where="network.encoder_weights",
            fix="choose another encoder, give a file of weights, or set it to none",
        )
    try:
        return timm.create_model(part.encoder_name, features_only=True, in_chans=part.in_channels, pretrained=True)
    except Exception as error:  # timm and its hub raise many kinds, all of which mean the same here
        raise DataError(
            f"the ImageNet weights of '{part.encoder_name}' could not be fetched ({type(error).__name__})",
            where="network.encoder_weights",
            fix="connect to the net, or give a local file: --set network.encoder_weights=FILE.safetensors (or =none to start from nothing)",
        ) from error


def _from_file(part: EncoderUNetPart, path: Path) -> nn.Module:
    present = _shapes(path)
    wanted = _create(part.model_copy(update={"in_channels": 3})).state_dict()  # timm adapts the first layer afterwards
    wrong = [key for key, value in wanted.items() if present.get(key) != list(value.shape) and not key.endswith("num_batches_tracked")]
    if wrong:
        raise DataError(
            f"the file holds no weights of '{part.encoder_name}': {len(wrong)} are missing or of another shape, first '{wrong[0]}'",
            where=path,
            fix=f"give a file in timm's keys for '{part.encoder_name}', or the encoder that the file was made for",
        )
    return _create(part, pretrained=True, pretrained_cfg_overlay={"file": str(path)})


def _shapes(path: Path) -> dict[str, list[int]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118 - the file is no dict
    except (SafetensorError, OSError) as error:
        raise DataError(f"the weights cannot be read: {error}", where=path, fix="give a .safetensors file") from None


def _weights_file(part: EncoderUNetPart) -> Path:
    """The file itself, or the one in the folder whose name is the encoder's up to the first dot."""
    place = Path(part.encoder_weights).expanduser()
    if place.is_file():
        return place
    files = sorted(place.glob("*.safetensors")) if place.is_dir() else []
    matching = [file for file in files if file.name.split(".")[0] == part.encoder_name]
    if len(matching) == 1:
        return matching[0]
    found = f"{len(matching)} files fit in the folder" if place.is_dir() else "there is no such file or folder"
    raise DataError(
        f"no weights for '{part.encoder_name}': {found}",
        where=place,
        fix=f"give the path of a .safetensors file, or of a folder with one {part.encoder_name}.*.safetensors; or 'imagenet', or 'none'",
    )
