"""ISIC 2018, task 1: lesions in dermoscopy.

Layout of the official archives: `ISIC2018_Task1-2_Training_Input/ISIC_0000000.jpg` and
`ISIC2018_Task1_Training_GroundTruth/ISIC_0000000_segmentation.png`; the same for Validation and Test. The checksums are those that torch_em
records.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.layout import Layout
from limner.data.catalog.official import OfficialSplit, by_rule

_ID = r"(?P<id>ISIC_\d{7})"
_PART = "(?P<part>Training|Validation|Test)"
_PARTS = {"training": "train", "validation": "val", "test": "test"}
_SITE = "https://isic-challenge-data.s3.amazonaws.com/2018/"
_ARCHIVES = {
    "ISIC2018_Task1-2_Training_Input.zip": "80f98572347a2d7a376227fa9eb2e4f7459d317cb619865b8b9910c81446675f",
    "ISIC2018_Task1_Training_GroundTruth.zip": "99f8b2bb3c4d6af483362010715f7e7d5d122d9f6c02cac0e0d15bef77c7604c",
    "ISIC2018_Task1-2_Validation_Input.zip": "0ea920fcfe512d12a6e620b50b50233c059f67b10146e1479c82be58ff15a797",
    "ISIC2018_Task1_Validation_GroundTruth.zip": "f6911e9c0a64e6d687dd3ca466ca927dd5e82145cb2163b7a1e5b37d7a716285",
    "ISIC2018_Task1-2_Test_Input.zip": "e59ae1f69f4ed16f09db2cb1d76c2a828487b63d28f6ab85997f5616869b127d",
    "ISIC2018_Task1_Test_GroundTruth.zip": "2e8f6edce454a5bdee52485e39f92bd6eddf357e81f39018d05512175238ef82",
}


def _key(groups: dict[str, str]) -> str:
    return f"{_PARTS[groups['part'].lower()]}/{groups['id']}"


ISIC2018_TASK1 = CatalogEntry(
    name="isic2018-task1",
    title="ISIC 2018, task 1",
    task="lesion",
    modality="dermoscopy",
    pairs=3694,
    image_size="many sizes",
    year=2018,
    address="https://challenge.isic-archive.com/data/#2018",
    licence="CC BY-NC 4.0",
    citation=(
        "N. Codella et al., Skin lesion analysis toward melanoma detection 2018, arXiv:1902.03368; "
        "P. Tschandl et al., The HAM10000 dataset, Scientific Data 5:180161, 2018"
    ),
    notes=(
        "Keys begin with the part where the folders tell it. Patients are not named, and one lesion may have several images. Many papers "
        "split the 2594 training images anew; such numbers cannot be compared with those on the official test."
    ),
    archives=("isic2018-task1.zip", "ISIC2018.zip"),
    folder="ISIC2018",
    aliases=("isic-2018", "isic2018-task1", "ISIC2018_Task1", "ISIC2018_Task1-2"),
    downloads=tuple(Download(file, _SITE + file, sha256=checksum) for file, checksum in _ARCHIVES.items()),
    layouts=(
        Layout(
            "official",
            image=rf"ISIC2018_Task1-2_{_PART}_Input/{_ID}",
            masks=(rf"ISIC2018_Task1_{_PART}_GroundTruth/{_ID}_segmentation",),
            key=_key,
            besides=(r"ISIC2018_Task2_[^/]+/[^/]+",),
        ),
        Layout("names alone", image=_ID, masks=(rf"{_ID}_segmentation",), besides=(rf"{_ID}_(?:superpixels|attribute_\w+)",)),
    ),
    splits=(
        OfficialSplit(
            "official",
            "the challenge's training, validation and test archives",
            {"train": 2594, "val": 100, "test": 1000},
            by_rule(lambda key: key.partition("/")[0]),
        ),
    ),
)
