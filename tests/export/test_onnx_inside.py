"""The open graph against torch, for every architecture and size."""

import time

import numpy as np
import onnxruntime
import pytest
import torch

from gan_core.config import IMAGE_SIZES, ModelConfig
from gan_core.export.onnx_inside import to_onnx_inside
from gan_core.gan import GAN
from gan_core.latent.inside import inside, stages, untouched
from tests.export.test_onnx import PIXEL, restless


def both(gan, gates, masks):
    """Images and strengths: of the graph, and of torch."""
    z, y = gan.sample_z(2, 3), None
    if classes := gan.config.num_classes:
        y = torch.nn.functional.one_hot(torch.tensor([0, classes - 1]), classes).float()
    session = onnxruntime.InferenceSession(to_onnx_inside(gan), providers=["CPUExecutionProvider"])
    given = {"z": z.numpy()} | ({} if y is None else {"y": y.numpy()})
    for i, (gate, mask) in enumerate(zip(gates, masks, strict=True)):
        given |= {f"gate_{i}": gate.view(1, -1, 1, 1).numpy(), f"mask_{i}": mask[None, None].numpy()}
    names = ["image", *(f"strength_{i}" for i in range(len(gates)))]
    image, *strengths = session.run(names, given)
    images, expected = inside(gan, z, y, gates, masks)
    return (image, images.numpy()), (strengths, [s.numpy() for s in expected])


def stirred(gan):
    """Gates and masks that change much, at every stage."""
    random = torch.Generator().manual_seed(0)
    gates, masks = untouched(gan)
    gates = [torch.rand(gate.shape, generator=random).round() * 1.5 for gate in gates]
    return gates, [torch.rand(mask.shape, generator=random).round() for mask in masks]


@pytest.mark.parametrize("num_classes", [0, 3])
@pytest.mark.parametrize(("nc", "image_size"), [(1, 28), *((3, size) for size in IMAGE_SIZES)])
@pytest.mark.parametrize("architecture", ["dcgan", "mlp"])
def test_it_changes_what_torch_changes(architecture, image_size, nc, num_classes):
    gan = restless(architecture=architecture, image_size=image_size, nc=nc, num_classes=num_classes)
    for gates, masks in (untouched(gan), stirred(gan)):
        (ours, torchs), (strengths, expected) = both(gan, gates, masks)
        assert ours.shape == torchs.shape == (2, nc, image_size, image_size)
        assert np.abs(ours - torchs).max() <= PIXEL
        for one, other in zip(strengths, expected, strict=True):
            assert np.abs(one - other).max() <= 0.01 * max(1, np.abs(other).max())
    assert np.abs(torchs[0] - torchs[1]).max() > PIXEL


def test_the_graph_says_what_stages_it_has():
    gan = restless(image_size=32, nc=1)
    session = onnxruntime.InferenceSession(to_onnx_inside(gan), providers=["CPUExecutionProvider"])
    sides = {entry.name: entry.shape for entry in session.get_inputs()}
    for i, stage in enumerate(stages(gan.config)):
        assert sides[f"gate_{i}"] == [1, stage.channels, 1, 1]
        assert sides[f"mask_{i}"] == [1, 1, stage.side, stage.side]


def test_a_large_one_is_written_within_a_second():
    gan = GAN(ModelConfig(image_size=64, nc=3, ngf=64, ndf=8))
    to_onnx_inside(gan)
    began = time.process_time()  # of this process alone: others may keep the machine busy
    data = to_onnx_inside(gan)
    assert time.process_time() - began < 1
    weights = sum(p.numel() for p in gan.G_ema.parameters() if p.dim() == 4)
    assert len(data) < 2 * weights + 40_000
