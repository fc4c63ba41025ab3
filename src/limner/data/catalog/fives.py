"""FIVES: vessels in fundus photographs.

Layout of the official archive, below `FIVES A Fundus Image Dataset for AI-based Vessel Segmentation/`: `train/Original/1_A.png`,
`train/Ground truth/1_A.png`, and the same in test/; A for age-related macular degeneration, D for diabetic retinopathy, G for glaucoma,
N for normal. Numbers begin anew in test/. The checksum is that which torch_em records.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.layout import Layout
from limner.data.catalog.official import OfficialSplit, by_rule

_ID = r"(?P<part>train|test)/{folder}/(?P<id>\d+_[ADGN])"


def _key(groups: dict[str, str]) -> str:
    return f"{groups['part'].lower()}/{groups['id']}"


FIVES = CatalogEntry(
    name="fives",
    title="FIVES",
    task="vessel",
    modality="fundus photographs",
    pairs=800,
    image_size="2048x2048",
    year=2022,
    address="https://doi.org/10.6084/m9.figshare.19688169",
    licence="CC BY 4.0",
    citation=(
        "K. Jin et al., FIVES: A fundus image dataset for artificial intelligence based vessel segmentation, Scientific Data 9:475, 2022"
    ),
    notes=(
        "200 each of age-related macular degeneration (A), diabetic retinopathy (D), glaucoma (G) and normal eyes (N). Keys begin with "
        "the part, since numbers begin anew in test/. Patients are not named."
    ),
    archives=("FIVES A Fundus Image Dataset for AI-based Vessel Segmentation.zip", "FIVES.zip", "fives.zip"),
    folder="FIVES A Fundus Image Dataset for AI-based Vessel Segmentation",
    aliases=("fives-dataset",),
    downloads=(
        Download(
            "FIVES A Fundus Image Dataset for AI-based Vessel Segmentation.rar",
            sha256="be72f9af286b107bcebcc08a9dae7fc55c3fb0959409b689e14c72f9fdc4ad8e",
        ),
    ),
    registration=(
        "get the .rar from https://doi.org/10.6084/m9.figshare.19688169 and unpack it, then `limner data get fives --from FOLDER`"
    ),
    layouts=(
        Layout(
            "official",
            image=_ID.replace("{folder}", "(?:Original|images?)"),
            masks=(_ID.replace("{folder}", "(?:Ground[ _]?truth|masks?)"),),
            key=_key,
        ),
    ),
    splits=(
        OfficialSplit(
            "official-600-200",
            "the folders train and test of the data set",
            {"train": 600, "test": 200},
            by_rule(lambda key: key.partition("/")[0]),
        ),
    ),
)
