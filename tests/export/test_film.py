"""Films, decoded again by others: Pillow and ffprobe."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from gan_core import UserError
from gan_core.export import film, save_film
from gan_core.images import to_pictures

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffprobe"), reason="ffprobe is not installed")


def ramps(n=12, nc=3, height=32, width=32):
    """Smooth pictures that move: (n, nc, height, width) of uint8. The red falls, the green rises in time."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    t = torch.linspace(0, 1, n)[:, None, None]
    planes = torch.stack([(1 - t) * x + 0 * y, t * y + 0 * x, 0.5 + 0 * t * x], dim=1)  # (n, 3, height, width)
    return (255 * planes).round().to(torch.uint8)[:, :nc]


def played(path):
    """Every frame (n, height, width, 3), and how long each stands, in milliseconds."""
    with Image.open(path) as image:
        frames, durations = [], []
        for frame in ImageSequence.Iterator(image):
            frames.append(np.asarray(frame.convert("RGB")).astype(int))
            durations.append(frame.info["duration"])
        assert image.info["loop"] == 0  # for ever
    return np.stack(frames), durations


def expected(pixels, scale=1):
    colour = pixels.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy().astype(int)
    return colour.repeat(scale, axis=1).repeat(scale, axis=2)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
@pytest.mark.parametrize("nc", [1, 3])
@pytest.mark.parametrize("scale", [1, 3])
def test_gif_and_webp_play_back(tmp_path, suffix, nc, scale):
    pixels = ramps(nc=nc)
    save_film(pixels, tmp_path / f"f{suffix.upper()}", fps=20, scale=scale)
    frames, durations = played(tmp_path / f"f{suffix.upper()}")
    assert frames.shape == (12, 32 * scale, 32 * scale, 3)
    assert durations == [50] * 12
    off = np.abs(frames - expected(pixels, scale))
    assert off.mean() < 3
    assert nc == 3 or suffix == ".webp" or off.max() == 0  # a GIF holds every grey there is


def test_webp_of_quality_100_is_lossless(tmp_path):
    pixels = torch.randint(256, (5, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    save_film(pixels, tmp_path / "f.webp", quality=100)
    assert np.array_equal(played(tmp_path / "f.webp")[0], expected(pixels))


def test_a_colour_that_stays_does_not_flicker_in_a_gif(tmp_path):
    """One palette for all: the lower half, which never changes, is the same in every frame."""
    pixels = torch.randint(256, (6, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    pixels[:, :, 16:] = pixels[0, :, 16:]
    save_film(pixels, tmp_path / "f.gif")
    frames, _ = played(tmp_path / "f.gif")
    assert (frames[:, 16:] == frames[0, 16:]).all()


@pytest.mark.parametrize(("fps", "suffix", "seconds"), [(30, ".gif", 2.0), (30, ".webp", 2.0), (24, ".webp", 2.5)])
def test_a_film_is_as_long_as_it_should_be(tmp_path, fps, suffix, seconds):
    """A third of a tenth of a second is no whole number of hundredths: the frames take turns."""
    save_film(ramps(60, height=8, width=8), tmp_path / f"f{suffix}", fps=fps)
    _, durations = played(tmp_path / f"f{suffix}")
    assert sum(durations) == pytest.approx(1000 * seconds, abs=10)
    assert max(durations) - min(durations) <= 10


def test_no_gif_is_faster_than_a_browser_plays_it(tmp_path):
    save_film(ramps(), tmp_path / "f.gif", fps=100)
    assert played(tmp_path / "f.gif")[1] == [20] * 12


@needs_ffmpeg
@pytest.mark.parametrize(
    ("size", "scale", "shown"), [((32, 32), 2, (64, 64)), ((27, 31), 1, (28, 32)), ((1, 1), 1, (2, 2))]
)
def test_mp4_is_h264_that_every_player_knows(tmp_path, size, scale, shown):
    pixels = ramps(10, height=size[0], width=size[1])
    save_film(pixels, tmp_path / "f.mp4", fps=30, scale=scale)
    asked = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", tmp_path / "f.mp4"]
    (stream,) = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)["streams"]
    assert (stream["codec_name"], stream["pix_fmt"], stream["color_space"]) == ("h264", "yuv420p", "bt709")
    assert (stream["height"], stream["width"]) == shown
    assert int(stream["nb_read_frames"]) == 10
    assert stream["avg_frame_rate"] == "30/1"
    raw = ["ffmpeg", "-v", "error", "-i", tmp_path / "f.mp4", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data = np.frombuffer(subprocess.run(raw, capture_output=True, check=True).stdout, np.uint8)
    frames = data.reshape(10, *shown, 3)[:, : size[0] * scale, : size[1] * scale].astype(int)
    assert np.abs(frames - expected(pixels, scale)).mean() < 4


@needs_ffmpeg
def test_mp4_keeps_plain_colours(tmp_path):
    """A wrong colour matrix turns pure green by 20 and more."""
    colours = torch.tensor([[200, 40, 40], [40, 200, 40], [40, 40, 200], [128, 128, 128]], dtype=torch.uint8)
    save_film(colours[:, :, None, None].expand(-1, -1, 32, 32), tmp_path / "f.mp4")
    raw = ["ffmpeg", "-v", "error", "-i", tmp_path / "f.mp4", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    frames = np.frombuffer(subprocess.run(raw, capture_output=True, check=True).stdout, np.uint8).reshape(4, 32, 32, 3)
    assert np.abs(frames.astype(int) - expected(colours[:, :, None, None].expand(-1, -1, 32, 32))).max() <= 4


def test_a_strip_stands_side_by_side_and_then_in_rows(tmp_path, monkeypatch):
    pixels = ramps(7, height=8, width=8)
    save_film(pixels, tmp_path / "f.png", scale=2)
    with Image.open(tmp_path / "f.png") as strip:
        assert np.array_equal(np.asarray(strip), np.concatenate(expected(pixels, 2), axis=1))
    monkeypatch.setattr(film, "STRIP_WIDTH", 5 * 8)
    save_film(pixels, tmp_path / "f.png")
    with Image.open(tmp_path / "f.png") as strip:
        assert strip.size == (4 * 8, 2 * 8)  # 4 + 3, not 5 + 2
        assert np.array_equal(np.asarray(strip)[8:, 16:24], expected(pixels)[6])
        assert (np.asarray(strip)[8:, 24:] == 255).all()


def test_crisp_and_smooth(tmp_path):
    pixels = torch.tensor([0, 255], dtype=torch.uint8).expand(1, 1, 2, 2)
    for smooth in (False, True):
        save_film(pixels, tmp_path / "f.png", scale=8, smooth=smooth)
        with Image.open(tmp_path / "f.png") as image:
            greys = len(np.unique(np.asarray(image)))
        assert (greys > 2) == smooth


def test_pictures_are_as_good_as_a_tensor_and_progress_is_told(tmp_path):
    seen = []
    save_film(to_pictures(ramps()), tmp_path / "a.gif", progress=lambda *said: seen.append(said))
    save_film(ramps(), tmp_path / "b.gif")
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    assert seen == [(i, 12, "film") for i in range(1, 13)]


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("f.avi", {}, "Unknown film format '.avi'"),
        ("f.mp5", {}, "did you mean '.mp4'"),
        ("film", {}, "Unknown film format 'film'"),
        ("f.gif", {"fps": 0}, "fps is 0"),
        ("f.gif", {"fps": float("nan")}, "fps is nan"),
        ("f.gif", {"scale": 0}, "scale is 0"),
        ("f.gif", {"scale": 33}, "scale is 33"),
        ("f.webp", {"quality": 101}, "quality is 101"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_left(tmp_path, name, options, says):
    with pytest.raises(UserError, match=says):
        save_film(ramps(), tmp_path / name, **options)
    assert not list(tmp_path.iterdir())


def test_a_film_that_memory_should_not_hold_is_refused(tmp_path):
    frames = [Image.new("L", (256, 256))] * 100
    with pytest.raises(UserError, match="100 times 8192 x 8192"):
        save_film(frames, tmp_path / "f.webp", scale=32)


@pytest.mark.parametrize("frames", [[], [Image.new("L", (4, 4)), Image.new("L", (4, 5))]])
def test_frames_of_two_sizes_are_a_mistake_of_the_caller(tmp_path, frames):
    with pytest.raises(ValueError, match="all of one size"):
        save_film(frames, tmp_path / "f.gif")


def fake_ffmpeg(folder, script):
    folder.mkdir()
    (folder / "ffmpeg").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "ffmpeg").chmod(0o755)
    return str(folder)


def test_ffmpeg_that_gives_up_gives_its_reason(tmp_path, monkeypatch):
    path = fake_ffmpeg(tmp_path / "bin", "echo \"Unknown encoder 'libx264'\" >&2; exit 1")
    monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
    with pytest.raises(UserError, match="Unknown encoder 'libx264'.*webp"):
        save_film(ramps(60), tmp_path / "out" / "f.mp4", scale=8)  # far more than a pipe holds
    assert not list((tmp_path / "out").iterdir())


def test_without_any_ffmpeg_a_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match=r"apt install ffmpeg.*\.webp"):
        save_film(ramps(), tmp_path / "f.mp4")


def test_the_ffmpeg_of_imageio_is_the_second_choice(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", SimpleNamespace(get_ffmpeg_exe=lambda: "/opt/ffmpeg"))
    assert film._ffmpeg() == "/opt/ffmpeg"
