"""CVC-ClinicDB: polyps in 29 colonoscopy sequences.

Layout of the official archive: `CVC-ClinicDB/Original/N.tif`, `CVC-ClinicDB/Ground Truth/N.tif`, N from 1 to 612 in the order of the
sequences. It is passed around with PNG/ and TIF/ around these folders, too, and as images/ and masks/.
"""

from __future__ import annotations

from bisect import bisect_right

from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.layout import Layout

_ID = r"(?P<id>\d{1,3})"
_FIRST_FRAMES = (
    *(1, 26, 51, 68, 79, 104, 127, 152, 178, 200, 206, 228, 253, 278, 298),
    *(318, 343, 364, 384, 409, 429, 448, 467, 479, 504, 529, 547, 572, 592),
)
_FRAMES = 612


def sequence_of(key: str) -> str | None:
    """The sequence that a frame is from.

    Example:
        >>> sequence_of("25"), sequence_of("26"), sequence_of("612"), sequence_of("613")
        ('sequence-01', 'sequence-02', 'sequence-29', None)
    """
    if not key.isdecimal() or not 1 <= int(key) <= _FRAMES:
        return None
    return f"sequence-{bisect_right(_FIRST_FRAMES, int(key)):02d}"


CVC_CLINICDB = CatalogEntry(
    name="cvc-clinicdb",
    title="CVC-ClinicDB",
    task="polyp",
    modality="colonoscopy frames",
    pairs=612,
    image_size="384x288",
    year=2015,
    address="https://polyp.grand-challenge.org/CVCClinicDB/",
    licence="research and education only",
    citation=(
        "J. Bernal et al., WM-DOVA maps for accurate polyp highlighting in colonoscopy: Validation vs. saliency maps from physicians, "
        "Computerized Medical Imaging and Graphics 43:99-111, 2015"
    ),
    notes=(
        "Frames are numbered in the order of their 29 sequences, and neighbours look nearly the same: a split that divides a sequence "
        "makes every number too good. Some masks hold grey levels."
    ),
    archives=("CVC-ClinicDB.zip", "cvcclinicdb.zip"),
    folder="CVC-ClinicDB",
    aliases=("CVC-612", "cvc-clinic"),
    downloads=(Download("CVC-ClinicDB.rar"),),
    registration=(
        "follow the link on https://polyp.grand-challenge.org/CVCClinicDB/ to CVC-ClinicDB.rar and unpack it, "
        "then `limner data get cvc-clinicdb --from FOLDER`"
    ),
    layouts=(
        Layout("official", image=rf"Original/{_ID}", masks=(rf"Ground[ _-]?Truth/{_ID}",)),
        Layout("images and masks", image=rf"images?/{_ID}", masks=(rf"(?:masks?|gts?)/{_ID}",)),
    ),
    group_noun="sequence",
    group=sequence_of,
)
