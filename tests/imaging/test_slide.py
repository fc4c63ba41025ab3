"""Slides are read a region at a time, whatever their TIFF file is like, and shown as any other picture."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.absence import run_python
from tests.imaging.slides import pyramid, scene

from limner.errors import DataError, LimnerError
from limner.imaging import read_image
from limner.imaging.slide import is_slide, open_slide

SIZE = (210, 170)
REGIONS = [(0, 0, *SIZE), (63, 63, 66, 3), (209, 0, 1, 170), (100, 169, 40, 1)]
RGB = {"photometric": "rgb"}
LAYOUTS = {
    "one strip": {},
    "strips": {"rowsperstrip": 16, "compression": "zlib"},
    "strips, predictor": {"rowsperstrip": 7, "compression": "zlib", "predictor": 2},
    "lzw": {"rowsperstrip": 64, "compression": "lzw"},
    "packbits": {"compression": "packbits", "rowsperstrip": 50},
    "tiles": {"tile": (64, 32), "compression": "zlib"},
    "tiles, plain": {"tile": (32, 32)},
    "tiles as wide as the picture": {"tile": (16, 176)},
    "bigtiff": {"tile": (128, 128), "bigtiff": True},
    "big-endian": {"byteorder": ">"},
    "zstd": {"tile": (64, 64), "compression": "zstd"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_regions_are_those_of_the_picture(tmp_path, layout, dtype):
    image = scene(*SIZE)
    stored = image if dtype == np.uint8 else image.astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", stored, **RGB, **LAYOUTS[layout])
    with open_slide(tmp_path / "a.tif") as slide:
        assert slide.size == SIZE
        for top, left, height, width in REGIONS:
            assert np.array_equal(slide.read(top, left, height, width), image[top : top + height, left : left + width])


@pytest.mark.parametrize("layout", [{}, {"tile": (64, 64), "compression": "zlib"}])
def test_channels_one_after_the_other(tmp_path, layout):
    image = scene(*SIZE)
    tifffile.imwrite(tmp_path / "a.tif", image.transpose(2, 0, 1), planarconfig="separate", **RGB, **layout)
    with open_slide(tmp_path / "a.tif") as slide:
        assert np.array_equal(slide.read(50, 60, 70, 80), image[50:120, 60:140])


def test_jpeg_tiles_are_decoded_to_rgb(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", scene(*SIZE), tile=(64, 64), compression="jpeg", **RGB)
    with open_slide(tmp_path / "a.tif") as slide:
        found = slide.read(0, 0, *SIZE)
    assert np.array_equal(found, tifffile.imread(tmp_path / "a.tif"))
    assert np.abs(found[60:, 60:].astype(int) - scene(*SIZE)[60:, 60:]).mean() < 8


def kinds():
    image = scene(40, 50)
    grey = image[..., 0]
    deep = grey.astype(np.uint16) * 200 + 77
    yield "grey", grey, {}
    yield "grey, 16 bits", deep, {}
    yield "white is zero", grey, {"photometric": "miniswhite"}
    yield "one bit", grey > 100, {}
    yield "alpha", np.dstack([image, grey]), {"photometric": "rgb", "extrasamples": ["unassalpha"]}
    yield "palette", grey, {"photometric": "palette", "colormap": np.random.default_rng(0).integers(0, 256, (3, 256), np.uint16) * 257}


@pytest.mark.parametrize(("stored", "options"), [pytest.param(*kind[1:], id=kind[0]) for kind in kinds()])
@pytest.mark.parametrize("layout", [{}, {"tile": (32, 32), "compression": "zlib"}], ids=["strip", "tiles"])
def test_a_slide_is_shown_as_any_other_picture(tmp_path, stored, options, layout):
    tifffile.imwrite(tmp_path / "a.tif", stored, **options, **layout)
    with open_slide(tmp_path / "a.tif") as slide:
        assert np.array_equal(slide.read(0, 0, *slide.size), read_image((tmp_path / "a.tif").read_bytes(), name="a.tif"))


def test_a_large_picture_in_one_strip_is_read_by_parts(tmp_path):
    tifffile.memmap(tmp_path / "a.tif", shape=(12_000, 12_000), dtype=np.uint8)[7000, 3000:3010] = 200  # a file of holes
    assert is_slide(tmp_path / "a.tif")
    tracemalloc.start()
    with open_slide(tmp_path / "a.tif") as slide:
        found = slide.read(6999, 2995, 3, 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000
    assert np.argwhere(found[..., 0]).tolist() == [[1, column] for column in range(5, 15)]


def test_pieces_are_kept_but_not_all_of_them(tmp_path):
    from limner.imaging import slide_segments

    image = scene(*SIZE)
    tifffile.imwrite(tmp_path / "a.tif", image, tile=(16, 16), compression="zlib", **RGB)
    with pytest.MonkeyPatch.context() as patch, tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        patch.setattr(slide_segments, "_KEPT_BYTES", 0)
        segments = slide_segments.Segments(tiff, tiff.pages[0], name="a.tif")
        for top in range(0, 192, 8):
            assert np.array_equal(segments.read(top, 0, 16, 170), image[top : top + 16])
        assert len(segments._kept) == 2 * 11  # two rows of tiles


@pytest.mark.parametrize("subifds", [False, True])
def test_smaller_copies_serve_thumbnails(tmp_path, subifds):
    image = np.full((400, 600, 3), 100, np.uint8)
    with open_slide(pyramid(tmp_path / "a.tif", image, subifds=subifds)) as slide:
        assert [level.size for level in slide.levels] == [(400, 600), (200, 300), (100, 150)]
        assert [int(slide.thumbnail(longest).mean()) for longest in (600, 301, 300, 151, 150, 20)] == [100, 100, 99, 99, 98, 98]
        assert slide.thumbnail(150).shape == (100, 150, 3)
        assert slide.thumbnail(9999).shape == (400, 600, 3)


@pytest.mark.parametrize(("size", "longest"), [((210, 170), 100), ((1500, 333), 71), ((600, 601), 600), ((5, 900), 30), ((3, 3), 3)])
def test_a_thumbnail_is_the_picture_shrunk(tmp_path, size, longest):
    image = scene(*size)
    image[: size[0] // 4] = 128
    tifffile.imwrite(tmp_path / "a.tif", image, tile=(64, 64), compression="zlib", **RGB)
    with open_slide(tmp_path / "a.tif") as slide:
        small = slide.thumbnail(longest)
    expected = np.asarray(Image.fromarray(image).resize(small.shape[1::-1], Image.Resampling.BOX))
    assert max(small.shape) == longest
    assert np.abs(small.astype(int) - expected).mean() < 3


def test_what_is_a_slide(tmp_path):
    small, page = tmp_path / "small.tif", {"tile": (64, 64), **RGB}
    tifffile.imwrite(small, scene(200, 200), **page)
    assert not is_slide(small)
    with tifffile.TiffWriter(tmp_path / "thumb.tif") as tiff:
        tiff.write(scene(200, 200), **page)
        tiff.write(scene(20, 20), subfiletype=1)
    assert not is_slide(tmp_path / "thumb.tif")
    assert is_slide(pyramid(tmp_path / "pyramid.tif", scene(400, 400)))
    tifffile.memmap(tmp_path / "deep.tif", shape=(6000, 6000, 3), dtype=np.uint16, **RGB)
    assert is_slide(tmp_path / "deep.tif")
    (tmp_path / "a.SVS").write_bytes(b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    (tmp_path / "cut.tif").write_bytes(small.read_bytes()[:6])
    (tmp_path / "empty.tif").write_bytes(b"")
    found = {name: is_slide(tmp_path / name) for name in ("a.SVS", "a.png", "cut.tif", "empty.tif", "absent.svs", "absent.tif", ".")}
    assert found == dict.fromkeys(found, False) | {"a.SVS": True}


OME = '<OME><Image><Pixels PhysicalSizeX="{0}" PhysicalSizeXUnit="{1}" PhysicalSizeY="{0}" PhysicalSizeYUnit="{1}"/></Image></OME>'


@pytest.mark.parametrize(
    ("options", "spacing"),
    [
        ({}, None),
        ({"resolution": (40_000, 40_000), "resolutionunit": "centimeter"}, 0.25),
        ({"resolution": (50_800, 50_800), "resolutionunit": "inch"}, 0.5),
        ({"resolution": (300, 300), "resolutionunit": "inch"}, None),
        ({"resolution": (40_000, 20_000), "resolutionunit": "centimeter"}, None),
        ({"resolution": (1, 1)}, None),
        ({"description": "Aperio Image Library\n46000x32914 (240x240) JPEG/RGB|AppMag = 20|MPP = 0.4990|Left = 25"}, 0.499),
        ({"description": OME.format("0.325", "µm")}, 0.325),
        ({"description": OME.format("325", "nm")}, 0.325),
        ({"description": OME.format("1", "pixel")}, None),
    ],
)
def test_the_spacing_is_told_where_it_can_be_that_of_a_slide(tmp_path, options, spacing):
    options = {key: value.encode() if key == "description" else value for key, value in options.items()}
    tifffile.imwrite(tmp_path / "a.tif", scene(32, 32), metadata=None, **RGB, **options)
    with open_slide(tmp_path / "a.tif") as slide:
        assert slide.spacing_um == (None if spacing is None else pytest.approx(spacing))


def test_what_is_no_single_picture_is_refused(tmp_path):
    def refused(name, array, **options):
        tifffile.imwrite(tmp_path / name, array, **options)
        with pytest.raises(DataError) as caught:
            open_slide(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        return caught.value

    assert "3 pages" in refused("stack.tif", np.zeros((3, 40, 40), np.uint8), photometric="minisblack").what
    assert "float32" in refused("float.tif", np.zeros((40, 40), np.float32)).what
    assert "CIELAB" in refused("lab.tif", scene(40, 40), photometric="cielab").what
    assert "turned" in refused("turned.tif", scene(40, 40), **RGB, extratags=[(274, 3, 1, 6, True)]).what
    with tifffile.TiffWriter(tmp_path / "two.tif") as tiff:
        tiff.write(scene(40, 40), metadata=None)
        tiff.write(scene(40, 40)[..., :1].squeeze(), metadata=None)
        tiff.write(scene(80, 20)[..., :1].squeeze(), metadata=None)
    with open_slide(tmp_path / "two.tif") as slide:  # of a slide and its label, the larger
        assert slide.size == (40, 40)


def test_one_compressed_piece_too_large_for_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("limner.imaging.slide_segments._MOST_IN_PIECE", 10_000)
    tifffile.imwrite(tmp_path / "a.tif", scene(100, 100), compression="zlib", rowsperstrip=100, **RGB)
    with pytest.raises(DataError, match="100 x 100 pixels, too large") as caught:
        open_slide(tmp_path / "a.tif")
    assert "--tile" in caught.value.fix


def test_a_piece_that_unpacks_to_more_than_its_size_is_refused(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", scene(64, 64), tile=(64, 64), compression="zlib", **RGB)
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        for tag in ("TileWidth", "TileLength", "ImageWidth", "ImageLength"):  # the tile is too much for one of 16 x 16
            place = tiff.pages[0].tags[tag].valueoffset
            data[place : place + 2] = (16).to_bytes(2, "little")
    (tmp_path / "a.tif").write_bytes(data)
    for installed in (True, False):
        monkeypatch.setattr("limner.imaging.slide_segments._has_codecs", lambda installed=installed: installed)
        with open_slide(tmp_path / "a.tif") as slide, pytest.raises(DataError, match="cannot be read" if installed else "unpacks to more"):
            slide.read(0, 0, 16, 16)


@pytest.mark.parametrize("layout", ["one strip", "strips", "tiles"])
def test_damage_is_never_a_traceback(tmp_path, layout):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, scene(*SIZE), **RGB, **LAYOUTS[layout])
    whole, random = path.read_bytes(), np.random.default_rng(1)
    for attempt in range(18):
        data = bytearray(whole[: random.integers(0, len(whole))] if attempt % 3 == 0 else whole)
        for place in random.integers(0, min(len(data), 400) + 1, 3 * (attempt % 3 > 0)):  # the header and its tags
            data[place] = random.integers(256)
        path.write_bytes(data)
        with suppress(LimnerError), open_slide(path) as slide:
            if np.prod(slide.size) < 1e6:
                assert slide.read(0, 0, *slide.size).shape == (*slide.size, 3)


def test_a_missing_file_is_an_error(tmp_path):
    for name in ("absent.tif", "absent.svs"):
        with pytest.raises(DataError, match="there is no such file"):
            open_slide(tmp_path / name)


def test_without_the_extra_what_needs_it_names_it(tmp_path):
    tifffile.imwrite(tmp_path / "jpeg.tif", scene(64, 64), tile=(64, 64), compression="jpeg", **RGB)
    tifffile.imwrite(tmp_path / "zlib.tif", scene(64, 64), tile=(32, 32), compression="zlib", predictor=2, **RGB)
    (tmp_path / "a.svs").write_bytes((tmp_path / "jpeg.tif").read_bytes())
    code = """
        import sys
        sys.modules |= {"imagecodecs": None, "openslide": None}
        from limner.errors import MissingExtraError
        from limner.imaging.slide import open_slide
        for name in ("zlib.tif", "jpeg.tif", "a.svs"):
            try:
                with open_slide(name) as slide:
                    print(name, slide.read(0, 0, 64, 64).shape)
            except MissingExtraError as error:
                print(name, error.fix)
        """
    printed = run_python(
        "\n".join(line.strip(" ") if not line.startswith("         ") else line[8:] for line in code.splitlines()), tmp_path
    )
    install = "pip install 'limner[slides]'"
    assert printed.splitlines() == ["zlib.tif (64, 64, 3)", f"jpeg.tif {install}", f"a.svs {install}"]


def test_a_file_that_is_cut_short_is_named(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", scene(*SIZE), **RGB)
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[:-100])
    with open_slide(tmp_path / "a.tif") as slide, pytest.raises(DataError, match=r"cut short\n.*a\.tif"):
        slide.read(0, 0, *SIZE)
