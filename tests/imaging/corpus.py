"""Small files of every kind that is read, as seeds for damage; DICOM files are added where pydicom is installed."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import tifffile
from PIL import Image
from tests.imaging.pictures import disc, encoded, gradient, with_orientation

SIZE = (20, 24)
DISC = np.pad(disc(20, 8), ((0, 0), (0, 4)))


def corpus() -> dict[str, bytes]:
    """Files by name."""
    colour, levels = gradient(*SIZE), gradient(*SIZE)[..., 0]
    picture, plain = Image.fromarray(colour), Image.fromarray(levels)
    deep = levels.astype(np.uint16) * 257
    files = {
        "rgb.png": encoded(picture, "PNG"),
        "rgba.png": encoded(Image.fromarray(np.dstack([colour, levels])), "PNG"),
        "grey16.png": encoded(Image.fromarray(deep), "PNG"),
        "palette.png": encoded(picture.quantize(16), "PNG"),
        "bits.png": encoded(Image.fromarray(DISC), "PNG"),
        "turned.png": with_orientation(colour, 6),
        "text.png": _png_with_text(picture),
        "animated.png": encoded(picture, "PNG", save_all=True, append_images=[picture.rotate(90)]),
        "mask.png": encoded(Image.fromarray(DISC.astype(np.uint8)), "PNG"),
        "rgb.jpg": encoded(picture, "JPEG"),
        "grey.jpg": encoded(plain, "JPEG", quality=60),
        "progressive.jpg": encoded(picture, "JPEG", progressive=True),
        "cmyk.jpg": encoded(picture.convert("CMYK"), "JPEG"),
        "turned.jpg": encoded(picture, "JPEG", exif=_exif(8)),
        "rgb.bmp": encoded(picture, "BMP"),
        "palette.bmp": encoded(picture.quantize(16), "BMP"),
        "palette.gif": encoded(picture.quantize(32), "GIF"),
        "animated.gif": encoded(picture, "GIF", save_all=True, append_images=[picture.rotate(90)]),
        "lossy.webp": encoded(picture, "WEBP"),
        "lossless.webp": encoded(picture, "WEBP", lossless=True),
        "animated.webp": encoded(picture, "WEBP", save_all=True, append_images=[picture.rotate(90)]),
        "rgb.ppm": encoded(picture, "PPM"),
        "deep.pgm": b"P5\n# by hand\n24 20\n4095\n" + (deep >> 4).astype(">u2").tobytes(),
        "plain.pgm": b"P2 24 20 9\n" + " ".join(map(str, (levels % 10).ravel())).encode(),
        "plain.pbm": b"P1 24 20\n" + b"10" * 240,
        "rgb.jp2": encoded(picture, "JPEG2000"),
        "lossy.j2k": encoded(plain, "JPEG2000", irreversible=True, no_jp2=True),
        "grey16.jp2": encoded(Image.fromarray(deep), "JPEG2000"),
    }
    files |= {
        f"{kind}.tif": encoded(picture, "TIFF", compression=kind) for kind in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    }
    files |= {f"{kind}.tif": data for kind, data in _tiffs(colour, deep).items()}
    return files


def _tiffs(colour: np.ndarray, deep: np.ndarray) -> dict[str, bytes]:
    planes = np.stack([deep, deep, deep])
    return {
        "grey16": tiff(deep),
        "planar16": tiff(planes, photometric="rgb", planarconfig="separate"),
        "planar16-deflate": tiff(planes, photometric="rgb", planarconfig="separate", compression="zlib", predictor=True),
        "tiles": tiff(colour, tile=(16, 16), compression="zlib"),
        "double": tiff(deep / 65535.0),
        "labels32": tiff((deep % 9).astype(np.uint32)),
        "big": tiff(colour, bigtiff=True),
        "pages": tiff(np.stack([colour, colour]), photometric="rgb"),
    }


def tiff(array: np.ndarray, **options) -> bytes:
    """The bytes of a TIFF file."""
    buffer = BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "A maker of cameras"
    return exif


def _png_with_text(picture: Image.Image) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Comment", "drawn by hand " * 20, zip=True)
    info.add_itxt("Title", "a picture", zip=True)
    return encoded(picture, "PNG", pnginfo=info, icc_profile=b"no profile" * 30)
