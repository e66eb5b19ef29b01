"""The sets with a name: bundled, in idx files, through torchvision, and without a network."""

import gzip
import socket
import struct
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from gan_core.config import IMAGE_SIZES
from gan_core.data import known_sets, load_images, named
from gan_core.errors import UserError

DRAWN = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
LABELS = np.arange(12, dtype=np.uint8) % 10


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def lay(folder, images=DRAWN, labels=LABELS, prefix="train", packed=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in ((f"{prefix}-images-idx3-ubyte", images), (f"{prefix}-labels-idx1-ubyte", labels)):
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
        else:
            (folder / name).write_bytes(idx(array))
    return folder


@pytest.fixture(autouse=True)
def nothing_on_this_machine(tmp_path, monkeypatch):
    """No Debian packages, an empty cache, and no network."""

    def refuse(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr(named, "DEBIAN", tmp_path / "debian")
    monkeypatch.setenv("GAN_CORE_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr("urllib.request.urlopen", refuse)


def test_the_bundled_sets_come_first_and_are_all_that_is_offline():
    sets = known_sets()
    assert list(sets)[:2] == ["fashion-mini", "fruits-mini"]
    assert [name for name, info in sets.items() if info.offline] == ["fashion-mini", "fruits-mini"]
    assert set(sets) == {
        *("fashion-mini", "fruits-mini", "mnist", "fashion-mnist", "kmnist", "emnist"),
        *("cifar10", "celeba", "flowers102", "svhn", "stl10"),
    }
    assert all(info.image_size in IMAGE_SIZES and info.nc in (1, 3) and info.licence for info in sets.values())


def test_fashion_mini():
    images = load_images("fashion-mini")
    assert images.pixels.shape == (10_000, 1, 28, 28)
    assert images.labels.bincount().tolist() == [1000] * 10
    assert (images.classes[0], images.classes[9], images.licence) == ("T-shirt/top", "Ankle boot", "MIT")
    assert images.labels[:5].tolist() == [9, 2, 1, 1, 6]  # as every tutorial prints them
    shoes, shirts = images.pixels[images.labels == 9], images.pixels[images.labels == 0]
    assert shoes[:, :, :5].float().mean() < shirts[:, :, :5].float().mean() / 3  # ankle boots leave the top empty


def test_a_bundled_set_needs_no_root(tmp_path):
    for name, n in (("fashion-mini", 10_000), ("fruits-mini", 2016)):
        assert len(load_images(name, data_root=tmp_path / "anywhere")) == n


def test_fruits_mini():
    images = load_images("fruits-mini", 28)
    assert images.pixels.shape == (2016, 3, 28, 28)
    assert images.labels.bincount().tolist() == [36] * 56
    assert images.skipped == ()
    yellow = images.pixels[images.labels == images.classes.index("Tomato Yellow 1")].float()
    middle = yellow[:, :, 10:18, 10:18].mean(dim=(0, 2, 3))
    assert middle[0] > middle[1] > middle[2] + 50  # red, some green, little blue: no channel is swapped


def test_the_bundled_files_are_small_and_carry_their_licences():
    for name, limit in (("fashion-mini", 5e6), ("fruits-mini", 3e6)):
        files = list((named.BUNDLED / name).iterdir())
        assert sum(file.stat().st_size for file in files) <= limit
        assert known_sets()[name].licence in (named.BUNDLED / name / "LICENSE").read_text()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("place", ["", "raw", "MNIST/raw", "mnist"])
def test_idx_files_are_found_where_they_lie(tmp_path, place, packed):
    lay(tmp_path / "root" / place, packed=packed)
    images = load_images("mnist", data_root=tmp_path / "root")
    assert np.array_equal(images.pixels[:, 0].numpy(), DRAWN)
    assert images.labels.tolist() == LABELS.tolist()
    assert images.classes == tuple("0123456789")


def test_a_torchvision_root_with_several_sets_gives_the_one_asked_for(tmp_path):
    lay(tmp_path / "FashionMNIST" / "raw", DRAWN)
    lay(tmp_path / "KMNIST" / "raw", 255 - DRAWN)
    assert np.array_equal(load_images("kmnist", data_root=tmp_path).pixels[:, 0].numpy(), 255 - DRAWN)
    with pytest.raises(UserError, match="does not hold mnist whole"):
        load_images("mnist", data_root=tmp_path)


def test_debians_folder_is_found_without_being_named(tmp_path):
    lay(tmp_path / "debian" / "fashion-mnist", packed=True)
    assert len(load_images("fashion-mnist")) == 12
    assert known_sets()["fashion-mnist"].offline
    assert not known_sets()["mnist"].offline


def test_without_labels_there_are_no_classes(tmp_path):
    (lay(tmp_path) / "train-labels-idx1-ubyte").unlink()
    images = load_images("mnist", data_root=tmp_path)
    assert (images.labels, images.classes) == (None, ())


def test_emnist_letters_stand_upright_and_count_from_zero(tmp_path):
    """NIST's files hold every letter on its side, with labels 1 to 26."""
    lay(tmp_path, DRAWN.swapaxes(1, 2).copy(), LABELS + 1, prefix="emnist-letters-train")
    images = load_images("emnist", data_root=tmp_path)
    assert np.array_equal(images.pixels[:, 0].numpy(), DRAWN)
    assert images.labels.tolist() == LABELS.tolist()
    assert images.classes[0] + images.classes[25] == "AZ"


def test_28_to_32_is_a_frame_of_background(tmp_path):
    pixels = load_images("mnist", 32, 3, data_root=lay(tmp_path)).pixels
    assert pixels.shape == (12, 3, 32, 32)
    assert np.array_equal(pixels[:, 2, 2:-2, 2:-2].numpy(), DRAWN)
    assert int(pixels.sum()) == 3 * int(DRAWN.sum(dtype=int))


def test_other_sizes_are_resampled(tmp_path):
    pixels = load_images("mnist", 64, data_root=lay(tmp_path)).pixels
    assert pixels.shape == (12, 1, 64, 64)
    assert pixels.float().mean(dim=(1, 2, 3)).numpy() == pytest.approx(DRAWN.mean(axis=(1, 2)), abs=4)


@pytest.mark.parametrize("end", [0, 3, 4, 10, 16, 500, -1])
@pytest.mark.parametrize("packed", [False, True])
def test_idx_files_that_are_cut(tmp_path, end, packed):
    file = lay(tmp_path, packed=packed) / f"train-images-idx3-ubyte{'.gz' if packed else ''}"
    file.write_bytes(file.read_bytes()[:end])
    with pytest.raises(UserError, match="not a whole idx file"):
        load_images("mnist", data_root=tmp_path)


@pytest.mark.parametrize(
    ("images", "labels"),
    [(DRAWN, LABELS[:-1]), (DRAWN, LABELS + 5), (LABELS, LABELS), (DRAWN, DRAWN), (DRAWN[:0], LABELS[:0])],
)
def test_idx_files_that_do_not_belong_together(tmp_path, images, labels):
    with pytest.raises(UserError, match="not a whole idx file"):
        load_images("mnist", data_root=lay(tmp_path, images, labels))


def test_an_idx_header_that_promises_terabytes_is_not_believed(tmp_path):
    lay(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + b"\xff" * 12)
    with pytest.raises(UserError, match="not a whole idx file"):
        load_images("mnist", data_root=tmp_path)


def test_too_few_in_idx_files(tmp_path):
    with pytest.raises(UserError, match="holds 7 good pictures"):
        load_images("mnist", data_root=lay(tmp_path, DRAWN[:7], LABELS[:7]))


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist", "emnist", "cifar10", "stl10"])
def test_without_a_network_there_is_one_sentence(name, capfd):
    told = []
    with pytest.raises(UserError, match=f"{name} could not be downloaded: no network. .* fashion-mini") as caught:
        load_images(name, progress=lambda *word: told.append(word))
    assert "no network" in caught.value.said("zh")
    assert told == [(0, 1, "download")]
    assert socket.getdefaulttimeout() is None  # as it was before


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_root_that_does_not_hold_the_set(tmp_path, name):
    with pytest.raises(UserError, match=f"does not hold {name} whole"):
        load_images(name, data_root=tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        load_images(name, data_root=tmp_path / "missing")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(named, "find_spec", lambda _: None)
    for name, package in (("svhn", "scipy"), ("flowers102", "scipy"), ("celeba", "gdown")):
        with pytest.raises(UserError, match=f"{name} needs the package {package}"):
            load_images(name)


def test_a_download_is_read_like_any_other(tmp_path, monkeypatch):
    def download(self):
        lay(tmp_path / "cache" / "KMNIST" / "raw")
        lay(tmp_path / "cache" / "KMNIST" / "raw", prefix="t10k")

    monkeypatch.setattr(datasets.KMNIST, "download", download)
    told = []
    images = load_images("kmnist", progress=lambda *word: told.append(word))
    assert np.array_equal(images.pixels[:, 0].numpy(), DRAWN)
    assert told == [(0, 1, "download"), (1, 1, "download"), (12, 12, "read")]
    assert known_sets()["kmnist"].offline


def test_a_set_that_torchvision_reads(monkeypatch):
    """torchvision checks the true files by their MD5, so a stand-in of its class gives (picture, label)."""
    pixels = np.random.default_rng(1).integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)

    class Small(list):
        def __init__(self, root, download):
            if not download:
                raise RuntimeError("Dataset not found")
            super().__init__((Image.fromarray(p), i) for i, p in enumerate(pixels))

    cifar = next(s for s in named._SETS if s.info.name == "cifar10")
    monkeypatch.setattr(named, "_SETS", (named._SETS[0], named.replace(cifar, open=Small)))
    images = load_images("cifar10")
    assert np.array_equal(images.pixels.permute(0, 2, 3, 1).numpy(), pixels)
    assert images.labels.tolist() == list(range(9))
    assert images.classes[3] == "cat"
    assert load_images("cifar10", 28, 1).pixels.shape == (9, 1, 28, 28)


@pytest.mark.parametrize("name", ["fashion", "photos", "", "MNIST", "a\0b"])
def test_an_unknown_name_lists_the_known_ones(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="Known: fashion-mini, fruits-mini, mnist"):
        load_images(name)


def test_an_unknown_name_tells_the_nearest():
    with pytest.raises(UserError, match="did you mean 'fashion-mnist'"):
        load_images("fashion_mnist")


def test_a_name_too_long_for_a_disk():
    with pytest.raises(UserError, match="File name too long"):
        load_images("a" * 5000)


@pytest.mark.parametrize(("size", "nc"), [(48, 1), (0, 1), (32, 2)])
def test_sizes_and_channels_no_model_has(size, nc):
    with pytest.raises(UserError, match="Known"):
        load_images("fashion-mini", size, nc)


def test_the_fingerprint_tells_data_sets_apart(tmp_path):
    def fingerprint(name, images=DRAWN, labels=LABELS, size=28):
        return load_images("mnist", size, data_root=lay(tmp_path / name, images, labels)).fingerprint

    other = DRAWN.copy()
    other[3, 4, 5] ^= 1
    prints = [
        fingerprint("a"),
        fingerprint("b", other),
        fingerprint("c", labels=LABELS[::-1].copy()),
        fingerprint("d", DRAWN[::-1].copy()),
        fingerprint("e", size=32),
    ]
    assert len(set(prints)) == len(prints)
    assert fingerprint("f") == prints[0]
    images = load_images("mnist", data_root=tmp_path / "f")
    assert named.replace(images, pixels=images.pixels.view(4, 3, 28, 28)).fingerprint != prints[0]
    assert len(prints[0]) == 16


def test_a_large_sets_fingerprint_sees_one_changed_picture():
    images = load_images("fashion-mini")
    changed = images.pixels.clone()
    changed[4321] = 255 - changed[4321]
    assert named.replace(images, pixels=changed).fingerprint != images.fingerprint
    assert torch.equal(load_images("fashion-mini").pixels, images.pixels)
