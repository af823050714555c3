"""Metrics as values: a name, a direction, a function on numpy arrays."""

from common.metrics.base import Metric
from common.metrics.class_means import mean_class_accuracy
from common.metrics.classification import accuracy
from common.metrics.detection import open_images_map
from common.metrics.kaggle_form import metric_from_kaggle
from common.metrics.label_maps import mean_iou
from common.metrics.ordinal import quadratic_weighted_kappa
from common.metrics.points import mean_point_distance, median_point_distance, share_within_10
from common.metrics.probability import log_loss, multiclass_log_loss
from common.metrics.ranking import area_under_roc
from common.metrics.regression import (
    mean_absolute_error,
    root_mean_squared_error,
    root_mean_squared_percentage_error,
)
from common.metrics.relationships import relationship_mix
from common.metrics.segmentation import mean_dice
from common.metrics.segments import segments_map
from common.metrics.tags import mean_f2
from common.metrics.top_k import global_average_precision

__all__ = [
    "Metric",
    "accuracy",
    "area_under_roc",
    "global_average_precision",
    "log_loss",
    "mean_absolute_error",
    "mean_class_accuracy",
    "mean_dice",
    "mean_f2",
    "mean_iou",
    "mean_point_distance",
    "median_point_distance",
    "metric_from_kaggle",
    "multiclass_log_loss",
    "open_images_map",
    "quadratic_weighted_kappa",
    "relationship_mix",
    "root_mean_squared_error",
    "root_mean_squared_percentage_error",
    "segments_map",
    "share_within_10",
]
