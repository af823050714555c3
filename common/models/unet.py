"""U-Nets of segmentation-models-pytorch, which a kernel brings along where this is imported."""

from __future__ import annotations

from typing import Any

from torch import nn

from common.errors import UsageError
from common.models.backbones import known_to_timm, timm_model
from common.models.groups import Groups, splitter
from common.models.weights import fitting, is_pretrained, read_weights, weights_path
from common.pretrained import WeightsFile, split_name, timm_file, unknown
from common.pretrained_smp import smp_file

TIMM = "tu-"  # how the library calls timm's encoders


def unet(encoder: str, n_classes: int, *, weights: str, n_channels: int = 3, **options: Any) -> Any:
    """A U-Net: pictures (N, n_channels, H, W) to logits (N, n_classes, H, W).

    Args:
        encoder: of timm, such as timm/resnet34.a1_in1k, or the library's own, such as
            smp/resnet34.imagenet; without weights the tag may be left out.
        weights: of the encoder: "pretrained", from the file of that name, or "none": random.
        n_channels: other than 3, the first convolution is adapted.
        options: of smp.Unet, such as decoder_channels or decoder_attention_type="scse".

    Raises: UsageError for a name that does not exist or an encoder whose maps do not halve five
    times; DataError where the file of weights is missing, cut or of another net.
    """
    library, model = split_name(encoder)
    if library not in ("timm", "smp"):
        raise UsageError(f"{encoder!r} is no encoder; expected timm/… or smp/…")
    pretrained = is_pretrained(weights)
    if library == "timm" or model.startswith(TIMM):
        model = model.removeprefix(TIMM)
        file = timm_file(encoder, model) if pretrained else None
        return _of_timm(encoder, model, file, n_classes, n_channels, options)
    file = smp_file(encoder, model) if pretrained else None
    return _of_smp(encoder, model.partition(".")[0], file, n_classes, n_channels, options)


def _of_timm(
    name: str,
    model: str,
    file: WeightsFile | None,
    n_classes: int,
    n_channels: int,
    options: dict[str, Any],
) -> nn.Module:
    own: dict[str, Any] = {"encoder_weights": None}
    if file is None:
        model = known_to_timm(name, model)
    else:
        timm_model(name, model, file, n_channels)  # features alone would not miss a weight
        overlay = {"state_dict": read_weights(weights_path(file)), "custom_load": False}
        own = {"encoder_weights": True, "pretrained_cfg_overlay": overlay}
    smp = _library()
    try:
        net = smp.Unet(
            encoder_name=TIMM + model, in_channels=n_channels, classes=n_classes, **own, **options
        )
    except (ValueError, RuntimeError) as error:
        raise UsageError(
            f"{name} makes no encoder of a U-Net ({str(error).splitlines()[0]}); take a "
            "convolutional net, such as timm/resnet34.a1_in1k"
        ) from None
    if file is not None:
        net.encoder.model.pretrained_cfg.pop("state_dict", None)  # a second copy
    return net  # type: ignore[no-any-return]


def _of_smp(
    name: str,
    model: str,
    file: WeightsFile | None,
    n_classes: int,
    n_channels: int,
    options: dict[str, Any],
) -> nn.Module:
    smp = _library()
    known = smp.encoders.encoders
    if model not in known:
        raise unknown(name, (f"smp/{one}" for one in known))
    own = {"encoder_name": model, "encoder_weights": None, "classes": n_classes, **options}
    if file is None:
        return smp.Unet(in_channels=n_channels, **own)  # type: ignore[no-any-return]
    net = smp.Unet(**own)
    path = weights_path(file)
    with fitting(file, path):
        net.encoder.load_state_dict(read_weights(path))
    net.encoder.set_in_channels(n_channels, pretrained=True)
    return net  # type: ignore[no-any-return]


def _library() -> Any:
    try:
        import segmentation_models_pytorch as smp
    except ModuleNotFoundError as error:
        raise UsageError(
            f"a U-Net needs the package {error.name}; run scripts/setup, which puts it beside the "
            "environment"
        ) from None
    return smp


def unet_groups(net: nn.Module) -> Groups:
    """The parameter groups of a U-Net for fastai's `Learner(splitter=…)`: the encoder in two
    parts, then decoder and head. A frozen phase trains the last."""
    heads = ["decoder", "segmentation_head"]
    if getattr(net, "classification_head", None) is not None:
        heads.append("classification_head")
    return splitter(2, "encoder", *heads)(net)
