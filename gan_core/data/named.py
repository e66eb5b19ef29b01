"""The sets that have a name: two that come with the package, nine that torchvision can fetch."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.utils.data import ConcatDataset
from torchvision import datasets

from gan_core.data.collect import collect
from gan_core.data.files import zip_source
from gan_core.data.idx import find_idx, read_idx
from gan_core.data.memory import memory_room
from gan_core.data.prepared import cache_folder
from gan_core.data.store import Images, Progress, Source, check_count, stamp_of, why
from gan_core.errors import UserError

BUNDLED = Path(__file__).parent / "bundled"
DEBIAN = Path("/usr/share/datasets")  # where packages such as dataset-fashion-mnist put their files
TIMEOUT = 10.0  # seconds without a byte after which a download is given up


@dataclass(frozen=True)
class SetInfo:
    """What a chooser shows of a named set."""

    name: str
    image_size: int  # what it is trained at unless another size is asked for
    nc: int
    licence: str
    about: str
    about_zh: str
    offline: bool = False  # comes with the package, or lies on this machine already


@dataclass(frozen=True)
class _Idx:
    """A set in idx files, which we read ourselves."""

    info: SetInfo
    classes: tuple[str, ...]
    torchvision: str  # the class that can download it
    prefix: str = "train"  # its files are `prefix`-images-idx3-ubyte and `prefix`-labels-idx1-ubyte
    first_label: int = 0
    sideways: bool = False  # EMNIST's pictures lie on their side

    def find(self, root: Path | None) -> Path | None:
        """The file of pictures: as torchvision or Debian lay it, in a folder of its own, or straight in the root.

        Without a root the package, Debian and the cache are searched.
        """
        own = [self.info.name, f"{self.torchvision}/raw"]
        if root:
            places = [root / place for place in (*own, "", "raw", "gzip")]
        else:
            places = [folder / place for folder in (BUNDLED, DEBIAN, cache_folder()) for place in own]
        return find_idx(places, f"{self.prefix}-images-idx3-ubyte")


@dataclass(frozen=True)
class _Vision:
    """A set that torchvision reads."""

    info: SetInfo
    open: Callable[..., Any]  # (root, download=bool) -> a dataset of (picture, label)
    marker: str  # what lies in the root when it is there
    classes: tuple[str, ...] = ()  # none: its labels are not classes
    to_load: str = ""  # a package that torchvision needs beside itself
    to_download: str = ""


def _flowers(root: Path, download: bool) -> ConcatDataset[Any]:
    """All three splits: the training split alone has ten pictures a class."""
    return ConcatDataset([datasets.Flowers102(root, split, download=download) for split in ("train", "val", "test")])


_DIGITS = tuple("0123456789")
_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
_LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_STL10 = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
_FLOWERS = tuple(datasets.Flowers102.classes)

_FRUITS = SetInfo("fruits-mini", 64, 3, "CC BY-SA 4.0", "2,016 fruits, 56 varieties", "2,016 个水果，56 个品种", True)
_SETS: tuple[_Idx | _Vision, ...] = (
    _Idx(
        SetInfo("fashion-mini", 28, 1, "MIT", "10,000 pieces of clothing, grey", "10,000 件服饰，灰度"),
        _CLOTHES,
        "FashionMNIST",
        prefix="t10k",
    ),
    _Idx(
        SetInfo("mnist", 28, 1, "CC BY-SA 3.0", "60,000 handwritten digits, grey", "60,000 个手写数字，灰度"),
        _DIGITS,
        "MNIST",
    ),
    _Idx(
        SetInfo("fashion-mnist", 28, 1, "MIT", "60,000 pieces of clothing, grey", "60,000 件服饰，灰度"),
        _CLOTHES,
        "FashionMNIST",
    ),
    _Idx(
        SetInfo("kmnist", 28, 1, "CC BY-SA 4.0", "60,000 cursive Japanese letters", "60,000 个日文草书假名"),
        _KANA,
        "KMNIST",
    ),
    _Idx(  # the split "letters": digits are in mnist already, and its 26 classes are of one size
        SetInfo("emnist", 28, 1, "none stated", "124,800 handwritten letters, grey", "124,800 个手写字母，灰度"),
        _LETTERS,
        "EMNIST",
        prefix="emnist-letters-train",
        first_label=1,
        sideways=True,
    ),
    _Vision(
        SetInfo("cifar10", 32, 3, "none stated", "50,000 photos of 10 kinds", "50,000 张照片，10 类"),
        datasets.CIFAR10,
        "cifar-10-batches-py",
        _CIFAR10,
    ),
    _Vision(
        SetInfo("svhn", 32, 3, "non-commercial use", "73,257 house numbers", "73,257 张门牌数字"),
        datasets.SVHN,
        "train_32x32.mat",
        _DIGITS,
        to_load="scipy",
    ),
    _Vision(
        SetInfo("celeba", 64, 3, "non-commercial research", "162,770 faces of celebrities", "162,770 张名人面孔"),
        datasets.CelebA,
        "celeba",
        to_download="gdown",
    ),
    _Vision(
        SetInfo("flowers102", 64, 3, "none stated", "8,189 flowers of 102 kinds", "8,189 朵花，102 种"),
        _flowers,
        "flowers-102",
        _FLOWERS,
        to_load="scipy",
    ),
    _Vision(  # the labelled training split; 100,000 more without a label are left out
        SetInfo("stl10", 64, 3, "none stated", "5,000 photos of 10 kinds", "5,000 张照片，10 类"),
        datasets.STL10,
        "stl10_binary",
        _STL10,
    ),
)


def known_sets() -> dict[str, SetInfo]:
    """Every set that has a name, the bundled ones first."""
    fashion, *others = (replace(s.info, offline=_lies_here(s)) for s in _SETS)
    return {info.name: info for info in (fashion, _FRUITS, *others)}


def load_named(
    name: str,
    size: int,
    nc: int,
    root: Path | None = None,
    progress: Progress | None = None,
    memory: int | None = None,
) -> Images:
    """One of `known_sets()`: from `root` if that is given, else from the package, this machine or the network.

    `memory` as for `collect`.
    Raises UserError if `root` does not hold it, if it cannot be downloaded, or if a package is missing.
    """
    if name == _FRUITS.name:
        return collect(zip_source(name, BUNDLED / name / f"{name}.zip", _FRUITS.licence), size, nc, progress, memory)
    if (BUNDLED / name).is_dir():
        root = None  # it lies here and nowhere else
    if root and not root.is_dir():
        raise UserError("path_missing", path=root)
    found = next(s for s in _SETS if s.info.name == name)
    if isinstance(found, _Idx):
        return _load_idx(found, size, nc, root, progress, memory)
    return _load_vision(found, size, nc, root, progress, memory)


def _lies_here(found: _Idx | _Vision) -> bool:
    if isinstance(found, _Idx):
        return found.find(None) is not None
    return (cache_folder() / found.marker).exists()


def _load_idx(
    found: _Idx, size: int, nc: int, root: Path | None, progress: Progress | None, memory: int | None
) -> Images:
    images = found.find(root)
    if images is None and root:
        wanted = f"{found.prefix}-images-idx3-ubyte, .gz or not"
        raise UserError("data_root_without", name=found.info.name, path=root, wanted=wanted)
    if images is None:
        images = _download_idx(found, progress)
    x = read_idx(images)  # (N, 28, 28)
    labels = find_idx([images.parent], f"{found.prefix}-labels-idx1-ubyte")
    y = None if labels is None else read_idx(labels).long() - found.first_label  # (N,)
    fits = y is None or (y.shape == x.shape[:1] and int(y.min()) >= 0 and int(y.max()) < len(found.classes))
    if x.ndim != 3 or not fits:
        raise UserError("idx_broken", path=images)
    source, x = _from_grey(found, images, x.mT if found.sideways else x, y, size)
    if x.shape[1:] == (size, size) and len(x) * nc * size**2 <= (memory_room() if memory is None else memory):
        if progress:
            progress(len(x), len(x), "read")
        return Images(source.name, x[:, None].repeat(1, nc, 1, 1), y, source.classes, (), source.licence)
    return collect(source, size, nc, progress, memory)


def _download_idx(found: _Idx, progress: Progress | None) -> Path:
    split = {"split": "letters"} if found.torchvision == "EMNIST" else {}
    with _downloading(found.info.name, progress):
        getattr(datasets, found.torchvision)(cache_folder(), download=True, **split)
        if images := found.find(None):
            return images
        raise FileNotFoundError(found.prefix)


def _from_grey(found: _Idx, file: Path, x: Tensor, y: Tensor | None, size: int) -> tuple[Source, Tensor]:
    """x (N, 28, 28) out of `file`, y (N,) -> a Source, and the pictures as it opens them.

    28 -> 32 adds a frame of background: every stroke stays as it was drawn, where resampling by 8/7 would blur it.
    Other sizes are resampled.
    """
    info, classes = found.info, () if y is None else found.classes
    check_count(info.name, len(x))
    if x.shape[1:] == (28, 28) and size == 32:
        x = F.pad(x, (2, 2, 2, 2))
    pictures, labels = x.numpy(), [0] * len(x) if y is None else y.tolist()
    files = [f"picture {i}" for i in range(len(x))]

    def open_picture(index: int) -> tuple[Image.Image, int]:
        return Image.fromarray(pictures[index]), labels[index]

    return Source(info.name, files, open_picture, classes, info.licence, partial(stamp_of, [file])), x


def _load_vision(
    found: _Vision, size: int, nc: int, root: Path | None, progress: Progress | None, memory: int | None
) -> Images:
    info = found.info
    _need(info.name, found.to_load)
    try:
        dataset = found.open(root or cache_folder(), download=False)
    except (RuntimeError, OSError):  # torchvision's way to say that it is not there, or not whole
        if root:
            raise UserError("data_root_without", name=info.name, path=root, wanted=found.marker) from None
        _need(info.name, found.to_download)
        with _downloading(info.name, progress):
            dataset = found.open(cache_folder(), download=True)
    files = [f"picture {i}" for i in range(len(dataset))]
    marker = (root or cache_folder()) / found.marker
    stamp = partial(stamp_of, [marker])  # a folder's time changes with what lies in it
    source = Source(info.name, files, dataset.__getitem__, found.classes, info.licence, stamp)
    return collect(source, size, nc, progress, memory)


def _need(name: str, package: str) -> None:
    if package and not find_spec(package):
        raise UserError("needs_package", name=name, package=package)


@contextmanager
def _downloading(name: str, progress: Progress | None) -> Iterator[None]:
    """torchvision draws its own bar on stderr; here are what it lacks: a time-out, and one sentence for a failure."""
    if progress:
        progress(0, 1, "download")
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    except Exception as error:  # urllib, gdown, tarfile and torchvision each raise their own
        raise UserError("download_failed", name=name, reason=why(error)) from error
    finally:
        socket.setdefaulttimeout(before)
    if progress:
        progress(1, 1, "download")
