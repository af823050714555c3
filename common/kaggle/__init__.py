"""To Kaggle and back, over the official `kaggle` command: kernels, data, submissions.

cli → faults, redaction, patience → kernels, records → pushing, waiting, fetching → delivery
                                  → listing, archives, unpacking → downloading
                                  → submissions, candidate, ledger → submitting
"""

from common.kaggle.delivery import PushRequest, push
from common.kaggle.downloading import DownloadRequest, download
from common.kaggle.submitting import SubmitRequest, submit

__all__ = ["DownloadRequest", "PushRequest", "SubmitRequest", "download", "push", "submit"]
