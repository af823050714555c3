"""Pictures: what a header says, files read to arrays of the size that a model takes, and loaders
of whole batches."""

from common.data.images.dataset import ImageDataset
from common.data.images.header import MAX_PIXELS, ImageHeader, read_header
from common.data.images.loader import ImageLoader
from common.data.images.reader import read_image
from common.data.images.resize import Target

__all__ = [
    "MAX_PIXELS",
    "ImageDataset",
    "ImageHeader",
    "ImageLoader",
    "Target",
    "read_header",
    "read_image",
]
