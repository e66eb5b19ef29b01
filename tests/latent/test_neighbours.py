"""Is it copied? Against distances counted by hand, and copies that were planted."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from gan_core import GAN, ModelConfig
from gan_core.data import Images, load_images
from gan_core.images import to_unit
from gan_core.latent import neighbours, reference
from gan_core.latent.neighbours import Neighbours
from gan_core.latent.reference import Place, Reference, find_set, load_reference
from gan_core.metrics import features_for

FASHION = load_images("fashion-mini")
NET = features_for(FASHION)


def part(learned, strangers=slice(1000, 1100), kind="held_out"):
    rows = torch.arange(len(FASHION))[learned]
    return Reference(FASHION, rows, FASHION.pixels[strangers], kind, len(rows))


@pytest.fixture(scope="module")
def index():
    return Neighbours(part(slice(0, 1000)), NET)


def test_a_copy_is_its_own_neighbour_and_a_near_copy_nearly(index):
    some = FASHION.pixels[[3, 500, 999]]
    near = index.nearest(some, k=4)
    assert near.rows[:, 0].tolist() == [3, 500, 999]
    assert (near.distance[:, 0] < 0.02).all()
    assert (near.distance.diff(dim=1) >= 0).all()
    lighter = (some.float() * 0.9 + 10).to(torch.uint8)
    assert index.nearest(lighter, 1).rows[:, 0].tolist() == [3, 500, 999]
    assert index.nearest(lighter, 1).distance.max() < index.usual()[0]


def test_the_distance_is_what_it_says(index):
    """Thumbnails and features, each with a mean squared distance of a half between two pictures at random."""
    x = to_unit(FASHION.pixels[:1000])
    thumbs = torch.nn.functional.adaptive_avg_pool2d(x, 16).flatten(1)
    with torch.no_grad():
        felt = NET(x)
    parts = []
    for half in (thumbs, felt):
        apart = torch.cdist(half, half).square()
        parts.append(apart / (2 * apart.mean()))
    wanted = (parts[0] + parts[1]).sqrt()
    assert wanted.square().mean() == pytest.approx(1, rel=1e-4)
    near = index.nearest(FASHION.pixels[:20], k=5)
    assert_close(near.distance, wanted[:20].sort(dim=1).values[:, :5], atol=0.02, rtol=0.01)


def test_strangers_are_measured_against_the_learned_alone(index):
    usual = index.usual()
    assert usual.shape == (100,)
    assert (usual.diff() >= 0).all()
    assert usual[0] > 0.02, "none of them is in the index"
    assert index.nearest(FASHION.pixels[1000:1001], 8).rows.max() < 1000


def test_where_there_are_no_strangers_a_picture_does_not_count_itself():
    index = Neighbours(part(slice(0, 300), slice(0, 50), "learned"), NET)
    assert (index.usual() > 0.02).all()
    own, others = (index.nearest(FASHION.pixels[3:4], 2, others) for others in (False, True))
    assert own.rows[0, 0] == 3
    assert others.rows[0, 0] == own.rows[0, 1]


def test_a_mirrored_copy_is_seen_where_the_model_learned_from_mirrors():
    boot = FASHION.pixels[(FASHION.labels == 9).nonzero()[0]]
    row = int((FASHION.labels == 9).nonzero()[0])
    plain, mirrored = (Neighbours(part(slice(0, 300)), NET, flip) for flip in (False, True))
    assert row < 300
    assert mirrored.nearest(boot.flip(-1), 1).distance[0, 0] < 0.02
    assert plain.nearest(boot.flip(-1), 1).distance[0, 0] > 0.1


def test_a_large_set_is_searched_in_evenly_spaced_pictures(monkeypatch):
    monkeypatch.setattr(neighbours, "MOST_NUMBERS", 100 * (16 * 16 + 128))
    heard = []
    index = Neighbours(part(slice(0, 1000)), NET, progress=lambda done, of, what: heard.append((done, of, what)))
    assert index.searched == 100
    assert index.rows.tolist() == list(range(0, 1000, 10))
    assert heard[-1] == (100, 100, "index")


def test_a_set_of_one_picture_again_and_again_has_distances_too():
    pixels = FASHION.pixels[7:8].expand(20, -1, -1, -1)
    index = Neighbours(Reference(replace(FASHION, pixels=pixels), torch.arange(20), pixels, "learned", 20), NET)
    assert (index.usual() < 0.01).all()
    near, far = (index.nearest(FASHION.pixels[row : row + 1], 3).distance for row in (7, 8))
    assert (near < 0.01).all() and (far > 100).all() and far.isfinite().all()


# which pictures there are


def gan_of(**info):
    return GAN(ModelConfig(image_size=28, nc=1, ngf=4, ndf=4, nz=8), info)


def test_a_runs_held_out_pictures_are_those_that_it_kept_from_D():
    from gan_core.config import TrainConfig
    from gan_core.training.trainer import split

    train = {"held_out": 0.05, "batch_size": 64}
    found = load_reference(
        gan_of(train=train, data={"name": "fashion-mini", "pictures": 10_000}), Place("fashion-mini")
    )
    learned, kept = split(10_000, TrainConfig(held_out=0.05))
    assert found.kind == "held_out"
    assert torch.equal(found.learned, learned)
    assert torch.equal(found.strangers, FASHION.pixels[kept])
    assert not set(found.learned.tolist()) & set(kept.tolist())


def test_of_other_pictures_than_the_run_had_nobody_knows_which_were_held_out():
    train, data = {"held_out": 0.05, "batch_size": 64}, {"name": "fashion-mini", "pictures": 10_000}
    for mark, kind in ((FASHION.fingerprint, "held_out"), ("0" * 16, "learned")):
        found = load_reference(gan_of(train=train, data=data | {"fingerprint": mark}), Place("fashion-mini"))
        assert found.kind == kind


def test_a_model_older_than_held_out_has_learned_them_all():
    found = load_reference(gan_of(train={"batch_size": 64}), Place("fashion-mini"))
    assert (found.kind, len(found.learned), len(found.strangers)) == ("learned", 10_000, 1000)


def test_a_part_of_the_set_says_so():
    gan = GAN(
        ModelConfig(image_size=32, nc=3, ngf=4, ndf=4, nz=8), {"data": {"name": "fruits64.zip", "pictures": 24_000}}
    )
    found = load_reference(gan, find_set({"name": "fruits64.zip"}, ours=False))
    assert (found.of, len(found.learned), found.kind) == (24_000, 2016, "learned")


def test_nothing_of_a_strangers_config_is_opened(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for data in (
        {"name": str(pictures)}, {"name": "x", "source": str(pictures)}, {"name": "mnist", "root": str(pictures)},
        {"name": "/etc"}, {"name": 3}, {}, {"name": "a/b"},
    ):  # fmt: skip
        assert find_set(data, ours=False) is None
    assert find_set({"name": "x", "source": str(pictures)}, ours=True) == Place(str(pictures))
    assert find_set({"name": "x" * 5000}, ours=True) is None
    assert find_set({"name": "fashion-mini"}, ours=False) == Place("fashion-mini")


def test_a_set_that_would_have_to_be_downloaded_is_not_at_hand(monkeypatch):
    monkeypatch.setattr(reference, "known_sets", lambda: {"celeba": type("Info", (), {"offline": False})})
    assert find_set({"name": "celeba"}, ours=True) is None
    assert find_set({"name": "celeba", "root": "/nowhere/at/all"}, ours=True) is None


def test_pictures_are_compared_as_they_are_with_another_size_of_set():
    few = Images("few", FASHION.pixels[:5])
    index = Neighbours(Reference(few, torch.arange(5), FASHION.pixels[5:6], "held_out", 5), NET)
    assert index.nearest(FASHION.pixels[7:8], k=8).rows.shape == (1, 5)
