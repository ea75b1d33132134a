"""Layers with explicit forward and backward passes.

Each consists of a `torch.autograd.Function`, which computes the gradients of its inputs from the
gradient of its output, and a module that holds its parameters. Tests compare every layer with its
numerical gradient and, where some setting makes it equal to a layer of torch, with that layer.

Under autocast, inputs may be bf16. The gated convolution, Swish and average pooling compute in
bf16, as torch's layers do. The others compute in fp32, because their sums over an image or their
logarithms would lose too much precision.
"""

import math
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class _Context(Protocol):
    """What a forward pass saves for its backward pass; torch's own type is incomplete."""

    saved_tensors: tuple[Tensor, ...]
    needs_input_grad: tuple[bool, ...]
    size: torch.Size  # of the image before pooling

    def save_for_backward(self, *tensors: Tensor) -> None: ...


class _Convolve(Function):
    """y = weight * x + bias (convolution), with an odd kernel and zero padding to the same size."""

    @staticmethod
    def forward(ctx: _Context, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = (saved.to(grad.dtype) for saved in ctx.saved_tensors)
        padding = weight.shape[-1] // 2
        grad_x = None
        if ctx.needs_input_grad[0]:  # not in the first layer, whose input is the image
            grad_x = F.conv_transpose2d(grad, weight, padding=padding)
        # The pixels under the kernel at each output (im2col). Channels come last, which is their
        # order in memory.
        height, width = grad.shape[-2:]
        rows, columns = (range(side) for side in weight.shape[-2:])
        padded = F.pad(x, (padding,) * 4).permute(0, 2, 3, 1)
        patches = torch.cat(
            [padded[:, i : i + height, j : j + width] for i in rows for j in columns], dim=-1
        ).flatten(0, 2)  # (N·H·W, k·k·I)
        outputs = grad.permute(0, 2, 3, 1).flatten(0, 2)  # (N·H·W, O)
        grad_weight = (outputs.T @ patches).view(-1, len(rows), len(columns), x.shape[1])
        return grad_x, grad_weight.permute(0, 3, 1, 2), outputs.sum(dim=0)


class _ScaleAndGate(Function):
    """y = 2 · scale · x · sigmoid(gate · x), with one scale and one gate per channel."""

    @staticmethod
    def forward(ctx: _Context, x: Tensor, scale: Tensor, gate: Tensor) -> Tensor:
        twice, gate = (2 * scale).to(x.dtype), gate.to(x.dtype)
        ctx.save_for_backward(x, twice, gate)
        return twice * x * torch.sigmoid(gate * x)

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, twice, gate = ctx.saved_tensors
        open_ = torch.sigmoid(gate * x)
        passed = grad * open_
        grown = passed * x
        grad_scale = 2 * grown.sum(dim=(0, 2, 3), keepdim=True)[0]
        slope = grown * (1 - open_)
        grad_gate = twice * (slope * x).sum(dim=(0, 2, 3), keepdim=True)[0]
        return twice * torch.addcmul(passed, gate, slope), grad_scale, grad_gate


class GatedConv2d(nn.Module):
    """A convolution whose channels y become 2 · scale · y · sigmoid(gate · y).

    `kernel` is odd; the image keeps its size: (N, inputs, H, W) -> (N, outputs, H, W).
    It starts as a plain convolution (scale 1, gate 0) with torch's initialisation.
    Source: PUBLISHED.md table 8, custom_conv ("additional logic"; the gate is our choice).
    """

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        plain = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
        self.weight, self.bias = plain.weight, plain.bias
        self.kernel_size, self.stride, self.padding = plain.kernel_size, plain.stride, plain.padding
        self.scale = nn.Parameter(torch.ones(outputs, 1, 1))
        self.gate = nn.Parameter(torch.zeros(outputs, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return _ScaleAndGate.apply(
            _Convolve.apply(x, self.weight, self.bias), self.scale, self.gate
        )


class _Attend(Function):
    """y = x · sigmoid(W₂ · relu(W₁ · mean(x) + b₁) + b₂): one factor per channel."""

    @staticmethod
    def forward(ctx: _Context, x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        hidden = F.relu(squeezed @ w1.T + b1)
        factors = torch.sigmoid(hidden @ w2.T + b2)
        ctx.save_for_backward(x, w1, w2, squeezed, hidden, factors)
        return x * factors[:, :, None, None]

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor, ...]:
        x, w1, w2, squeezed, hidden, factors = ctx.saved_tensors
        grad_excited = (grad * x).sum(dim=(2, 3)) * factors * (1 - factors)  # (N, C)
        grad_hidden = grad_excited @ w2 * (hidden > 0)
        grad_squeezed = grad_hidden @ w1
        pixels = x.shape[2] * x.shape[3]
        grad_x = grad * factors[:, :, None, None] + grad_squeezed[:, :, None, None] / pixels
        return (
            grad_x,
            grad_hidden.T @ squeezed,
            grad_hidden.sum(dim=0),
            grad_excited.T @ hidden,
            grad_excited.sum(dim=0),
        )


class ChannelAttention(nn.Module):
    """Squeeze and excitation: two small linear layers turn channel means into channel factors.

    (N, channels, H, W) -> the same shape; the hidden layer has channels / `reduction` units.
    Source: PUBLISHED.md table 8; Hu et al. 2018, "Squeeze-and-Excitation Networks".
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        squeeze = nn.Linear(channels, channels // reduction)
        excite = nn.Linear(channels // reduction, channels)
        nn.init.ones_(squeeze.bias)  # so that none of the few units starts dead
        self.squeeze_weight, self.squeeze_bias = squeeze.weight, squeeze.bias
        self.excite_weight, self.excite_bias = excite.weight, excite.bias

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return _Attend.apply(
                x.to(self.squeeze_weight.dtype),
                self.squeeze_weight,
                self.squeeze_bias,
                self.excite_weight,
                self.excite_bias,
            )


class _Swish(Function):
    @staticmethod
    def forward(ctx: _Context, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        sigmoid = torch.sigmoid(x)
        return grad * sigmoid * (1 + x * (1 - sigmoid))


class Swish(nn.Module):
    """x · sigmoid(x), elementwise.

    Source: PUBLISHED.md table 8; Ramachandran et al. 2017, "Searching for Activation Functions".
    """

    def forward(self, x: Tensor) -> Tensor:
        return _Swish.apply(x)


class _FadingLeak(Function):
    @staticmethod
    def forward(ctx: _Context, x: Tensor, leak: Tensor) -> Tensor:
        ctx.save_for_backward(x, leak)
        below = x.clamp(max=0)
        return x.clamp(min=0) + leak * below * below.exp()

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, leak = ctx.saved_tensors
        below = x.clamp(max=0)
        faded = below.exp()
        slope = torch.where(x > 0, 1, leak * (1 + below) * faded)
        others = [dimension for dimension in range(x.ndim) if dimension != 1]
        grad_leak = (grad * below * faded).sum(dim=others)
        return grad * slope, grad_leak.view_as(leak)


class FadingLeak(nn.Module):
    """x above 0, leak · x · eˣ below 0: a leaky ReLU whose leak vanishes far below 0.

    One `leak` per channel is learned; with 0 this is ReLU. (N, channels, H, W) -> the same shape.
    Source: PUBLISHED.md table 8, custom_act_cnn ("a custom activation"; the formula is ours).
    """

    def __init__(self, channels: int, leak: float = 0.25) -> None:
        super().__init__()
        self.leak = nn.Parameter(torch.full((channels, 1, 1), float(leak)))

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return _FadingLeak.apply(x.to(self.leak.dtype), self.leak)


def _windows(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (4, N, H / 2, W / 2, C), the four pixels of each 2×2 window.

    An odd last row or column is left out. Channels come last, which is their order in memory.
    """
    height, width = (side // 2 * 2 for side in x.shape[-2:])
    x = x.permute(0, 2, 3, 1)
    return torch.stack([x[:, i:height:2, j:width:2] for i in (0, 1) for j in (0, 1)])


def _image(pixels: Tensor) -> Tensor:
    """(N, H, W, C) -> (N, C, H, W)."""
    return pixels.permute(0, 3, 1, 2)


def _spread(windows: Tensor, size: torch.Size) -> Tensor:
    """The inverse of `_windows`: put every pixel back in its place in an image of `size`."""
    images, channels, height, width = size
    x = windows.new_zeros(images, height, width, channels)
    for number, pixels in enumerate(windows):
        x[:, number // 2 : height // 2 * 2 : 2, number % 2 : width // 2 * 2 : 2] = pixels
    return _image(x)


class _LpPool(Function):
    """y = (mean of xᵖ over the window)^(1/p), for x ≥ 0; computed with logarithms."""

    SMALLEST = 1e-6  # smaller values are clamped, to keep the logarithm finite

    @staticmethod
    def forward(ctx: _Context, x: Tensor, p: Tensor) -> Tensor:
        logs = _windows(x).clamp(min=_LpPool.SMALLEST).log()
        log_y = (torch.logsumexp(p * logs, dim=0) - math.log(4)) / p
        ctx.save_for_backward(logs, log_y, p)
        ctx.size = x.shape
        return _image(log_y.exp())

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor, Tensor]:
        logs, log_y, p = ctx.saved_tensors
        grad = grad.permute(0, 2, 3, 1)
        shares = torch.softmax(p * logs, dim=0)  # of each pixel in the window's sum of powers
        grad_windows = grad * shares * (log_y - logs).exp()
        grad_windows *= logs > math.log(_LpPool.SMALLEST)
        grad_p = grad * log_y.exp() * ((shares * logs).sum(dim=0) - log_y) / p
        return _spread(grad_windows, ctx.size), grad_p.sum()


class LpPool2d(nn.Module):
    """2×2 pooling by the power mean with a learned exponent p > 1, which starts at 2.

    p = 1 is average pooling; as p grows, it approaches max pooling. The input must not be negative:
    use it after ReLU. (N, C, H, W) -> (N, C, H / 2, W / 2), rounded down.
    Source: PUBLISHED.md table 8; Gulcehre et al. 2014, "Learned-Norm Pooling".
    """

    kernel_size = stride = 2

    def __init__(self) -> None:
        super().__init__()
        self.log_excess = nn.Parameter(torch.zeros(()))  # log(p - 1)

    @property
    def p(self) -> Tensor:
        """The current exponent."""
        return 1 + self.log_excess.exp()

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return _LpPool.apply(x.to(self.log_excess.dtype), self.p)


class _AveragePool(Function):
    @staticmethod
    def forward(ctx: _Context, x: Tensor) -> Tensor:
        ctx.size = x.shape
        return _image(_windows(x).mean(dim=0))

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> Tensor:
        quarter = grad.permute(0, 2, 3, 1) / 4
        return _spread(quarter.expand(4, *quarter.shape), ctx.size)


class AveragePool2d(nn.Module):
    """The mean of each 2×2 window: (N, C, H, W) -> (N, C, H / 2, W / 2), rounded down.

    Source: PUBLISHED.md table 8, avg_pool_cnn.
    """

    kernel_size = stride = 2

    def forward(self, x: Tensor) -> Tensor:
        return _AveragePool.apply(x)
