"""ETIS-Larib Polyp DB: polyps in colonoscopy.

Layout of the official archive: `ETIS-LaribPolypDB/N.tif` and `Ground Truth/pN.tif`, N from 1 to 196; since PraNet also `images/N.png` and
`masks/N.png`.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.layout import Layout

ETIS_LARIB = CatalogEntry(
    name="etis-larib",
    title="ETIS-Larib Polyp DB",
    task="polyp",
    modality="colonoscopy frames",
    pairs=196,
    image_size="1225x966",
    year=2014,
    address="https://polyp.grand-challenge.org/ETISLarib/",
    licence="none stated; for research",
    citation=(
        "J. Silva et al., Toward embedded detection of polyps in WCE images for early diagnosis of colorectal cancer, "
        "International Journal of Computer Assisted Radiology and Surgery 9:283-293, 2014"
    ),
    notes="Small polyps; used to test models that were trained on other data. Which frame is from which sequence is not published.",
    archives=("ETIS-LaribPolypDB.zip", "etis-laribpolypdb.zip"),
    folder="ETIS-LaribPolypDB",
    aliases=("ETIS", "ETIS-Larib Polyp DB"),
    downloads=(Download("ETIS-LaribPolypDB.rar"),),
    registration=(
        "follow the link on https://polyp.grand-challenge.org/ETISLarib/ to ETIS-LaribPolypDB.rar and unpack it, "
        "then `limner data get etis-larib --from FOLDER`"
    ),
    layouts=(
        Layout("official", image=r"(?P<id>\d{1,3})", masks=(r"p(?P<id>\d{1,3})",)),
        Layout("images and masks", image=r"images?/(?P<id>\d{1,3})", masks=(r"masks?/(?P<id>\d{1,3})",)),
    ),
)
