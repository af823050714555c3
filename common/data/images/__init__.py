"""Pictures: what a header says, and files read to arrays of the size that a model takes."""

from common.data.images.header import MAX_PIXELS, ImageHeader, read_header
from common.data.images.reader import read_image
from common.data.images.resize import Target

__all__ = ["MAX_PIXELS", "ImageHeader", "Target", "read_header", "read_image"]
