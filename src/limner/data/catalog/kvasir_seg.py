"""Kvasir-SEG: polyps in colonoscopy.

Layout of the official archive: `Kvasir-SEG/images/ID.jpg`, `Kvasir-SEG/masks/ID.jpg`, `Kvasir-SEG/kavsir_bboxes.json`.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.layout import Layout
from limner.data.catalog.official import OfficialSplit, by_bits

_ID = r"(?P<id>c[0-9a-z]{24})"
_IDS = "4873b7c0192459ecb781c94633e8f16fa0d7d12258f57d40611dcf9891f033f2"  # of the 1000 ids

_MEDICO_TEST = (
    "03ffffffc00000000000000000000000000000000000000000000000000000000000000000000000000001ffff00000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000000000000000001fffc00000000000000000003ffff800000000000000000000001ffffffffff"
)
_EFFISEGNET_VAL = (
    "00c111004000401000002000004800200180000280240280004000200020020600008000008084000001004000002000008008c0600101094000110630040"
    "0000020041282000180400009000000008000000001c100018040801400c040000000001002000040800400010400425801000000000c0b28000011040001"
)
_EFFISEGNET_TEST = (
    "00000800018e10c00688000002008100804020200000040209100409018000181081010201400160010400020450108320000000000060000000008000002"
    "040090000440100801080200001010005001a0001001200120000040000010001480006c24000221010001000000000000041002000000010000000400000"
)

KVASIR_SEG = CatalogEntry(
    name="kvasir-seg",
    title="Kvasir-SEG",
    task="polyp",
    modality="colonoscopy frames",
    pairs=1000,
    image_size="332x487 to 1920x1072",
    year=2020,
    address="https://datasets.simula.no/kvasir-seg/",
    licence="research and education; the same pairs are part of HyperKvasir, CC BY 4.0",
    citation="D. Jha et al., Kvasir-SEG: A Segmented Polyp Dataset, MultiMedia Modeling (MMM) 2020, pp. 451-462",
    notes="Masks are JPEG, grey fringes included. Patients are not named, so frames of one may fall into different parts.",
    archives=("kvasir-seg.zip", "Kvasir-SEG.zip", "kvasirseg.zip"),
    folder="Kvasir-SEG",
    aliases=("kvasirseg",),
    downloads=(Download("kvasir-seg.zip", "https://datasets.simula.no/downloads/kvasir-seg.zip"),),
    layouts=(Layout("official", image=rf"images?/{_ID}", masks=(rf"masks?/{_ID}",)),),
    splits=(
        OfficialSplit(
            "official-880-120",
            "published by the organisers of Medico 2020; papers use the 120 to validate and to test alike",
            {"train": 880, "test": 120},
            by_bits(_IDS, {"train": "", "test": _MEDICO_TEST}),
        ),
        OfficialSplit(
            "effisegnet-800-100-100",
            "used by EffiSegNet (2024) and compared with by later papers",
            {"train": 800, "val": 100, "test": 100},
            by_bits(_IDS, {"train": "", "val": _EFFISEGNET_VAL, "test": _EFFISEGNET_TEST}),
        ),
    ),
)
