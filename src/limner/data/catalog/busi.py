"""BUSI: lesions in breast ultrasound.

Layout of the official archive, below Dataset_BUSI_with_GT/: `benign/benign (1).png` and `benign/benign (1)_mask.png`; further lesions of an
image in `..._mask_1.png`, `..._mask_2.png`; the same in malignant/ and normal/. The checksum is that which torch_em records.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.layout import Layout

_ID = r"(?P<id>(?:benign|malignant|normal) ?\(\d+\))"

BUSI = CatalogEntry(
    name="busi",
    title="BUSI",
    task="lesion",
    modality="breast ultrasound",
    pairs=780,
    image_size="many sizes, about 500x500",
    year=2020,
    address="https://scholar.cu.edu.eg/?q=afahmy/pages/dataset",
    licence="none stated on its page; the paper is CC BY 4.0",
    citation="W. Al-Dhabyani et al., Dataset of breast ultrasound images, Data in Brief 28:104863, 2020",
    notes=(
        "437 benign, 210 malignant and 133 normal images; the masks of the normal ones are empty. 17 images have several masks, which are "
        "merged. The 600 patients are not named, and many images are there twice (Pawlowska et al., Data in Brief 48:109247, 2023): look "
        "for copies before splitting."
    ),
    archives=("Dataset_BUSI.zip", "Dataset_BUSI_with_GT.zip"),
    folder="Dataset_BUSI_with_GT",
    aliases=("breast-ultrasound-images-dataset",),
    downloads=(
        Download(
            "Dataset_BUSI.zip",
            "https://scholar.cu.edu.eg/Dataset_BUSI.zip",
            sha256="b2ce09f6063a31a73f628b6a6ee1245187cbaec225e93e563735691d68654de7",
        ),
    ),
    layouts=(Layout("official", image=_ID, masks=(rf"{_ID}_mask(?:_\d+)?",), many=True),),
)
