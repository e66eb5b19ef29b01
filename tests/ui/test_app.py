"""app.py: where it listens, and what it says when it cannot."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import app

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("environ", "where"),
    [
        ({}, ("127.0.0.1", 7860)),
        ({"HOST": "0.0.0.0", "PORT": "80"}, ("0.0.0.0", 80)),
        ({"GRADIO_SERVER_NAME": "::1", "GRADIO_SERVER_PORT": "81"}, ("::1", 81)),
        ({"GRADIO_SERVER_PORT": "81", "PORT": "82"}, ("127.0.0.1", 82)),
        ({"SPACE_ID": "somebody/something"}, ("0.0.0.0", 7860)),
    ],
)
def test_where_it_listens(environ, where, monkeypatch):
    for name in ("HOST", "PORT", "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert app.listen() == where


def test_a_port_that_is_none_is_said(monkeypatch):
    monkeypatch.setenv("PORT", "http")
    with pytest.raises(SystemExit, match="PORT is 'http'"):
        app.listen()


def test_a_taken_port_is_said_in_one_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        own = {"PORT": str(port), "GAN_CORE_RUNS": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "app.py"], cwd=ROOT, env=os.environ | own, capture_output=True, text=True
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"Cannot listen on 127.0.0.1:{port}")
    assert len(done.stderr.splitlines()) == 1
