"""Public data sets in miniature: real names, tiny pictures. Each function makes one, in its official layout or in another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.data.catalog.pictures import empty_mask, image, mask

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Made:
    """A data set in miniature.

    Attributes:
        files: Contents by relative name.
        keys: Number of the mask by key.
        second: Number of the second observer's mask by key.
        fov: Name of the field-of-view mask by key.
        unwanted: Pictures that are no part of any pair.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    second: dict[str, int] = field(default_factory=dict)
    fov: dict[str, str] = field(default_factory=dict)
    unwanted: set[str] = field(default_factory=set)

    def add(self, key: str, image_name: str, mask_name: str, second_name: str = "", fov_name: str = "") -> None:
        """A pair, with what else belongs to it; each name's suffix is its kind."""
        number = len(self.keys)
        self.keys[key] = number
        self.files[image_name] = image(number, _kind(image_name))
        self.files[mask_name] = mask(number, _kind(mask_name))
        if second_name:
            self.second[key] = number + 5
            self.files[second_name] = mask(number + 5, _kind(second_name))
        if fov_name:
            self.fov[key] = fov_name
            self.files[fov_name] = mask(13, _kind(fov_name))

    def beside(self, name: str) -> None:
        """A picture that is no part of a pair."""
        self.files[name] = image(99, _kind(name))
        self.unwanted.add(name)


def _kind(name: str) -> str:
    parts = name.rsplit("/", 1)[-1].split(".")
    return ".".join(parts[-2:]) if parts[-1] == "gz" else parts[-1]


# --------------------------------------------------------------------------------------------------------------- polyps

KVASIR_IDS = ["cju0qkwl35piu0993l0dewei2", "cjyzjzssvd8pq0838f4nolj5l", "cjz14qsk2wci60794un9ozwmw", "ck2da7fwcjfis07218r1rvm95"]
HYPERKVASIR_IDS = [f"147257f5-7401-4f3a-bacb-7c16611c2e{i:02x}" for i in range(4)]


def kvasir(images: str = "Kvasir-SEG/images", masks: str = "Kvasir-SEG/masks", kind: str = "jpg") -> Made:
    made = Made()
    for key in KVASIR_IDS:
        made.add(key, f"{images}/{key}.{kind}", f"{masks}/{key}.{kind}")
    made.files["Kvasir-SEG/kavsir_bboxes.json"] = b'{"cju0qkwl35piu0993l0dewe00": {"height": 1, "width": 1, "bbox": []}}'
    return made


def hyperkvasir() -> Made:
    made = Made()
    for key in HYPERKVASIR_IDS:
        made.add(key, f"segmented-images/images/{key}.jpg", f"segmented-images/masks/{key}.jpg")
    return made


def numbered(images: str, masks: str, kind: str) -> Made:
    """As CVC-ClinicDB, and the copies of CVC-ColonDB and ETIS-Larib."""
    made = Made()
    for number in (1, 2, 25, 26, 600):
        made.add(str(number), f"{images}/{number}.{kind}", f"{masks}/{number}.{kind}")
    return made


def clinicdb_in_two_formats() -> Made:
    made = numbered("archive/PNG/Original", "archive/PNG/Ground Truth", "png")
    copy = numbered("archive/TIF/Original", "archive/TIF/Ground Truth", "tif")
    made.files.update(copy.files)
    made.unwanted.update(copy.files)
    return made


def colondb() -> Made:
    made = Made()
    for number in range(1, 5):
        made.add(str(number), f"CVC-ColonDB/{number}.bmp", f"CVC-ColonDB/p{number}.bmp")
        made.beside(f"CVC-ColonDB/s{number}.bmp")
        made.beside(f"CVC-ColonDB/c{number}.bmp")
    return made


def etis() -> Made:
    made = Made()
    for number in range(1, 5):
        made.add(str(number), f"ETIS-LaribPolypDB/ETIS-LaribPolypDB/{number}.tif", f"ETIS-LaribPolypDB/Ground Truth/p{number}.tif")
    return made


def polypgen() -> Made:
    made = Made()
    top = "PolypGen2021_MultiCenterData_v3"
    for centre, name in (("C1", "100H0050"), ("C2", "EndoCV2021_001000"), ("C4", "2_endocv2021_positive_1059")):
        made.add(
            f"{centre}/{name}", f"{top}/data_{centre}/images_{centre}/{name}.jpg", f"{top}/data_{centre}/masks_{centre}/{name}_mask.jpg"
        )
        made.beside(f"{top}/data_{centre}/bbox_image_{centre}/{name}_mask_bbox.jpg")
        made.beside(f"{top}/imagesAll_positive/{name}.jpg")
    stray = "C3_EndoCV2021_00489"
    made.add(f"C3/{stray}", f"{top}/data_C3/images_C3/{stray}_.jpg", f"{top}/data_C3/masks_C3/{stray}_mask.jpg")
    for number in (1, 12):
        for name in ("0_endocv2021_positive_167", "0_endocv2021_positive_168"):
            folder = f"{top}/sequenceData/positive/seq{number}"
            made.add(f"seq{number}/{name}", f"{folder}/images_seq{number}/{name}.jpg", f"{folder}/masks_seq{number}/{name}_mask.jpg")
            made.beside(f"{folder}/bbox_image_seq{number}/{name}.jpg")
    made.beside(f"{top}/sequenceData/negativeOnly/seq1_neg/frame_1.jpg")
    return made


def polypgen_plain() -> Made:
    made = Made()
    for centre, name in (("C1", "100H0050"), ("C2", "EndoCV2021_001000")):
        made.add(f"{centre}/{name}", f"PolypGen/data_{centre}/images/{name}.jpg", f"PolypGen/data_{centre}/masks/{name}_mask.jpg")
    return made


# --------------------------------------------------------------------------------------------------------------- nuclei

DSB_IDS = [f"{i:064x}" for i in (0xABC, 0xDEF)]


def dsb2018_merged() -> Made:
    made = Made()
    for key in DSB_IDS:
        made.add(key, f"dsb2018/images/{key}.png", f"dsb2018/masks/{key}.png")
    return made


# -------------------------------------------------------------------------------------------------------------- vessels


def drive(*, test_masks: bool = True, second: bool = True) -> Made:
    made = Made()
    for number in (21, 22, 23):
        top = "DRIVE/training"
        fov = f"{top}/mask/{number}_training_mask.gif"
        made.add(f"{number}_training", f"{top}/images/{number}_training.tif", f"{top}/1st_manual/{number}_manual1.gif", fov_name=fov)
    for number in ("01", "02"):
        top = "DRIVE/test"
        if not test_masks:
            made.beside(f"{top}/images/{number}_test.tif")
            continue
        other = f"{top}/2nd_manual/{number}_manual2.gif" if second else ""
        fov = f"{top}/mask/{number}_test_mask.gif"
        made.add(f"{number}_test", f"{top}/images/{number}_test.tif", f"{top}/1st_manual/{number}_manual1.gif", other, fov)
    return made


def drive_converted() -> Made:
    made = Made()
    for part, number in (("training", "21"), ("training", "22"), ("validation", "01")):
        key = f"{number}_{'test' if part == 'validation' else part}"
        masks = f"DRIVE/annotations/{part}/{number}"
        second = f"{masks}_manual2.png" if part == "validation" else ""
        made.add(key, f"DRIVE/images/{part}/{number}.png", f"{masks}_manual1.png", second)
    return made


CHASE_EYES = [f"{number:02d}{eye}" for number in (1, 2, 10, 11, 14) for eye in "LR"]


def chase(images: str = "", first: str = "", second: str = "") -> Made:
    made = Made()
    for eye in CHASE_EYES:
        name = f"Image_{eye}"
        made.add(name, f"{images}{name}.jpg", f"{first}{name}_1stHO.png", f"{second}{name}_2ndHO.png")
    return made


def chase_in_folders() -> Made:
    made = Made()
    for eye in CHASE_EYES:
        name = f"Image_{eye}"
        made.add(name, f"CHASE/images/{name}.jpg", f"CHASE/1st_label/{name}.png", f"CHASE/2nd_label/{name}.png")
    return made


STARE_NUMBERS = (1, 2, 139, 162, 324)


def stare(suffix: str = ".ppm", top: str = "STARE/", folders: tuple[str, str, str] = ("stare-images", "labels-ah", "labels-vk")) -> Made:
    made = Made()
    for number in STARE_NUMBERS:
        name = f"im{number:04d}"
        images, first, second = (f"{top}{folder}/{name}" for folder in folders)
        made.add(name, f"{images}{suffix}", f"{first}.ah{suffix}", f"{second}.vk{suffix}")
    return made


HRF_NAMES = [f"{number:02d}_{kind}" for kind in ("dr", "g", "h") for number in (1, 5, 6, 15)]
_HRF_FOLDERS = {"dr": "diabetic_retinopathy", "g": "glaucoma", "h": "healthy"}


def hrf() -> Made:
    made = Made()
    for name in HRF_NAMES:
        suffix = "JPG" if name.endswith("dr") else "jpg"
        made.add(name, f"HRF/images/{name}.{suffix}", f"HRF/manual1/{name}.tif", fov_name=f"HRF/mask/{name}_mask.tif")
    return made


def hrf_by_kind() -> Made:
    made = Made()
    for name in HRF_NAMES:
        folder = f"HRF/{_HRF_FOLDERS[name.partition('_')[2]]}"
        made.add(name, f"{folder}/{name}.jpg", f"{folder}_manualsegm/{name}.tif", fov_name=f"{folder}_fovmask/{name}_mask.tif")
    return made


def hrf_converted() -> Made:
    made = Made()
    for name in HRF_NAMES:
        part = "training" if name[:2] in {"01", "05"} else "validation"
        made.add(name, f"HRF/images/{part}/{name}.png", f"HRF/annotations/{part}/{name}.png")
    return made


def fives(top: str = "FIVES A Fundus Image Dataset for AI-based Vessel Segmentation") -> Made:
    made = Made()
    for part, names in (("train", ("1_A", "151_D", "600_N")), ("test", ("1_A", "200_N"))):
        for name in names:
            made.add(f"{part}/{name}", f"{top}/{part}/Original/{name}.png", f"{top}/{part}/Ground truth/{name}.png")
    return made


# -------------------------------------------------------------------------------------------------------------- lesions

_ISIC_PARTS = {"Training": "train", "Validation": "val", "Test": "test"}


def isic(top: str = "ISIC2018/", *, twice: bool = False) -> Made:
    """Official folders; an archive of them has each twice, since it is unpacked into a folder of its own name."""
    made = Made()
    for index, (part, short) in enumerate(_ISIC_PARTS.items()):
        images, masks = f"ISIC2018_Task1-2_{part}_Input", f"ISIC2018_Task1_{part}_GroundTruth"
        images, masks = (f"{folder}/{folder}" if twice else folder for folder in (images, masks))
        for number in (index, 12255 + index):
            name = f"ISIC_{number:07d}"
            made.add(f"{short}/{name}", f"{top}{images}/{name}.jpg", f"{top}{masks}/{name}_segmentation.png")
    return made


def isic_flat() -> Made:
    made = Made()
    for number in range(4):
        name = f"ISIC_{number:07d}"
        made.add(name, f"isic2018/images/{name}.jpg", f"isic2018/masks/{name}_segmentation.png")
        made.beside(f"isic2018/images/{name}_superpixels.png")
    return made


def ph2() -> Made:
    made = Made()
    for name in ("IMD002", "IMD003", "IMD437"):
        folder = f"PH2Dataset/PH2 Dataset images/{name}"
        made.add(name, f"{folder}/{name}_Dermoscopic_Image/{name}.bmp", f"{folder}/{name}_lesion/{name}_lesion.bmp")
        made.beside(f"{folder}/{name}_roi/{name}_R1_Label4.bmp")
    return made


def ph2_flat() -> Made:
    made = Made()
    for name in ("IMD002", "IMD003", "IMD437"):
        made.add(name, f"PH2/trainx/{name}.bmp", f"PH2/trainy/{name}_lesion.bmp")
    return made


def busi() -> Made:
    made = Made()
    for kind in ("benign", "malignant"):
        for number in (1, 10, 100):
            name = f"Dataset_BUSI_with_GT/{kind}/{kind} ({number})"
            made.add(f"{kind} ({number})", f"{name}.png", f"{name}_mask.png")
    return made


OFFICIAL: dict[str, Callable[[], Made]] = {
    "busi": busi,
    "chase-db1": chase,
    "cvc-clinicdb": lambda: numbered("CVC-ClinicDB/Original", "CVC-ClinicDB/Ground Truth", "tif"),
    "cvc-colondb": colondb,
    "drive": drive,
    "etis-larib": etis,
    "fives": fives,
    "hrf": hrf,
    "hyperkvasir-segmented": hyperkvasir,
    "isic2018-task1": isic,
    "kvasir-seg": kvasir,
    "ph2": ph2,
    "polypgen": polypgen,
    "stare": stare,
}

REPACKED: dict[str, tuple[str, Callable[[], Made]]] = {
    "kvasir-as-png": ("kvasir-seg", lambda: kvasir("data/image", "data/mask", "png")),
    "clinicdb-one-format": ("cvc-clinicdb", lambda: numbered("PNG/Original", "PNG/Ground Truth", "png")),
    "clinicdb-two-formats": ("cvc-clinicdb", clinicdb_in_two_formats),
    "clinicdb-pranet": ("cvc-clinicdb", lambda: numbered("TestDataset/CVC-ClinicDB/images", "TestDataset/CVC-ClinicDB/masks", "png")),
    "colondb-pranet": ("cvc-colondb", lambda: numbered("CVC-ColonDB/images", "CVC-ColonDB/masks", "png")),
    "etis-pranet": ("etis-larib", lambda: numbered("ETIS-LaribPolypDB/images", "ETIS-LaribPolypDB/masks", "png")),
    "polypgen-plain": ("polypgen", polypgen_plain),
    "dsb2018-merged": ("dsb2018", dsb2018_merged),
    "drive-converted": ("drive", drive_converted),
    "drive-one-observer": ("drive", lambda: drive(second=False)),
    "drive-without-test-masks": ("drive", lambda: drive(test_masks=False)),
    "chase-in-folders": ("chase-db1", chase_in_folders),
    "chase-converted": ("chase-db1", lambda: chase("CHASE_DB1/images/training/", *("CHASE_DB1/annotations/training/",) * 2)),
    "stare-in-one-folder": ("stare", lambda: stare(folders=("all", "all", "all"))),
    "hrf-by-kind": ("hrf", hrf_by_kind),
    "hrf-converted": ("hrf", hrf_converted),
    "fives-renamed": ("fives", lambda: fives("FIVES")),
    "isic-twice": ("isic2018-task1", lambda: isic("", twice=True)),
    "isic-flat": ("isic2018-task1", isic_flat),
    "ph2-flat": ("ph2", ph2_flat),
}


def dsb2018(top: str = "", nuclei: int = 3) -> Made:
    """One file for each nucleus; `keys` counts the images, not the masks."""
    made = Made()
    for index, key in enumerate(DSB_IDS):
        made.keys[key] = index
        made.files[f"{top}{key}/images/{key}.png"] = image(index, "png")
        for nucleus in range(nuclei):
            made.files[f"{top}{key}/masks/{index * 16 + nucleus:064x}.png"] = mask((1 << nucleus) - 1, "png")
    return made


def busi_with_several_masks() -> Made:
    """One image with two lesions, one without any."""
    made = busi()
    top = "Dataset_BUSI_with_GT"
    made.files[f"{top}/benign/benign (10)_mask_1.png"] = mask(7, "png")  # the fourth block
    made.files[f"{top}/normal/normal (1).png"] = image(50, "png")
    made.files[f"{top}/normal/normal (1)_mask.png"] = empty_mask("png")
    return made
