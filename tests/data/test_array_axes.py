"""Arrays in whatever order of axes people keep them: told by sizes and by what moves, said by a flag, or refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vp.data import Framing, open_dataset
from vp.data.readers.axes import ACCEPTED, ORDERS, infer_axes
from vp.evaluation.evaluate import evaluate
from vp.prediction.model import load
from vp.result.survey import survey_dataset

from .makers import moving


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def colour(clips: int = 6, frames: int = 12) -> np.ndarray:
    """uint8 (N, T, H, W, C): smooth waves that travel, other ones in every clip, over a ground that is still."""
    y, x, out = np.arange(40)[:, None], np.arange(48), []
    for seed in range(clips):
        a, b, c = np.random.default_rng(seed).uniform(2, 9, 3)
        ground = np.random.default_rng(seed).integers(0, 60, (40, 48, 3))
        waves = [100 + 80 * np.sin((x - 2 * t) / a + y / b + c) for t in range(frames)]
        out.append([ground + wave[..., None] * (1, 0.8, 0.5) for wave in waves])
    return np.array(out).astype(np.uint8)


def digits(clips: int = 6) -> np.ndarray:
    """uint8 (N, T, H, W), as Moving MNIST."""
    return open_dataset("smmnist-svg", "test", digits="strokes").batch(clips, 20, gen()).frames[:, :, 0].numpy()


def ordered(clips: np.ndarray, order: str, own: str = "NTHWC") -> np.ndarray:
    """An array of axes `own` in another order; what it has no letter for is dropped: the first clip, the first channel."""
    for letter in set(own) - set(order):
        clips, own = clips.take(0, own.index(letter)), own.replace(letter, "")
    return np.ascontiguousarray(clips.transpose([own.index(letter) for letter in order]))


def read_all(path, **more) -> list[np.ndarray]:
    clips = open_dataset("folder", "all", path, framing=Framing(short_side=40), **more)
    found = [clips.decode(r).frames.permute(0, 2, 3, 1).numpy() for r in clips.recordings]
    return found


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize("order", [order for orders in ORDERS.values() for order in orders])
def test_every_accepted_order_is_told_and_read_right(order, suffix, tmp_path):
    array, path = ordered(colour(), order), tmp_path / f"clips{suffix}"
    np.save(path, array) if suffix == ".npy" else np.savez_compressed(path, frames=array)
    expected = colour() if "C" in order else colour()[..., :1].repeat(3, -1)
    expected = expected if "N" in order else expected[:1]
    found = read_all(path)
    assert len(found) == len(expected)
    assert all(np.array_equal(one, other) for one, other in zip(found, expected))


@pytest.mark.parametrize(
    ("array", "order"),
    [
        (lambda: digits(), "NTHW"),
        (lambda: ordered(digits(), "TNHW", "NTHW"), "TNHW"),
        (lambda: digits(3), "NTHW"),
        (lambda: ordered(digits(3), "TNHW", "NTHW"), "TNHW"),
        (lambda: digits(20), "NTHW"),
        (lambda: digits()[:, :, None], "NTCHW"),
        (lambda: ordered(digits(1), "TNHW", "NTHW"), "TNHW"),
        (lambda: digits(1), "NTHW"),
        (lambda: moving(9).transpose(0, 3, 1, 2), "TCHW"),
        (lambda: moving(9).transpose(3, 0, 1, 2), "CTHW"),
        (lambda: np.stack([moving(9, seed) for seed in range(4)]).transpose(1, 0, 2, 3, 4), "TNHWC"),
        (lambda: colour(2, 40)[..., 0], "NTHW"),
    ],
)
def test_sizes_and_what_moves_tell_the_axes(array, order):
    array = array()
    assert infer_axes(array.shape, lambda: array, "a.npy") == order


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (noise(6, 20, 32, 32), "may be NTHW, TNHW, and nothing tells which; say so by --axes"),
        (np.full((6, 20, 32, 32), 9, np.uint8), "may be NTHW, TNHW"),
        (np.repeat(noise(1, 3, 32, 32), 12, 0), "may be TCHW, NTHW, TNHW"),
        (noise(1, 3, 32, 32), "may be TCHW, CTHW, NTHW"),
        (noise(5, 6, 3, 2, 2), "give them in one of the orders"),
        (noise(64, 64, 3, 20), "give them in one of the orders"),
        (noise(20, 1, 3, 32, 32), "say so by --axes"),
        (np.stack([colour(1, 30)[0, k : k + 12, ..., 0] for k in range(12)]), "may be NTHW, TNHW"),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_orders_there_are(array, says, tmp_path):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(ValueError, match="a.npy has frames .*") as error:
        open_dataset("folder", "all", tmp_path / "a.npy")
    assert says in str(error.value) and ("--axes" in str(error.value) or ACCEPTED in str(error.value))


def test_the_flag_says_it_outright_and_so_may_the_file(tmp_path):
    clips = noise(3, 12, 40, 48)
    np.save(tmp_path / "a.npy", clips.transpose(2, 3, 0, 1))
    assert [np.array_equal(x[..., 0], y) for x, y in zip(read_all(tmp_path / "a.npy", axes="hwnt"), clips)] == [True] * 3
    np.savez(tmp_path / "b.npz", frames=clips.swapaxes(0, 1), axes="TNHW")
    assert np.array_equal(read_all(tmp_path / "b.npz")[2][..., 0], clips[2])
    np.save(tmp_path / "c.npy", clips[0])
    assert np.array_equal(read_all(tmp_path / "c.npy", axes="THW")[0][..., 0], clips[0])


@pytest.mark.parametrize(
    ("axes", "says"),
    [
        ("NTHC", "give T, H and W once each"),
        ("TTHW", "once each"),
        ("NTXHW", "once each"),
        ("NTHWC", "not NTHWC"),
        ("TCHW", "1 or 3 channels"),
    ],
)
def test_axes_that_do_not_fit_get_one_sentence(axes, says, tmp_path):
    np.save(tmp_path / "a.npy", noise(6, 20, 32, 32))
    with pytest.raises(ValueError, match=says):
        open_dataset("folder", "all", tmp_path / "a.npy", axes=axes)


@pytest.mark.parametrize("name", ["kth", "push", "davis", "real128"])
def test_data_without_arrays_has_no_axes(name, tmp_path):
    with pytest.raises(ValueError, match="leave --axes out"):
        open_dataset(name, data_root=tmp_path, axes="NTHW")


def test_actions_of_many_clips_in_one_file_go_with_their_clips(tmp_path):
    actions = np.random.default_rng(0).normal(size=(6, 12, 2)).astype(np.float32)
    np.savez(tmp_path / "a.npz", frames=colour(), actions=actions)
    clips = open_dataset("folder", "all", tmp_path)
    assert clips.action_dim == 2
    for index, recording in enumerate(clips.recordings):
        assert torch.equal(clips.decode(recording).actions, torch.from_numpy(actions[index]))


def test_data_evaluate_and_train_take_the_flag(tmp_path):
    from dataclasses import replace

    from vp.catalog import find_recipe
    from vp.models.svg import tiny
    from vp.training.training_data import open_for_recipe

    np.save(tmp_path / "a.npy", noise(12, 20, 32, 32))
    result = survey_dataset("folder", tmp_path, tmp_path / "out" / "sheet.png", axes="TNHW")
    assert sum(row["recordings"] for row in result["splits"].values()) == 20
    model = load("copy-last", "cpu")
    scores = evaluate(model, "folder:2+3", samples=1, clips=4, split="all", data_root=tmp_path, axes="TNHW")
    assert scores["clips"] == 4
    with pytest.raises(ValueError, match="leave out axes"):
        evaluate(model, "smmnist-svg", clips=1, axes="TNHW")
    found = replace(find_recipe("svg-lp-smmnist")[1], config=tiny(), data={"folder": 1.0})
    assert len(open_for_recipe(found, "folder", "train", tmp_path, "auto", axes="NTHW").recordings) < 12
