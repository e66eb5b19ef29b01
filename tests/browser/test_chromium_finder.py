"""The finder's order of preference, with shell scripts that pose as browsers."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser import chromium
from tests.browser.chromium import VARIABLES, NoChromium, find, find_or_install

ROOT = Path(__file__).parents[2]


@pytest.fixture
def browser(tmp_path, monkeypatch):
    """Makes a fake browser; Playwright has none unless a test says so."""
    monkeypatch.setattr(chromium, "_playwright", lambda: iter(()))

    def make(name, folder="bin", code=0):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\nexit {code}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def environ(tmp_path):
    return {"PATH": str(tmp_path / "bin")}


def test_a_variable_comes_before_the_system(browser, environ):
    browser("chromium")
    assert VARIABLES[0] == "CHROMIUM"  # the one that make test sets
    for name in reversed(VARIABLES):  # each one set comes before those after it
        environ[name] = str(browser(name, folder="mine"))
        assert find(environ) == Path(environ[name])


def test_a_variable_may_be_a_name_on_the_path(browser, environ):
    browser("chromium")
    odd = browser("my-chrome")
    assert find(environ | {"CHROMIUM": "my-chrome"}) == odd


@pytest.mark.parametrize("value", ["/no/such/chrome", "broken"])
def test_a_variable_that_is_wrong_is_said_and_not_passed_over(browser, environ, value):
    browser("chromium")
    browser("broken", code=1)
    with pytest.raises(NoChromium, match=f"CHROMIUM is '{value}'"):
        find(environ | {"CHROMIUM": value})


def test_an_empty_variable_is_no_variable(browser, environ):
    assert find(environ | {"CHROMIUM": ""}) is None


def test_the_systems_come_in_order_and_before_playwrights(browser, environ, monkeypatch):
    monkeypatch.setattr(chromium, "_playwright", lambda: iter([str(browser("chrome", folder="playwright"))]))
    assert find(environ).parent.name == "playwright"
    for name in ("google-chrome-stable", "google-chrome", "chromium-browser", "chromium"):
        here = browser(name)
        assert find(environ) == here


def test_playwright_is_not_asked_where_the_system_has_one(browser, environ, monkeypatch):
    here = browser("chromium")
    monkeypatch.setattr(chromium, "_playwright", lambda: (pytest.fail("asked") for _ in (0,)))
    assert find(environ) == here


def test_a_playwright_that_does_not_start_has_no_browser(monkeypatch):
    monkeypatch.setattr(chromium, "_playwright_starts", lambda: False)
    assert list(chromium._playwright()) == []


def test_one_that_does_not_start_is_passed_over(browser, environ):
    browser("chromium", code=1)  # Ubuntu's stub without snap
    assert find(environ) is None
    chrome = browser("google-chrome")
    assert find(environ) == chrome


def test_nothing_is_installed_where_there_is_one(browser, environ):
    here = browser("chromium")
    assert find_or_install(environ, {"luck": lambda: pytest.fail("installed")}) == here


def test_installing_goes_on_until_it_helps(browser, environ, capsys):
    tried = []
    ways = {
        "Playwright": lambda: tried.append("Playwright"),
        "apt": lambda: tried.append("apt") or browser("chromium"),
        "prayer": lambda: tried.append("prayer"),
    }
    assert find_or_install(environ, ways).name == "chromium"
    assert tried == ["Playwright", "apt"] == list(chromium.WAYS)
    assert "with apt" in capsys.readouterr().err


def test_when_nothing_helps_it_says_what_to_do(browser, environ):
    with pytest.raises(NoChromium, match="apt install chromium.*CHROMIUM="):
        find_or_install(environ, {"luck": lambda: None})


def test_playwright_is_given_its_library_or_says_so(monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(chromium, "_as_root", lambda: ["as-root"])
    monkeypatch.setattr(chromium, "_quietly", lambda *command: ran.append(command))
    monkeypatch.setattr(chromium.shutil, "which", lambda name: name)
    monkeypatch.setattr(chromium, "_playwright_starts", lambda: len(ran) == 2)
    chromium.make_playwright_start()
    assert [(*command[:3], command[-1]) for command in ran] == [
        ("as-root", "apt-get", "update", "update"),
        ("as-root", "apt-get", "install", "libatomic1"),
    ]
    monkeypatch.setattr(chromium, "_playwright_starts", lambda: False)
    with pytest.raises(NoChromium, match="apt install libatomic1"):
        chromium.make_playwright_start()


def test_without_root_and_sudo_nothing_asks_for_a_password(monkeypatch):
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(chromium.shutil, "which", lambda name: None)
    monkeypatch.setattr(chromium, "_quietly", lambda *command: pytest.fail(f"ran {command}"))
    assert chromium._as_root() == []
    chromium._install_with_apt()


def test_the_script_prints_the_path_and_nothing_else(browser, environ):
    here = browser("chromium")
    done = _script(environ | {"CHROMIUM": str(here)})
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{here}\n", "")


def test_the_script_fails_with_a_sentence(environ):
    done = _script(environ | {"CHROMIUM": "/no/such/chrome"})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("CHROMIUM is ")


def _script(environ):
    command = [sys.executable, "-m", "tests.browser.chromium"]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
