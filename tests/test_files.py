import errno
import os
import subprocess
from threading import Thread

import pytest
import torch
from safetensors.torch import load_file

from gan_core.files import replace_file, replace_folder, write_tensors, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_there_only_when_it_is_whole(tmp_path):
    path = tmp_path / "deep" / "er" / "a.txt"
    with replace_file(path) as part:
        part.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("replace", [replace_file, replace_folder])
def test_a_write_that_fails_leaves_the_old_and_nothing_else(tmp_path, replace):
    path = tmp_path / "a"
    with replace(path) as part:
        target = part / "x" if replace is replace_folder else part
        target.write_text("old")
    with pytest.raises(OSError, match="full"), replace(path) as part:  # noqa: PT012
        (part / "x" if replace is replace_folder else part).write_text("half")
        raise OSError("full")
    assert names(tmp_path) == ["a"]
    assert (path / "x" if replace is replace_folder else path).read_text() == "old"


def test_a_new_folder_is_there_only_when_it_is_whole(tmp_path):
    with replace_folder(tmp_path / "new") as part:
        (part / "x").write_text("1")
        assert names(tmp_path) == [part.name]
    assert names(tmp_path) == ["new"]
    assert names(tmp_path / "new") == ["x"]


def test_what_else_lies_in_a_folder_survives(tmp_path):
    """Saving a model into a folder of holiday pictures must not cost the pictures."""
    (tmp_path / "a").mkdir()
    write_text(tmp_path / "a" / "card.md", "card")
    write_text(tmp_path / "a" / "x", "old")
    with replace_folder(tmp_path / "a") as part:
        (part / "x").write_text("new")
    assert {path.name: path.read_text() for path in (tmp_path / "a").iterdir()} == {"card.md": "card", "x": "new"}
    assert names(tmp_path) == ["a"]


def test_threads_do_not_write_into_each_others_parts(tmp_path):
    """Thirty visitors press pause at once."""
    problems = []

    def write(text):
        try:
            for _ in range(20):
                write_text(tmp_path / "a", text)
        except OSError as error:
            problems.append(error)

    threads = [Thread(target=write, args=(letter * 1000,)) for letter in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert len(set((tmp_path / "a").read_text())) == 1
    assert names(tmp_path) == ["a"]


def test_tensors_of_any_layout_come_back(tmp_path):
    x = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    write_tensors(tmp_path / "x.safetensors", {"x": x, "number": torch.tensor(3.0), "turned": x[0].mT}, {"a": "b"})
    found = load_file(tmp_path / "x.safetensors")
    assert torch.equal(found["x"], x)
    assert torch.equal(found["turned"], x[0].mT)
    assert found["number"] == 3


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 kB, or skipped where one cannot be had."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path], capture_output=True)
    if done.returncode:
        pytest.skip("needs the right to mount")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def test_a_full_disk_is_an_os_error_and_costs_nothing_old(small_disk):
    """safetensors has an error of its own for it, which no one who writes files looks for."""
    with replace_file(small_disk / "x.safetensors") as part:
        write_tensors(part, {"x": torch.ones(3)}, {})
    with pytest.raises(OSError) as caught, replace_file(small_disk / "x.safetensors") as part:
        write_tensors(part, {"x": torch.ones(10**6)}, {})
    assert (caught.value.errno, caught.value.strerror) == (errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert names(small_disk) == ["x.safetensors"]
    assert torch.equal(load_file(small_disk / "x.safetensors")["x"], torch.ones(3))
