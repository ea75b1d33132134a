"""Custom layers against numerical gradients and against the equivalent layers of torch."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import SqueezeExcitation

from mnistcmp.models import custom_layers
from mnistcmp.models.custom_layers import (
    AveragePool2d,
    ChannelAttention,
    FadingLeak,
    GatedConv2d,
    LpPool2d,
    Swish,
)

LAYERS = {
    "gated convolution 3×3": lambda: GatedConv2d(4, 6, 3),
    "gated convolution 5×5": lambda: GatedConv2d(4, 2, 5),
    "channel attention": lambda: ChannelAttention(4, reduction=2),
    "Swish": Swish,
    "fading leak": lambda: FadingLeak(4),
    "Lp pooling": LpPool2d,
    "average pooling": AveragePool2d,
}


def positive(*shape: int) -> torch.Tensor:
    """Pixels well above 0, where every layer is smooth."""
    return torch.rand(shape, dtype=torch.double) + 0.1


def images(*shape: int) -> torch.Tensor:
    """Positive and negative pixels, none so close to 0 that a small step changes the sign."""
    return positive(*shape) * torch.where(torch.rand(shape) < 0.5, -1, 1)


def perturbed(layer: nn.Module) -> nn.Module:
    """The layer in double precision, with its parameters moved from their initial values."""
    for parameter in layer.parameters():
        parameter.data += 0.3 * torch.rand_like(parameter)
    return layer.double()


@pytest.mark.parametrize("size", [(6, 6), (7, 5)])
@pytest.mark.parametrize("name", LAYERS)
def test_backward_pass_agrees_with_the_numerical_gradient(name, size):
    torch.manual_seed(0)
    layer = perturbed(LAYERS[name]())
    x = (positive if name == "Lp pooling" else images)(2, 4, *size).requires_grad_()
    parameters = dict(layer.named_parameters())

    def output(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, dict(zip(parameters, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(output, (x, *parameters.values()))


def agree(ours, theirs, x: torch.Tensor) -> None:
    """Assert that both have the same output and the same gradient of the input."""
    gradients = []
    for layer in (ours, theirs):
        pixels = x.clone().requires_grad_()
        y = layer(pixels)
        (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum().backward()
        gradients.append((y.detach(), pixels.grad))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_gated_convolution_starts_as_a_plain_one(kernel):
    ours = GatedConv2d(3, 8, kernel).double()
    theirs = nn.Conv2d(3, 8, kernel, padding=kernel // 2).double()
    theirs.load_state_dict({"weight": ours.weight, "bias": ours.bias})
    x = images(2, 3, 9, 7)
    agree(ours, theirs, x)
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)
    torch.testing.assert_close(ours.bias.grad, theirs.bias.grad)


def test_gate_changes_the_convolution():
    layer = GatedConv2d(3, 8, 3)
    x = torch.rand(2, 3, 9, 9)
    before = layer(x)
    layer.gate.data.fill_(1)
    assert not torch.allclose(layer(x), before)


def test_channel_attention_equals_torchvisions():
    ours = perturbed(ChannelAttention(8, reduction=4))
    theirs = SqueezeExcitation(8, 2).double()
    theirs.load_state_dict(
        {
            "fc1.weight": ours.squeeze_weight[..., None, None],
            "fc1.bias": ours.squeeze_bias,
            "fc2.weight": ours.excite_weight[..., None, None],
            "fc2.bias": ours.excite_bias,
        }
    )
    agree(ours, theirs, images(2, 8, 5, 5))


def test_inactive_units_of_channel_attention_get_no_gradient():
    layer = ChannelAttention(4, reduction=2)
    layer.squeeze_bias.data = torch.tensor([-100.0, 100.0])
    layer(torch.rand(2, 4, 3, 3)).sum().backward()
    assert (layer.squeeze_weight.grad[0] == 0).all() and (layer.squeeze_weight.grad[1] != 0).all()
    assert layer.squeeze_bias.grad[0] == 0 != layer.squeeze_bias.grad[1]


def test_layers_start_with_squeeze_biases_of_one_and_a_leak_of_a_quarter():
    assert ChannelAttention(32).squeeze_bias.tolist() == [1, 1]
    y = FadingLeak(1)(torch.full((1, 1, 1, 1), -1.0))
    assert y.item() == pytest.approx(-0.0919699)  # -0.25 / e


def test_swish_equals_torchs_silu():
    agree(Swish(), nn.SiLU(), images(2, 3, 4, 4))


def test_fading_leak_is_relu_without_a_leak_and_vanishes_far_below_0():
    agree(FadingLeak(3, leak=0).double(), nn.ReLU(), images(2, 3, 4, 4))
    agree(FadingLeak(3, leak=0), nn.ReLU(), torch.zeros(2, 3, 4, 4))
    leaky = FadingLeak(1, leak=1.0)
    y = leaky(torch.tensor([-1.0, -20.0, 2.0]).view(1, 1, 1, 3)).flatten()
    assert y[0] < -0.3 and abs(y[1]) < 1e-6 and y[2] == 2


@pytest.mark.parametrize("size", [(6, 6), (7, 5)])
def test_lp_pooling_with_exponent_2_equals_torchs_divided_by_2(size):
    ours = LpPool2d().double()
    assert ours.p == 2
    agree(ours, lambda x: F.lp_pool2d(x, 2, 2) / 2, positive(2, 3, *size))


def test_lp_pooling_ranges_from_average_to_max_pooling():
    x = positive(2, 3, 6, 6)
    layer = LpPool2d().double()
    layer.log_excess.data.fill_(-30.0)
    torch.testing.assert_close(layer(x), F.avg_pool2d(x, 2))
    layer.log_excess.data.fill_(6.0)
    torch.testing.assert_close(layer(x), F.max_pool2d(x, 2), rtol=0.01, atol=0)


def test_gradient_of_lp_pooling_of_zeros_is_finite():
    x = torch.zeros(1, 1, 4, 4, requires_grad=True)
    layer = LpPool2d()
    layer(x).sum().backward()
    assert (x.grad == 0).all() and layer.log_excess.grad.isfinite()


def test_lp_pooling_tells_small_pixels_from_none():
    faint = LpPool2d()(torch.full((1, 1, 2, 2), 1e-4))
    assert faint.item() == pytest.approx(1e-4, rel=1e-3)


@pytest.mark.parametrize("size", [(6, 6), (7, 5)])
def test_average_pooling_equals_torchs(size):
    agree(AveragePool2d(), nn.AvgPool2d(2), images(2, 3, *size))


@pytest.mark.parametrize("name", LAYERS)
def test_layers_work_under_autocast(name):
    torch.manual_seed(0)
    layer, x = LAYERS[name](), torch.rand(2, 4, 6, 6)
    expected = layer(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x.bfloat16())
    y.float().sum().backward() if y.requires_grad else None
    torch.testing.assert_close(y.float(), expected, rtol=0.05, atol=0.05)


def test_convolution_skips_the_gradient_of_an_image():
    x = torch.rand(1, 3, 5, 5)
    y = custom_layers._Convolve.apply(x, torch.rand(2, 3, 3, 3, requires_grad=True), torch.zeros(2))
    y.sum().backward()
    assert x.grad is None
