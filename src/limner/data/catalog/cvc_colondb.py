"""CVC-ColonDB: polyps in colonoscopy.

Layout by its authors: `N.bmp`, the polyp `pN.bmp`, the uninformative region `sN.bmp` and the polyp's contour `cN.bmp` in one folder, 300
frames. What papers since PraNet call CVC-ColonDB are 380 frames, `images/N.png` and `masks/N.png`.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry
from limner.data.catalog.layout import Layout

CVC_COLONDB = CatalogEntry(
    name="cvc-colondb",
    title="CVC-ColonDB",
    task="polyp",
    modality="colonoscopy frames",
    pairs=380,
    image_size="574x500",
    year=2012,
    address="https://pages.cvc.uab.es/CVC-Colon/index.php/databases/",
    licence="research only, on request",
    citation=(
        "J. Bernal, F. J. Sanchez, F. Vilarino, Towards automatic polyp detection with a polyp appearance model, "
        "Pattern Recognition 45(9):3166-3182, 2012"
    ),
    notes=(
        "Its authors describe 300 frames, which were chosen to differ; the copy that papers since PraNet compare on holds 380. They come "
        "from 15 sequences with one polyp each, but which frame is from which is not published, so neighbours may be divided."
    ),
    archives=("CVC-ColonDB.zip", "cvc-colondb.zip"),
    folder="CVC-ColonDB",
    registration=(
        "ask for it at https://pages.cvc.uab.es/CVC-Colon/index.php/databases/, "
        "or take the folder CVC-ColonDB of the TestDataset that the authors of PraNet pass around, "
        "then `limner data get cvc-colondb --from FILE`"
    ),
    layouts=(
        Layout("images and masks", image=r"images?/(?P<id>\d{1,3})", masks=(r"masks?/(?P<id>\d{1,3})",)),
        Layout("official", image=r"(?P<id>\d{1,3})", masks=(r"p(?P<id>\d{1,3})",), besides=(r"[sc]\d{1,3}",)),
    ),
)
