"""Kernels: what travels to Kaggle, how it is built, rehearsed and fed.

build → bundle, scan, script_format or notebook_format, metadata
"""

__all__: list[str] = []
