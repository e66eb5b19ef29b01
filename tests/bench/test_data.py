import threading

import pytest
import torch

from gan_core.bench import data as bench


@pytest.fixture
def small(monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "WIDTHS", (4,))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def test_three_tiers_side_by_side(small):
    pixels = 3 * 64 * 64
    rows = list(bench.bench_data(torch.device("cpu"), 2, 0.01, limit=16 * pixels, count=64, batch_size=8))
    assert [row.tier for row in rows] == ["device", "host", "disk"]
    for row in rows:
        assert row.set_mib == 4 * row.limit_mib == 64 * pixels / 2**20
        assert row.images_per_second > 0
        assert 0 < row.ratio_low <= row.ratio <= row.ratio_high
    assert (rows[0].ratio_low, rows[0].ratio_high) == (1, 1)
    assert not list(small.iterdir())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batches")]


def test_pages_given_back_are_read_again_as_they_were(tmp_path):
    images, pages = bench._made(tmp_path / "pixels", 1030)
    assert images.mapped == tmp_path / "pixels"
    before = images.pixels.clone()
    bench._forget(pages, images.mapped)
    assert torch.equal(images.pixels, before)
