"""PH2: lesions in dermoscopy.

Layout of the official archive, below PH2Dataset/: `PH2 Dataset images/IMD003/IMD003_Dermoscopic_Image/IMD003.bmp`, the lesion
`.../IMD003_lesion/IMD003_lesion.bmp`, and areas of one colour `.../IMD003_roi/IMD003_R1_Label4.bmp`.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.layout import Layout

_ID = r"(?P<id>IMD\d{3})"

PH2 = CatalogEntry(
    name="ph2",
    title="PH2",
    task="lesion",
    modality="dermoscopy",
    pairs=200,
    image_size="768x560",
    year=2013,
    address="https://www.fc.up.pt/addi/ph2%20database.html",
    licence="research and education",
    citation=(
        "T. Mendonca et al., PH2 - A dermoscopic image database for research and benchmarking, "
        "35th Annual International Conference of the IEEE EMBS 2013, pp. 5437-5440"
    ),
    notes="80 common nevi, 80 atypical nevi and 40 melanomas. Patients are not named, and there is no split by its authors.",
    archives=("PH2Dataset.zip", "PH2.zip"),
    folder="PH2Dataset",
    aliases=("PH2 Dataset", "PH2 Dataset images"),
    downloads=(Download("PH2Dataset.rar"),),
    registration=(
        "follow the link on https://www.fc.up.pt/addi/ph2%20database.html to PH2Dataset.rar and unpack it, "
        "then `limner data get ph2 --from FOLDER`"
    ),
    layouts=(
        Layout(
            "official",
            image=rf"{_ID}_Dermoscopic_Image/IMD\d{{3}}",
            masks=(rf"{_ID}_lesion/IMD\d{{3}}_lesion",),
            besides=(r"IMD\d{3}_roi/[^/]+",),
        ),
        Layout("names alone", image=_ID, masks=(rf"{_ID}_lesion",), besides=(r"IMD\d{3}_R\d+_Label\d+",)),
    ),
)
