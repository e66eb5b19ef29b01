"""The exported graph against torch, for every architecture and size."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from gan_core.cli import main
from gan_core.config import IMAGE_SIZES, ModelConfig
from gan_core.export.onnx import to_onnx
from gan_core.gan import GAN

PIXEL = 2 / 255  # one step of a pixel, in [-1, 1]


def restless(**config):
    """A G whose weights and statistics are as far from their beginnings as those of a training."""
    torch.manual_seed(0)
    gan = GAN(ModelConfig(**{"ngf": 8, "ndf": 4, "nz": 16} | config))
    with torch.no_grad():
        for p in gan.G_ema.parameters():
            if p.dim() > 1:  # so that what comes out fills [-1, 1]
                p *= 0.6 / (0.02 * p[0].numel() ** 0.5) if p.dim() == 2 else 2 + 10 * (p.shape[1] == gan.config.nc)
        for module in gan.G_ema.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.3, 2)
                module.bias.normal_(0, 0.3)
    return gan.eval()


def painted(gan, n=5):
    z = gan.sample_z(n, 3)
    y = gan.sample_y(n, 3, None)
    session = onnxruntime.InferenceSession(to_onnx(gan), providers=["CPUExecutionProvider"])
    given = {"z": z.numpy()}
    if y is not None:
        given["y"] = torch.nn.functional.one_hot(y, gan.config.num_classes).float().numpy()
    return session.run(["image"], given)[0], gan(z, y).numpy()


@pytest.mark.parametrize("num_classes", [0, 3])
@pytest.mark.parametrize("nc", [1, 3])
@pytest.mark.parametrize("image_size", IMAGE_SIZES)
@pytest.mark.parametrize("architecture", ["dcgan", "mlp"])
def test_it_paints_what_torch_paints(architecture, image_size, nc, num_classes):
    gan = restless(architecture=architecture, image_size=image_size, nc=nc, num_classes=num_classes)
    ours, torchs = painted(gan)
    assert ours.shape == torchs.shape == (5, nc, image_size, image_size)
    assert np.abs(torchs).max() > 0.05  # there is something to be wrong about
    assert np.abs(ours - torchs).max() <= PIXEL


def feelings(gan, x, y):
    """D's activations, normalised over channels, so that squared distances are means over places and layers."""
    found, hooks = [], []
    for module in gan.D.net.modules():
        if isinstance(module, torch.nn.LeakyReLU):
            hooks += [module.register_forward_hook(lambda _m, _i, out: found.append(out))]
    logits = gan.D(x, y)
    for hook in hooks:
        hook.remove()
    rows = []
    for h in found:
        unit = h / (h.square().sum(dim=1, keepdim=True) + 1e-10).sqrt()
        rows.append((unit / (h[0, 0].numel() * len(found)) ** 0.5).flatten(1))
    return logits, torch.cat(rows, dim=1)


@pytest.mark.parametrize("norm_D", ["none", "batch", "spectral"])
@pytest.mark.parametrize("num_classes", [0, 3])
@pytest.mark.parametrize(("architecture", "image_size", "nc"), [("dcgan", 28, 1), ("dcgan", 64, 3), ("mlp", 28, 1)])
@torch.no_grad()
def test_the_critic_thinks_and_feels_what_torchs_does(architecture, image_size, nc, num_classes, norm_D):
    gan = restless(
        architecture=architecture, image_size=image_size, nc=nc, num_classes=num_classes, norm_D=norm_D, dropout_D=0.5
    )
    for module in gan.D.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.3, 2)
    x, y = gan(gan.sample_z(4, 0)), gan.sample_y(4, 0)
    wanted, felt = feelings(gan, x, y)
    given = {"x": x.numpy()}
    if y is not None:
        given["y"] = torch.nn.functional.one_hot(y, num_classes).float().numpy()
    session = onnxruntime.InferenceSession(to_onnx(gan, "D"), providers=["CPUExecutionProvider"])
    logit, feel = session.run(["logit", "feel"], given)
    assert logit == pytest.approx(wanted.numpy(), rel=5e-3, abs=2e-3)
    assert feel.shape == felt.shape and np.abs(feel - felt.numpy()).max() < 2e-3
    assert np.square(feel).sum(axis=1) == pytest.approx(1, abs=0.02)  # as far as anything stirs at all


def test_batch_norm_is_folded_and_weights_take_two_bytes():
    gan = restless(image_size=32, nc=3)
    data = to_onnx(gan, name="mine")
    model = onnx.load_from_string(data)
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    convolutions = sum(p.numel() for p in gan.G_ema.parameters() if p.dim() == 4)
    assert 2 * convolutions < len(data) < 2 * convolutions + 8_000
    about = json.loads(model.metadata_props[0].value)
    assert about["name"] == "mine" and about["image_size"] == 32


@pytest.mark.parametrize("scale", [1e-9, 1e9])
@torch.no_grad()
def test_weights_that_float16_cannot_hold_stay_as_they_are(scale):
    """One layer makes tiny or huge what the next one brings back."""
    gan = restless(image_size=28, nc=1)
    wanted = painted(gan)[1]
    for layer in gan.G_ema.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.weight.mul_(scale)
            layer.bias.mul_(scale)
            break
    following = gan.G_ema.net[2][0]
    following.weight.div_(scale)
    ours, torchs = painted(gan)
    assert np.abs(torchs - wanted).max() < 1e-3
    assert np.abs(ours - torchs).max() <= PIXEL


def test_labels_between_classes_are_weights():
    gan = restless(image_size=28, nc=1, num_classes=2)
    z, y = gan.sample_z(1, 0), torch.tensor([[0.3, 0.7]])
    session = onnxruntime.InferenceSession(to_onnx(gan), providers=["CPUExecutionProvider"])
    (ours,) = session.run(None, {"z": z.numpy(), "y": y.numpy()})
    assert np.abs(ours - gan(z, y).numpy()).max() <= PIXEL


def test_the_command_writes_it(tmp_path, capsys):
    restless(image_size=28, nc=1).save(tmp_path / "mine")
    assert (
        main(["export", "--format", "onnx", "--weights", str(tmp_path / "mine"), "--out", str(tmp_path / "out")]) == 0
    )
    assert "z (N, 16) -> image" in capsys.readouterr().out
    onnxruntime.InferenceSession(tmp_path / "out" / "G.onnx")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["D.onnx", "G.onnx"]
