"""G as an ONNX graph: what a browser runs. z (N, nz) [, y (N, num_classes)] -> image (N, nc, S, S) in [-1, 1].

Batch norm is folded into the convolution before it, and weights are stored as float16, at half the size: a session
widens them once, when it is made, and computes in float32. Written node by node, so that it takes a moment and needs no
tracer; the graph has no more operators than the network has layers.
"""

import json
from collections.abc import Iterator
from math import sqrt
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from gan_core.gan import GAN
from gan_core.networks import Generator

OPSET = 17  # read by every onnxruntime since 2022


def to_onnx(gan: GAN, **about: object) -> bytes:
    """G_ema of `gan`, in evaluation mode. `about` goes into the file's metadata, as JSON, beside the model's config."""
    graph = _Graph()
    config = gan.config
    x, inputs = "z", [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", config.nz])]
    if config.num_classes:
        inputs.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", config.num_classes]))
        loud = graph.add("Mul", "y", graph.number(np.float32(sqrt(config.nz))))
        x = graph.add("Concat", x, loud, axis=1)
    for layer, norm in _layers(gan.G_ema):
        x = graph.layer(x, layer, norm)
    graph.nodes[-1].output[0] = "image"
    shape: list[str | int | None] = ["N", config.nc, config.image_size, config.image_size]
    outputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)]
    made = helper.make_graph(graph.nodes, "G", inputs, outputs, graph.tensors)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="gan_core")
    model.ir_version = 8  # of the same year
    helper.set_model_props(model, {"gan_core": json.dumps(vars(config) | about, ensure_ascii=False)})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class _Graph:
    """Nodes in the order in which they run, and the numbers that they need."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """One operator. Returns the name of what comes out."""
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def number(self, values: np.ndarray | np.generic) -> str:
        name = f"n{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def weights(self, t: Tensor) -> str:
        """Stored at half the size; the session that folds constants widens them once."""
        return self.add("Cast", self.number(t.detach().cpu().numpy().astype(np.float16)), to=TensorProto.FLOAT)

    def layer(self, x: str, layer: nn.Module, norm: nn.BatchNorm2d | None) -> str:
        match layer:
            case nn.ConvTranspose2d():
                weight, bias = _folded(layer, norm)
                return self.add(
                    "ConvTranspose", x, self.weights(weight), self.number(bias.detach().cpu().numpy()),
                    strides=list(layer.stride), pads=[*map(int, layer.padding), *map(int, layer.padding)],
                )  # fmt: skip
            case nn.Linear():
                ends = layer.bias.detach().cpu().numpy()
                return self.add("Gemm", x, self.weights(layer.weight), self.number(ends), transB=1)
            case nn.Unflatten():
                return self.add("Reshape", x, self.number(np.array([-1, *layer.unflattened_size], np.int64)))
            case nn.ReLU() | nn.Tanh():
                return self.add(type(layer).__name__.capitalize(), x)
        raise TypeError(f"no ONNX for {layer}")


def _layers(G: Generator) -> Iterator[tuple[nn.Module, nn.BatchNorm2d | None]]:
    """Every layer in order, a batch norm beside the convolution that it follows."""
    leaves = [module for module in G.net.modules() if not isinstance(module, nn.Sequential)]
    for layer, after in zip(leaves, [*leaves[1:], None], strict=True):
        if not isinstance(layer, nn.BatchNorm2d):
            yield layer, after if isinstance(after, nn.BatchNorm2d) else None


def _folded(layer: nn.ConvTranspose2d, norm: nn.BatchNorm2d | None) -> tuple[Tensor, Tensor]:
    """Weight (in, out, k, k) and bias (out,) of a convolution and the batch norm after it, in evaluation mode."""
    weight = layer.weight.detach().float()
    bias = weight.new_zeros(weight.shape[1]) if layer.bias is None else layer.bias.detach().float()
    if norm is None or norm.running_mean is None or norm.running_var is None:
        return weight, bias
    scale = norm.weight.detach() * (norm.running_var + norm.eps).rsqrt()
    return weight * scale.view(-1, 1, 1), (bias - norm.running_mean) * scale + norm.bias.detach()
