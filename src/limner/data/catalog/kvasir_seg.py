"""Kvasir-SEG: polyps in colonoscopy.

Layout of the official archive: `Kvasir-SEG/images/ID.jpg`, `Kvasir-SEG/masks/ID.jpg`, `Kvasir-SEG/kavsir_bboxes.json`.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry

KVASIR_SEG = CatalogEntry(
    name="kvasir-seg",
    title="Kvasir-SEG",
    task="polyp",
    pairs=1000,
    address="https://datasets.simula.no/kvasir-seg/",
    licence="research and education; the same pairs are part of HyperKvasir, CC BY 4.0",
    citation="D. Jha et al., Kvasir-SEG: A Segmented Polyp Dataset, MultiMedia Modeling (MMM) 2020, pp. 451-462",
    archives=("kvasir-seg.zip", "Kvasir-SEG.zip"),
    folder="Kvasir-SEG",
    notes=(
        "Images from 332x487 to 1920x1072 pixels. Masks are JPEG, grey fringes included. The patients are not named, so frames of one "
        "may fall into different parts. Official split (Medico 2020): 880 for training, 120 for the test."
    ),
)
