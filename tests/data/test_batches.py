"""Batches: one order, whichever tier they come from, and a thread that always ends."""

import gc
import os
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gan_core import Images, UserError
from gan_core.data.batches import Batches

CPU = torch.device("cpu")
N, SIZE, SEED = 22, 4, 7


@pytest.fixture(params=["device", "host", "disk"])
def tier(request):
    return request.param


@pytest.fixture
def images(tmp_path):
    """22 pictures (1, 5, 5): every pixel of picture i is i, and so is its label."""
    pixels = torch.arange(N, dtype=torch.uint8)[:, None, None, None].expand(N, 1, 5, 5).contiguous()
    return Images("tiny", pixels, torch.arange(N), tuple(map(str, range(N))))


def batches(images, tier, tmp_path, **options):
    if tier == "disk":
        path = tmp_path / "pixels"
        path.write_bytes(images.pixels.numpy().tobytes())
        mapped = np.memmap(path, np.uint8, "c", shape=tuple(images.pixels.shape))
        images = replace(images, pixels=torch.from_numpy(mapped), mapped=path)
    made = Batches(images, SIZE, SEED, CPU, memory=100 if tier == "host" else None, **options)
    assert made.tier == tier
    return made


def order(count, n=N):
    """The rows of the first `count` batches, by the rule: epoch e is randperm(n) of seed + e, its rest left out."""
    rows, epoch = [], 0
    while len(rows) < count:
        shuffled = torch.randperm(n, generator=torch.Generator().manual_seed(SEED + epoch)).tolist()
        rows += [shuffled[i * SIZE : (i + 1) * SIZE] for i in range(n // SIZE)]
        epoch += 1
    return rows[:count]


def rows_of(batch):
    """Which pictures these are; all their pixels and their labels must say the same."""
    x, y = batch
    assert x.dtype == torch.uint8 and (x == x[:, :1, :1, :1]).all()
    assert torch.equal(x[:, 0, 0, 0].long(), y)
    return y.tolist()


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("batches")]


def no_thread_is_left():
    deadline = time.monotonic() + 10
    while threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not threads()


def test_seed_and_epoch_alone_decide_the_order(images, tier, tmp_path):
    made = batches(images, tier, tmp_path)
    assert [rows_of(made.draw()) for _ in range(23)] == order(23)  # four epochs and a half
    assert made.drawn == 23
    made.close()


def test_the_order_goes_on_from_any_place(images, tier, tmp_path):
    made, wanted = batches(images, tier, tmp_path), order(40)
    for place in (0, 1, 2, 30, 4, 5, 4, 39):
        made.drawn = place
        assert rows_of(made.draw()) == wanted[place]
    made.close()


@pytest.mark.parametrize("world", [2, 4])
def test_each_process_gets_its_part_of_the_same_batch(images, tier, tmp_path, world):
    parts = [batches(images, tier, tmp_path, share=(rank, world)) for rank in range(world)]
    for wanted in order(12):
        assert [row for part in parts for row in rows_of(part.draw())] == wanted
    for part in parts:
        part.close()


def test_only_the_rows_named_are_drawn(images, tier, tmp_path):
    rows = torch.tensor([1, 3, 4, 8, 9, 12, 15, 16, 20])
    made = batches(images, tier, tmp_path, rows=rows)
    assert [rows_of(made.draw()) for _ in range(5)] == [rows[batch].tolist() for batch in order(5, len(rows))]
    made.close()


def test_pictures_without_labels_have_none(images, tier, tmp_path):
    made = batches(replace(images, labels=None), tier, tmp_path)
    x, y = made.draw()
    assert y is None
    assert x[:, 0, 0, 0].tolist() == order(1)[0]
    made.close()


def test_a_batch_is_not_written_over_by_the_next(images, tier, tmp_path):
    made = batches(images, tier, tmp_path)
    held = [made.draw() for _ in range(9)]
    assert [rows_of(batch) for batch in held] == order(9)
    made.close()


def test_what_the_thread_meets_is_raised_by_draw_and_nothing_is_skipped(images, tmp_path):
    made, gather, broken = batches(images, "host", tmp_path), None, True
    gather = made._gather

    def fails_for_a_while(chosen):
        if broken:
            raise OSError("the disk went away")
        return gather(chosen)

    made._gather = fails_for_a_while
    for _ in range(2):
        with pytest.raises(OSError, match="the disk went away"):
            made.draw()
    broken = False
    made.drawn = made.drawn  # drops what failed in advance
    assert [rows_of(made.draw()) for _ in range(8)] == order(8)
    made.close()


def test_the_next_batches_are_gathered_while_this_one_is_used(images, tmp_path):
    made = batches(images, "host", tmp_path)
    made.draw()
    deadline = time.monotonic() + 10
    while not all(future.done() for future in made._ahead.values()):
        assert time.monotonic() < deadline
    gather, made._gather = made._gather, None  # whoever asks for it now fails
    assert [rows_of(made.draw()) for _ in range(2)] == order(3)[1:]
    made._gather = gather
    made.close()


def test_close_ends_the_thread_and_a_later_draw_starts_another(images, tmp_path):
    made = batches(images, "host", tmp_path)
    first = rows_of(made.draw())
    assert threads()
    made.close()
    assert not threads()
    made.close()
    assert [first, rows_of(made.draw())] == order(2)
    made.close()
    assert not threads()


def test_the_thread_ends_with_its_owner(images, tmp_path):
    made = batches(images, "disk", tmp_path)
    made.draw()
    assert threads()
    del made
    gc.collect()
    assert no_thread_is_left()


def held_open(folder):
    """What this process has open in `folder`, deleted or not."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that lists them is gone by now
            found.append(str(link.readlink()))
    return [name for name in found if name.startswith(str(folder))]


def test_a_cleaned_cache_does_not_end_the_run_and_the_file_is_closed_after_it(images, tmp_path):
    made = batches(images, "disk", tmp_path)
    (tmp_path / "pixels").unlink()
    assert [rows_of(made.draw()) for _ in range(9)] == order(9)
    assert len(held_open(tmp_path)) == 1
    made.close()
    del made
    gc.collect()
    assert held_open(tmp_path) == []


def test_a_file_that_was_cut_short_is_told(images, tmp_path):
    made = batches(images, "disk", tmp_path)
    os.truncate(tmp_path / "pixels", 30)
    with pytest.raises(OSError, match="cut short"):
        made.draw()
    made.close()


def test_a_system_that_takes_no_advice_reads_the_same(images, tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fadvise")
    made = batches(images, "disk", tmp_path)
    assert [rows_of(made.draw()) for _ in range(9)] == order(9)
    made.close()


def test_on_a_cpu_memory_needs_no_thread(images, tmp_path):
    made = batches(images, "device", tmp_path)
    made.draw()
    assert not threads()
    limit = images.pixels.nbytes
    assert Batches(images, SIZE, SEED, CPU, memory=limit).tier == "device"
    assert Batches(images, SIZE, SEED, CPU, memory=limit - 1).tier == "host"


def test_a_batch_that_cannot_be_shared_or_filled_is_refused(images):
    with pytest.raises(UserError, match="A batch of 4 cannot be shared equally by 3 processes.*like 3"):
        Batches(images, 4, SEED, CPU, share=(0, 3))
    with pytest.raises(UserError, match="like 3"):
        Batches(images, 2, SEED, CPU, share=(0, 3))
    with pytest.raises(UserError, match="22 pictures cannot fill one batch of 23"):
        Batches(images, 23, SEED, CPU)
