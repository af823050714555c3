"""U-Nets: encoders of timm and of smp, with weights found, missing and none by choice."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch

from common.errors import DataError, UsageError
from common.models.unet import unet, unet_groups
from tests.models.conftest import Keep

TINY = "timm/test_resnet.r160_in1k"
OWN = "smp/mobilenet_v2.imagenet"


@pytest.fixture(scope="module")
def tiny_state() -> dict[str, Any]:
    torch.manual_seed(0)
    state: dict[str, Any] = timm.create_model("test_resnet").state_dict()
    return state


def test_an_encoder_of_timm_takes_the_files_weights(keep: Keep, tiny_state: dict[str, Any]) -> None:
    keep(TINY, tiny_state)
    net = unet(TINY, 2, weights="pretrained")
    loaded = net.encoder.model.state_dict()
    assert len(loaded) > 10
    assert all(torch.equal(loaded[key], tiny_state[key]) for key in loaded)
    assert net(torch.rand(2, 3, 64, 96)).shape == (2, 2, 64, 96)


def test_one_channel_sums_the_weights_over_the_colours(
    keep: Keep, tiny_state: dict[str, Any]
) -> None:
    keep(TINY, tiny_state)
    net = unet(TINY, 1, weights="pretrained", n_channels=1)
    weight = next(value for value in net.encoder.parameters() if value.ndim == 4)
    colours = next(iter(tiny_state.values()))
    assert torch.allclose(weight, colours.sum(dim=1, keepdim=True), atol=1e-6)
    assert net(torch.rand(2, 1, 64, 64)).shape == (2, 1, 64, 64)


def test_an_encoder_of_smp_takes_the_files_weights(keep: Keep) -> None:
    torch.manual_seed(0)
    state = unet(OWN, 1, weights="none").encoder.state_dict()
    keep(OWN, state)
    loaded = unet(OWN, 1, weights="pretrained").encoder.state_dict()
    assert all(torch.equal(loaded[key], state[key]) for key in state)
    grey = unet(OWN, 1, weights="pretrained", n_channels=1)
    weight = next(value for value in grey.encoder.parameters() if value.ndim == 4)
    colours = next(value for value in state.values() if value.ndim == 4)
    assert torch.allclose(weight, colours.sum(dim=1, keepdim=True), atol=1e-6)


@pytest.mark.parametrize("name", [TINY, OWN])
def test_missing_weights_are_one_line(name: str) -> None:
    with pytest.raises(DataError, match=r"looked for model.safetensors of .*weights=none"):
        unet(name, 1, weights="pretrained")


@pytest.mark.parametrize("name", [TINY, OWN])
def test_weights_that_lack_a_layer_are_refused(
    name: str, keep: Keep, tiny_state: dict[str, Any]
) -> None:
    state = tiny_state if name == TINY else unet(OWN, 1, weights="none").encoder.state_dict()
    keep(name, dict(list(state.items())[1:]))
    with pytest.raises(DataError, match="holds no weights of"):
        unet(name, 1, weights="pretrained")


def test_weights_fit_a_net_that_is_made_without_any(keep: Keep, tiny_state: dict[str, Any]) -> None:
    keep(TINY, tiny_state)
    trained = unet(TINY, 1, weights="pretrained").eval()
    again = unet(TINY, 1, weights="none").eval()
    again.load_state_dict(trained.state_dict())
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(again(images), trained(images))


@pytest.mark.parametrize("name", [TINY, OWN])
def test_groups_hold_every_parameter_once_and_the_decoder_last(name: str) -> None:
    net = unet(name, 1, weights="none")
    groups = unet_groups(net)
    everything = [id(one) for group in groups for one in group]
    assert sorted(everything) == sorted(map(id, net.parameters()))
    of_encoder = {id(one) for one in net.encoder.parameters()}
    assert {id(one) for group in groups[:-1] for one in group} == of_encoder
    assert all(groups)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("smp/resnet43", "did you mean"),
        ("timm/test_resnett", "did you mean"),
        ("torchvision/resnet34", "is no encoder; expected timm/"),
        ("timm/test_vit", "makes no encoder of a U-Net"),
    ],
)
def test_what_is_no_encoder_is_refused(name: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        unet(name, 1, weights="none")
