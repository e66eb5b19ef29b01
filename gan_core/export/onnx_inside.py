"""G as a graph that can be changed inside: latent/inside.py for a browser.

    z (2, nz) [, y (2, num_classes)], gate_i (1, C, 1, 1), mask_i (1, 1, s, s)
        ->  image (2, nc, S, S), strength_i (2, C)

for each stage i = 0, 1, ...: the first row is the picture that is changed, the second the one it takes features from.
"""

from dataclasses import asdict

import numpy as np
from torch import nn

from gan_core.export.onnx import Graph, layers
from gan_core.gan import GAN
from gan_core.latent.inside import Stage, stages


def to_onnx_inside(gan: GAN, **about: object) -> bytes:
    """G_ema of `gan` with its stages open. `about` goes into the file's metadata, beside the config."""
    graph, config = Graph(), gan.config
    graph.reads("z", [2, config.nz])
    x = graph.labelled("z", config.nz, config.num_classes)
    found = stages(config)
    stage = 0
    for layer, norm in layers(gan.G_ema.net):
        x = graph.layer(x, layer, norm)
        if isinstance(layer, nn.ReLU):
            x = _opened(graph, x, stage, found[stage], flat=config.architecture == "mlp")
            stage += 1
    graph.gives("image", x, [2, config.nc, config.image_size, config.image_size])
    return graph.model("inside", vars(config) | {"stages": [asdict(stage) for stage in found]} | about)


def _opened(graph: Graph, x: str, i: int, stage: Stage, flat: bool) -> str:
    """x (2, C, s, s), or (2, C) where `flat`, with stage i's mask and gate applied to its first row."""
    gate, mask = f"gate_{i}", f"mask_{i}"
    graph.reads(gate, [1, stage.channels, 1, 1])
    graph.reads(mask, [1, 1, stage.side, stage.side])
    both = graph.add("Reshape", x, _shape(graph, 2, stage.channels, 1, 1)) if flat else x
    partner = graph.add("Gather", both, graph.number(np.array([1, 1], np.int64)), axis=0)  # B, in either row
    mixed = graph.add("Add", both, graph.add("Mul", mask, graph.add("Sub", partner, both)))
    mean = mixed if stage.side == 1 else graph.add("ReduceMean", mixed, axes=[2, 3])
    graph.gives(f"strength_{i}", graph.add("Flatten", mean), [2, stage.channels])
    one = graph.number(np.ones((1, stage.channels, 1, 1), np.float32))
    gated = graph.add("Mul", mixed, graph.add("Concat", gate, one, axis=0))
    return graph.add("Flatten", gated) if flat else gated


def _shape(graph: Graph, *sides: int) -> str:
    return graph.number(np.array(sides, np.int64))
