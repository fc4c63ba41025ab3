from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from limner.data.phantoms import phantom
from limner.training.augment import augment_fully
from limner.training.augment.jpeg import as_jpeg
from limner.training.loader import generator


def as_file(image, quality):
    """What Pillow, which is libjpeg, makes of an image (H, W, 3)."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)).astype(np.float32)


@pytest.mark.parametrize("quality", [10, 40, 60, 75, 90, 100])
@pytest.mark.parametrize("size", [(64, 64), (51, 70)], ids=str)
def test_it_is_pillows_jpeg(quality, size):
    image = phantom("polyp", 1, size).image
    ours = as_jpeg(torch.from_numpy(image).permute(2, 0, 1)[None].float(), torch.tensor([float(quality)]))[0].permute(1, 2, 0).numpy()
    theirs = as_file(image, quality)
    loss = np.abs(theirs - image).mean()
    assert np.abs(ours - theirs).mean() < max(0.4 * loss, 0.8)
    assert np.abs(ours - image).mean() == pytest.approx(loss, rel=0.06)


def test_each_image_has_its_own_quality():
    image = torch.from_numpy(phantom("nuclei", 1, (48, 48)).image).permute(2, 0, 1)[None].float()
    both = as_jpeg(image.repeat(2, 1, 1, 1), torch.tensor([10.0, 95.0]))
    for after, quality in zip(both, (10.0, 95.0), strict=True):
        torch.testing.assert_close(after, as_jpeg(image, torch.tensor([quality]))[0])
    worse, better = (both - image).abs().mean((1, 2, 3))
    assert worse > 1.5 * better


def test_sixty_means_quality_forty(only):
    image = torch.from_numpy(phantom("vessel", 1, (48, 48)).image).permute(2, 0, 1)[None].float()
    compressed, _ = augment_fully(image, image[:, :1], only(jpeg=60), generator(0))
    assert torch.equal(compressed, as_jpeg(image, torch.tensor([40.0])))


def test_grey_stays_grey():
    grey = torch.full((1, 3, 20, 20), 130.0)
    torch.testing.assert_close(as_jpeg(grey, torch.tensor([50.0])), grey, atol=1.5, rtol=0)
