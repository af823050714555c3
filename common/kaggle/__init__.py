"""To Kaggle and back, over the official `kaggle` command: kernels, data, submissions.

cli → faults, redaction, patience → kernels, records → pushing, waiting, fetching → delivery
"""

from common.kaggle.delivery import PushRequest, push

__all__ = ["PushRequest", "push"]
