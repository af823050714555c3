"""Pictures: what a header says, files read to arrays of the size that a model takes, and loaders
of whole batches.

A name is loaded when it is asked for, so that what looks at headers does not load fastai.
"""

import typing as _typing

if _typing.TYPE_CHECKING:
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


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from common.data.images import dataset, header, loader, reader, resize

    homes = {"ImageDataset": dataset, "ImageLoader": loader, "Target": resize, "read_image": reader}
    return getattr(homes.get(name, header), name)
