"""CHASE_DB1: vessels in fundus photographs of both eyes of 14 children.

Layout of the official archive: `Image_01L.jpg`, `Image_01L_1stHO.png`, `Image_01L_2ndHO.png` to `Image_14R...` in one folder. Copies have
the same names in folders of their own.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.layout import Layout
from limner.data.catalog.official import OfficialSplit, by_rule

_ID = r"Image_(?P<id>\d\d[LR])"
_LAST_TRAIN = 10


def child_of(key: str) -> str | None:
    """The child whose eye it is.

    Example:
        >>> child_of("Image_01L"), child_of("Image_01R"), child_of("other")
        ('child-01', 'child-01', None)
    """
    number = key.removeprefix("Image_")[:2]
    return f"child-{number}" if number.isdecimal() else None


def _part(key: str) -> str | None:
    number = key.removeprefix("Image_")[:2]
    return ("train" if int(number) <= _LAST_TRAIN else "test") if number.isdecimal() else None


CHASE_DB1 = CatalogEntry(
    name="chase-db1",
    title="CHASE_DB1",
    task="vessel",
    modality="fundus photographs",
    pairs=28,
    image_size="999x960",
    year=2012,
    address="https://researchdata.kingston.ac.uk/96/",
    licence="CC BY 4.0",
    citation=(
        "M. M. Fraz et al., An ensemble classification-based approach applied to retinal blood vessel segmentation, "
        "IEEE Transactions on Biomedical Engineering 59(9):2538-2548, 2012"
    ),
    notes="Left and right eye of 14 children; two observers drew all. No field-of-view masks. There is no split by its authors.",
    archives=("CHASEDB1.zip", "CHASE_DB1.zip"),
    folder="CHASEDB1",
    aliases=("chase",),
    downloads=(Download("CHASEDB1.zip", "https://researchdata.kingston.ac.uk/96/1/CHASEDB1.zip"),),
    layouts=(
        Layout("official", image=_ID, masks=(rf"{_ID}_1stHO", rf"{_ID}_2ndHO"), key="Image_{id}"),
        Layout(
            "folders",
            image=rf"images?/{_ID}",
            masks=(
                rf"(?:masks?|(?:1st[_ ]?)?(?:labels?|manuals?))/{_ID}(?:_1stHO)?",
                rf"2nd[_ ]?(?:labels?|manuals?)/{_ID}(?:_2ndHO)?",
            ),
            key="Image_{id}",
        ),
    ),
    group_noun="child",
    group=child_of,
    splits=(
        OfficialSplit(
            "first-20-8",
            "custom in the literature, and MMSegmentation's: the first 20 images (10 children) to train, the last 8 to test",
            {"train": 20, "test": 8},
            by_rule(_part),
        ),
    ),
)
