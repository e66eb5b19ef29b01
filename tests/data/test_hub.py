"""Hub data sets, held on parquet files written here; the network is never asked (conftest sets HF_HUB_OFFLINE)."""

import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from gan_core.data import load_images
from gan_core.errors import UserError

datasets = pytest.importorskip("datasets")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def png(value, mode="RGB"):
    file = BytesIO()
    Image.new(mode, (28, 28), (value, 0, 9) if mode == "RGB" else value).save(file, "PNG")
    return file.getvalue()


def rows(n=10, **columns):
    return {"image": [{"bytes": png(i), "path": None} for i in range(n)], **columns}


def hub_file(path, columns, **kinds):
    """As `push_to_hub` writes it: the parquet file says which column is an Image and which a ClassLabel."""
    path.parent.mkdir(exist_ok=True, parents=True)
    table = datasets.Dataset.from_dict(columns, features=datasets.Features(**kinds))
    table.to_parquet(str(path))


def plain_file(path, columns):
    pq.write_table(pa.table(columns), path)


def red(images):
    return images.pixels[:, 0, 0, 0].tolist()


@pytest.mark.parametrize("place", ["train.parquet", "data/train-00000-of-00001.parquet"])
def test_a_folder_of_parquet_files(tmp_path, place):
    kinds = dict(image=datasets.Image(), animal=datasets.ClassLabel(names=["cat", "dog"]))
    hub_file(tmp_path / "set" / place, rows(animal=[i % 2 for i in range(10)]), **kinds)
    images = load_images(str(tmp_path / "set"), 28)
    assert red(images) == list(range(10))
    assert images.pixels.shape == (10, 3, 28, 28)
    assert images.labels.tolist() == [0, 1] * 5
    assert images.classes == ("cat", "dog")


def test_of_several_splits_the_training_one_is_read(tmp_path):
    for split, n in (("train", 9), ("test", 20)):
        hub_file(tmp_path / f"{split}-00000-of-00001.parquet", rows(n), image=datasets.Image())
    assert len(load_images(str(tmp_path), 28)) == 9


def test_one_parquet_file_written_without_the_hubs_notes(tmp_path):
    plain_file(tmp_path / "a.parquet", rows(label=[7 - i % 2 for i in range(10)]))
    images = load_images(str(tmp_path / "a.parquet"), 28)
    assert red(images) == list(range(10))
    assert images.classes == ("6", "7")
    assert images.labels.tolist() == [1, 0] * 5


def test_bytes_alone(tmp_path):
    plain_file(tmp_path / "a.parquet", {"text": list("abcdefgh"), "picture": [png(i, "L") for i in range(8)]})
    images = load_images(str(tmp_path / "a.parquet"), 28)
    assert images.pixels.shape == (8, 1, 28, 28)
    assert (red(images), images.labels) == (list(range(8)), None)


def test_labels_that_nobody_knows_are_none(tmp_path):
    kinds = dict(image=datasets.Image(), label=datasets.ClassLabel(names=["cat", "dog"]))
    hub_file(tmp_path / "a.parquet", rows(label=[-1] + [1] * 9), **kinds)
    assert load_images(str(tmp_path), 28).classes == ()


def test_unreadable_rows_are_named(tmp_path):
    columns = rows()
    columns["image"][3] = {"bytes": b"no picture", "path": None}
    plain_file(tmp_path / "a.parquet", columns)
    images = load_images(str(tmp_path), 28)
    assert len(images) == 9
    assert images.skipped[0].startswith("row 3: not a PNG")


def test_rows_that_hold_a_path(tmp_path):
    """As `datasets` keeps a folder of pictures. A stranger's path may also lead to what never ends."""
    (tmp_path / "a.png").write_bytes(png(5))
    columns = {"image": [{"bytes": None, "path": str(tmp_path / "a.png")}] * 8 + [{"bytes": None, "path": "/dev/zero"}]}
    plain_file(tmp_path / "a.parquet", columns)
    images = load_images(str(tmp_path / "a.parquet"), 28)
    assert red(images) == [5] * 8
    assert images.skipped[0].startswith("row 8: not a file")


def test_sixteen_bits_come_through(tmp_path):
    """`datasets` would hand over pictures that it decoded its own way."""
    file = BytesIO()
    Image.fromarray(np.full((28, 28), 40_000, np.uint16)).save(file, "PNG")
    hub_file(tmp_path / "a.parquet", {"image": [{"bytes": file.getvalue(), "path": None}] * 8}, image=datasets.Image())
    assert red(load_images(str(tmp_path), 28)) == [156] * 8  # 40000 / 257


def test_no_column_of_pictures(tmp_path):
    plain_file(tmp_path / "a.parquet", {"text": list("abcdefgh"), "label": [1] * 8})
    with pytest.raises(UserError, match="no column of pictures; its columns are text, label"):
        load_images(str(tmp_path))


def test_a_damaged_parquet_file(tmp_path):
    plain_file(tmp_path / "a.parquet", rows())
    data = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match="cannot be read: Parquet magic bytes not found"):
        load_images(str(tmp_path))


@pytest.mark.parametrize("name", ["owner/name", "owner/name:test", "owner/name:config:test", "photos/holiday"])
def test_a_hub_id_without_a_network_is_one_sentence(name):
    with pytest.raises(UserError, match=f"{name} is no folder or ZIP here, and could not be had from the Hugging Face"):
        load_images(name)


def test_without_datasets_it_says_what_to_install(tmp_path, monkeypatch):
    plain_file(tmp_path / "a.parquet", rows())
    monkeypatch.setitem(sys.modules, "datasets", None)
    for name in ("owner/name", str(tmp_path)):
        with pytest.raises(UserError, match="pip install datasets"):
            load_images(name)


def test_split_and_config_reach_the_hub(tmp_path, monkeypatch):
    asked = []

    def load_dataset(*args, **kwargs):
        asked.append((args, kwargs))
        return datasets.Dataset.from_dict(rows(), features=datasets.Features(image=datasets.Image()))

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    for name in ("owner/name", "owner/name:test", "owner/name:large:test"):
        assert red(load_images(name, 28)) == list(range(10))
    assert asked == [
        (("owner/name",), {"split": "train"}),
        (("owner/name",), {"split": "test"}),
        (("owner/name", "large"), {"split": "test"}),
    ]
