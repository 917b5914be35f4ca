"""One way to open an image file for looking at its pixels, of any type that Pillow or OpenCV reads."""

from workbench.core.pictures.pixels import by_opencv, gray, rgb, small_image, to_rgb, upright

__all__ = ["by_opencv", "gray", "rgb", "small_image", "to_rgb", "upright"]
