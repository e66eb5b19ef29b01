"""Walks through latent space, against geometry that can be done by hand."""

from itertools import pairwise
from math import cos, pi, sin, sqrt

import pytest
import torch
from torch.testing import assert_close

from gan_core import GAN, ModelConfig, UserError
from gan_core.latent import lerp, matched, paint, retime, slerp, truncate, walk, walk_labels
from gan_core.latent.paint import BATCH

T = torch.linspace(0, 1, 21)[:, None]


def at(angle, norm=1.0):
    return torch.tensor([norm * cos(angle), norm * sin(angle), 0.0])


def gaussian(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_slerp_of_unit_vectors_at_60_degrees():
    assert_close(slerp(at(0), at(pi / 3), T), torch.stack([at(float(t) * pi / 3) for t in T]))


def test_slerp_turns_evenly_and_its_length_goes_evenly():
    way = slerp(at(0.2, 2.0), at(1.9, 5.0), T)
    assert_close(way.norm(dim=1), torch.linspace(2, 5, 21))
    assert_close(torch.atan2(way[:, 1], way[:, 0]), torch.linspace(0.2, 1.9, 21))


def test_slerp_keeps_the_length_that_lerp_loses():
    """Two latents of N(0, I) stand nearly at a right angle: the chord's middle is shorter by sqrt(2)."""
    a, b = gaussian(2, 10_000)
    assert slerp(a, b, 0.5).norm() / 100 == pytest.approx(1, abs=0.02)
    assert lerp(a, b, 0.5).norm() / 100 == pytest.approx(1 / sqrt(2), abs=0.02)


def test_matched_is_the_straight_line_at_the_length_that_is_due():
    """By hand: from (3, 0) to (0, 4), a quarter of the way the line is at (2.25, 1) and 3.25 long is due."""
    a, b = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0])
    expected = torch.tensor([2.25, 1.0]) * 3.25 / sqrt(2.25**2 + 1)
    assert_close(matched(a, b, 0.25), expected)
    assert_close(matched(a, b, T).norm(dim=1), torch.linspace(3, 4, 21))


def test_matched_is_the_matching_of_gaussian_latents():
    """Agustsson et al., table 1: lerp / sqrt(t^2 + (1 - t)^2), which needs no norms and is as right as nz is large."""
    a, b = gaussian(2, 100_000)
    for t in (0.1, 0.3, 0.5, 0.8):
        assert_close(matched(a, b, t), lerp(a, b, t) / sqrt(t**2 + (1 - t) ** 2), rtol=0.01, atol=0.01)


def test_matched_turns_in_the_plane_of_slerp_but_faster_halfway():
    a, b = at(0.0), at(2.5)
    angles = torch.atan2(matched(a, b, T)[:, 1], matched(a, b, T)[:, 0])
    turns = angles.diff()
    assert_close(angles[10], torch.tensor(1.25))
    assert turns.max() == turns[9:11].max() > 2 * turns[0] > 0


@pytest.mark.parametrize("nz", [2, 100])
def test_matched_of_opposite_latents_is_finite_and_of_due_length(nz):
    a = gaussian(nz)
    for b in (-a, -1.00001 * a, -a + 1e-6, -3 * a):
        way = matched(a, b, torch.linspace(0, 1, 201)[:, None])
        assert_close(way.norm(dim=1), lerp(a.norm(), b.norm(), torch.linspace(0, 1, 201)), rtol=1e-3, atol=0)


def test_matched_from_nowhere():
    way = matched(torch.zeros(3), at(1.0, 2.0), T)
    assert_close(way, T * at(1.0, 2.0))
    assert not matched(torch.zeros(3), torch.zeros(3), T).any()


@pytest.mark.parametrize("between", [lerp, slerp, matched])
@pytest.mark.parametrize("nz", [1, 2, 100])
def test_ends_are_exact(between, nz):
    pairs = gaussian(50, 2, nz)
    for a, b in [
        *pairs,
        *((a, -a) for a, _ in pairs),
        *((a, -1.00001 * a) for a, _ in pairs),
        *((a, a) for a, _ in pairs),
    ]:
        assert torch.equal(between(a, b, 0.0), a)
        assert torch.equal(between(a, b, 1.0), b)


@pytest.mark.parametrize("angle", [0.0, 1e-7, 1e-4, 1e-3, 2e-3, 0.1])
def test_slerp_of_nearly_parallel_vectors(angle):
    """Against the same in double precision, where a small angle is no trouble; to a millionth of the length."""
    a, b = at(0.0, 3.0), at(angle, 4.0)
    exact = torch.stack([at(float(t) * angle, 3 + float(t)) for t in T])
    assert_close(slerp(a, b, T), exact, atol=4e-6, rtol=0)


@pytest.mark.parametrize("off", [0.0, 1e-7, 1e-4, 5e-4, 2e-3, 1e-2])
def test_slerp_of_nearly_opposite_vectors_stays_on_the_sphere_and_never_jumps(off):
    way = slerp(at(0.0), at(pi - off), torch.linspace(0, 1, 201)[:, None])
    assert_close(way.norm(dim=1), torch.ones(201), atol=2e-3, rtol=0)
    assert way.diff(dim=0).norm(dim=1).max() < 1.2 * pi / 200


def test_slerp_from_nowhere():
    """A latent of zeros has no direction; the way is still finite, and ends where it should."""
    way = slerp(torch.zeros(3), at(1.0), T)
    assert way.isfinite().all()
    assert torch.equal(way[-1], at(1.0))
    assert not slerp(torch.zeros(3), torch.zeros(3), T).any()


@pytest.mark.parametrize("between", [slerp, matched])
def test_a_batch_is_taken_row_by_row(between):
    a, b = gaussian(2, 7, 10)
    assert_close(between(a, b, 0.3), torch.stack([between(x, y, 0.3) for x, y in zip(a, b, strict=True)]))


@pytest.mark.parametrize("method", ["lerp", "slerp", "matched"])
@pytest.mark.parametrize("easing", ["linear", "smooth"])
@pytest.mark.parametrize(("keyframes", "frames"), [(2, 2), (2, 60), (3, 3), (3, 60), (4, 10), (8, 61)])
def test_a_walk_shows_every_keyframe_exactly(keyframes, frames, method, easing):
    z = gaussian(keyframes, 20)
    way = walk(z, frames, method, easing=easing)
    assert way.shape == (frames, 20)
    assert torch.equal(way[0], z[0])
    assert torch.equal(way[-1], z[-1])
    where = [next(i for i, frame in enumerate(way) if torch.equal(frame, key)) for key in z]
    gaps = [b - a for a, b in pairwise(where)]
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize(("keyframes", "frames"), [(2, 2), (2, 10), (3, 10), (5, 60)])
def test_a_loop_has_no_doubled_frame_and_no_jump(keyframes, frames):
    z = gaussian(keyframes, 20)
    way = walk(z, frames, "lerp", loop=True)
    assert way.shape == (frames, 20)
    assert torch.equal(way[0], z[0])
    round_and_round = torch.cat([way, way[:1]])
    steps = round_and_round.diff(dim=0).norm(dim=1)
    longest = max((z[i] - z[i - 1]).norm() for i in range(keyframes)) / (frames // keyframes)
    assert steps.min() > 0
    assert steps.max() <= longest * 1.0001


def test_easing():
    """3t^2 - 2t^3 between the keyframes: a quarter of the way in time is 0.15625 of the way in space."""
    z = torch.tensor([[0.0], [1.0], [3.0]])
    linear, smooth = (walk(z, 9, "lerp", easing=easing).flatten() for easing in ("linear", "smooth"))
    assert_close(linear, torch.tensor([0, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3]))
    assert_close(smooth, torch.tensor([0, 0.15625, 0.5, 0.84375, 1, 1.3125, 2, 2.6875, 3]))


def test_one_class_melts_into_the_next():
    labels = torch.tensor([1, 0, 2])
    expected = [[0, 1, 0], [0.5, 0.5, 0], [1, 0, 0], [0.5, 0, 0.5], [0, 0, 1]]
    assert walk_labels(labels, 3, 5).tolist() == expected
    round_trip = [*expected, [0, 0.5, 0.5]]
    assert walk_labels(labels, 3, 6, loop=True).tolist() == round_trip
    assert_close(walk_labels(labels, 3, 9, easing="smooth")[1], torch.tensor([0.15625, 0.84375, 0]))
    for loop in (False, True):
        assert len(walk_labels(labels, 3, 60, loop)) == len(walk(gaussian(3, 4), 60, loop=loop))


def test_keyframes_may_lie_between_classes_themselves():
    weights = torch.tensor([[1.0, 0.0], [0.4, 0.6]])
    assert_close(walk_labels(weights, 2, 3), torch.tensor([[1.0, 0.0], [0.7, 0.3], [0.4, 0.6]]))
    assert torch.equal(walk_labels(torch.eye(3), 3, 9), walk_labels(torch.arange(3), 3, 9))


def test_retimed_a_known_curve_is_walked_in_equal_steps():
    """x(t) = t^3 creeps, then runs. Its inverse is known: at t = s^(1/3) the share s of the way is covered."""
    x = torch.linspace(0, 1, 2001, dtype=torch.float64) ** 3
    times = retime(x.diff(), 11)
    assert_close(times**3, torch.linspace(0, 1, 11, dtype=torch.float64), atol=1e-6, rtol=0)
    round_trip = retime(x.diff(), 10, loop=True)
    assert_close(round_trip, times[:10])


def test_retimed_stays_in_order_and_jumps_over_a_standstill():
    times = retime([0, 0, 1, 0, 0, 0, 1, 0], 5)
    assert_close(times * 8, torch.tensor([0, 2.5, 3, 6.5, 8], dtype=torch.float64))
    many = retime(gaussian(500).abs(), 60)
    assert (many.diff() > 0).all()
    assert (many[0], many[-1]) == (0, 1)


def test_where_nothing_moves_time_goes_on():
    assert_close(retime([0.0, 0.0, 0.0], 5), torch.linspace(0, 1, 5, dtype=torch.float64))


@pytest.mark.parametrize("distances", [[], [1, float("nan")], [1, float("inf")], [1, -1]])
def test_distances_that_are_none(distances):
    with pytest.raises(ValueError, match="finite"):
        retime(distances, 5)


def test_a_film_of_one_frame_has_no_pace():
    with pytest.raises(UserError, match="1 frames"):
        retime([1.0], 1)


def test_truncation():
    z = gaussian(5, 8)
    assert torch.equal(truncate(z, 1.0), z)
    assert torch.equal(truncate(z, 0.5), z / 2)


@pytest.mark.parametrize("psi", [0, -1, 1.01, float("nan"), float("inf")])
def test_truncation_out_of_range(psi):
    with pytest.raises(UserError, match="above 0"):
        truncate(gaussian(2, 4), psi)


@pytest.mark.parametrize(
    ("keyframes", "frames", "options", "says"),
    [
        (1, 10, {}, "two keyframes"),
        (0, 10, {"loop": True}, "two keyframes"),
        (3, 2, {}, "2 frames cannot show 3"),
        (2, 1, {}, "1 frames cannot show 2"),
        (2, -5, {"loop": True}, "-5 frames"),
        (2, 10, {"method": "slurp"}, "did you mean 'slerp'"),
        (2, 10, {"easing": "bouncy"}, "linear, smooth"),
    ],
)
def test_walks_that_cannot_be(keyframes, frames, options, says):
    with pytest.raises(UserError, match=says):
        walk(gaussian(keyframes, 4), frames, **options)


@pytest.mark.parametrize("num_classes", [0, 3])
def test_paint_is_gan_in_batches(num_classes):
    gan = GAN(ModelConfig(image_size=28, nc=1, nz=5, ngf=4, ndf=4, num_classes=num_classes))
    gan.G_ema.net[-2].weight.data *= 30  # an untrained G paints grey
    gan.recalibrate(64)
    n, seen = BATCH + 3, []
    z, y = gan.sample_z(n, 0), gan.sample_y(n, 0)
    pixels = paint(gan, z, y, lambda done, total, what: seen.append((done, total)))
    alone = torch.cat([gan(z[i : i + 1], None if y is None else y[i : i + 1]) for i in range(n)])
    assert pixels.dtype == torch.uint8
    assert pixels.float().std() > 20
    assert_close(pixels.float(), (alone.clamp(-1, 1) + 1) * 127.5, atol=0.51, rtol=0)
    assert seen == [(BATCH, n), (n, n)]
