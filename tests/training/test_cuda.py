"""What only a GPU can show. On a machine without one there is nothing here to run."""

import pytest
import torch

from gan_core.training.graph import WARM_UP
from tests.training.test_graph import GAMES, played
from tests.training.tiny import pictures, trainer

if torch.cuda.is_available():

    def on_gpu(model, **train):
        t = trainer(model, **train)
        t = type(t)(t.gan.to("cuda"), t.images, t.config)
        torch.manual_seed(5)
        return t

    @pytest.mark.parametrize(("model", "train"), GAMES)
    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    def test_the_recorded_step_is_the_plain_step(model, train, precision):
        """Same random numbers, same losses: within what atomics and other kernels may differ over 30 steps."""
        plain, recorded = (on_gpu(model, precision=precision, cuda_graph=on, **train) for on in (False, True))
        wanted, found = (played(t)[:, :2] for t in (plain, recorded))
        assert recorded.recorded.recordings and not recorded.recorded.refused
        off = 1e-3 if precision == "float32" else 0.1
        torch.testing.assert_close(found[: WARM_UP + 3], wanted[: WARM_UP + 3], rtol=off, atol=off)
        assert (found - wanted).abs().mean() < 10 * off

    def test_resume_on_a_gpu_goes_on():
        t = on_gpu(GAMES[0][0])
        played(t, 5)
        other = on_gpu(GAMES[0][0])
        other.load_state(*t.state())
        torch.testing.assert_close(played(other, 5), played(t, 5), rtol=1e-2, atol=1e-2)

    def test_a_recorded_step_waits_for_nothing():
        t = on_gpu(GAMES[0][0], images=pictures(64))
        played(t, WARM_UP + 2)
        with torch.cuda.device(0):
            torch.cuda.set_sync_debug_mode("error")
            try:
                played_on = t.step()
            finally:
                torch.cuda.set_sync_debug_mode("default")
        assert played_on.isfinite().all()
