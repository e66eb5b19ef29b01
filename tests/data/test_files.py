"""Folders and ZIPs: what becomes a class, what is left out, and what is refused."""

import os
import tracemalloc
import zipfile
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from gan_core import config
from gan_core.data import files, load_images, pictures, store
from gan_core.errors import UserError


def png(value, size=28):
    file = BytesIO()
    Image.fromarray(np.full((size, size), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def written(root, names):
    """Picture number i is an even field of grey value i, so that order and labels can be read off the pixels."""
    for value, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(value))
    return root


def zipped(path, names, **more):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for value, name in enumerate(names):
            archive.writestr(name, png(value))
        for name, data in more.items():
            archive.writestr(name, data)
    return path


def values(images):
    return images.pixels[:, 0, 0, 0].tolist()


def tuned(monkeypatch, **limits):
    """The same code with limits that a test can pass without gigabytes."""
    tight = config.DataLimits(**limits)
    for module in (files, pictures, store):
        monkeypatch.setattr(module, "DATA_LIMITS", tight)


FLAT = [f"{i:02}.png" for i in range(8)]
TWO = [f"{kind}/{i}.png" for kind in ("cat", "dog") for i in range(4)]


@pytest.fixture(params=["folder", "zip"])
def source(request, tmp_path):
    """Both kinds of source must judge the same names alike."""
    if request.param == "folder":
        return lambda names: str(written(tmp_path / "pictures", names))
    return lambda names: str(zipped(tmp_path / "pictures.zip", names))


def test_pictures_come_sorted_and_unlabelled(source):
    images = load_images(source(FLAT[::-1]), 28)
    assert values(images) == [7, 6, 5, 4, 3, 2, 1, 0]
    assert (images.labels, images.classes, images.skipped) == (None, (), ())
    assert images.pixels.shape == (8, 1, 28, 28)
    assert len(images) == 8


def test_first_level_folders_are_classes(source):
    images = load_images(source(TWO), 28)
    assert images.classes == ("cat", "dog")
    assert images.labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert values(images) == list(range(8))


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        ([f"all/{name}" for name in TWO], ("cat", "dog")),  # a folder around everything is looked through
        ([f"a/b/{name}" for name in TWO], ("cat", "dog")),
        ([f"all/{name}" for name in FLAT], ()),  # one class is none
        ([*TWO, "top.png"], ()),  # a picture beside the folders belongs to none of them
        ([f"{kind}/deep/er/{i}.png" for kind in ("cat", "dog") for i in range(4)], ("cat", "dog")),
        (["cat/1.png", *(f"cat/sub/{i}.png" for i in range(4)), *(f"dog/{i}.png" for i in range(4))], ("cat", "dog")),
    ],
)
def test_which_folders_are_classes(source, names, classes):
    assert load_images(source(names), 28).classes == classes


def test_what_is_no_picture_by_name_is_passed_over(source):
    noise = ["readme.txt", "labels.csv", ".hidden.png", "__MACOSX/00.png", ".git/a.png", "sub/.cache/b.png"]
    images = load_images(source([*FLAT, *noise]), 28)
    assert (len(images), images.skipped) == (8, ())


def test_unreadable_pictures_are_named_and_left_out(tmp_path):
    root = written(tmp_path, [*TWO, "cat/9.png", "dog/9.png"])
    (root / "cat/5.png").write_text("I am a text")
    (root / "cat/6.jpg").write_bytes(b"")
    (root / "dog/0.png").write_bytes(png(4)[:40])
    images = load_images(str(root), 28)
    assert len(images) == 9
    assert [reason.split(":")[0] for reason in images.skipped] == ["cat/5.png", "cat/6.jpg", "dog/0.png"]
    assert "not a PNG" in images.skipped[0]
    assert images.labels.tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1]  # labels follow their pictures
    assert values(images) == [0, 1, 2, 3, 8, 5, 6, 7, 9]


def test_more_pictures_than_one_chunk_keep_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "CHUNK", 5)
    told = []
    root = written(tmp_path, [f"{i:02}.png" for i in range(23)])
    images = load_images(str(root), 28, progress=lambda *word: told.append(word))
    assert values(images) == list(range(23))
    assert told == [(n, 23, "read") for n in (0, 5, 10, 15, 20, 23)]


def test_grey_unless_a_picture_shows_a_colour(tmp_path):
    root = written(tmp_path, FLAT)
    Image.new("RGB", (28, 28), (5, 5, 5)).save(root / "x.png")  # a colour mode, but no colour
    assert load_images(str(root), 28).pixels.shape == (9, 1, 28, 28)
    Image.new("RGB", (28, 28), (5, 6, 7)).save(root / "y.png")
    images = load_images(str(root), 28)
    assert images.pixels.shape == (10, 3, 28, 28)
    assert images.pixels[3, :, 0, 0].tolist() == [3, 3, 3]
    assert images.pixels[9, :, 0, 0].tolist() == [5, 6, 7]
    assert load_images(str(root), 28, nc=1).pixels.shape == (10, 1, 28, 28)


def test_a_folder_is_trained_at_64_pixels_by_default(tmp_path):
    assert load_images(str(written(tmp_path, FLAT))).pixels.shape == (8, 1, 64, 64)


def test_windows_separators_in_a_zip_are_folders(tmp_path):
    names = [name.replace("/", "\\") for name in TWO]
    assert load_images(str(zipped(tmp_path / "a.zip", names)), 28).classes == ("cat", "dog")


@pytest.mark.parametrize("names", [[], ["readme.txt"], [".hidden.png"]])
def test_no_pictures(source, names, tmp_path):
    (tmp_path / "pictures").mkdir(exist_ok=True)
    with pytest.raises(UserError, match="holds no pictures"):
        load_images(source(names))


@pytest.mark.parametrize(
    "name",
    ["missing.zip", "photos/missing.zip", "./missing", "/nowhere/at/all", "../missing", "~/missing_folder_of_mine"],
)
def test_a_missing_path(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        load_images(name)


def test_too_few(source):
    with pytest.raises(UserError, match="holds 7 good pictures, but at least 8"):
        load_images(source(FLAT[:7]))


def test_too_few_because_some_cannot_be_read(tmp_path):
    root = written(tmp_path, FLAT)
    (root / "03.png").write_text("text")
    with pytest.raises(UserError, match=r"7 good pictures.*1 could not be read \(03.png: not a PNG"):
        load_images(str(root))


def test_a_file_that_is_no_zip(tmp_path):
    (tmp_path / "a.zip").write_text("I am a text")
    (tmp_path / "b.txt").write_text("")
    for name in ("a.zip", "b.txt"):
        with pytest.raises(UserError, match="neither a folder nor a ZIP"):
            load_images(str(tmp_path / name))


def test_a_zip_cut_anywhere(tmp_path):
    whole = zipped(tmp_path / "a.zip", FLAT).read_bytes()
    cut = tmp_path / "cut.zip"
    for end in [1, 4, 30, len(whole) // 2, *range(len(whole) - 120, len(whole), 7), len(whole) - 1]:
        cut.write_bytes(whole[:end])
        with pytest.raises(UserError, match="cut short" if end >= 4 else "neither"):
            load_images(str(cut))


def test_a_zip_with_any_byte_changed_loads_or_is_refused_in_a_sentence(tmp_path):
    whole = bytearray(zipped(tmp_path / "a.zip", FLAT).read_bytes())
    broken = tmp_path / "broken.zip"
    for place in range(0, len(whole), 5):
        data = whole.copy()
        data[place] ^= 0xFF
        broken.write_bytes(data)
        with suppress(UserError):
            assert len(load_images(str(broken), 28)) == 8


def test_a_zip_with_a_password(tmp_path):
    data = bytearray(zipped(tmp_path / "a.zip", FLAT).read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := data.find(mark, place + 1)) >= 0:
            data[place + flags] |= 1
    (tmp_path / "locked.zip").write_bytes(data)
    with pytest.raises(UserError, match="locked with a password"):
        load_images(str(tmp_path / "locked.zip"))


def bomb(path, sizes):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, size in enumerate(sizes):
            archive.writestr(f"{i}.png", bytes(size))
    return str(path)


@pytest.mark.parametrize(
    ("sizes", "limits", "sentence"),
    [
        ([20 * 2**20], {}, "more than the limit of 200: pictures do not shrink"),
        ([1] * 11, {"members": 10}, "holds 11 files, more than the limit of 10"),
        (
            [3 * 2**20],
            {"member_bytes": 2 * 2**20},
            "0.png in .* unpacks to 3 MiB, more than the limit of 2 MiB for one",
        ),
        ([2**20] * 3, {"total_bytes": 2 * 2**20}, "unpacks to 3 MiB, more than the limit of 2 MiB. Split"),
    ],
)
def test_a_bomb_is_refused_by_its_table(tmp_path, monkeypatch, sizes, limits, sentence):
    path = bomb(tmp_path / "bomb.zip", sizes)
    tuned(monkeypatch, **limits)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)  # whoever decompresses anything gets a TypeError
    with pytest.raises(UserError, match=sentence):
        load_images(path)


def test_a_picture_bomb_is_refused_by_its_header(tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", FLAT, **{"big.png": png(0, size=100)})
    tuned(monkeypatch, pixels=9_999)
    with pytest.raises(UserError, match="big.png in .* has more pixels than the limit of 9,999"):
        load_images(str(path))


def test_blank_drawings_are_no_bomb(tmp_path):
    """White BMP files shrink far more than 200 times, and are small."""
    blank = BytesIO()
    Image.new("RGB", (300, 300), "white").save(blank, "BMP")
    more = {f"{i}.bmp": blank.getvalue() for i in range(8)}
    assert len(load_images(str(zipped(tmp_path / "a.zip", [], **more)))) == 8


def test_what_pillow_remarks_on_single_pictures_is_not_shown(tmp_path):
    root = written(tmp_path, FLAT)
    Image.new("L", (28, 28), 8).save(root / "98.jpg", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    Image.new("1", (10_000, 10_000)).save(root / "99.png")  # over our limit, and over the one Pillow warns at
    images = load_images(str(root), 28)  # pytest is told to raise on warnings
    assert values(images) == list(range(9))
    assert images.skipped == ("99.png: more than 50,000,000 pixels",)


def test_in_a_folder_a_picture_over_the_limit_is_left_out(tmp_path, monkeypatch):
    root = written(tmp_path, FLAT)
    (root / "big.png").write_bytes(png(0, size=100))
    tuned(monkeypatch, pixels=9_999)
    assert load_images(str(root), 28).skipped == ("big.png: more than 9,999 pixels",)
    tuned(monkeypatch, member_bytes=len(png(0, size=100)) - 1)
    assert load_images(str(root), 28).skipped == ("big.png: not a file of at most 0 MiB",)


def test_names_that_cannot_be_printed_can_be_told(tmp_path):
    root = written(tmp_path, TWO)
    (root / "cat" / b"caf\xe9\n\x1b[31m.png".decode(errors="surrogateescape")).write_text("text")
    (skipped,) = load_images(str(root), 28).skipped
    assert skipped.startswith("cat/caf???[31m.png: not a PNG")
    skipped.encode()


def test_what_never_ends_is_no_picture(tmp_path):
    root = written(tmp_path, FLAT)
    os.mkfifo(root / "pipe.png")
    (root / "zero.png").symlink_to("/dev/zero")
    assert [reason.split(":")[0] for reason in load_images(str(root), 28).skipped] == ["pipe.png", "zero.png"]


def test_a_table_that_lies_about_sizes_unpacks_no_more_than_it_says(tmp_path):
    """20 MiB of zeros, said to be 100 bytes: zipfile stops there, and the checksum tells."""
    path = zipped(tmp_path / "a.zip", FLAT, **{"liar.png": bytes(20 * 2**20)})
    data = bytearray(path.read_bytes())
    entry = data.rfind(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    tracemalloc.start()
    images = load_images(str(path), 28)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(images) == 8
    assert "liar.png: Bad CRC-32" in images.skipped[0]
    assert peak < 2**20


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing_is_told(tmp_path, packing):
    path = zipped(tmp_path / "a.zip", FLAT)
    with zipfile.ZipFile(path, "a", packing) as archive:
        archive.writestr("x.png", png(9))
    assert load_images(str(path), 28).skipped == ("x.png: packed in an unusual way; use plain ZIP compression",)


def test_nothing_is_unpacked(tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", TWO)
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    load_images(str(path), 28)
    assert sorted(tmp_path.rglob("*")) == before
