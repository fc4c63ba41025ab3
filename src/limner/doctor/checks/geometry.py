"""Masks that do not lie on their images, and the tags that are most often to blame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from limner.data.wording import counted
from limner.doctor.findings import Case, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limner.doctor.evidence import Evidence
    from limner.doctor.examination import Examination, ImageFacts, MaskFacts, Size
    from limner.doctor.findings import Finding

_ACROSS = {5, 6, 7, 8}  # EXIF orientations that exchange height and width


def check_transposed(evidence: Evidence) -> Finding | None:
    """The mask has its image's height and width exchanged."""
    cases = [_case(one, image, mask, _how_turned(image, mask)) for one, image, mask in _unfit(evidence, "transposed")]
    text = f"{counted(len(cases), 'mask')} with height and width of the image exchanged"
    return found("transposed-mask", cases, text)


def check_resized(evidence: Evidence) -> Finding | None:
    """The mask has its image's shape at another scale, to within a pixel."""
    cases = [_case(one, image, mask, f"{mask.size[0] / image.size[0]:.3g} times") for one, image, mask in _unfit(evidence, "resized")]
    return found("resized-mask", cases, f"{counted(len(cases), 'mask')} of the image's shape at another scale")


def check_size(evidence: Evidence) -> Finding | None:
    """Mask and image differ in size in no way that could be undone."""
    cases = [_case(one, image, mask) for one, image, mask in _unfit(evidence, "other")]
    return found("size-mismatch", cases, f"{counted(len(cases), 'mask')} of another shape than the image")


def check_orientation(evidence: Evidence) -> Finding | None:
    """An image or a mask has an EXIF orientation other than upright."""
    cases = []
    for one in evidence.examinations:
        tags = [("image", one.image.orientation if one.image else 1), ("mask", one.mask.orientation if one.mask else 1)]
        if turned := [(role, tag) for role, tag in tags if tag != 1]:
            files = ((one.image_file,) if turned[0][0] == "image" else ()) + (one.mask_files if turned[-1][0] == "mask" else ())
            doubt = ["no size tells whether the mask is turned like it"] if is_doubtful(one) else []
            cases.append(Case(files, (one.key,), ", ".join([f"{role}: orientation {tag}" for role, tag in turned] + doubt)))
    return found("exif-rotation", cases, f"{counted(len(cases), 'pair')} with an EXIF tag that turns or mirrors a picture")


def is_doubtful(one: Examination) -> bool:
    """Whether a mask without a tag fits its image both as the image's tag turns it and as it is stored."""
    if one.image is None or one.mask is None or one.mask.orientation != 1 or one.image.size != one.mask.size:
        return False
    height, width = one.image.size
    return one.image.orientation != 1 and (height == width or one.image.orientation not in _ACROSS)


def turning_tag(image: ImageFacts, mask: MaskFacts) -> tuple[Literal["apply", "undo"], int] | None:
    """By which tag a transposed mask comes to lie on its image.

    A mask without a tag was drawn on the picture as stored, before the image's tag turned it: it is turned along. A mask with a tag of
    its own fits once that tag is undone. Without any tag there is no telling which of the four ways is right.

    Returns:
        What to do with the mask, and the tag; None where no tag exchanges height and width.
    """
    if mask.orientation in _ACROSS:
        return "undo", mask.orientation
    return ("apply", image.orientation) if mask.orientation == 1 and image.orientation in _ACROSS else None


def _unfit(evidence: Evidence, relation: str) -> Iterator[tuple[Examination, ImageFacts, MaskFacts]]:
    for one in evidence.examinations:
        if one.image is not None and one.mask is not None and _relation(one.image.size, one.mask.size) == relation:
            yield one, one.image, one.mask


def _relation(image: Size, mask: Size) -> Literal["same", "transposed", "resized", "other"]:
    if image == mask:
        return "same"
    if mask == image[::-1]:
        return "transposed"
    height, width = image[0] * mask[1] / image[1], image[1] * mask[0] / image[0]
    return "resized" if abs(mask[0] - height) <= 1 or abs(mask[1] - width) <= 1 else "other"


def _how_turned(image: ImageFacts, mask: MaskFacts) -> str:
    way = turning_tag(image, mask)
    if way is None:
        return "no tag says which way"
    return f"the {'image' if way[0] == 'apply' else 'mask'} has the EXIF orientation {way[1]}"


def _case(one: Examination, image: ImageFacts, mask: MaskFacts, remark: str = "") -> Case:
    sizes = f"image {image.size[1]}x{image.size[0]}, mask {mask.size[1]}x{mask.size[0]}"
    return Case(one.files, (one.key,), f"{sizes}; {remark}" if remark else sizes)
