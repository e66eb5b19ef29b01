"""Finds a Chromium for the browser tests, or installs one. `python -m tests.browser.chromium` prints its path.

In this order: an environment variable, the system's, Playwright's; then what Playwright can install, then what apt can.
Only one that answers `--version` counts: Ubuntu's chromium-browser without snap, and a Playwright build on a machine
that lacks its libraries, are files that cannot start.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path

VARIABLES = ("CHROMIUM", "CHROME_PATH", "PLAYWRIGHT_CHROMIUM_EXECUTABLE_PATH")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class NoChromium(Exception):
    """No browser, and none could be had. The message says what to do."""


def find(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The first Chromium that is here and starts. Raises NoChromium when a variable names one that does not."""
    for name in VARIABLES:
        if value := environ.get(name):
            path = shutil.which(value, path=environ.get("PATH"))
            if path is None or not starts(path):
                raise NoChromium(f"{name} is {value!r}, which is not a Chromium that starts. Correct it or unset it.")
            return Path(path)
    return next((Path(path) for path in chain(_system(environ), _playwright()) if starts(path)), None)


def find_or_install(
    environ: Mapping[str, str] = os.environ, ways: Mapping[str, Callable[[], None]] | None = None
) -> Path:
    """`find`, and where that fails each way of installing one in turn. Raises NoChromium when none helps."""
    if path := find(environ):
        return path
    for name, install in (WAYS if ways is None else ways).items():
        print(f"No Chromium here: installing one with {name}.", file=sys.stderr, flush=True)
        install()
        if path := find(environ):
            return path
    raise NoChromium(
        "The browser tests need a Chromium and none could be installed. "
        "Install one (Debian: sudo apt install chromium) or name one: CHROMIUM=/path/to/chrome make test"
    )


def make_playwright_start() -> None:
    """Playwright drives the browser with a Node of its own, which needs a library that a bare Debian lacks.

    Raises NoChromium where it cannot be had.
    """
    if not _playwright_starts() and (as_root := _as_root()) and shutil.which("apt-get"):
        print("Playwright does not start: installing libatomic1 with apt.", file=sys.stderr, flush=True)
        _quietly(*as_root, "apt-get", "update")
        _quietly(*as_root, "apt-get", "install", "-y", "--no-install-recommends", "libatomic1")
    if not _playwright_starts():
        raise NoChromium(
            "Playwright, which drives the browser tests, does not start. Debian: sudo apt install libatomic1"
        )


def starts(path: str | Path) -> bool:
    return _succeeds(path, "--version")


def _playwright_starts() -> bool:
    return _succeeds(sys.executable, "-m", "playwright", "--version")


def _succeeds(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _system(environ: Mapping[str, str]) -> Iterator[str]:
    for name in NAMES:
        if path := shutil.which(name, path=environ.get("PATH")):
            yield path


def _playwright() -> Iterator[str]:
    if not _playwright_starts():
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.executable_path


def _install_with_playwright() -> None:
    _quietly(sys.executable, "-m", "playwright", "install", "chromium")
    if as_root := _as_root():  # the build alone does not start where its libraries are missing
        path = next(_playwright(), None)
        if path and Path(path).exists() and not starts(path):
            _quietly(*as_root, sys.executable, "-m", "playwright", "install-deps", "chromium")


def _install_with_apt() -> None:
    if (as_root := _as_root()) and shutil.which("apt-get"):
        _quietly(*as_root, "apt-get", "update")
        _quietly(*as_root, "apt-get", "install", "-y", "--no-install-recommends", "chromium")


WAYS: dict[str, Callable[[], None]] = {"Playwright": _install_with_playwright, "apt": _install_with_apt}


def _as_root() -> list[str]:
    """What to put before a command that needs root; empty where there is no way to be root without a password."""
    prefix = ["env", "DEBIAN_FRONTEND=noninteractive"]
    if os.geteuid() == 0:
        return prefix
    if shutil.which("sudo") and _succeeds("sudo", "-n", "true"):
        return ["sudo", "-n", *prefix]
    return []


def _quietly(*command: str) -> None:
    """Run it; say its last line if it fails. Whether it helped is seen by looking for a Chromium again."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        last = next((line for line in reversed(done.stdout.splitlines()) if "rror" in line), f"code {done.returncode}")
        print(f"  {last.strip()}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        make_playwright_start()
        print(find_or_install())
    except NoChromium as error:
        sys.exit(str(error))
