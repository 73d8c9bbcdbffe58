"""Folders of pictures as people bring them: numbers that leap, several clips in a folder, other formats, KTH as frames."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from vp.data import DATASETS, Framing, open_dataset
from vp.data.readers.numbering import find_sequences
from vp.data.splits import assign_splits
from vp.result.survey import survey_dataset

from .makers import moving, write_clip, write_frames, write_tfrecord


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def scan(name, root):
    found = DATASETS[name].scan(name, root)
    return found, assign_splits(found.recordings)


def write_named(folder: Path, names: list[str], frames: np.ndarray | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in zip(names, moving(len(names)) if frames is None else frames):
        assert cv2.imwrite(str(folder / name), frame[..., ::-1] if frame.ndim == 3 else frame)


# --- which pictures follow each other ---


def spans(names: list[str]) -> list[tuple[str, list[list[str]]]]:
    """(key, stretches of names) of the clips among pictures."""
    found = find_sequences([Path("clip") / name for name in names])
    return [
        (clip.key, [[path.name for path in clip.paths[a:b]] for a, b in clip.parts or ((0, len(clip.paths)),)]) for clip in found
    ]


def numbered(pattern: str, *numbers) -> list[str]:
    return [pattern.format(*n) if isinstance(n, tuple) else pattern.format(n) for n in numbers]


@pytest.mark.parametrize(
    "stretches",
    [
        [numbered("{}.png", *range(10)), numbered("{}.png", *range(500, 510))],
        [numbered("img{:05}.jpg", *range(0, 50, 5)), numbered("img{:05}.jpg", *range(200, 250, 5))],
        [numbered("{}.png", *range(1305031102, 1305031110)), numbered("{}.png", *range(1305031990, 1305031995))],
        [numbered("{:.6f}.png", *np.arange(8) / 30), numbered("{:.6f}.png", *(9 + np.arange(8) / 30))],
        [numbered("cam_20240229_2359{:02}.jpg", 57, 58, 59) + numbered("cam_20240301_0000{:02}.jpg", 0, 1, 2),
         numbered("cam_20240301_0600{:02}.jpg", 0, 1, 2)],
    ],
)  # fmt: skip
def test_numbers_that_leap_part_a_clip_and_steps_of_any_size_and_a_lost_frame_do_not(stretches):
    names = [name for stretch in stretches for name in stretch]
    ((_, found),) = spans(names[::-1])
    assert found == stretches
    ((_, found),) = spans([name for name in names if name != stretches[0][1]])
    assert len(found) == len(stretches)


@pytest.mark.parametrize(
    "clips",
    [
        {"cat": numbered("cat_{:03}.png", *range(6)), "dog": numbered("dog_{:03}.png", *range(6))},
        {"a1": numbered("a1-{}.jpg", *range(9, 13)), "a2": numbered("a2-{}.jpg", *range(9, 13))},
        {f"v_Run_g01_c0{c}": numbered(f"v_Run_g01_c0{c}_{{:04}}.jpg", *range(5)) for c in (1, 2, 3)},
        {"image_64x64": numbered("image-{:03}_64x64.png", *range(4)), "image_9x9": numbered("image-{:03}_9x9.png", *range(4))},
        {"rgb": numbered("{}rgb.png", *range(4)), "depth": numbered("{}depth.png", *range(4))},
    ],
)
def test_clips_whose_frames_lie_in_one_folder_are_told_apart_by_their_names(clips):
    assert dict(spans([name for its in clips.values() for name in its])) == {key: [its] for key, its in clips.items()}


@pytest.mark.parametrize(
    "names",
    [
        numbered("frame_{:06}_{}.png", *((i, 1403715273262142976 + 50_000_000 * i) for i in range(6))),
        ["a.png", "b.png", "c.png"],
        ["first.png", "second.png", "third.png"],
        numbered("cam1.{}.png", *range(8, 13)),
        numbered("image-{:03}_64x64.png", *range(1, 6)),
        numbered("13{}.png", *"0123456789"),
    ],
)
def test_names_that_tell_one_clip_stay_one_in_order(names):
    ((key, (found,)),) = spans(names)
    assert found == names


def test_no_window_goes_across_a_leap_and_clips_of_one_folder_are_recordings(tmp_path):
    shades = np.repeat(np.arange(20, dtype=np.uint8)[:, None, None, None], 16, 1).repeat(16, 2).repeat(3, 3)
    write_named(tmp_path / "leap", numbered("{}.png", *range(10), *range(500, 510)), shades)
    found, _ = scan("folder", tmp_path)
    assert [(r.name, r.longest) for r in found.recordings] == [("leap", 10)]
    starts = open_dataset("folder", "all", tmp_path, framing=Framing(16)).batch(60, 8, gen()).frames[:, 0, 0, 0, 0]
    assert set(starts.tolist()) == {0, 1, 2, 10, 11, 12}
    write_named(tmp_path / "pets", [*numbered("cat_{}.png", *range(6)), *numbered("dog_{}.png", *range(6)), "cover.png"])
    found, split = scan("folder", tmp_path / "pets")
    assert [r.name for r in found.recordings] == ["pets/cat_0 to cat_5", "pets/dog_0 to dog_5"]
    assert len(split) == 2 and [reason for _, reason in found.left_out] == [
        "cover.png has one picture only; give 2 frames or more"
    ]


def test_the_lab_s_actions_stay_with_their_frames_across_a_leap(tmp_path):
    folder = tmp_path / "train" / "g" / "a"
    write_named(folder, numbered("{}.png", *range(6), *range(90, 96)))
    np.savetxt(folder / "actions.csv", np.arange(12)[:, None], delimiter=",")
    clips = open_dataset("bair-lab", "train", tmp_path)
    actions = clips.batch(20, 6, gen()).actions[:, :, 0]
    assert set(actions[:, 0].tolist()) == {0, 6} and (actions.diff(dim=1) == 1).all()


# --- what shows one person or comes from one source ---


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (("walk_person01_a.avi", "run/person1.avi", "person02.avi"), 2),
        (("v_Run_g01_c01.avi", "v_Run_g01_c02.avi", "v_Run_g02_c01.avi"), 2),
        (("film_part1.avi", "film_part2.avi", "film.avi", "other.avi"), 2),
        (("subject_3/a.avi", "subject_3/b.avi", "subject_4/a.avi"), 2),
        (("abcDEF_000010_000020.avi", "abcDEF_000100_000110.avi"), 1),
        (("clip_1.avi", "clip_2.avi", "clip_3.avi"), 3),
        (("cat_001.avi", "cat_002.avi"), 2),
    ],
)
def test_a_split_never_tears_apart_what_names_say_is_of_one_person_or_source(tmp_path, names, groups):
    for name in names:
        write_clip(tmp_path / name, moving(4))
    found, split = scan("folder", tmp_path)
    assert len(found.recordings) == len(names) and len(split) == groups


def test_frames_taken_out_of_a_video_are_of_its_source_and_a_person_in_two_splits_stays_in_both(tmp_path):
    write_clip(tmp_path / "dance.avi", moving(4))
    write_frames(tmp_path / "dance", moving(4))
    assert len(scan("folder", tmp_path)[1]) == 1
    for split in ("train", "test"):
        write_clip(tmp_path / "two" / split / "person01.avi", moving(4))
    assert set(scan("folder", tmp_path / "two")[1].values()) == {"train", "test"}


# --- KTH as folders of frames ---


@pytest.fixture
def kth_frames(tmp_path):
    """As SVG's script writes them: handwaving/person01_handwaving_d1_uncomp/image-001_64x64.png; brightness = the number."""
    shades = np.repeat(np.arange(1, 41, dtype=np.uint8)[:, None, None, None], 64, 1).repeat(64, 2).repeat(3, 3)
    for person in (1, 7, 22):
        for scene in (1, 2):
            clip = f"person{person:02}_handwaving_d{scene}_uncomp"
            write_named(tmp_path / "handwaving" / clip, numbered("image-{:03}_64x64.png", *range(1, 41)), shades)
    return tmp_path


def test_kth_as_frames_is_split_by_person_and_keeps_to_the_listed_stretches(kth_frames):
    found, split = scan("kth", kth_frames)
    assert split == {"person01": "train", "person07": "val", "person22": "test"} and len(found.recordings) == 6
    (kth_frames / "00sequences.txt").write_text(
        "person01_handwaving_d1\tframes\t1-10, 21-30\nperson01_handwaving_d2\tframes\t5-12\n"
    )
    found, _ = scan("kth", kth_frames)
    assert [r.spans() for r in found.recordings[:2]] == [[(0, 10), (20, 30)], [(4, 12)]] and not found.left_out
    numbers = open_dataset("kth", "train", kth_frames).batch(60, 8, gen()).frames[:, :, 0, 0, 0]
    assert (numbers.diff(dim=1) == 1).all() and set(numbers[:, 0].tolist()) == {1, 2, 3, 21, 22, 23, 5}


@pytest.mark.parametrize("layout", ["stretches alone", "a folder a sequence", "flat", "counted from 0"])
def test_other_ways_in_which_kth_s_frames_are_kept(layout, tmp_path):
    clip = "person22_boxing_d1_uncomp"
    (tmp_path / "00sequences.txt").write_text("person22_boxing_d1\tframes\t1-8, 31-38\n")
    if layout == "stretches alone":
        write_named(tmp_path / "boxing" / clip, numbered("image-{:03}_64x64.png", *range(1, 9), *range(31, 39)))
        expected = [[(0, 8), (8, 16)]]
    elif layout == "a folder a sequence":
        for first in (1, 31):
            write_named(tmp_path / clip / str(first), numbered("{:04}.jpg", *range(first, first + 8)))
        expected = [[(0, 8)], [(0, 8)]]
    elif layout == "flat":
        write_named(tmp_path, numbered(clip + "_{:03}.png", *range(1, 41)))
        write_named(tmp_path, numbered(clip.replace("22", "23") + "_{:03}.png", *range(1, 41)))
        expected = [[(0, 8), (30, 38)], [(0, 40)]]
    else:
        write_named(tmp_path / clip, numbered("{}.png", *range(40)))
        expected = [[(0, 8), (30, 38)]]
    found, split = scan("kth", tmp_path)
    assert [r.spans() for r in found.recordings] == expected and set(split.values()) == {"test"} and not found.left_out


def test_the_pictures_of_somebody_s_holiday_are_no_kth(kth_frames):
    write_frames(kth_frames / "holiday", moving(3))
    found, _ = scan("kth", kth_frames)
    assert len(found.recordings) == 6
    said = "no folder of frames named like a KTH clip, person01_boxing_d1_uncomp/image-001.png"
    assert found.left_out == [("holiday", said)]


# --- pictures of many bits, and of other formats ---


def decoded(root, **framing) -> tuple[np.ndarray, tuple[str, ...]]:
    clips = open_dataset("folder", "all", root, framing=Framing(**{"size": 64, **framing}))
    clip = clips.decode(clips.recordings[0])
    assert clip is not None, clips.refused
    return clip.frames.numpy(), clip.notes


@pytest.mark.parametrize(
    ("suffix", "kind", "low", "high"),
    [
        (".png", np.uint16, 1000, 3000),
        (".tif", np.uint16, 7000, 9100),
        (".png", np.uint16, 0, 65535),
        (".tif", np.float32, -1.5, 2.0),
    ],
)
def test_pictures_of_many_bits_are_shown_by_the_range_of_their_recording(suffix, kind, low, high, tmp_path):
    frames = np.linspace(low, high, 4)[:, None, None].repeat(64, 1).repeat(64, 2)
    frames[:, :32] = low
    write_named(tmp_path / "deep", numbered("{}" + suffix, *range(4)), frames.astype(kind))
    shown, (note,) = decoded(tmp_path)
    assert shown[:, 0, 40, 0].tolist() == [0, 85, 170, 255] and not shown[:, :, 0].any(), "one range for all frames"
    assert f"their own range, {low:g} to {high:g}, is shown" in note
    told = survey_dataset("folder", tmp_path, tmp_path / "sheet.png")["notes"]
    assert told == [f"deep: {note}"]


def test_deep_pictures_in_other_places_have_their_own_range_too(tmp_path):
    from .test_readers import bridge_record

    deep = (1000 + 100 * np.arange(5, dtype=np.uint16))[:, None, None, None].repeat(16, 1).repeat(16, 2).repeat(3, 3)
    write_tfrecord(tmp_path / "bridge" / "b-train.tfrecord-00000-of-00001", [bridge_record(deep, np.zeros((5, 7), np.float32))])
    shown = open_dataset("bridge", "train", tmp_path).batch(1, 5, gen()).frames[0, :, 0, 0, 0]
    assert shown.tolist() == [0, 64, 127, 191, 255]
    folder = tmp_path / "lab" / "train" / "g" / "a"
    write_named(folder, numbered("{}.png", *range(5)), deep)
    assert open_dataset("bair-lab", "train", tmp_path / "lab").batch(1, 5, gen()).frames.max() == 255
    write_named(tmp_path / "mixed", numbered("{}.png", *range(2)), deep[:2])
    write_named(tmp_path / "mixed", numbered("{}.png", 2), moving(1, side=16))
    with pytest.raises(ValueError, match="mixed holds pictures of uint16 and uint8; frames of one clip have one depth"):
        open_dataset("folder", "all", tmp_path / "mixed").batch(1, 2, gen())


@pytest.mark.parametrize("suffix", [".tif", ".tiff", ".webp", ".ppm", ".pnm", ".TIF", ".bmp"])
def test_every_usual_format_of_pictures_is_read(suffix, tmp_path):
    write_named(tmp_path / "clip", numbered("{}" + suffix, *range(4)))
    shown, notes = decoded(tmp_path)
    assert np.abs(shown.transpose(0, 2, 3, 1).astype(int) - moving(4)).mean() < 4 and not notes


@pytest.mark.parametrize("names", [("10²5.png", "10²6.png"), ("①.png", "②.png"), ("x³.png", "x⁴.png"), ("٣.png", "٤.png")])
def test_digits_that_are_no_decimals_do_not_stop_a_scan(names, tmp_path):
    write_frames(tmp_path / "clip", moving(2))
    for old, new in zip(sorted((tmp_path / "clip").iterdir()), names):
        old.rename(tmp_path / "clip" / new)
    assert [r.promised for r in scan("folder", tmp_path)[0].recordings] == [2]


def test_a_picture_of_many_pages_is_a_clip(tmp_path):
    pages = [Image.fromarray(frame) for frame in moving(5)]
    pages[0].save(tmp_path / "cells.tif", save_all=True, append_images=pages[1:])
    write_named(tmp_path, numbered("{}.tif", *range(3)))
    found, _ = scan("folder", tmp_path)
    assert sorted(r.promised for r in found.recordings) == [3, 5]
    clips = open_dataset("folder", "all", tmp_path)
    clip = next(clips.decode(r) for r in clips.recordings if r.promised == 5)
    assert (clip.frames.permute(0, 2, 3, 1).numpy() == moving(5)).all()
