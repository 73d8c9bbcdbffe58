"""Fusion pictures: what is drawn of a frame, in both modes, and back from what a person has painted."""

import numpy as np
import pytest
import torch

from vp.data import open_dataset
from vp.models.fusion import segment
from vp.models.fusion.config import Drawing
from vp.models.fusion.pictures import RED, SHARE, from_overlay, fusion_pictures, maps_to_overlay, overlay_to_maps, to_overlay

STACK = Drawing(mode="stack")


def squares(length: int = 6, channels: int = 1, move: int = 3, noise: float = 0.0) -> torch.Tensor:
    """One clip of a bright 12x12 square on dark ground that moves right: (1, T, C, 64, 64)."""
    frames = torch.full((1, length, channels, 64, 64), 0.1)
    for t in range(length):
        frames[:, t, :, 20:32, 6 + move * t : 18 + move * t] = 0.9
    return (frames + noise * torch.randn(frames.shape)).clamp(0, 1)


def test_a_square_has_its_outline_for_edges_and_its_inside_for_segment():
    edge, inside = fusion_pictures(squares(), STACK, 4)[0, 0]
    assert torch.equal(inside, (squares()[0, 0, 0] > 0.5).float())
    ring = torch.zeros(64, 64)
    ring[19:33, 5:19] = 1
    ring[22:30, 8:16] = 0
    assert edge.sum() >= 40 and (edge * (1 - ring)).sum() == 0, "edges lie within two pixels of the outline"
    assert edge.unique().tolist() == [0, 1]


def test_an_overlay_is_white_edges_on_a_dark_red_segment():
    frames = squares()
    maps, colours = fusion_pictures(frames, STACK, 4), fusion_pictures(frames, Drawing(), 4)
    assert colours.shape == (1, 6, 3, 64, 64)
    torch.testing.assert_close(colours, maps_to_overlay(maps))
    inner = colours[0, 0, :, 26, 12]
    torch.testing.assert_close(inner, torch.tensor([SHARE * RED, 0.0, 0.0]))
    both = maps_to_overlay(torch.ones(2, 1, 1))[:, 0, 0]
    torch.testing.assert_close(both, torch.tensor([SHARE * (1 + RED), SHARE, SHARE]))


def test_what_is_shown_is_taken_back_in_either_mode():
    maps = torch.rand(2, 3, 2, 8, 8)
    torch.testing.assert_close(overlay_to_maps(maps_to_overlay(maps)), maps)
    for drawing in (STACK, Drawing()):
        pictures = fusion_pictures(squares(), drawing, 4)
        torch.testing.assert_close(from_overlay(to_overlay(pictures, drawing), drawing), pictures)
    wild = overlay_to_maps(torch.rand(3, 16, 16))  # any colours a person may paint
    assert wild.min() >= 0 and wild.max() <= 1 and not overlay_to_maps(torch.full((3, 4, 4), float("nan"))).isfinite().any()


@pytest.mark.parametrize("data", ["mmnist", "smmnist-svg"])
def test_exact_masks_of_digits_are_their_brightness_unless_digits_add_up(data):
    batch = open_dataset(data, "val", digits="strokes").batch(3, 5, torch.Generator().manual_seed(0)).to("cpu")
    exact = fusion_pictures(batch.frames, Drawing("stack", "exact"), 3, batch.extras["masks"])
    bright = fusion_pictures(batch.frames, STACK, 3)
    assert 0.01 < exact[:, :, 1].mean() < 0.2
    assert (exact != bright).float().mean() < (1e-9 if data == "mmnist" else 0.01), "a sum may pass the threshold, a maximum not"
    assert torch.equal(fusion_pictures(batch.frames, Drawing("stack", "exact"), 3), bright), "without masks, brightness"


def test_colour_finds_what_differs_from_the_ground_in_any_channel():
    frames = torch.full((1, 1, 3, 32, 32), 0.5)
    frames[..., 2, 8:16, 8:16] = 0.9
    assert segment.segment_by_colour(frames, 0.3)[0, 0].sum() == 64 and segment.segment_by_colour(frames, 0.5).sum() == 0


def test_background_subtraction_learns_from_the_known_frames_alone():
    frames = squares(24, move=2, noise=0.01)
    inside = fusion_pictures(frames, Drawing("stack", "background"), 16)[0, :, 1]
    truth = (frames[0, :, 0] > 0.5).float()
    overlap = (inside * truth).sum((1, 2)) / (inside + truth).clamp(max=1).sum((1, 2))
    assert overlap.min() > 0.7, overlap
    later = frames.clone()
    later[:, 16:] = torch.rand(1, 8, 1, 64, 64)
    known, same = (fusion_pictures(x, Drawing("stack", "background"), 16)[:, :16] for x in (frames, later))
    assert torch.equal(known, same)


def test_edges_are_opencvs_canny_of_grey_levels():
    import cv2

    frames = torch.rand(1, 2, 3, 32, 32)
    grey = (frames * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(2).mul(255).round().byte()
    want = [cv2.Canny(frame.numpy(), 50, 120) for frame in grey[0]]
    got = fusion_pictures(frames, Drawing("stack", canny=(50, 120)), 1)[0, :, 0]
    assert np.array_equal(got.numpy() * 255, np.stack(want))


def test_deeplab_says_that_its_weights_are_missing(tmp_path, monkeypatch):
    segment.load_deeplab.cache_clear()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ValueError, match="is not in torch's hub folder; put it there or use 'background'"):
        fusion_pictures(squares(2), Drawing("stack", "deeplab"), 1)


def test_deeplab_works_once_weights_lie_where_torchvision_keeps_them(tmp_path, monkeypatch):
    models = pytest.importorskip("torchvision.models.segmentation")
    segment.load_deeplab.cache_clear()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    net = models.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=21, aux_loss=True)
    for p in net.classifier[-1].parameters():
        torch.nn.init.zeros_(p)
    net.classifier[-1].bias.data[15] = 1.0  # calls everything a person
    (tmp_path / "checkpoints").mkdir()
    torch.save(net.state_dict(), tmp_path / "checkpoints" / segment.DEEPLAB)
    assert fusion_pictures(squares(2), Drawing("stack", "deeplab"), 1)[:, :, 1].min() == 1
    segment.load_deeplab.cache_clear()


def test_drawings_that_make_no_sense_are_refused_in_one_sentence():
    wrongs = {"mode is 'mix'": {"mode": "mix"}, "segment is 'x'": {"segment": "x"}, "threshold is 1": {"threshold": 1}}
    for words, wrong in wrongs.items():
        with pytest.raises(ValueError, match=words):
            Drawing(**wrong)
