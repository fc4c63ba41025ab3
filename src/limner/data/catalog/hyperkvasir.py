"""HyperKvasir, its segmented part: the pairs of Kvasir-SEG under other names.

Layout of the official archive: `segmented-images/images/UUID.jpg`, `segmented-images/masks/UUID.jpg` and
`segmented-images/bounding-boxes.json`.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.layout import Layout

_ID = r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"

HYPERKVASIR_SEGMENTED = CatalogEntry(
    name="hyperkvasir-segmented",
    title="HyperKvasir, segmented images",
    task="polyp",
    modality="colonoscopy frames",
    pairs=1000,
    image_size="332x487 to 1920x1072",
    year=2020,
    address="https://datasets.simula.no/hyper-kvasir/",
    licence="CC BY 4.0",
    citation=(
        "H. Borgli et al., HyperKvasir, a comprehensive multi-class image and video dataset for gastrointestinal endoscopy, "
        "Scientific Data 7:283, 2020"
    ),
    notes=(
        "The same pairs as Kvasir-SEG under other names: never train on one and test on the other. The splits of Kvasir-SEG name other "
        "ids. Masks are JPEG, grey fringes included. Patients are not named."
    ),
    archives=("hyper-kvasir-segmented-images.zip",),
    folder="segmented-images",
    aliases=("hyper-kvasir-segmented", "hyper-kvasir", "hyper-kvasir-seg"),
    downloads=(
        Download(
            "hyper-kvasir-segmented-images.zip", "https://datasets.simula.no/downloads/hyper-kvasir/hyper-kvasir-segmented-images.zip"
        ),
    ),
    layouts=(Layout("official", image=rf"images?/{_ID}", masks=(rf"masks?/{_ID}",)),),
)
