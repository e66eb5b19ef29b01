"""`python -m gan_core calibrate`: what is usual for a model, measured and kept beside it."""

import pytest

from gan_core import GAN, ModelConfig
from gan_core.cli import main
from gan_core.latent import calibration
from gan_core.latent.calibration import FILE, load_calibration


@pytest.fixture
def weights(tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "SOUGHT", 1)
    monkeypatch.setattr(calibration, "JUDGED", 4)
    gan = GAN(ModelConfig(image_size=28, nc=1, ngf=4, ndf=4, nz=8), {"data": {"name": "nowhere.zip"}})
    gan.save(tmp_path / "w")
    return tmp_path / "w"


def test_it_says_what_it_measured_against(weights, capfd):
    assert main(["calibrate", "--weights", str(weights)]) == 0
    assert "its own pictures alone" in capfd.readouterr().out
    assert load_calibration(weights).real is None
    assert main(["calibrate", "--weights", str(weights), "--unseen", "fashion-mini", "--about", "clothes"]) == 0
    assert "4 pictures of clothes, which it never saw" in capfd.readouterr().out
    found = load_calibration(weights)
    assert (found.kind, found.about, len(found.real.found)) == ("test", "clothes", 1)
    assert main(["calibrate", "--weights", str(weights), "--data", "fashion-mini"]) == 0
    assert "that it learned from, of fashion-mini" in capfd.readouterr().out


def test_what_cannot_be_gets_a_sentence(weights, capfd):
    assert main(["calibrate", "--weights", str(weights / "none")]) == 2
    assert main(["calibrate", "--weights", str(weights), "--data", "no-such-set"]) == 2
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 2 and "no-such-set" in said[1]
    assert not (weights / FILE).exists()
