"""What memory should not hold lies in a file: the same pictures, found ready at the next start."""

import os
import resource
import shutil
import subprocess
import sys
import threading
from collections import namedtuple
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core.data import load_images, memory, prepared, store
from gan_core.errors import UserError

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_CORE_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("GAN_CORE_MEMORY", raising=False)
    return tmp_path / "cache" / "prepared"


@pytest.fixture
def folder(tmp_path):
    """22 colour pictures in two classes, one of them broken."""
    random = np.random.default_rng(0)
    for kind in ("a", "b"):
        (tmp_path / "drawings" / kind).mkdir(parents=True)
        for i in range(11):
            pixels = random.integers(256, size=(30, 30, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "drawings" / kind / f"{i:02}.png")
    (tmp_path / "drawings/a/05.png").write_text("no picture")
    return tmp_path / "drawings"


def same(mapped, held):
    assert mapped.mapped is not None and held.mapped is None
    assert torch.equal(mapped.pixels, held.pixels)
    assert mapped.pixels.is_contiguous()
    assert (mapped.labels is None) == (held.labels is None)
    assert mapped.labels is None or torch.equal(mapped.labels, held.labels)
    for name in ("name", "classes", "skipped", "licence", "fingerprint"):
        assert getattr(mapped, name) == getattr(held, name), name


def nothing_may_be_decoded(monkeypatch):
    monkeypatch.setattr(store, "to_square", None)


def entries(cache):
    return [path for path in cache.iterdir() if path.suffix != ".lock"]


@pytest.mark.parametrize("nc", [None, 1, 3])
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_holds_what_memory_would_and_is_found_ready(folder, tmp_path, cache, monkeypatch, nc, packed):
    where = folder
    if packed:
        where = tmp_path / "drawings.zip"
        with ZipFile(where, "w") as archive:
            for path in sorted(folder.rglob("*.png")):
                archive.write(path, path.relative_to(folder))
    held = load_images(str(where), 28, nc)
    told = []
    first = load_images(str(where), 28, nc, memory=0, progress=lambda *word: told.append(word))
    same(first, held)
    assert first.mapped.stat().st_size == 21 * (nc or 3) * 28 * 28
    assert told == [(0, 22, "prepare"), (22, 22, "prepare")]
    nothing_may_be_decoded(monkeypatch)
    same(load_images(str(where), 28, nc, memory=0), held)
    assert len(entries(cache)) == 1


def test_grey_pictures_have_one_channel_there_too(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(prepared, "CHUNK", 4)
    (tmp_path / "grey").mkdir()
    for i in range(11):
        Image.new("RGB", (28, 28), (i * 20,) * 3).save(tmp_path / "grey" / f"{i:02}.png")
    mapped = load_images(str(tmp_path / "grey"), 28, memory=0)
    same(mapped, load_images(str(tmp_path / "grey"), 28))
    assert mapped.pixels.shape == (11, 1, 28, 28)
    assert mapped.mapped.stat().st_size == 11 * 28 * 28


@pytest.mark.parametrize("size", [28, 32])
def test_a_named_set_too(size):
    same(load_images("fashion-mini", size, memory=0), load_images("fashion-mini", size))


def test_as_much_as_fits_lies_in_memory(folder, cache):
    needed = 22 * 3 * 28 * 28
    assert load_images(str(folder), 28, memory=needed).mapped is None
    assert load_images(str(folder), 28, memory=needed - 1).mapped is not None


def test_other_wishes_and_other_files_are_prepared_anew(folder, cache):
    load_images(str(folder), 28, memory=0)
    load_images(str(folder), 32, memory=0)
    load_images(str(folder), 28, 1, memory=0)
    assert len(entries(cache)) == 3
    Image.new("RGB", (30, 30), "red").save(folder / "b" / "00.png")
    changed = load_images(str(folder), 28, memory=0)
    assert len(entries(cache)) == 4
    same(changed, load_images(str(folder), 28))
    (folder / "b" / "00.png").unlink()
    assert len(load_images(str(folder), 28, memory=0)) == 20


@pytest.mark.parametrize("harm", ["cut", "no facts", "half facts", "no pixels"])
def test_what_is_damaged_is_prepared_anew(folder, cache, harm):
    place = load_images(str(folder), 28, memory=0).mapped.parent
    if harm == "cut":
        os.truncate(place / "pixels", 1000)
    elif harm == "no pixels":
        (place / "pixels").unlink()
    elif harm == "no facts":
        (place / "facts.json").unlink()
    else:
        (place / "facts.json").write_text((place / "facts.json").read_text()[:-9])
    same(load_images(str(folder), 28, memory=0), load_images(str(folder), 28))


def test_a_fingerprint_is_not_taken_twice(folder):
    """It would read every page of a large file."""
    images = load_images(str(folder), 28, memory=0)
    before = images.fingerprint
    shape = images.pixels.shape
    images.mapped.write_bytes(bytes(images.pixels.nbytes))
    again = load_images(str(folder), 28, memory=0)
    assert (again.fingerprint, again.pixels.shape, int(again.pixels.sum())) == (before, shape, 0)


def test_a_killed_process_leaves_nothing_that_stays(folder, cache):
    code = (
        "import os, sys; from gan_core.data import load_images, store\n"
        "decode = store.to_square\n"
        "def die(*args): os.kill(os.getpid(), 9)\n"
        "store.to_square = die\n"
        "load_images(sys.argv[1], 28, memory=0)"
    )
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True)
    assert done.returncode == -9
    (half,) = entries(cache)
    assert half.name.endswith(".part")
    Image.new("RGB", (30, 30), "red").save(folder / "b" / "00.png")  # so that another set is asked for
    whole = load_images(str(folder), 28, memory=0)
    assert entries(cache) == [whole.mapped.parent]


def test_what_another_process_is_writing_is_left_alone(folder, cache):
    cache.mkdir(parents=True)
    (cache / ".0123.7.8.part").mkdir()
    with prepared.FileLock(cache / ".0123.lock"):
        load_images(str(folder), 28, memory=0)
        assert (cache / ".0123.7.8.part").is_dir()
    load_images(str(folder), 32, memory=0)
    assert not (cache / ".0123.7.8.part").exists()


def test_whoever_wants_the_same_at_once_waits_for_the_first(folder, monkeypatch):
    decoded, go, told, got = [], threading.Event(), [], []
    square = store.to_square

    def slow(*args):
        decoded.append(1)
        go.wait(30)
        return square(*args)

    monkeypatch.setattr(store, "to_square", slow)

    def load(progress=None):
        got.append(load_images(str(folder), 28, memory=0, progress=progress))

    def hear(done, total, what):
        told.append(what)
        go.set()

    first = threading.Thread(target=load)
    first.start()
    while not decoded:
        go.wait(0.01)
    second = threading.Thread(target=load, args=(hear,))
    second.start()
    first.join(60), second.join(60)
    assert told and set(told) == {"wait"}
    assert len(decoded) == 21
    assert torch.equal(got[0].pixels, got[1].pixels)


def test_a_disk_that_fills_up_is_told_and_left_clean(folder, cache):
    load_images(str(folder), 28)  # imports everything while files may be written
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(UserError, match="Cannot prepare the pictures of .*File too large. Free some space there"):
            load_images(str(folder), 28, memory=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert entries(cache) == []


def test_a_cache_that_cannot_be_is_told(folder, monkeypatch):
    monkeypatch.setenv("GAN_CORE_DATA", "/dev/null/cache")
    with pytest.raises(
        UserError, match="Cannot prepare the pictures of .* in /dev/null/cache/prepared: Not a directory"
    ):
        load_images(str(folder), 28, memory=0)


def test_what_the_disk_cannot_hold_is_refused_before_the_work(folder, cache, monkeypatch):
    nothing_may_be_decoded(monkeypatch)
    free = 22 * 3 * 32 * 32
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(free, 0, free / prepared.DISK_SHARE + 1))
    with pytest.raises(UserError, match="22 pictures of 128 pixels need 0.00 GiB.* Choose image_size 32"):
        load_images(str(folder), 128, memory=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(free, 0, 7 * 3 * 28 * 28 / prepared.DISK_SHARE + 1))
    with pytest.raises(UserError, match="Give at most 7 pictures; or free some space"):
        load_images(str(folder), 28, memory=0)
    assert entries(cache) == []


def test_too_few_good_pictures_leave_no_file(tmp_path, cache):
    (tmp_path / "few").mkdir()
    for i in range(7):
        Image.new("L", (28, 28)).save(tmp_path / "few" / f"{i}.png")
    with pytest.raises(UserError, match="holds 7 good pictures"):
        load_images(str(tmp_path / "few"), 28, memory=0)
    assert entries(cache) == []


# ---- how much memory there is


def test_half_of_what_is_available_or_what_is_said(folder, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1000)
    assert memory.memory_room() == 500
    for said, wanted in {"2": 2 * 2**30, "0.5": 2**29, "0": 0}.items():
        monkeypatch.setenv("GAN_CORE_MEMORY", said)
        assert memory.memory_room() == wanted
    assert load_images(str(folder), 28).mapped is not None
    for said in ("-1", "nan", "inf"):
        monkeypatch.setenv("GAN_CORE_MEMORY", said)
        with pytest.raises(UserError, match="GAN_CORE_MEMORY is .* must lie between"):
            memory.memory_room()
    monkeypatch.setenv("GAN_CORE_MEMORY", "much")
    with pytest.raises(UserError, match="'much', but must be a number of GiB"):
        memory.memory_room()


def test_the_machine_tells_what_it_has():
    assert 2**20 < memory.available() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_the_tightest_container_around_counts(tmp_path, monkeypatch):
    """Nested groups as cgroup v2 lays them: "max" is no limit, and files read lately make way."""

    def group(folder, limit, used, files):
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in (("max", limit), ("current", used), ("stat", f"anon 5\ninactive_file {files}\nfile 9")):
            (folder / f"memory.{name}").write_text(f"{value}\n")

    root = tmp_path / "cgroup"
    monkeypatch.setattr(memory, "GROUPS", root)
    monkeypatch.setattr(memory, "OWN", tmp_path / "own")
    (tmp_path / "own").write_text("0::/pod/box\n")
    free = memory._machine()
    group(root / "pod" / "box", "max", 5000, 100)
    assert memory.available() > free * 0.5
    group(root / "pod", 9000, 7000, 500)
    assert memory.available() == 2500
    group(root / "pod" / "box", 6000, 5000, 100)
    assert memory.available() == 1100
    group(root / "pod" / "box", 6000, 7000, 100)
    assert memory.available() == 0
    (tmp_path / "own").write_text("7:memory:/old\n")  # cgroup v1 has no such line
    assert memory.available() > free * 0.5


def test_who_goes_on_finds_what_the_first_start_prepared(folder, cache, monkeypatch, tmp_path):
    """A first start leaves channels open and names the folder as it was typed; a resume knows both."""
    monkeypatch.setenv("GAN_CORE_MEMORY", "0")
    monkeypatch.chdir(tmp_path)
    first = load_images("drawings", 32)
    nothing_may_be_decoded(monkeypatch)
    again = load_images(str(folder.resolve()), 32, first.pixels.shape[1])
    assert torch.equal(again.pixels, first.pixels)
    assert len(entries(cache)) == 1
