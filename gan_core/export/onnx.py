"""The players as ONNX graphs: what a browser runs.

    G       z (N, nz) [, y (N, num_classes)]          ->  image (N, nc, S, S) in [-1, 1]
    D       x (N, nc, S, S) [, y (N, num_classes)]    ->  logit (N,), feel (N, F)

Batch norm is folded into the convolution before it, and weights are stored as float16, at half the size: a session
widens them once, when it is made, and computes in float32. Written node by node, so that it takes a moment and needs no
tracer; the graph has no more operators than the network has layers.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import sqrt
from typing import Any, Literal

import numpy as np
import onnx
from onnx import TensorProto, ValueInfoProto, helper, numpy_helper
from torch import Tensor, nn

from gan_core.gan import GAN
from gan_core.latent.perception import TINY

OPSET = 17  # read by every onnxruntime since 2022

Part = Literal["G", "D"]
Shape = Sequence[str | int]


def to_onnx(gan: GAN, part: Part = "G", **about: object) -> bytes:
    """One player of `gan` in evaluation mode, G as G_ema. `about` goes into the file's metadata, beside the config."""
    return (_painter if part == "G" else _critic)(gan, about)


def _painter(gan: GAN, about: dict[str, object]) -> bytes:
    graph, config = Graph(), gan.config
    graph.reads("z", ["N", config.nz])
    x = graph.labelled("z", config.nz, config.num_classes)
    for layer, norm in layers(gan.G_ema.net):
        x = graph.layer(x, layer, norm)
    graph.gives("image", x, ["N", config.nc, config.image_size, config.image_size])
    return graph.model("G", vars(config) | about)


def _critic(gan: GAN, about: dict[str, object]) -> bytes:
    """`feel` holds D's features as latent/perception.py defines them: squared distances of its rows say how alike
    pictures look."""
    graph, config = Graph(), gan.config
    graph.reads("x", ["N", config.nc, config.image_size, config.image_size])
    x, feelings = "x", []
    depth = sum(isinstance(layer, nn.LeakyReLU) for layer, _ in layers(gan.D.net))
    for layer, norm in layers(gan.D.net):
        x = graph.layer(x, layer, norm)
        if isinstance(layer, nn.LeakyReLU):
            feelings.append(graph.feeling(x, depth))
    scores = graph.add("Flatten", x)
    if config.num_classes:
        graph.reads("y", ["N", config.num_classes])
        plain, of_class = graph.columns(scores, 0, 1), graph.columns(scores, 1, 1 + config.num_classes)
        chosen = graph.add("Mul", of_class, "y")
        scores = graph.add("Add", plain, graph.add("ReduceSum", chosen, graph.number(np.array([1], np.int64))))
    graph.gives("logit", graph.add("Reshape", scores, graph.number(np.array([-1], np.int64))), ["N"])
    graph.gives("feel", graph.add("Concat", *feelings, axis=1), ["N", "F"])
    return graph.model("D", vars(config) | about)


class Graph:
    """Nodes in the order in which they run, and the numbers that they need."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        self.inputs: list[ValueInfoProto] = []
        self.outputs: list[ValueInfoProto] = []

    def reads(self, name: str, shape: Shape) -> None:
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def gives(self, name: str, x: str, shape: Shape) -> None:
        """`x` is an output, of that name."""
        self.nodes.append(helper.make_node("Identity", [x], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def model(self, name: str, about: dict[str, object]) -> bytes:
        """The file. `about` goes into its metadata, as JSON."""
        made = helper.make_graph(self.nodes, name, self.inputs, self.outputs, self.tensors)
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="gan_core")
        model.ir_version = 8  # of the same year
        helper.set_model_props(model, {"gan_core": json.dumps(about, ensure_ascii=False)})
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

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
        """Stored at half the size, unless they are too large or too small for it; the session that folds constants
        widens them once."""
        values, half = t.detach().cpu().numpy(), np.finfo(np.float16)
        if not half.tiny <= np.abs(values).max() <= half.max:  # a stranger's, or of a norm that divides by a great deal
            return self.number(values)
        return self.add("Cast", self.number(values.astype(np.float16)), to=TensorProto.FLOAT)

    def columns(self, x: str, start: int, stop: int) -> str:
        """x[:, start:stop]."""
        start_, stop_, axis = (self.number(np.array([number], np.int64)) for number in (start, stop, 1))
        return self.add("Slice", x, start_, stop_, axis)

    def labelled(self, z: str, nz: int, classes: int) -> str:
        """z, with classes also y: as long as a typical z, as in networks.Generator."""
        if not classes:
            return z
        self.reads("y", ["N", classes])
        return self.add("Concat", z, self.add("Mul", "y", self.number(np.float32(sqrt(nz)))), axis=1)

    def layer(self, x: str, layer: nn.Module, norm: nn.BatchNorm2d | None = None) -> str:
        """One layer of a network in evaluation mode, with the batch norm after it folded in."""
        match layer:
            case nn.ConvTranspose2d() | nn.Conv2d():
                weight, bias = folded(layer, norm)
                kind = "ConvTranspose" if isinstance(layer, nn.ConvTranspose2d) else "Conv"
                return self.add(
                    kind, x, self.weights(weight), self.number(bias.detach().cpu().numpy()),
                    strides=list(layer.stride), pads=[*map(int, layer.padding), *map(int, layer.padding)],
                )  # fmt: skip
            case nn.Linear():
                ends = layer.bias.detach().cpu().numpy()
                return self.add("Gemm", x, self.weights(layer.weight), self.number(ends), transB=1)
            case nn.Unflatten():
                return self.add("Reshape", x, self.number(np.array([-1, *layer.unflattened_size], np.int64)))
            case nn.Flatten():
                return self.add("Flatten", x)
            case nn.LeakyReLU():
                return self.add("LeakyRelu", x, alpha=layer.negative_slope)
            case nn.ReLU() | nn.Tanh():
                return self.add(type(layer).__name__.capitalize(), x)
            case nn.Dropout():
                return x
        raise TypeError(f"no ONNX for {layer}")

    def feeling(self, x: str, depth: int) -> str:
        """Activations (N, C[, s, s]) of one of `depth` layers -> (N, F): see latent/perception.py."""
        channels = self.number(np.array([1], np.int64))
        length = self.add("ReduceSum", self.add("Mul", x, x), channels, keepdims=1)
        unit = self.add("Div", x, self.add("Sqrt", self.add("Add", length, self.number(np.float32(TINY)))))
        # how many places there are, the graph itself knows: all numbers of a row by those of one place
        flat = self.add("Flatten", unit)
        places = self.add("Gather", self.add("Shape", self.add("Flatten", length)), self.number(np.int64(1)), axis=0)
        share = self.add("Mul", self.add("Cast", places, to=TensorProto.FLOAT), self.number(np.float32(depth)))
        return self.add("Div", flat, self.add("Sqrt", share))


def layers(net: nn.Module) -> Iterator[tuple[nn.Module, nn.BatchNorm2d | None]]:
    """Every layer in order, a batch norm beside the convolution that it follows."""
    flat = list(_leaves(net))
    for layer, after in pairwise([*flat, None]):
        if layer is not None and not isinstance(layer, nn.BatchNorm2d):
            yield layer, after if isinstance(after, nn.BatchNorm2d) else None


def _leaves(net: nn.Module) -> Iterator[nn.Module]:
    for module in net.children():
        if isinstance(module, nn.Sequential):
            yield from _leaves(module)
        else:
            yield module


def folded(layer: nn.ConvTranspose2d | nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Tensor, Tensor]:
    """Weight and bias (out,) of a convolution and the batch norm after it, in evaluation mode."""
    weight = layer.weight.detach().float()
    out = 1 if isinstance(layer, nn.ConvTranspose2d) else 0  # the axis of what comes out
    bias = weight.new_zeros(weight.shape[out]) if layer.bias is None else layer.bias.detach().float()
    if norm is None or norm.running_mean is None or norm.running_var is None:
        return weight, bias
    scale = norm.weight.detach() * (norm.running_var + norm.eps).rsqrt()
    shape = (1, -1, 1, 1) if out else (-1, 1, 1, 1)
    return weight * scale.view(shape), (bias - norm.running_mean) * scale + norm.bias.detach()
