"""STARE: vessels in fundus photographs.

Layout of the official archives: `im0001.ppm.gz` in stare-images.tar, the masks of two observers as `im0001.ah.ppm.gz` in labels-ah.tar and
`im0001.vk.ppm.gz` in labels-vk.tar. The checksums are those that torch_em records.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.layout import Layout
from limner.data.catalog.official import OfficialSplit, by_rule

_ID = r"im(?P<id>\d{4})"
_LAST_TRAIN = 139  # the tenth of the 20; numbers have gaps


def _part(key: str) -> str | None:
    number = key.removeprefix("im")
    return ("train" if int(number) <= _LAST_TRAIN else "test") if number.isdecimal() else None


STARE = CatalogEntry(
    name="stare",
    title="STARE",
    task="vessel",
    modality="fundus photographs",
    pairs=20,
    image_size="700x605",
    year=2000,
    address="https://cecas.clemson.edu/~ahoover/stare/probing/index.html",
    licence="none stated; for research",
    citation=(
        "A. Hoover, V. Kouznetsova, M. Goldbaum, Locating blood vessels in retinal images by piecewise threshold probing of a matched "
        "filter response, IEEE Transactions on Medical Imaging 19(3):203-210, 2000"
    ),
    notes=(
        "Ten of the 20 show pathology. Two observers drew all: Adam Hoover (1) and Valentina Kouznetsova (2). No field-of-view masks, no "
        "split by its authors; many papers leave one out. Patients are not named."
    ),
    archives=("STARE.zip", "stare.zip"),
    folder="STARE",
    downloads=(
        Download(
            "stare-images.tar",
            "https://cecas.clemson.edu/~ahoover/stare/probing/stare-images.tar",
            sha256="5f7b509b6067cad4f1be84933145d783de9ec087b3eaaf4db0103dd0144dd433",
        ),
        Download(
            "labels-ah.tar",
            "https://cecas.clemson.edu/~ahoover/stare/probing/labels-ah.tar",
            sha256="ebf2f1e17ca955f24579d9edd990e2dae79a5c82def69f0985d8e24f826ddd2f",
        ),
        Download(
            "labels-vk.tar",
            "https://cecas.clemson.edu/~ahoover/stare/probing/labels-vk.tar",
            sha256="47474a701536b0cfdb369fdce012be36141e9f44d80387f0179446b5cb0f5576",
        ),
    ),
    layouts=(
        Layout("official", image=_ID, masks=(rf"{_ID}\.ah", rf"{_ID}\.vk"), key="im{id}"),
        Layout("folders", image=rf"[^/]*images?/{_ID}", masks=(rf"labels?[-_]ah/{_ID}", rf"labels?[-_]vk/{_ID}"), key="im{id}"),
    ),
    splits=(
        OfficialSplit(
            "first-10-10",
            "MMSegmentation's: the first ten by name to train, the others to test",
            {"train": 10, "test": 10},
            by_rule(_part),
        ),
    ),
)
