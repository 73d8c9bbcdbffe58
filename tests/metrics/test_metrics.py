"""The metrics against scikit-image and against answers known by hand."""

import sys
import time

import pytest
import torch

from vp.metrics import (
    METRICS,
    METRICS_ANY_SIZE,
    mae,
    ms_ssim,
    mse,
    pixel_mae,
    pixel_mse,
    psnr,
    psnr_of_mean_mse,
    sharpness,
    ssim,
    ssim_legacy,
)

TOLERANCE = 1e-5  # float32 moments against scikit-image in float64


def frames(kind: str, channels: int, count: int = 6, height: int = 48, width: int = 64, seed: int = 0):
    """Pairs (count, C, H, W): noise, dark frames with a bright patch, and bright frames that nearly agree."""
    g = torch.Generator().manual_seed(seed)
    a = torch.rand(count, channels, height, width, generator=g)
    b = torch.rand(count, channels, height, width, generator=g)
    if kind == "patch":
        mask = torch.zeros_like(a)
        mask[..., 10:30, 20:40] = 1
        return a * mask, b.mul(0.2).add(a * 0.8) * mask.roll(2, -1)
    return (a, b) if kind == "noise" else (0.95 + 0.05 * a, 0.95 + 0.04 * a + 0.01 * b)


pairs = pytest.mark.parametrize(
    ("kind", "channels"), [(kind, channels) for kind in ("noise", "patch", "bright") for channels in (1, 3)]
)


@pairs
def test_ssim_is_scikit_images_gaussian_valid_range_1(kind, channels):
    reference = pytest.importorskip("skimage.metrics").structural_similarity
    a, b = frames(kind, channels)
    want = []
    for x, y in zip(a.double().numpy(), b.double().numpy()):
        settings = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1)
        want.append(reference(x, y, channel_axis=0, **settings))
    torch.testing.assert_close(ssim(a, b), torch.tensor(want).float(), atol=TOLERANCE, rtol=0)


@pairs
def test_ssim_legacy_is_scikit_images_uniform_7x7_range_2(kind, channels):
    reference = pytest.importorskip("skimage.metrics").structural_similarity
    a, b = frames(kind, channels)
    pictures = zip(a.double().numpy(), b.double().numpy())
    want = [reference(x, y, channel_axis=0, data_range=2) for x, y in pictures]
    torch.testing.assert_close(ssim_legacy(a, b), torch.tensor(want).float(), atol=TOLERANCE, rtol=0)


@pairs
@pytest.mark.parametrize("metric", [ssim, ssim_legacy, ms_ssim])
def test_large_frames_score_the_same_without_matrices(metric, kind, channels, monkeypatch):
    a, b = frames(kind, channels, count=2, height=101, width=130)
    by_opencv = metric(a, b)
    monkeypatch.setattr(sys.modules["vp.metrics.ssim"], "LARGE", 10**9)
    torch.testing.assert_close(by_opencv, metric(a, b), atol=TOLERANCE, rtol=0)
    reference = pytest.importorskip("skimage.metrics").structural_similarity
    if metric is ssim:
        settings = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1, channel_axis=0)
        want = [reference(x, y, **settings) for x, y in zip(a.double().numpy(), b.double().numpy())]
        torch.testing.assert_close(by_opencv, torch.tensor(want).float(), atol=TOLERANCE, rtol=0)


@pairs
def test_psnr_is_the_mean_over_channels_of_scikit_images(kind, channels):
    reference = pytest.importorskip("skimage.metrics").peak_signal_noise_ratio
    a, b = frames(kind, channels)
    want = [
        sum(reference(x, y, data_range=1) for x, y in zip(one, other)) / channels
        for one, other in zip(a.double().numpy(), b.double().numpy())
    ]
    torch.testing.assert_close(psnr(a, b), torch.tensor(want).float(), atol=TOLERANCE * 10, rtol=0)  # dB


def test_psnr_averages_decibels_not_errors():
    a = torch.zeros(2, 8, 8)
    b = torch.stack((torch.full((8, 8), 0.1), torch.full((8, 8), 0.001)))
    assert psnr(a, b).item() == pytest.approx(40.0, abs=1e-4)  # 20 and 60 dB; the error of both at once would give 23


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_equal_frames_score_100_db_and_exactly_1(value):
    a = torch.full((1, 32, 32), value)
    assert psnr(a, a).item() == pytest.approx(100.0)
    assert ssim(a, a).item() == ssim_legacy(a, a).item() == ms_ssim(a, a).item() == sharpness(a, a).item() == 1.0


def test_metrics_of_any_size_are_means_over_pixels_and_end_at_50_db():
    a, b = frames("noise", 3)
    pixels = a[0].numel()
    torch.testing.assert_close(pixel_mse(a, b) * pixels, mse(a, b))
    torch.testing.assert_close(pixel_mae(a, b) * pixels, mae(a, b))
    capped = METRICS_ANY_SIZE["psnr_db"]
    assert torch.equal(capped(a, b), psnr(a, b)), "far below either cap"
    near = torch.stack((a[0, 0], a[0, 1] + 0.1, a[0, 2] + 1e-4))
    assert psnr(near, a[0]).item() == pytest.approx((100 + 20 + 80) / 3, abs=0.1)
    assert capped(near, a[0]).item() == pytest.approx((50 + 20 + 50) / 3, abs=1e-3), "each channel"


def test_psnr_of_the_mean_error_does_not_hear_of_exact_frames():
    errors = torch.tensor([0.0, 0.02])
    assert psnr_of_mean_mse(errors.mean()).item() == pytest.approx(20, abs=1e-4), "and the mean of 100 and 17 dB is 58"
    assert psnr_of_mean_mse(torch.tensor([0.0, 0.1, 1.0])).tolist() == pytest.approx([100, 10, 0], abs=1e-4)


@pytest.mark.parametrize(
    ("height", "width", "scales"),
    [(11, 300, 1), (21, 30, 1), (22, 47, 2), (64, 64, 3), (64, 110, 3), (176, 200, 5), (400, 352, 5)],
)
def test_ms_ssim_takes_the_scales_that_fit(height, width, scales):
    """Against the paper's product, in float64."""
    weights = torch.tensor([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[:scales]
    a = torch.rand(2, 3, height, width)
    assert torch.allclose(ms_ssim(a, a), torch.ones(2), atol=1e-6)
    b = (0.7 * a + 0.3 * torch.rand_like(a)).clamp(0, 1)
    want, x, y = torch.ones(2, 3, dtype=torch.float64), a.double(), b.double()
    for scale, weight in enumerate(weights / weights.sum()):
        if scale:
            x, y = (torch.nn.functional.avg_pool2d(z, 2) for z in (x, y))
        luminance, structure = by_convolution(x, y)
        want = want * ((luminance * structure if scale == scales - 1 else structure).mean((-2, -1))) ** weight
    torch.testing.assert_close(ms_ssim(a, b), want.mean(1).float(), atol=TOLERANCE, rtol=0)
    if scales == 1:
        torch.testing.assert_close(ms_ssim(a, b), torch.stack([ssim(x, y) for x, y in zip(a, b)]), atol=TOLERANCE, rtol=0)


def by_convolution(a, b):
    """Luminance, and contrast and structure, (F, C, H - 10, W - 10) each, by a plain two-dimensional Gaussian window."""
    x = torch.arange(11, dtype=torch.float64) - 5
    line = (-x.square() / 4.5).exp()
    window = (line[:, None] * line / line.sum() ** 2)[None, None]

    def blur(z):
        return torch.nn.functional.conv2d(z.flatten(0, 1)[:, None], window)[:, 0].unflatten(0, z.shape[:2])

    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b, cov = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2, blur(a * b) - mean_a * mean_b
    c1, c2 = 1e-4, 9e-4
    return (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1), (2 * cov + c2) / (var_a + var_b + c2)


def test_ms_ssim_of_inverted_contrast_is_a_number():
    a = torch.rand(2, 1, 64, 64)
    assert (ms_ssim(1 - a, a) == 0).all()


def test_sharpness_is_linear_in_contrast_and_finite_on_flat_truth():
    a, _ = frames("noise", 3)
    torch.testing.assert_close(sharpness(a * 0.25, a), torch.full((6,), 0.25))
    flat = torch.full_like(a, 0.5)
    assert (sharpness(flat, a) == 0).all()
    assert sharpness(a, flat).isfinite().all() and (sharpness(a, flat) > 10).all()


def test_sharpness_counts_a_blurred_edge_once():
    """Blur along an edge spreads a step of one over many pixels: in one dimension the sum of slopes stays."""
    step = (torch.arange(32) >= 16).float().expand(1, 32, 32)
    ramp = ((torch.arange(32) - 12) / 8).clamp(0, 1).expand(1, 32, 32)
    assert sharpness(ramp, step).item() == pytest.approx(1.0, abs=1e-5)


def test_errors_are_sums_over_the_pixels_of_a_frame_and_see_beyond_the_range():
    truth, far = torch.zeros(2, 3, 8, 8), torch.full((2, 3, 8, 8), -1.5)
    assert mse(far, truth).tolist() == [2.25 * 192] * 2 and mae(far, truth).tolist() == [1.5 * 192] * 2
    noise, other = torch.rand(1, 64, 64), torch.rand(1, 64, 64)
    assert mse(noise, other).item() == pytest.approx(4096 * 10 ** (-psnr(noise, other).item() / 10), rel=1e-4)


@pytest.mark.parametrize("name", METRICS)
def test_samples_broadcast_against_one_truth_and_any_chunk_gives_the_same(name, monkeypatch):
    metric = METRICS[name]
    a, b = frames("noise", 3, count=12, height=16, width=20)
    samples, truth = a.view(2, 3, 2, 3, 16, 20), b[:4].view(2, 1, 2, 3, 16, 20)
    whole = metric(samples, truth)
    one_by_one = [metric(samples[i, n, t], truth[i, 0, t]) for i in range(2) for n in range(3) for t in range(2)]
    torch.testing.assert_close(whole, torch.stack(one_by_one).view(2, 3, 2))
    monkeypatch.setattr("vp.metrics.frames.PIXELS_CPU", 5 * 3 * 16 * 20)  # 12 frames as 5 + 5 + 2
    torch.testing.assert_close(metric(samples, truth), whole)


def test_autocast_does_not_reach_ssim():
    a, b = frames("bright", 1)
    want = ssim(a, b)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(ssim(a, b), want)


@pytest.mark.parametrize("name", METRICS)
def test_what_cannot_be_scored_is_named(name):
    metric = METRICS[name]
    with pytest.raises(ValueError, match="uint8"):
        metric(torch.zeros(1, 16, 16, dtype=torch.uint8), torch.zeros(1, 16, 16))
    with pytest.raises(ValueError, match=r"\(1, 16, 16\) and \(3, 16, 16\)"):
        metric(torch.zeros(1, 16, 16), torch.zeros(3, 16, 16))


def test_frames_below_the_window_are_refused():
    with pytest.raises(ValueError, match="at least 11x11"):
        ssim(torch.zeros(1, 10, 40), torch.zeros(1, 10, 40))
    with pytest.raises(ValueError, match="at least 11x11"):
        ms_ssim(torch.zeros(1, 40, 10), torch.zeros(1, 40, 10))


def test_two_thousand_frames_take_well_under_a_second():
    """0.15 s: the CPU time of one thread, which a busy machine does not stretch; a loop over frames takes 0.8 s."""
    a, b = torch.rand(2000, 1, 64, 64), torch.rand(2000, 1, 64, 64)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        ssim(a[:64], b[:64])
        start = time.thread_time()
        ssim(a, b)
        assert time.thread_time() - start < 0.5
    finally:
        torch.set_num_threads(threads)
