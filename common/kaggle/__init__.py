"""To Kaggle and back, over the official `kaggle` command: kernels, data, submissions.

cli → faults, redaction, patience → kernels, records → pushing, waiting, fetching → delivery
                                  → listing, archives, unpacking → downloading
"""

from common.kaggle.delivery import PushRequest, push
from common.kaggle.downloading import DownloadRequest, download

__all__ = ["DownloadRequest", "PushRequest", "download", "push"]
