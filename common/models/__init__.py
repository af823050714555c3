"""Nets from known backbones, under one way to name them and to find their weights.

    classifier("timm/resnet34.a1_in1k", 17, weights="pretrained", pool="gem")

U-Nets are in `common.models.unet`, which only segmentation imports: its library travels with every
kernel that does. Weights come from the file that the name says or, by explicit choice, from
nowhere: never silently random.

A pipeline answers `model(context)` with weights="none", because a run folder's own weights are
loaded into it, and `learner()` with those of its settings:

    def net(self, weights): return classifier(settings.backbone, 17, weights=weights)
    def model(self, context): return self.net("none")
    def learner(self, loaders, context):
        return Learner(loaders, self.net(self.settings.weights), splitter=classifier_groups)
"""

from common.models.backbones import Backbone, backbone, normalisation
from common.models.classifiers import Classifier, classifier, classifier_groups
from common.models.groups import splitter
from common.models.pooling import GeM
from common.models.weights import WEIGHTS

__all__ = [
    "WEIGHTS",
    "Backbone",
    "Classifier",
    "GeM",
    "backbone",
    "classifier",
    "classifier_groups",
    "normalisation",
    "splitter",
]
