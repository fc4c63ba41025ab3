"""Look at every pair of a data set, each picture once, on all cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.cores import on_all_cores
from limner.doctor.examination import Examination, Fault
from limner.doctor.image_facts import measure_image
from limner.doctor.mask_facts import measure_mask
from limner.errors import DataError
from limner.imaging.read import read_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from limner.data.items import Item
    from limner.doctor.examination import ImageFacts
    from limner.progress import Progress


def examine_all(items: Sequence[Item], *, input_size: int, progress: Progress | None = None) -> tuple[Examination, ...]:
    """Examine items, in their order.

    Args:
        items: The pairs.
        input_size: Side of the square that training resizes to.
        progress: Called in this thread after each item.
    """
    return tuple(on_all_cores(lambda item: examine(item, input_size=input_size), items, progress=progress))


def examine(item: Item, *, input_size: int) -> Examination:
    """Read a pair once and measure it. Files that cannot be read are among its faults."""
    faults: list[Fault] = []
    image, grey = _image(item, faults)
    mask = None
    if item.mask is not None:
        mask, told = measure_mask(item.mask, None if image is None else image.size, grey, input_size)
        faults += told
    if item.fov is not None:
        _try_fov(item, faults)
    files = tuple(file.name for file in item.mask.files) if item.mask is not None else ()
    return Examination(item.key, item.image.name, files, item.group, image, mask, tuple(faults))


def _image(item: Item, faults: list[Fault]) -> tuple[ImageFacts | None, NDArray[np.uint8] | None]:
    try:
        return measure_image(item.image)
    except DataError as error:
        faults.append(Fault(item.image.name, "unreadable", error.what))
        return None, None


def _try_fov(item: Item, faults: list[Fault]) -> None:
    file = item.fov
    if file is None:
        return
    try:
        read_mask(file.read(), name=file.display)
    except DataError as error:
        faults.append(Fault(file.name, "unreadable", error.what))
