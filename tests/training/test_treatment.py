"""`--doctor act`: ways back, what they change, and when there is none."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from gan_core.cli import main
from gan_core.commands.doctor import findings
from gan_core.errors import UserError
from gan_core.gan import Best
from gan_core.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from gan_core.training.doctor import Doctor, told
from gan_core.training.events import Advice, Checkpoint
from gan_core.training.folder import RunFolder
from gan_core.training.session import Request, _doctor, opened, play, resume, start
from gan_core.training.trainer import Trainer
from gan_core.training.treatment import MOST, treat
from tests.training.tiny import trainer


@pytest.fixture
def folder(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.write_config({"train": {"lr_D": 1.0, "lr_G": 1.0}})
    return run


def played(folder, until):
    """A trainer at `until`, and the checkpoints that it left at every second step."""
    t = trainer(steps=until, checkpoint_every=2)
    for event in t.run():
        if isinstance(event, Checkpoint):
            save_checkpoint(t, folder.checkpoints)
    return t


def advice(key, step=6):
    return Advice(step, key, "en", "zh")


def test_a_way_back_loads_slows_forgets_and_writes_down(folder):
    t = played(folder, 6)
    rates = t.config.lr_D, t.config.lr_G
    action = treat(advice("collapse"), sound=5, trainer=t, folder=folder)
    assert t.steps_done == 4
    assert (t.config.lr_D, t.config.lr_G) == (rates[0] / 4, rates[1] / 4)
    assert [o.param_groups[0]["lr"] for o in (t.opt_D, t.opt_G)] == [t.config.lr_D, t.config.lr_G]
    assert folder.config["train"]["lr_D"] == t.config.lr_D
    assert [int(path.stem) for path in checkpoints(folder.checkpoints)] == [4, 2]
    lines = [json.loads(line) for line in folder.events.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["resumed", "action"]
    assert (action.did, action.step, action.seen, action.key) == ("back", 4, 6, "collapse")
    assert "5e-05" in action.en and "5e-05" in action.zh


def test_it_goes_on_exactly_as_a_resume_with_these_rates_would(folder, tmp_path):
    t = played(folder, 4)
    treat(advice("diverging", 4), sound=2, trainer=t, folder=folder)
    fresh = trainer(steps=4, lr_D=t.config.lr_D, lr_G=t.config.lr_G)
    load_checkpoint(fresh, folder.checkpoints)
    assert fresh.steps_done == t.steps_done == 2
    for one in (t, fresh):
        for _ in one.run():
            pass
    ours, theirs = t.state()[0], fresh.state()[0]
    assert all((ours[name] == theirs[name]).all() for name in theirs)


@pytest.mark.parametrize(("sound", "best", "goal"), [(9, None, 6), (5, None, 4), (1, None, 2), (5, 2, 2), (1, 4, 2)])
def test_back_to_the_best_of_the_sound_else_to_the_newest_sound_else_to_the_oldest(folder, sound, best, goal):
    t = trainer(steps=6, checkpoint_every=2)
    for event in t.run():
        if isinstance(event, Checkpoint):
            t.best = Best(2, 1.0)  # so that it is kept, too
            save_checkpoint(t, folder.checkpoints)
    t.best = Best(best, 1.0) if best else None
    treat(advice("collapse"), sound, t, folder)
    assert t.steps_done == goal


def test_what_smaller_steps_do_not_cure_is_only_said(folder):
    t = played(folder, 4)
    for key in ("saturated", "vanishing", "overfitting"):
        assert treat(advice(key), 4, t, folder) is None
    assert t.steps_done == 4 and not folder.events.exists()


def test_no_better_ends_the_run(folder):
    t = played(folder, 4)
    action = treat(advice("no_better", 4), 4, t, folder)
    assert (action.did, action.step, t.steps_done) == ("stop", 4, 4)


def test_after_a_few_ways_back_it_gives_up(folder):
    t = played(folder, 6)
    did = [treat(advice("collapse"), 5, t, folder).did for _ in range(MOST + 1)]
    assert did == ["back"] * MOST + ["stop"]
    assert treat(advice("diverged"), 5, t, folder) is None  # there are no numbers to keep: it stays an error


def test_without_a_checkpoint_there_is_no_way_back(folder):
    t = trainer(steps=2)
    assert treat(advice("diverged"), 0, t, folder) is None
    assert treat(advice("collapse"), 0, t, folder).did == "stop"


MODEL = {"nz": 4, "ngf": 4, "ndf": 4, "norm_D": "none"}
TRAIN = {"loss": "wgan", "lr_D": 1.0, "lr_G": 1.0, "steps": 60, "batch_size": 8, "measure": 0, "precision": "float32"}
OFTEN = {"report_every": 1, "checkpoint_every": 1}


class TestDivergence:
    """A real one: bounds gone and steps large, float32 overflows within a few dozen steps."""

    def run(self, folder, drawn, care, **train):
        request = Request(str(drawn), "dcgan2015", MODEL, TRAIN | OFTEN | train, device="cpu")
        with opened(folder, new=True):
            t = start(folder, request)
            return t, play(t, folder, None, lambda: False, care)

    @pytest.fixture
    def drawn(self, tmp_path):
        (tmp_path / "drawn").mkdir()
        for i in range(16):
            pixels = np.random.default_rng(i).integers(256, size=(32, 32), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "drawn" / f"{i}.png")
        return tmp_path / "drawn"

    def test_advise_says_so_and_lets_it_end(self, tmp_path, drawn, capsys):
        folder = RunFolder(tmp_path / "run")
        _, ended = self.run(folder, drawn, "advise")
        events = [json.loads(line) for line in folder.events.read_text().splitlines()]
        said = [event for event in events if event["event"] == "advice"]
        assert [event["key"] for event in said] == ["diverging"] and ended == "finished"
        assert said[0]["en"] in capsys.readouterr().err
        assert findings(folder) == [f"Step {said[0]['step']:,}: {said[0]['en']}"]
        assert not any(event["event"] == "action" for event in events)

    def test_off_says_nothing(self, tmp_path, drawn):
        folder = RunFolder(tmp_path / "run")
        self.run(folder, drawn, "off")
        assert b"advice" not in folder.events.read_bytes() and b"vitals" not in folder.events.read_bytes()

    def test_act_goes_back_with_smaller_steps_and_a_resume_repeats_them(self, tmp_path, drawn):
        folder = RunFolder(tmp_path / "run")
        t, _ = self.run(folder, drawn, "act")
        actions = [line for line in folder.history() if line["event"] == "action"]
        assert actions and actions[0]["did"] == "back" and actions[0]["key"] == "diverging"
        assert folder.config["train"]["lr_D"] == t.config.lr_D == 1.0 / 4 ** sum(a["did"] == "back" for a in actions)
        assert any("Went back" in finding for finding in findings(folder))
        with opened(folder, new=False):
            again = resume(folder, Request(None, "dcgan2015", {}, {}, device="cpu"))
        assert again.opt_D.param_groups[0]["lr"] == t.config.lr_D and again.steps_done == t.steps_done

    def test_numbers_that_end_become_a_way_back(self, tmp_path, drawn, monkeypatch):
        """The doctor's ears are stopped, so that the losses end before it speaks."""
        monkeypatch.setattr("gan_core.training.doctor.Doctor.hear", lambda self, event: [])
        monkeypatch.setattr("gan_core.training.trainer.Trainer.descend", _poisoned(at=14))
        train = {"loss": "lsgan", "lr_D": 4e-4, "lr_G": 4e-4, "report_every": 5, "checkpoint_every": 5, "steps": 30}
        folder = RunFolder(tmp_path / "run")
        t, ended = self.run(folder, drawn, "act", **train)
        (action,) = (line for line in folder.history() if line["event"] == "action")
        assert (action["key"], action["did"], action["step"], action["seen"]) == ("diverged", "back", 5, 15)
        assert ended == "finished" and t.steps_done == 30 and t.config.lr_D == 1e-4
        assert folder.status.state == "finished"

    def test_advise_leaves_the_error_as_it_was(self, tmp_path, drawn, monkeypatch):
        monkeypatch.setattr("gan_core.training.trainer.Trainer.descend", _poisoned(at=3))
        folder = RunFolder(tmp_path / "run")
        with pytest.raises(UserError) as error:
            self.run(folder, drawn, "advise", loss="lsgan", lr_D=1e-4, lr_G=1e-4)
        assert error.value.key == "diverged" and folder.status.state == "failed"
        assert any("stopped being numbers" in finding for finding in findings(folder))


def _poisoned(at):
    """Trainer.descend, after which the weights are lost once, at step `at`."""
    descend, done = Trainer.descend, []

    def poisoned(self, optimizer, loss):
        length = descend(self, optimizer, loss)
        if self.steps_done == at and not done:
            done.append(at)
            for weight in self.gan.parameters():
                weight.data.fill_(float("nan"))
        return length

    return poisoned


def test_after_a_resume_the_doctor_knows_what_was_said(folder):
    t = trainer()
    for step in (5, 10):
        folder.append({"event": "report", "step": step} | _report(loss_G=1e9))
    (doctor, fresh), (again,) = (_doctor(t, folder), Doctor(t.gan.config, t.config)), told(folder.history()[1:])
    assert doctor.hear(again) == [] and [advice.key for advice in fresh.hear(again)] == ["diverging"]


class TestCommand:
    def test_a_healthy_run_gets_a_sentence(self, tmp_path, capsys, folder):
        t = played(folder, 4)
        folder.write_config({"model": vars(t.gan.config), "train": vars(t.config)})
        folder.append({"event": "report", "step": 2} | _report())
        assert main(["doctor", str(folder.path)]) == 0
        assert (
            capsys.readouterr().out
            == "Nothing is wrong with this run, as far as 1 reports and 0 looks at its pictures tell.\n"
        )

    def test_by_name_and_only_from_its_two_files(self, tmp_path, capsys, folder):
        t = trainer()
        folder.write_config({"model": vars(t.gan.config), "train": vars(replace(t.config, loss="minimax"))})
        folder.append({"event": "report", "step": 2} | _report(sure=1.0, D_Gz=0.0))
        assert main(["doctor", "run", "--runs", str(tmp_path)]) == 0
        out = capsys.readouterr().out
        assert out.startswith("Step 2: ") and "--loss ns" in out
        assert sorted(path.name for path in folder.path.iterdir()) == ["config.json", "events.jsonl"]

    @pytest.mark.parametrize("bad", [["doctor", "nothing"], ["doctor", "../up"]])
    def test_no_such_run_is_a_sentence(self, tmp_path, capsys, bad):
        assert main([*bad, "--runs", str(tmp_path)]) == 2
        assert capsys.readouterr().err.startswith("gan-core: ")

    def test_a_config_that_is_none_is_a_sentence(self, tmp_path, capsys, folder):
        assert main(["doctor", str(folder.path)]) == 2
        assert "config.json" in capsys.readouterr().err


def _report(**changes):
    numbers = dict(
        steps=9,
        seconds=1.0,
        images_per_second=9.0,
        loss_D=1.0,
        loss_G=1.0,
        D_x=0.6,
        D_Gz=0.4,
        grad_D=1.0,
        grad_G=1.0,
        sure=0.8,
    )
    return numbers | changes
