"""Backbones of timm and torchvision: pictures to maps of features."""

from __future__ import annotations

import importlib
import re
from typing import Any

import torch
from torch import nn

from common.errors import UsageError
from common.models.weights import (
    MEAN,
    STD,
    cycled,
    fitting,
    is_pretrained,
    read_weights,
    weights_path,
)
from common.pretrained import WeightsFile, split_name, unknown, weights_file

SIDE = 96  # pixels: of the picture by which a net's features are counted; every net takes it
# densenet's files are older than the names of its layers
OLD_NAMES = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(\d)")


class Backbone(nn.Module):
    """Pictures (N, n_channels, H, W) to maps (N, n_features, h, w).

    Args:
        body: the layers before pooling and classifier.
    """

    def __init__(self, body: nn.Module, n_features: int) -> None:
        super().__init__()
        self.body, self.n_features = body, n_features

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps: torch.Tensor = self.body(images)
        return maps


def backbone(name: str, *, weights: str, n_channels: int = 3) -> Backbone:
    """The layers of a known net up to its last maps.

    Args:
        name: such as timm/resnet34.a1_in1k or torchvision/resnet34.IMAGENET1K_V1; without weights
            the tag may be left out.
        weights: "pretrained", from the file of that name, or "none": random.
        n_channels: other than 3, the first convolution is adapted: for one its weights are summed
            over the colours, for more they are repeated and scaled.

    Raises: UsageError for a name that does not exist or a net that makes no maps; DataError where
    the file of weights is missing, cut or of another net; SettingsError for another `weights`.
    """
    library, model = split_name(name)
    if library == "smp":
        raise UsageError(
            f"{name!r} is an encoder of a U-Net; expected timm/… or torchvision/… here"
        )
    file = weights_file(name) if is_pretrained(weights) else None
    make = _timm if library == "timm" else _torchvision
    body = make(name, model, file, n_channels)
    return Backbone(body, _count_features(name, body, n_channels))


def known_to_timm(name: str, model: str) -> str:
    """The model's name without its tag.

    Raises: UsageError where timm has no such model; the nearest are offered.
    """
    from timm.models import is_model, list_models

    bare = model.partition(".")[0]
    if not is_model(bare):
        raise unknown(name, (f"timm/{one}" for one in list_models()))
    return bare


def timm_model(name: str, model: str, file: WeightsFile | None, n_channels: int) -> Any:
    """timm's whole net with its classifier, so that no weight can be left out unnoticed."""
    import timm

    if file is None:
        return timm.create_model(known_to_timm(name, model), in_chans=n_channels)
    path = weights_path(file)
    with fitting(file, path):
        net: Any = timm.create_model(
            model,
            pretrained=True,
            in_chans=n_channels,
            pretrained_cfg_overlay={"state_dict": read_weights(path), "custom_load": False},
        )
    net.pretrained_cfg.pop("state_dict", None)  # a second copy
    return net


def _timm(name: str, model: str, file: WeightsFile | None, n_channels: int) -> nn.Module:
    net = timm_model(name, model, file, n_channels)
    net.reset_classifier(0, "")
    return net  # type: ignore[no-any-return]


def _torchvision(name: str, model: str, file: WeightsFile | None, n_channels: int) -> nn.Module:
    models = importlib.import_module("torchvision.models")
    model = model.partition(".")[0]
    if model not in models.list_models():
        raise unknown(name, (f"torchvision/{one}" for one in models.list_models()))
    # what old nets begin with is replaced, or random by choice: they would ask for a warning
    options = {"init_weights": False} if model in ("googlenet", "inception_v3") else {}
    net = models.get_model(model, weights=None, **options)
    if file is not None:
        path = weights_path(file)
        with fitting(file, path):
            state = read_weights(path)
            net.load_state_dict({OLD_NAMES.sub(r"\1\2", key): state[key] for key in state})
    body = _before_pooling(net)
    _adapt_first(body, n_channels, pretrained=file is not None)
    return body


def _before_pooling(net: nn.Module) -> nn.Sequential:
    """The layers before the last pooling or, where that is no layer, before the last one."""
    children = [(name, child) for name, child in net.named_children() if "aux" not in name.lower()]
    pools = [k for k, (_, child) in enumerate(children) if isinstance(child, nn.AdaptiveAvgPool2d)]
    kept = children[: pools[-1] if pools else -1]
    layers = [child for _, child in kept]
    if type(net).__name__ == "DenseNet":  # which ends in a function
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def _adapt_first(body: nn.Module, n_channels: int, *, pretrained: bool) -> None:
    """Gives the first convolution another number of input channels."""
    from timm.models import adapt_input_conv

    first = next(layer for layer in body.modules() if isinstance(layer, nn.Conv2d))
    if first.in_channels == n_channels:
        return
    if pretrained:
        first.weight = nn.Parameter(adapt_input_conv(n_channels, first.weight.detach()))
    else:
        shape = (first.out_channels, n_channels, *first.kernel_size)
        first.weight = nn.Parameter(torch.empty(shape))
        nn.init.kaiming_normal_(first.weight, mode="fan_out", nonlinearity="relu")
    first.in_channels = n_channels


def _count_features(name: str, body: nn.Module, n_channels: int) -> int:
    """The channels of the maps; nothing is drawn and no statistic is touched."""
    training = body.training
    try:
        with torch.no_grad():
            maps = body.eval()(torch.zeros(1, n_channels, SIDE, SIDE))
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"{name} takes no pictures of {SIDE}×{SIDE} ({reason}); {MAPS}") from None
    finally:
        body.train(training)
    if maps.ndim != 4 or maps.shape[-2] != maps.shape[-1]:
        raise UsageError(f"{name} gives {tuple(maps.shape)}, no maps (N, C, h, w); {MAPS}")
    return int(maps.shape[1])


MAPS = "take a convolutional net, such as timm/resnet34.a1_in1k"


# ---- what the net was trained on ----------------------------------------------------------------


def normalisation(name: str, n_channels: int = 3) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std of the channels that the weights of this name expect, of values in [0, 1];
    `Policy.replace(mean=…, std=…)` takes them.

    Args:
        n_channels: other than 3, the colours' own are averaged or repeated, as the weights are.

    Raises: UsageError for a name that does not exist.
    """
    library, model = split_name(name)
    mean, std = _NORMALISATIONS[library](name, model)
    return cycled(mean, n_channels), cycled(std, n_channels)


def _of_timm(name: str, model: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    from timm.models import get_pretrained_cfg

    known_to_timm(name, model)
    config = get_pretrained_cfg(model)
    return (tuple(config.mean), tuple(config.std)) if config is not None else (MEAN, STD)


def _of_torchvision(name: str, model: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    models = importlib.import_module("torchvision.models")
    file = weights_file(name)
    choices = models.get_model_weights(model.partition(".")[0])
    transforms = next(one for one in choices if one.url == file.url).transforms()
    return tuple(transforms.mean), tuple(transforms.std)


# of smp, encoders that were trained on values in [-1, 1] or with statistics of their own
SYMMETRIC = ("inceptionv4", "inceptionresnetv2", "xception")
DPN_STD = 1 / (0.0167 * 255)


def _of_smp(name: str, model: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if model.startswith("tu-"):
        return _of_timm(name, model.removeprefix("tu-"))
    encoder, _, tag = model.partition(".")
    if encoder in SYMMETRIC or tag == "advprop":
        return (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
    if encoder.startswith("dpn"):
        return (124 / 255, 117 / 255, 104 / 255), (DPN_STD, DPN_STD, DPN_STD)
    return MEAN, STD


_NORMALISATIONS = {"smp": _of_smp, "timm": _of_timm, "torchvision": _of_torchvision}
