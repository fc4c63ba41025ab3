"""Pretrained weights of encoders from local files: found in a folder, checked, and brought to timm's keys."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import load_file

from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def weights_file(name: str, weights: str) -> Path:
    """The file itself, or the one in the folder whose name is the encoder's up to a dot.

    Args:
        name: The encoder's, with or without timm's tag: `resnet50` or `resnet50.a1_in1k`.
        weights: Path of a file or a folder.

    Raises:
        DataError: There is no such file, or more than one.
    """
    place = Path(weights).expanduser()
    if place.is_file():
        return place
    files = sorted(place.glob("*.safetensors")) if place.is_dir() else []
    matching: list[Path] = []
    for beginning in dict.fromkeys((name, name.partition(".")[0])):
        matching = matching or [file for file in files if file.name.startswith(f"{beginning}.")]
    if len(matching) == 1:
        return matching[0]
    found = f"{len(matching)} files fit in the folder" if place.is_dir() else "there is no such file or folder"
    raise DataError(
        f"no weights for '{name}': {found}",
        where=place,
        fix=f"give the path of a .safetensors file, or of a folder with one {name}.*.safetensors; or 'imagenet', or 'none'",
    )


def read_weights(path: Path, wanted: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The weights in a file, by the keys that are wanted; what else the file holds, such as a classifier, is left out.

    Args:
        path: A .safetensors file in timm's keys, or in those of a model of torchvision's that is one numbered sequence, `features`.
        wanted: The encoder's state for three channels; counters of batches may be missing in the file.
        name: The encoder's, for the error.

    Raises:
        DataError: The file cannot be read, or holds another network's weights.
    """
    try:
        present = load_file(path)
    except (SafetensorError, OSError) as error:
        raise DataError(f"the weights cannot be read: {error}", where=path, fix="give a .safetensors file") from None
    needed = {key: value for key, value in wanted.items() if not key.endswith("num_batches_tracked")}
    found = _by_key(present, needed)
    if wrong := _wrong(found, needed):
        in_order = _by_order(present, needed)
        if _wrong(in_order, needed):
            raise DataError(
                f"the file holds no weights of '{name}': {len(wrong)} are missing or of another shape, first '{wrong[0]}'",
                where=path,
                fix=f"give a file in timm's keys for '{name}', or the encoder that the file was made for",
            )
        return in_order
    return found


def _wrong(found: Mapping[str, Tensor], needed: Mapping[str, Tensor]) -> list[str]:
    return [key for key, value in needed.items() if key not in found or found[key].shape != value.shape]


def _by_key(present: Mapping[str, Tensor], needed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of the same key, but for what timm does to a model that gives feature maps, of which a file does not know.

    Some models get a wrapper, `model`; of others the first level of keys is folded: `stages.0.blocks` becomes `stages_0.blocks`.
    """
    folded = {key.replace(".", "_", 1): key for key in present}
    found: dict[str, Tensor] = {}
    for key in needed:
        bare = key.removeprefix("model.")
        there = next((one for one in (key, bare, folded.get(bare)) if one in present), None)
        if there is not None:
            found[key] = present[there]
    return found


def _by_order(present: Mapping[str, Tensor], needed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights at the same place in the order of layers.

    torchvision numbers the layers of models such as MobileNetV2 in the order in which timm names them. Whether a file is of this kind is
    seen by every layer's shapes.
    """
    theirs = sorted((key for key in present if key.startswith("features.")), key=_numbers_by_size)
    layers = [layer for layer, _ in groupby(theirs, key=_layer)]
    places = zip(layers, (layer for layer, _ in groupby(needed, key=_layer)), strict=False)
    there = {own: layer for layer, own in places}
    keys = {key: f"{there.get(_layer(key))}.{key.rpartition('.')[2]}" for key in needed}
    return {key: present[place] for key, place in keys.items() if place in present}


def _layer(key: str) -> str:
    return key.rpartition(".")[0]


def _numbers_by_size(key: str) -> list[tuple[bool, int, str]]:
    """Orders `features.2` before `features.10`."""
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"\.", _layer(key))]
