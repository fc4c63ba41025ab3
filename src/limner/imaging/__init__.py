"""Images and masks as arrays: read, resize, draw, write. NumPy, Pillow and OpenCV only."""

from limner.imaging.overlay import draw_outline, error_map
from limner.imaging.read import read_image, read_mask
from limner.imaging.resize import resize_image, resize_mask
from limner.imaging.write import encode_png, write_image, write_mask

__all__ = ["draw_outline", "encode_png", "error_map", "read_image", "read_mask", "resize_image", "resize_mask", "write_image", "write_mask"]
