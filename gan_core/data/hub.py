"""Data sets of the Hugging Face Hub, and parquet files as the Hub stores them, through the optional `datasets`."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from gan_core.data.pictures import open_picture, read_picture
from gan_core.data.store import Source, stamp_of, why
from gan_core.errors import UserError

TIMEOUT = 5.0  # seconds for the first answer


def hub_source(name: str) -> Source:
    """A Hub id: "owner/name", "owner/name:split" or "owner/name:config:split"; the split is "train" unless said.

    Raises UserError without `datasets`, without a network, or for a name that the Hub does not have.
    """
    datasets = _datasets(name)
    from huggingface_hub import HfApi, constants, errors  # comes with datasets

    repo, *rest = name.split(":")
    try:
        if not constants.HF_HUB_OFFLINE:  # load_dataset tries for 23 s before it admits that there is no network
            HfApi().dataset_info(repo, timeout=TIMEOUT)
        table = datasets.load_dataset(repo, *rest[:-1], split=rest[-1] if rest else "train")
    except errors.RepositoryNotFoundError as error:
        raise UserError("hub_failed", name=name, reason="no such data set, or a private one") from error
    except Exception as error:  # httpx, huggingface_hub, datasets and pyarrow each raise their own
        raise UserError("hub_failed", name=name, reason=why(error)) from error
    return _source(name, table, str(table.info.license or ""), lambda: str(table._fingerprint))


def parquet_files(path: Path) -> list[Path]:
    """The parquet files at `path`, laid as the Hub does: beside each other or in data/. Of several splits, "train"."""
    if path.suffix == ".parquet":
        return [path]
    files = sorted(path.glob("*.parquet")) or sorted(path.glob("data/*.parquet"))
    return [file for file in files if file.name.startswith("train")] or files


def parquet_source(name: str, files: Sequence[Path]) -> Source:
    """Pictures out of parquet files. Raises UserError for damaged ones, and without `datasets`."""
    datasets = _datasets(name)
    try:
        table = datasets.Dataset.from_parquet([str(file) for file in files])
    except Exception as error:
        raise UserError("data_unreadable", path=name, reason=why(error)) from error
    return _source(name, table, str(table.info.license or ""), partial(stamp_of, files))


def _source(name: str, table: Any, licence: str, stamp: Callable[[], str]) -> Source:
    """The first column of pictures; its classes from the first ClassLabel, else from whole numbers called "label"."""
    import datasets

    features = table.features
    column = next((key for key, kind in features.items() if _holds_pictures(kind)), None)
    if column is None:
        raise UserError("hub_no_pictures", name=name, columns=", ".join(features))
    if isinstance(features[column], datasets.Image):
        table = table.cast_column(column, datasets.Image(decode=False))  # our decoder knows limits, 16 bits and alpha
    classes, labels = _classes(table)

    def open_row(index: int) -> tuple[Image.Image, int]:
        value = table[index][column]
        data = value["bytes"] if isinstance(value, dict) else value
        if data is None:  # then there is a path to where `datasets` keeps the file
            return read_picture(Path(value["path"])), labels[index]
        return open_picture(data), labels[index]

    return Source(name, [f"row {i}" for i in range(len(table))], open_row, classes, licence, stamp)


def _holds_pictures(kind: Any) -> bool:
    """An Image; or what is left of one in parquet that was written without the Hub's own notes."""
    import datasets

    plain_bytes = datasets.Value("binary")
    return isinstance(kind, datasets.Image) or kind == plain_bytes or (isinstance(kind, dict) and "bytes" in kind)


def _classes(table: Any) -> tuple[tuple[str, ...], list[int]]:
    import datasets

    for key, kind in table.features.items():
        if isinstance(kind, datasets.ClassLabel):
            labels = list(table[key])
            if all(label is not None and label >= 0 for label in labels):  # -1 and None mean that nobody knows
                return tuple(kind.names), labels
    for key in ("label", "labels"):
        kind = table.features.get(key)
        if isinstance(kind, datasets.Value) and "int" in kind.dtype:
            values = list(table[key])
            if None not in values:
                known = sorted(set(values))
                number = {value: label for label, value in enumerate(known)}
                return tuple(str(value) for value in known), [number[value] for value in values]
    return (), [0] * len(table)


def _datasets(name: str) -> Any:
    try:
        import datasets
    except ImportError:
        raise UserError("hub_needs_datasets", name=name) from None
    return datasets
