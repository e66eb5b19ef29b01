"""Directions against numpy's eigenvectors, scikit-learn's PCA, the formula of the bias, and ones that were planted."""

import json
from math import sqrt

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import nn

from gan_core.cli import main
from gan_core.config import ModelConfig
from gan_core.errors import UserError
from gan_core.gan import CONFIG, GAN, fingerprint
from gan_core.latent import direction_file, directions
from gan_core.latent.directions import by_class, chance, closed_form, difference, entangled, local, principal

TOY = {"image_size": 28, "nc": 1, "nz": 12, "ngf": 4, "ndf": 4}


def toy(**config):
    torch.manual_seed(0)
    gan = GAN(ModelConfig(**TOY | config))
    for norm in gan.G_ema.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_(0, 0.3)
            norm.running_var.uniform_(0.01, 0.1)
            norm.weight.data.uniform_(0.5, 2)
    return gan.eval()


def planted(d, strength=20.0, **config):
    """A G that hears z along d far more loudly than along all else."""
    gan = toy(**config)
    first = next(m for m in gan.G_ema.modules() if isinstance(m, nn.ConvTranspose2d | nn.Linear))
    with torch.no_grad():
        weight = first.weight if isinstance(first, nn.ConvTranspose2d) else first.weight.T  # (inputs, ...)
        z_part = weight[: gan.config.nz]
        along = torch.einsum("n,n...->...", d, z_part)
        z_part += (strength - 1) * torch.einsum("n,...->n...", d, along)
    return gan


def unit(n=12, seed=5):
    d = torch.randn(n, generator=torch.Generator().manual_seed(seed))
    return d / d.norm()


def numpys(A):
    """Eigenvectors of A^T A for A (outputs, nz), the largest value first, the largest number of each positive."""
    values, vectors = np.linalg.eigh(A.T @ A)
    vectors = vectors[:, ::-1].T
    return values[::-1] / values.sum(), [v * np.sign(v[np.abs(v).argmax()]) for v in vectors]


@pytest.mark.parametrize("num_classes", [0, 3])
def test_sefa_is_numpys_eigenvectors_of_the_folded_weight(num_classes):
    gan = toy(num_classes=num_classes)
    conv, norm = gan.G_ema.net[1][0], gan.G_ema.net[1][1]
    scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach().numpy()
    weight = conv.weight.detach().numpy()[:12] * scale[None, :, None, None]  # of z alone
    shares, vectors = numpys(weight.reshape(12, -1).T.astype(np.float64))
    found = closed_form(gan, 5)
    for d, share, v in zip(found, shares, vectors, strict=False):
        assert d.share == pytest.approx(share, rel=1e-4)
        assert np.abs(d.z.numpy() - v).max() < 1e-4


def test_sefa_of_an_mlp():
    gan = toy(architecture="mlp")
    _, vectors = numpys(gan.G_ema.net[0][0].weight.detach().numpy().astype(np.float64))
    for d, v in zip(closed_form(gan, 5), vectors, strict=False):
        assert np.abs(d.z.numpy() - v).max() < 1e-4


@pytest.mark.parametrize("num_classes", [0, 3])
def test_pca_is_scikit_learns_carried_to_z_by_least_squares(num_classes):
    gan = toy(num_classes=num_classes)
    z = gan.sample_z(240, 0)
    y = torch.arange(240) % 3 if num_classes else None
    with torch.no_grad():
        x = nn.functional.adaptive_avg_pool2d(gan.G_ema.net[:3](gan.G_ema.heard(z, y)), 8).flatten(1).numpy()
    if num_classes:
        for label in range(3):
            x[label::3] -= x[label::3].mean(axis=0)
    pca = PCA(4, svd_solver="full").fit(x)
    U = np.linalg.lstsq(pca.transform(x), (z - z.mean(0)).numpy(), rcond=None)[0]
    found = principal(gan, 4, n=240)
    assert [d.share for d in found] == pytest.approx(list(pca.explained_variance_ratio_), rel=1e-3)
    for d, u in zip(found, U, strict=True):
        assert abs(d.z.numpy() @ u) / np.linalg.norm(u) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("config", [{}, {"num_classes": 3}, {"architecture": "mlp"}], ids=str)
def test_a_planted_direction_is_found_by_every_way(config):
    d = unit()
    gan = planted(d, **config)
    y = torch.tensor([0.0, 1.0, 0.0]) if config.get("num_classes") else None
    z = gan.sample_z(1, 3)[0]
    z -= (z @ d) * d  # where G is not yet saturated along d
    for found in (closed_form(gan, 1), principal(gan, 1, n=512), local(gan, z, y, 1)):
        assert abs(float(found[0].z @ d)) > 0.9, found[0].method
        assert found[0].share > 0.4


def test_the_jacobian_is_autograds():
    gan = toy(num_classes=3)
    z, y = gan.sample_z(1, 0)[0], torch.tensor([0.2, 0.8, 0.0])
    J = torch.autograd.functional.jacobian(lambda z: gan.G_ema(z[None], y[None]).flatten(), z).double()  # (pixels, nz)
    shares, vectors = numpys(J.numpy())
    for d, share, v in zip(local(gan, z, y, 4), shares, vectors, strict=False):
        assert d.share == pytest.approx(share, rel=1e-3)
        assert abs(float(d.z @ torch.from_numpy(v.copy()).float())) > 0.999


def test_a_planted_difference_is_found_and_its_length_freed_of_chance():
    random, nz, n, true = torch.Generator().manual_seed(0), 100, 40, 3.0
    axis = unit(nz)
    lengths, raw, cosines, trusts = [], [], [], []
    for _ in range(50):
        plus, minus = (torch.randn(n, nz, generator=random) for _ in range(2))
        d = difference(plus + true * axis, minus)
        lengths.append(d.length**2)
        raw.append(float((plus + true * axis - minus).mean(0).square().sum()))
        cosines.append(float(d.z @ axis))
        trusts.append(d.trust)
    assert np.mean(raw) == pytest.approx(true**2 + nz * (1 / n + 1 / n), rel=0.05)  # what few samples add
    assert np.mean(lengths) == pytest.approx(true**2, rel=0.05)
    assert np.mean(trusts) == pytest.approx(np.mean(cosines), abs=0.02)  # trust is the cosine to expect


def test_groups_that_differ_by_chance_alone_have_hardly_any_length():
    random = torch.Generator().manual_seed(1)
    found = [difference(*(torch.randn(6, 100, generator=random) for _ in range(2))) for _ in range(20)]
    assert np.mean([d.trust for d in found]) < 0.3
    assert all(d.z.norm() == pytest.approx(1) for d in found)


def test_a_difference_needs_two_groups():
    with pytest.raises(UserError) as caught:
        difference(torch.zeros(0, 4), torch.zeros(3, 4))
    assert "0 and 3" in str(caught.value)


class Quadrants(nn.Module):
    """Sees class 1 where z[0] > 0.5, else class 2 where z[1] > 1, else 0: what G "paints" is z itself."""

    classes = ("none", "first", "second")

    def classify(self, x):
        z = x.flatten(1)
        seen = torch.where(z[:, 0] > 0.5, 1, torch.where(z[:, 1] > 1, 2, 0))
        return nn.functional.one_hot(seen, 3).float()


def test_classes_are_balanced_so_that_what_others_share_does_not_leak_in(monkeypatch):
    gan = toy()
    monkeypatch.setattr(GAN, "forward", lambda self, z, y=None: z)
    found = {d.of: d for d in by_class(gan, Quadrants())}
    assert set(found) == {"none", "first", "second"}
    z = gan.sample_z(directions.LABELLED, 0)
    seen = Quadrants().classify(z).argmax(1)
    means = torch.stack([z[seen == c].mean(0) for c in range(3)])
    d = means[1] - (means[0] + means[2]) / 2  # the others weigh the same, though 0 is seen five times as often as 2
    n = seen.bincount()
    noise = 12 * (1 / n[1] + (1 / n[0] + 1 / n[2]) / 4)
    assert torch.allclose(found["first"].z, d / d.norm(), atol=1e-5)
    assert found["first"].length == pytest.approx(sqrt(d.square().sum() - noise), rel=1e-4)


def test_entangled_is_the_cosine_of_what_changes(monkeypatch):
    gan = toy()
    monkeypatch.setattr(GAN, "forward", lambda self, z, y=None: z @ paint)  # a linear G: cosines are known
    paint = torch.randn(12, 30, generator=torch.Generator().manual_seed(2))
    axes = [unit(seed=s) for s in range(3)]
    matrix = entangled(gan, axes, n=2)
    changes = nn.functional.normalize(torch.stack(axes) @ paint)
    assert torch.allclose(matrix, (changes @ changes.T).abs(), atol=1e-5)
    assert 0 < chance(gan) < 1


# ---- the file beside the weights ----


@pytest.fixture
def weights(tmp_path):
    toy().save(tmp_path / "mine")
    return tmp_path / "mine"


def load(folder):
    return GAN.from_pretrained(folder)


def test_what_is_found_is_read_again(weights):
    told = []
    found = direction_file.find(load(weights), weights, lambda done, of, what: told.append((done, of)))
    assert len(found.directions) == 16
    assert told == sorted(told) and told[-1][0] == told[-1][1]
    direction_file.write(weights, found)
    again = direction_file.read(weights, load(weights).config)
    for one, other in zip(found.directions, again.directions, strict=True):
        assert one.method == other.method
        assert torch.equal(one.z, other.z)
    assert torch.equal(found.matrix, again.matrix)


def test_the_longest_z_there_is_can_be_read_again(weights):
    config = ModelConfig(**TOY | {"nz": 4096})
    z = torch.eye(4096)[: direction_file.MOST]
    many = tuple(directions.Direction("sefa", one, 0.01, names={"en": "x" * 40, "zh": "长" * 40}) for one in z)
    k = len(many)
    direction_file.write(weights, direction_file.Found(fingerprint(weights), many, torch.eye(k), 0.3))
    assert len(direction_file.read(weights, config).directions) == k


def test_more_directions_than_are_kept_are_not_compared(weights, monkeypatch):
    monkeypatch.setattr(direction_file, "MOST", 5)
    compared = []

    def entangled(gan, some, **_):
        compared.append(len(some))
        return torch.eye(len(some))

    monkeypatch.setattr(direction_file, "entangled", entangled)
    found = direction_file.find(load(weights), weights)
    assert compared == [5] == [len(found.directions)]


def test_a_plane_has_no_more_than_two_directions():
    gan = toy(nz=2)
    assert [len(way(gan)) for way in (closed_form, principal)] == [2, 2]
    assert len(local(gan, torch.ones(2))) == 2


def spoil(**changes):
    return lambda values: values | changes


def spoil_first(**changes):
    return lambda values: values | {"directions": [values["directions"][0] | changes, *values["directions"][1:]]}


@pytest.mark.parametrize(
    "forge",
    [
        spoil(fingerprint="0" * 16),
        spoil(format=2),
        spoil(nz=13),
        spoil(directions=[]),
        spoil(directions={"a": 1}),
        spoil(directions=[None] * 16),
        spoil(matrix="AAAA"),
        spoil(matrix=None),
        spoil(floor="nan"),
        spoil_first(z="not base64"),
        spoil_first(z="AAAAAA=="),
        spoil_first(method="magic"),
        spoil_first(share=1e300),
        spoil_first(length="long"),
        lambda values: [1, 2],
    ],
)
def test_a_file_that_is_stale_forged_or_torn_is_passed_over(weights, forge):
    config = load(weights).config
    direction_file.write(weights, direction_file.find(load(weights), weights))
    path = weights / direction_file.FILE
    values = json.loads(path.read_text())
    assert direction_file.read(weights, config)
    path.write_text(json.dumps(forge(values)))
    assert direction_file.read(weights, config) is None


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"x" * 600_000])
def test_rubbish_is_passed_over(weights, raw):
    (weights / direction_file.FILE).write_bytes(raw)
    assert direction_file.read(weights, load(weights).config) is None


def test_new_weights_make_it_stale(weights):
    direction_file.write(weights, direction_file.find(load(weights), weights))
    before = fingerprint(weights)
    GAN(ModelConfig(**TOY)).save(weights)
    assert fingerprint(weights) != before
    assert direction_file.read(weights, load(weights).config) is None


def test_names_are_short_plain_and_stay_when_directions_are_found_again(weights):
    found = direction_file.find(load(weights), weights)
    long = "<b>rounder</b>\n" + "x" * 100
    found = direction_file.named(found, {0: {"en": long, "zh": "圆"}, 1: {"en": "gone"}, 9: {"en": "a\u202eb"}})
    assert found.directions[0].names == {"en": long.replace("\n", " ")[:40], "zh": "圆"}
    assert found.directions[9].names == {}  # a letter that turns the line around
    found = direction_file.named(found, {1: {"en": ""}})
    assert found.directions[1].names == {}
    fresh = direction_file.find(load(weights), weights)
    assert direction_file.with_names_of(fresh, found).directions[0].names["zh"] == "圆"


def test_classes_are_told_by_a_network_of_the_same_classes(tmp_path):
    gan = toy()
    names = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
    for classes, there in ((names, True), (names[:3], False), ("words", False), ([], False)):
        gan.info = {"data": {"classes": classes}}
        assert (direction_file.net_of(gan, tmp_path) is not None) is there
    gan.info = {"data": 3}
    assert direction_file.net_of(gan, tmp_path) is None


def test_the_command_finds_them_again_and_keeps_the_names(weights, tmp_path, capsys):
    assert main(["directions", "--weights", str(weights)]) == 0
    assert "sefa" in capsys.readouterr().out
    kept = direction_file.read(weights, load(weights).config)
    direction_file.write(weights, direction_file.named(kept, {2: {"en": "wider"}}))
    assert main(["directions", "--weights", str(weights), "--json", str(tmp_path / "there.json")]) == 0
    assert "wider" in capsys.readouterr().out
    assert json.loads((tmp_path / "there.json").read_text())["directions"][2]["name"] == {"en": "wider"}
    assert (weights / CONFIG).exists()
