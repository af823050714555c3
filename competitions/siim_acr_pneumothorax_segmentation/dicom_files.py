"""DICOM files of one grey frame, as the host has them: a JPEG, or plain pixels, behind a header."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit, SecondaryCaptureImageStorage

QUALITY = 80  # of the JPEG


def write_dicom(
    path: Path, picture: np.ndarray, name: str, *, age: int, sex: str, plain: bool = False
) -> None:
    """Writes a picture, uint8 (H, W).

    Args:
        name: the instance's number, for the header.
        plain: without compression.
    """
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if plain else JPEGBaseline8Bit
    data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = UID(name)
    data.SOPClassUID, data.SOPInstanceUID = SecondaryCaptureImageStorage, name
    data.PatientAge, data.PatientSex, data.ViewPosition = f"{age:03d}Y", sex, "PA"
    data.Modality, data.BodyPartExamined = "CR", "CHEST"
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = picture.shape
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    if plain:
        data.PixelData = picture.tobytes()
    else:
        _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        data.PixelData = encapsulate([jpeg.tobytes()])
        data["PixelData"].is_undefined_length = True
    data["PixelData"].VR = "OB"
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
