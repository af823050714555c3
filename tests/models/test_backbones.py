"""Backbones and classifiers: weights found, missing, cut, of another net, or none by choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision

from common.errors import DataError, SettingsError, UsageError
from common.models import backbone, classifier, classifier_groups, normalisation
from tests.models.conftest import Keep

TINY = "timm/test_resnet.r160_in1k"
SHUFFLE = "torchvision/shufflenet_v2_x0_5.IMAGENET1K_V1"
FIRST = "conv1.0.weight"  # of TINY's deep stem


@pytest.fixture(scope="module")
def tiny_state() -> dict[str, Any]:
    torch.manual_seed(0)
    state: dict[str, Any] = timm.create_model("test_resnet").state_dict()
    return state


def first_convolution(net: torch.nn.Module) -> torch.Tensor:
    return next(value for value in net.parameters() if value.ndim == 4)


# ---- weights -----------------------------------------------------------------------------------


def test_timm_weights_come_out_of_the_hubs_cache(keep: Keep, tiny_state: dict[str, Any]) -> None:
    keep(TINY, tiny_state)
    loaded = backbone(TINY, weights="pretrained").body.state_dict()
    assert len(loaded) == len(tiny_state) - 2  # the classifier's weight and bias
    assert all(torch.equal(loaded[key], tiny_state[key]) for key in loaded)


def test_a_name_without_a_tag_means_the_librarys_default(
    keep: Keep, tiny_state: dict[str, Any]
) -> None:
    keep(TINY, tiny_state)
    net = backbone("timm/test_resnet", weights="pretrained")
    assert torch.equal(first_convolution(net), next(iter(tiny_state.values())))


def test_torchvision_weights_come_out_of_torchs_cache(keep: Keep) -> None:
    torch.manual_seed(0)
    whole = torchvision.models.shufflenet_v2_x0_5()
    keep(SHUFFLE, whole.state_dict())
    net = backbone(SHUFFLE, weights="pretrained").eval()
    features: list[torch.Tensor] = []
    whole.eval().conv5.register_forward_hook(lambda *args: features.append(args[2]))
    images = torch.rand(2, 3, 64, 64)
    whole(images)
    assert torch.equal(net(images), features[0])


def test_maps_of_densenet_are_those_before_its_pooling(keep: Keep) -> None:
    # its files name the layers as an older torchvision did: norm.1 for norm1
    name = "torchvision/densenet121.IMAGENET1K_V1"
    torch.manual_seed(0)
    whole = torchvision.models.densenet121()
    old = {
        key.replace("norm1", "norm.1").replace("conv2", "conv.2"): value
        for key, value in whole.state_dict().items()
    }
    keep(name, old)
    net = classifier(name, 1000, weights="pretrained").eval()
    net.head[-1] = whole.classifier
    images = torch.rand(1, 3, 64, 64)
    assert torch.allclose(net(images), whole.eval()(images), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "file", "looked"),
    [
        (TINY, "model.safetensors of timm/test_resnet.r160_in1k", "hub/models--timm--test_resnet"),
        (SHUFFLE, "shufflenetv2_x0.5-f707e7126e.pth", "torch/checkpoints"),
    ],
)
def test_missing_weights_are_one_line_and_never_random(name: str, file: str, looked: str) -> None:
    with pytest.raises(DataError) as caught:
        backbone(name, weights="pretrained")
    message = str(caught.value)
    assert "\n" not in message
    assert f"looked for {file} in " in message
    assert looked in message
    assert f"pack_dataset.py --weights {name}" in message
    assert "weights=none" in message


def test_cut_weights_are_named(keep: Keep, tiny_state: dict[str, Any]) -> None:
    path = keep(TINY, tiny_state)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"model.safetensors is no whole file of weights"):
        backbone(TINY, weights="pretrained")


def test_weights_that_lack_a_layer_are_refused(keep: Keep, tiny_state: dict[str, Any]) -> None:
    without = dict(list(tiny_state.items())[1:])
    keep(TINY, without)
    with pytest.raises(DataError, match=r"holds no weights of timm/test_resnet.*Missing key"):
        backbone(TINY, weights="pretrained")


def test_weights_of_another_net_are_refused(keep: Keep, tiny_state: dict[str, Any]) -> None:
    keep(SHUFFLE, tiny_state)
    with pytest.raises(DataError, match=r"holds no weights of torchvision/shufflenet"):
        backbone(SHUFFLE, weights="pretrained")


def test_a_pickle_that_holds_more_than_tensors_is_refused(keep: Keep) -> None:
    keep(SHUFFLE, {"stage": Path("anything")})
    with pytest.raises(DataError, match=r"holds no weights of torchvision/shufflenet"):
        backbone(SHUFFLE, weights="pretrained")


def test_no_weights_by_choice_need_no_file() -> None:
    torch.manual_seed(0)
    first = first_convolution(backbone(TINY, weights="none"))
    again = first_convolution(backbone(TINY, weights="none"))
    assert first.shape == again.shape
    assert not torch.equal(first, again)


@pytest.mark.parametrize("name", ["timm/test_resnett", "torchvision/resnet81"])
@pytest.mark.parametrize("weights", ["pretrained", "none"])
def test_an_unknown_name_offers_the_nearest(name: str, weights: str) -> None:
    with pytest.raises(UsageError, match="did you mean"):
        backbone(name, weights=weights)


def test_another_choice_of_weights_is_refused() -> None:
    with pytest.raises(SettingsError, match="'imagenet'; expected pretrained or none"):
        backbone(TINY, weights="imagenet")


@pytest.mark.parametrize("name", ["timm/test_vit", "torchvision/vit_b_16"])
def test_a_net_without_maps_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="take a convolutional net"):
        backbone(name, weights="none")


# ---- channels ----------------------------------------------------------------------------------


def test_one_channel_gets_the_sum_over_the_colours(keep: Keep, tiny_state: dict[str, Any]) -> None:
    keep(TINY, tiny_state)
    weight = first_convolution(backbone(TINY, weights="pretrained", n_channels=1))
    colours = next(iter(tiny_state.values()))
    assert torch.allclose(weight, colours.sum(dim=1, keepdim=True), atol=1e-6)


@pytest.mark.parametrize("name", [TINY, SHUFFLE])
def test_a_fourth_channel_repeats_the_first_and_all_are_scaled(
    name: str, keep: Keep, tiny_state: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    state = tiny_state
    if name == SHUFFLE:
        state = torchvision.models.shufflenet_v2_x0_5().state_dict()
    keep(name, state)
    weight = first_convolution(backbone(name, weights="pretrained", n_channels=4))
    colours = next(iter(state.values()))
    expected = torch.cat([colours, colours[:, :1]], dim=1) * 3 / 4
    assert torch.allclose(weight, expected, atol=1e-6)


# ---- classifiers -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [TINY, SHUFFLE, "torchvision/densenet121"])
@pytest.mark.parametrize("pool", ["avg", "gem"])
def test_a_classifier_gives_a_row_of_outputs_per_picture(name: str, pool: str) -> None:
    net = classifier(name, 5, weights="none", pool=pool, n_channels=4, dropout=0.1)
    assert net(torch.rand(2, 4, 64, 96)).shape == (2, 5)


def test_a_classifiers_weights_fit_one_made_without_any(
    keep: Keep, tiny_state: dict[str, Any], tmp_path: Path
) -> None:
    keep(TINY, tiny_state)
    trained = classifier(TINY, 3, weights="pretrained", pool="gem").eval()
    again = classifier(TINY, 3, weights="none", pool="gem").eval()
    again.load_state_dict(trained.state_dict())
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(again(images), trained(images))


def test_class_maps_average_to_the_outputs_without_their_bias() -> None:
    net = classifier(TINY, 3, weights="none").eval()
    bias = torch.tensor([0.5, -2.0, 7.0])
    net.head[-1].bias.data.copy_(bias)  # type: ignore[index,union-attr,operator]
    images = torch.rand(2, 3, 64, 96)
    maps = net.class_maps(images)
    assert maps.shape == (2, 3, 2, 3)
    assert torch.allclose(maps.mean(dim=(2, 3)) + bias, net(images), atol=1e-5)


@pytest.mark.parametrize("name", [TINY, SHUFFLE, "timm/convnext_atto", "timm/tf_efficientnet_b0"])
def test_groups_hold_every_parameter_once_and_the_head_last(name: str) -> None:
    net = classifier(name, 3, weights="none", pool="gem")
    groups = classifier_groups(net)
    everything = [id(one) for group in groups for one in group]
    assert sorted(everything) == sorted(map(id, net.parameters()))
    assert [len(group) > 0 for group in groups] == [True, True, True]
    assert {id(one) for one in groups[-1]} == {
        id(one) for one in [*net.pool.parameters(), *net.head.parameters()]
    }


def test_the_body_is_cut_between_blocks_nearest_to_half_its_depth() -> None:
    # resnet34 has 36 convolutions: a stem of 1 and stages of 6, 9, 13 and 7. The first block of
    # the third stage has 3, so blocks end after 16 and 19 of them, and half is 18
    groups = classifier_groups(classifier("timm/resnet34", 3, weights="none"))
    assert [sum(one.ndim == 4 for one in group) for group in groups] == [19, 17, 0]


def test_an_unknown_pooling_is_refused() -> None:
    with pytest.raises(SettingsError, match="did you mean 'gem'"):
        classifier(TINY, 3, weights="none", pool="gme")


# ---- normalisation -----------------------------------------------------------------------------


def test_mean_and_std_are_those_of_the_weights() -> None:
    imagenet = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    halves = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
    assert normalisation("timm/resnet34.a1_in1k") == imagenet
    assert normalisation("torchvision/resnet34") == imagenet
    assert normalisation("smp/resnet34.imagenet") == imagenet
    assert normalisation("timm/tf_efficientnetv2_s.in21k_ft_in1k") == halves
    assert normalisation("smp/inceptionv4") == halves


def test_other_numbers_of_channels_average_or_repeat() -> None:
    (grey,), _ = normalisation("timm/resnet34", 1)
    assert grey == pytest.approx(0.449)
    assert normalisation("timm/resnet34", 4)[0] == (0.485, 0.456, 0.406, 0.485)
