"""Where clips come from changes nothing in what they are: from a device's memory, read ahead, or several steps together."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from vp.catalog import find_recipe
from vp.core.crops import Crops
from vp.data.clip import Clip
from vp.data.crops import CroppedClips
from vp.data.drawn import HostFeed
from vp.data.framing import Framing
from vp.data.recorded import RecordedClips
from vp.data.recording import Recording
from vp.data.resident_clips import ResidentClips
from vp.data.resident_crops import ResidentCrops
from vp.training import feeding
from vp.training.feeding import open_feed
from vp.training.training_data import TrainingData

CPU, LENGTH, ROOM = torch.device("cpu"), 5, 10**8


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VP_CACHE", str(tmp_path / "cache"))


def recording(index: int, frames: int, actions: int = 0, extras: bool = False, height: int = 16, promised: int | None = None):
    """Blurred noise, so that resizing has something to round."""

    def load(framing: Framing) -> Clip:
        if not frames:
            raise ValueError("damaged")
        random = np.random.default_rng(index)
        coarse = random.integers(0, 256, (frames, height // 4, 6, 3)).repeat(4, 1).repeat(4, 2)
        pictures = ((coarse + np.roll(coarse, 1, 1) + np.roll(coarse, 1, 2)) // 3).astype(np.uint8)
        pictures = pictures if framing.short_side else pictures[:, :16, :16]
        more = {"state": random.random((frames, 2)).astype(np.float32)} if extras else {}
        return Clip(pictures, actions=random.random((frames, actions)).astype(np.float32) if actions else None, extras=more)

    return Recording(f"r{index}", f"g{index}", promised or frames or 20, 25.0, load, actions=actions)


def clips(*recordings: Recording) -> RecordedClips:
    return RecordedClips("test", recordings, Framing(size=16), 3)


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.mark.parametrize("more", [{}, {"actions": 2, "extras": True}])
def test_clips_from_a_device_s_memory_are_those_decoded_on_the_cpu(more):
    recordings = [recording(n, 9 + 3 * n, **more) for n in range(4)]
    recordings += [recording(8, 3, **more), dataclasses.replace(recording(9, 0), actions=more.get("actions", 0))]
    feed = open_feed(clips(*recordings), LENGTH, CPU, most=ROOM)
    assert isinstance(feed, ResidentClips) and feed.taken == 9 + 12 + 15 + 18
    drawn = feed.draw(6, LENGTH, generators(1, 2))
    assert [x.shape for x in drawn.tensors.values()] == [(2, 12)] and drawn.plain == (not more)
    batch = feed.build(drawn)
    for part, generator in enumerate(generators(1, 2)):
        wanted, got = clips(*recordings).batch(6, LENGTH, generator), batch.rows(slice(6 * part, 6 * part + 6))
        assert torch.equal(wanted.frames, got.frames) and wanted.extras.keys() == got.extras.keys()
        assert all(torch.equal(x, got.extras[name]) for name, x in wanted.extras.items())
        assert (wanted.actions is None) == (not more) and (not more or torch.equal(wanted.actions, got.actions))


def test_windows_cut_on_a_device_are_those_cut_on_the_cpu_up_to_rounding():
    crops = Crops(
        16, 12, strides=(1, 2), most_of_group=1.0, still=1.0, reversed=0.5, turned=0.5, closer=0.5, nearest=0.5, tinted=0.5
    )
    recordings = [recording(n, 20, height=16 + 4 * (n % 2)) for n in range(4)] + [recording(9, 0)]

    def source(crops: Crops) -> CroppedClips:
        found = CroppedClips("test", recordings, Path("/nowhere"), crops, 3)
        found.prepare(lambda done, total: None)  # what is damaged is known before the first draw
        return found

    for chosen, most in (
        (crops, 2),
        (dataclasses.replace(crops, closer=0.0), 1),
        (dataclasses.replace(crops, closer=0, tinted=0), 0),
    ):
        feed = open_feed(source(chosen), LENGTH, CPU, most=ROOM)
        assert isinstance(feed, ResidentCrops)
        drawn = feed.draw(64, LENGTH, generators(3))
        assert len(drawn.tensors) == 1, "one upload a step"
        wanted, got = source(chosen).batch(64, LENGTH, generators(3)[0]).frames, feed.build(drawn).frames
        assert got.shape == (64, LENGTH, 3, 12, 12) and got.dtype == torch.uint8
        difference = (wanted.int() - got.int()).abs()
        assert difference.max() <= most and difference.float().mean() < 0.2


@pytest.mark.parametrize(
    ("recordings", "most", "why"),
    [
        ([recording(1, 20), recording(2, 20)], 40 * 768 - 1, "they take 0.0 GB there and may take 0.0"),
        ([recording(1, 20, extras=True), recording(2, 20, extras=True)], 40 * 768 + 9, "what comes with their frames takes too"),
        ([recording(1, 20, extras=True), recording(2, 20)], ROOM, "recordings differ in what comes with their frames"),
        ([recording(1, 20), recording(2, 40, promised=20)], ROOM, "there are more frames than their headers say"),
    ],
)
def test_what_does_not_fit_is_read_on_the_cpu_and_one_line_says_so(recordings, most, why, capsys, monkeypatch):
    monkeypatch.setattr(feeding, "free_memory", lambda: 4 * 20 * 768)
    source = clips(*recordings)
    feed = open_feed(source, LENGTH, CPU, most)
    said = capsys.readouterr().err
    assert isinstance(feed, HostFeed) and why in said and said.count("\n") == 1
    assert source.cache.most == 20 * 768 and "decoded clips stay in memory up to 0.00 GB of 0.00" in said
    assert torch.equal(
        feed.build(feed.draw(3, LENGTH, generators(4))).frames, clips(*recordings).batch(3, LENGTH, generators(4)[0]).frames
    )


def test_a_cpu_keeps_all_that_it_decodes_where_it_can(capsys):
    source = clips(recording(1, 20), recording(2, 30))
    assert isinstance(open_feed(source, LENGTH, CPU), HostFeed) and source.cache.most == 50 * 768
    assert capsys.readouterr().err == "test: all decoded clips stay in memory, 0.00 GB\n"


@pytest.mark.parametrize("accumulate", [1, 2])
def test_clips_of_a_step_do_not_depend_on_how_many_steps_are_drawn_together(accumulate):
    family, found = find_recipe("svg-lp-smmnist")
    found = dataclasses.replace(found, data={**found.data, "mmnist": 0.5}, length=7)

    def data(together: int) -> TrainingData:
        made = TrainingData(found, CPU, batch=2, seed=3, digits="strokes", data_root=None, accumulate=accumulate)
        made.steps_together = together
        return made

    alone, few, many = data(1), data(3), data(8)
    for step in (*range(8), 20):
        wanted, noise = alone.batches_for_step(step)
        numbers = [torch.rand(4, generator=x) for x in noise]
        for other in (few, many):
            got, generators = other.batches_for_step(step)
            assert len(got) == accumulate and all(torch.equal(a.frames, b.frames) for a, b in zip(wanted, got))
            assert all(torch.equal(x, b.extras[name]) for a, b in zip(wanted, got) for name, x in a.extras.items())
            assert all(torch.equal(x, torch.rand(4, generator=its)) for x, its in zip(numbers, generators, strict=True))
