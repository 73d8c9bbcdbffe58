"""A model's output that is not finite is said in one sentence, instead of being shown as black frames."""

import json

import numpy as np
import pytest

from vp import cli
from vp.data import Clip
from vp.models.baselines.copy_last import CopyLast
from vp.prediction.model import load
from vp.prediction.request import Wishes
from vp.prediction.sample import describe_numbers, sample, stream

CLIP = Clip(np.random.default_rng(0).integers(0, 255, (12, 24, 24, 3), np.uint8), 10)


def spoil(monkeypatch, frames, bad=float("nan")) -> None:
    """Makes some frames of what is predicted no numbers."""
    usual = CopyLast.stream

    def stream(self, *args):
        for step in usual(self, *args):
            if step.prediction is not None:
                step.prediction.frames[:, :, frames, 0, 3, 3] = bad
            yield step

    monkeypatch.setattr(CopyLast, "stream", stream)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_the_sentence_says_which_frames(monkeypatch, bad):
    spoil(monkeypatch, [6, 7, 8], bad)
    with pytest.raises(ValueError, match="^copy-last made numbers that are not finite, in frames 6-8 of future 1 of 1; give"):
        sample(load("copy-last", "cpu"), CLIP, n=1, n_past=4, n_future=8)


def test_the_command_says_so_and_writes_nothing(monkeypatch, tmp_path, capsys):
    spoil(monkeypatch, [5])
    monkeypatch.setattr("vp.data.read_clip", lambda *_, **__: CLIP)
    words = ["sample", "copy-last", "x.mp4", "--n-past", "4", "--n-future", "8", "--out", str(tmp_path / "out")]
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert "in frame 5 of future 1 of 1" in said.err and not said.out and not (tmp_path / "out").exists()


def test_numbers_that_are_only_large_pass(monkeypatch):
    spoil(monkeypatch, [4, 5, 6, 7], 3e38)
    *_, last = stream(load("copy-last", "cpu"), CLIP, Wishes(1, 4, 8))
    json.dumps(last.result.record(), allow_nan=False)


def test_numbers_in_a_sentence():
    said = [describe_numbers("frame", numbers) for numbers in ([3], [3, 4], [3, 5], [1, 2, 3], [1, 3, 9])]
    assert said == ["frame 3", "frames 3-4", "frames 3, 5", "frames 1-3", "frames 1, 3 and more up to 9"]
