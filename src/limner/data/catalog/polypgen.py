"""PolypGen: polyps in colonoscopy from six centres, as single frames and as sequences.

Layout of the official archive, below PolypGen2021_MultiCenterData_v3/:

    data_C1/images_C1/NAME.jpg                          single frames of centre 1 (to 6)
    data_C1/masks_C1/NAME_mask.jpg
    sequenceData/positive/seq1/images_seq1/NAME.jpg     sequence 1 (to 23)
    sequenceData/positive/seq1/masks_seq1/NAME_mask.jpg
    sequenceData/negativeOnly/seq1_neg/NAME.jpg         no masks
    imagesAll_positive/NAME.jpg                         the images of all others again

and folders bbox_* with boxes and drawings of them. One image has a stray character at its end: `C3_EndoCV2021_00489_.jpg` or, in older
copies, `C3_EndoCV2021_00489].jpg`.
"""

from __future__ import annotations

from limner.data.catalog.entry import CatalogEntry, Download
from limner.data.catalog.layout import Layout

_BESIDES = (r"bbox_[^/]+/[^/]+", r"negativeOnly/[^/]+/[^/]+", r"imagesAll_positive/[^/]+")


def sequence_of(key: str) -> str | None:
    """The sequence that a frame is from; None for single frames.

    Example:
        >>> sequence_of("seq12/seq12_C6_10"), sequence_of("C1/100H0050")
        ('seq12', None)
    """
    place = key.partition("/")[0]
    return place if place.startswith("seq") else None


POLYPGEN = CatalogEntry(
    name="polypgen",
    title="PolypGen",
    task="polyp",
    modality="colonoscopy frames",
    pairs=3762,
    image_size="many sizes, up to 1920x1080",
    year=2023,
    address="https://www.synapse.org/Synapse:syn26376615",
    licence="CC BY 4.0",
    citation=(
        "S. Ali et al., A multi-centre polyp detection and segmentation dataset for generalisability assessment, "
        "Scientific Data 10:75, 2023"
    ),
    notes=(
        "1537 single frames of six centres (C1 to C6) and 2225 frames of 23 sequences, of which 515 show no polyp. Keys begin with the "
        "centre or the sequence. The more than 300 patients are not named, so single frames of one may fall into different parts. "
        "4275 frames without polyp and without mask (negativeOnly/) are left out."
    ),
    archives=("PolypGen2021_MultiCenterData_v3.zip",),
    folder="PolypGen2021_MultiCenterData_v3",
    aliases=("PolypGen2021", "PolypGen2021_MultiCenterData", "PolypGen2021_MultiCenterData_v2"),
    downloads=(Download("PolypGen2021_MultiCenterData_v3.zip"),),
    registration=(
        "register at https://www.synapse.org, get PolypGen2021_MultiCenterData_v3.zip of syn26376615, "
        "then `limner data get polypgen --from FILE`"
    ),
    layouts=(
        Layout(
            "official",
            image=r"images_(?P<place>C\d|seq\d+)/(?P<id>[^/]+?)[_\]]?",
            masks=(r"masks_(?P<place>C\d|seq\d+)/(?P<id>[^/]+?)[_\]]?_mask",),
            key="{place}/{id}",
            besides=_BESIDES,
        ),
        Layout(
            "plain folder names",
            image=r"(?:data_)?(?P<place>C\d|seq\d+)/images?/(?P<id>[^/]+?)[_\]]?",
            masks=(r"(?:data_)?(?P<place>C\d|seq\d+)/masks?/(?P<id>[^/]+?)[_\]]?(?:_mask)?",),
            key="{place}/{id}",
            besides=_BESIDES,
        ),
    ),
    group_noun="sequence",
    group=sequence_of,
)
