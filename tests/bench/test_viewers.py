"""The audience of `bench --viewers`: it counts what arrives, and sees what does not."""

import subprocess
import sys
import threading

import pytest
import uvicorn
from starlette.applications import Starlette

from gan_core.bench import audience
from gan_core.bench.apps import eventually
from gan_core.bench.viewers import Audience
from gan_core.cli import main
from gan_core.training.events import Report, Resumed, Snapshot
from gan_core.training.folder import RunFolder
from gan_core.ui.jobs import Jobs
from gan_core.ui.live import Hub


def report(step):
    return Report(step, 1000, step / 10, 100.0, 1.23456789, 2.0, 0.7, 0.3, 1.0, 1.0, 0.9)


@pytest.fixture
def run(tmp_path):
    folder = RunFolder(tmp_path / "a run")
    folder.path.mkdir()
    folder.append(report(10))
    folder.write_status("running", 10)
    return folder


@pytest.fixture
def port(run):
    hub = Hub(Jobs(run.path.parent))
    config = uvicorn.Config(Starlette(routes=hub.routes()), port=0, log_level="warning", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(lambda: server.started, 20)
    yield server.servers[0].sockets[0].getsockname()[1]
    hub.close()
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def crowd(port, run):
    crowd = Audience(port, run, 3)
    yield crowd
    crowd.process.kill()
    crowd.process.communicate()


def test_everybody_draws_everything_through_a_break(crowd, run):
    crowd.join()
    assert crowd.complete() == 3
    for step in (20, 30, 40):
        run.append(report(step))
    looks = [crowd.ask("tell")]
    eventually(lambda: looks.append(crowd.ask("tell")) or (looks[-1]["complete"], looks[-1]["events"]) == (3, 4), 20)
    assert sum(look["heard"] for look in looks) == 9  # three lines, three viewers
    assert all(0 <= look["median"] <= look["late"] <= look["latest"] < 20 for look in looks if look["heard"])
    crowd.ask("leave")
    run.append(Resumed(20))
    run.append(report(30))
    run.append(Snapshot(30))
    assert crowd.ask("tell")["complete"] == 0  # nobody heard of it
    crowd.join()
    assert crowd.complete() == 3
    crowd.ask("cut 0.2")
    run.append(report(50))
    assert crowd.complete() == 3
    assert crowd.ask("quit") == {}
    assert crowd.process.wait(20) == 0


def test_an_event_that_is_not_told_is_missed(crowd, run, monkeypatch):
    monkeypatch.setattr(crowd, "complete", lambda: crowd.ask("tell")["complete"])
    crowd.join()
    run.append(report(20))
    eventually(lambda: crowd.complete() == 3)
    run.append({"event": "unheard of", "step": 21})
    run.append(report(30))
    eventually(lambda: crowd.ask("tell")["heard"] and crowd.ask("tell")["events"] == 4)
    assert crowd.complete() == 0


def test_what_is_expected_is_what_still_holds(tmp_path):
    folder = RunFolder(tmp_path)
    for event in (report(10), report(20), Resumed(10), report(15)):
        folder.append(event)
    assert audience.expected(folder.events) == [("report", 10, 1.2346), ("report", 15, 1.2346)]


def test_the_audience_needs_nothing_but_the_standard_library():
    """A hundred clients must not cost what they measure."""
    code = f"import runpy, sys; runpy.run_path({audience.__file__!r}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("options", [["--viewers", "0"], ["--viewers", "10", "--minutes", "0"]])
def test_a_number_out_of_range_is_said(options, capsys):
    assert main(["bench", *options]) == 2
    assert "must lie between" in capsys.readouterr().err
