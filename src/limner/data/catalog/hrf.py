"""HRF: vessels in high-resolution fundus photographs.

Layout of the official archive all.zip: `images/01_dr.JPG`, `images/01_g.jpg`, `images/01_h.jpg` (to 15: diabetic retinopathy, glaucoma,
healthy), `manual1/01_dr.tif`, and the field of view `mask/01_dr_mask.tif`. There is also one archive each: healthy.zip,
healthy_manualsegm.zip, healthy_fovmask.zip, and so on. The checksum is that which a public loader records.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.layout import Layout
from limner.data.catalog.official import OfficialSplit, by_rule

_ID = r"(?P<id>\d\d_(?:dr|g|h))"
_KIND = "(?:healthy|glaucoma|diabetic_retinopathy)"
_LAST_TRAIN = 5


def _part(key: str) -> str | None:
    return ("train" if int(key[:2]) <= _LAST_TRAIN else "test") if key[:2].isdecimal() else None


HRF = CatalogEntry(
    name="hrf",
    title="HRF",
    task="vessel",
    modality="fundus photographs",
    pairs=45,
    image_size="3504x2336",
    year=2013,
    address="https://www5.cs.fau.de/research/data/fundus-images/",
    licence="CC BY 4.0",
    citation=(
        "A. Budai et al., Robust vessel segmentation in fundus images, International Journal of Biomedical Imaging 2013, article 154860"
    ),
    notes=(
        "15 of healthy eyes (h), 15 with diabetic retinopathy (dr), 15 with glaucoma (g). With field-of-view masks. Numbers count within "
        "a kind: 01_h, 01_dr and 01_g are three people. There is no split by its authors."
    ),
    archives=("hrf.zip", "HRF.zip", "all.zip"),
    folder="HRF",
    aliases=("high-resolution-fundus",),
    downloads=(
        Download(
            "all.zip", "https://www5.cs.fau.de/fileadmin/research/datasets/fundus-images/all.zip", md5="4587b74f4101e7456364b9b24d725576"
        ),
    ),
    layouts=(
        Layout("official", image=rf"images/{_ID}", masks=(rf"manual1?/{_ID}",), fov=rf"masks?/{_ID}_mask"),
        Layout("an archive each", image=rf"{_KIND}/{_ID}", masks=(rf"{_KIND}_manualsegm/{_ID}",), fov=rf"{_KIND}_fovmask/{_ID}_mask"),
        Layout(
            "images and annotations",
            image=rf"images/(?:training|validation)/{_ID}",
            masks=(rf"annotations/(?:training|validation)/{_ID}",),
        ),
    ),
    splits=(
        OfficialSplit(
            "first-5-of-each",
            "custom in the literature, and MMSegmentation's: the first five of each kind to train, the others to test",
            {"train": 15, "test": 30},
            by_rule(_part),
        ),
    ),
)
