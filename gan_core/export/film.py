"""Pictures in time: a walk through latent space as a film, or side by side as a strip."""

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from math import ceil
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, cast

import numpy as np
from PIL import Image
from torch import Tensor

from gan_core.errors import UserError, unknown
from gan_core.files import replace_file
from gan_core.images import check_pixels, enlarge, to_pictures

Progress = Callable[[int, int, str], None]  # done, total, "film"

FORMATS = (".mp4", ".gif", ".webp", ".png")
MOST_SCALE = 32  # makes 8192 pixels of 256, which every format holds
QUALITY = 90  # of WebP; from 80 on pictures of 64 pixels look untouched, and 100 is lossless
CRF = 18  # of H.264; ffmpeg's guide calls it visually lossless
STRIP_WIDTH = 4096  # pixels; a longer strip goes on in the next row
PALETTE_FRAMES = 16  # frames, evenly spread, from which a GIF's one palette is mixed
FASTEST_GIF = 2  # hundredths of a second; a browser slows anything faster down to 10


def save_film(
    frames: Sequence[Image.Image] | Tensor,
    path: str | Path,
    fps: float = 25,
    scale: int = 1,
    smooth: bool = False,
    quality: int = QUALITY,
    progress: Progress | None = None,
) -> None:
    """Write pictures, all of one size, or uint8 (N, nc, H, W), as the suffix of `path` says; all or nothing.

    .mp4 (H.264, through ffmpeg), .gif and .webp (`quality` 100 is lossless) play; GIF and WebP go round and round.
    .png is a strip: all frames side by side, in rows where it gets too wide. `scale` enlarges, crisp or smooth.
    Raises UserError for another suffix, a number out of range, more pixels than memory should hold, and where ffmpeg is
    missing or fails.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise unknown("film format", suffix or path.name, FORMATS)
    for name, value, low, high in (("fps", fps, 1, 120), ("scale", scale, 1, MOST_SCALE), ("quality", quality, 0, 100)):
        if not low <= value <= high:
            raise UserError("out_of_range", field=name, got=value, low=low, high=high)
    small = to_pictures(frames) if isinstance(frames, Tensor) else frames
    if not small or any(frame.size != small[0].size for frame in small):
        raise ValueError("a film needs frames, all of one size")
    width, height = (side * scale for side in small[0].size)
    check_pixels(width, height, 1 if suffix == ".mp4" else len(small))  # only MP4 lets go of a frame when it is written
    large = _large(small, scale, smooth, progress)
    with replace_file(path) as part:
        if suffix == ".mp4":
            _write_mp4(large, part, (width, height), fps)
        elif suffix == ".gif":
            _write_gif(large, part, _palette(small), _durations(len(small), 100 / fps, FASTEST_GIF))
        elif suffix == ".webp":
            how = {"lossless": True} if quality == 100 else {"quality": quality}
            _save_all(large, part, "WEBP", duration=_durations(len(small), 1000 / fps), method=0, **how)
        else:
            _write_strip(large, part, (width, height), len(small))


def _large(small: Sequence[Image.Image], scale: int, smooth: bool, progress: Progress | None) -> Iterator[Image.Image]:
    """Each frame enlarged when its turn comes."""
    for done, frame in enumerate(small, start=1):
        yield enlarge(frame, scale, smooth)
        if progress:
            progress(done, len(small), "film")


def _durations(frames: int, unit: float, least: int = 1) -> list[int]:
    """How long each frame stands, in whole units whose sum is right: 3, 4, 3, 3, 4 hundredths at 30 a second."""
    return [max(least, round((i + 1) * unit) - round(i * unit)) for i in range(frames)]


def _save_all(frames: Iterator[Image.Image], part: Path, kind: str, **how: object) -> None:
    """The name of `part` does not end as the film's, so Pillow is told the kind."""
    next(frames).save(part, kind, save_all=True, append_images=frames, loop=0, **how)


def _palette(frames: Sequence[Image.Image]) -> Image.Image | None:
    """One palette for the whole film, so that a colour that stays does not flicker. None for grey, which needs none."""
    if frames[0].mode == "L":
        return None
    some = frames[:: ceil(len(frames) / PALETTE_FRAMES)]
    width, height = frames[0].size
    mix = Image.new("RGB", (width, height * len(some)))
    for row, frame in enumerate(some):
        mix.paste(frame, (0, row * height))
    return mix.quantize(256, Image.Quantize.MEDIANCUT)


def _write_gif(frames: Iterator[Image.Image], part: Path, palette: Image.Image | None, durations: list[int]) -> None:
    if palette:
        frames = (frame.convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    # disposal 1: a frame stays until the next, which need not paint again what has not changed
    _save_all(frames, part, "GIF", duration=[10 * d for d in durations], disposal=1, optimize=False)


def _write_strip(frames: Iterator[Image.Image], part: Path, size: tuple[int, int], count: int) -> None:
    width, height = size
    rows = ceil(count / max(1, STRIP_WIDTH // width))
    columns = ceil(count / rows)
    strip: Image.Image | None = None
    for i, frame in enumerate(frames):
        strip = strip or Image.new(frame.mode, (columns * width, rows * height), "white")
        strip.paste(frame, (i % columns * width, i // columns * height))
    if strip:
        strip.save(part, "PNG")


def _write_mp4(frames: Iterator[Image.Image], part: Path, size: tuple[int, int], fps: float) -> None:
    """H.264 with a quarter of the colours (yuv420p), which every player knows.

    It wants even sides: an odd one gets its last row twice, since anything else would bleed into the colours beside it.
    """
    width, height = size
    odd = ((0, height % 2), (0, width % 2), (0, 0))
    shown = f"{width + width % 2}x{height + height % 2}"
    command = [
        _ffmpeg(), "-loglevel", "error", "-y",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", shown, "-r", str(fps), "-i", "-",
        # players guess the colour matrix by size unless it is said
        "-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
        "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
        "-c:v", "libx264", "-crf", str(CRF), "-movflags", "+faststart", "-f", "mp4", str(part),
    ]  # fmt: skip
    with TemporaryFile() as said:  # a pipe that nobody reads could fill and block
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
        with suppress(BrokenPipeError), process:  # it gave up; its exit code says so, and `said` says why
            pipe = cast(IO[bytes], process.stdin)
            for frame in frames:
                pipe.write(np.pad(np.asarray(frame.convert("RGB")), odd, mode="edge").tobytes())
        if process.returncode:
            said.seek(0)
            lines = said.read().decode(errors="replace").split("\n")
            raise UserError("ffmpeg_failed", why=next(filter(None, map(str.strip, lines)), "no reason given"))


def _ffmpeg() -> str:
    """The system's ffmpeg, else the one that imageio-ffmpeg brings. Raises UserError where there is neither."""
    if found := shutil.which("ffmpeg"):
        return found
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise UserError("no_ffmpeg") from None
