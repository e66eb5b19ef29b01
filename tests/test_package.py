"""What `pip install .` installs: all of gan_core, its pictures and pages, its command, and nothing else."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """What `pip install .` would install, built in a copy, with the setuptools that is here: no network."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    shutil.copytree(ROOT / "gan_core", tree / "gan_core", ignore=shutil.ignore_patterns("__pycache__"))
    pip_wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*pip_wheel, "-w", tree / "out", tree], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next((tree / "out").glob("*.whl"))) as archive:
        yield archive


def test_the_wheel_holds_all_of_the_package_and_nothing_else(wheel):
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "gan_core").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == wanted
    assert "gan_core/py.typed" in held


def test_the_wheel_names_its_command_licence_and_needs(wheel):
    (info,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    assert "gan-core = gan_core.cli:main" in wheel.read(f"{info}/entry_points.txt").decode()
    assert wheel.read(f"{info}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    metadata = wheel.read(f"{info}/METADATA").decode()
    assert "License-Expression: Apache-2.0" in metadata and "Requires-Python: >=3.10" in metadata
    needs = set(re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*$", metadata, re.MULTILINE))
    stated = re.findall(r"^([\w-]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert needs == set(stated)
    assert re.search(r"Requires-Dist: datasets.*; extra == .hub.", metadata)


def test_the_console_script_has_something_to_call():
    from gan_core.cli import main

    assert callable(main)
