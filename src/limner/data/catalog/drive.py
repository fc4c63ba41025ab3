"""DRIVE: vessels in fundus photographs.

Layout of the official archives training.zip and test.zip:

    training/images/21_training.tif         to 40
    training/1st_manual/21_manual1.gif
    training/mask/21_training_mask.gif      the field of view
    test/images/01_test.tif                 to 20
    test/1st_manual/01_manual1.gif
    test/2nd_manual/01_manual2.gif          the second observer
    test/mask/01_test_mask.gif

What one gets today has no manual masks in test/. Converted copies have images/{training,validation}/21.png and
annotations/{training,validation}/21_manual1.png.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.layout import Layout
from limner.data.catalog.official import OfficialSplit, by_rule

_ID = r"(?P<id>\d\d)"
_LAST_TEST = 20


def _key(groups: dict[str, str]) -> str:
    """Numbers tell the part, in copies that have no folders for them, too."""
    return f"{groups['id']}_{'test' if int(groups['id']) <= _LAST_TEST else 'training'}"


def _part(key: str) -> str | None:
    return {"test": "test", "training": "train"}.get(key.rpartition("_")[2])


DRIVE = CatalogEntry(
    name="drive",
    title="DRIVE",
    task="vessel",
    modality="fundus photographs",
    pairs=40,
    image_size="565x584",
    year=2004,
    address="https://drive.grand-challenge.org/",
    licence="research",
    citation=(
        "J. Staal et al., Ridge-based vessel segmentation in color images of the retina, "
        "IEEE Transactions on Medical Imaging 23(4):501-509, 2004"
    ),
    notes=(
        "With field-of-view masks. A second observer drew the 20 of the test. What the official page hands out today has no masks in "
        "test/, so 20 pairs; older copies have all 40. Patients are not named."
    ),
    archives=("DRIVE.zip", "drive.zip"),
    folder="DRIVE",
    aliases=("drive-digital-retinal-images-for-vessel-extraction",),
    downloads=(
        Download("training.zip", sha256="7101e19598e2b7aacdbd5e6e7575057b9154a4aaec043e0f4e28902bf4e2e209"),
        Download("test.zip", sha256="d76c95c98a0353487ffb63b3bb2663c00ed1fde7d8fdfd8c3282c6e310a02731"),
    ),
    registration=(
        "register at https://drive.grand-challenge.org/, get training.zip and test.zip and put both into one folder, "
        "then `limner data get drive --from FOLDER`"
    ),
    layouts=(
        Layout(
            "official",
            image=rf"images/{_ID}_(?:training|test)",
            masks=(rf"1st_(?:manual|label)s?/{_ID}_manual1", rf"2nd_(?:manual|label)s?/{_ID}_manual2"),
            fov=rf"masks?/{_ID}_(?:training|test)_mask",
            key=_key,
        ),
        Layout(
            "images and annotations",
            image=rf"images/(?:training|validation)/{_ID}",
            masks=(rf"annotations/(?:training|validation)/{_ID}_manual1", rf"annotations/(?:training|validation)/{_ID}_manual2"),
            key=_key,
        ),
    ),
    splits=(OfficialSplit("official-20-20", "the folders training and test of the data set", {"train": 20, "test": 20}, by_rule(_part)),),
)
