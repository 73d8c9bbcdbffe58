"""What `python -m vp data` finds in a folder: counts, a sheet, and every damaged file by name."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vp.result.survey import colour_by_number, draw_contact_sheet, survey_dataset


def clip(path, frames: int = 6, side: int = 32, seed: int = 0) -> bytes:
    """An MJPEG clip of a moving square."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (side, side))
    ground = np.random.default_rng(seed).integers(0, 99, (side, side, 3), np.uint8)
    for t in range(frames):
        frame = ground.copy()
        frame[8:16, t : t + 8] = 255
        writer.write(frame)
    writer.release()
    return path.read_bytes()


@pytest.fixture
def two_hundred(tmp_path):
    """100 clips and 100 files that are damaged or none: empty, text, noise, cut off, other kinds, broken arrays."""
    noise = np.random.default_rng(0)
    for index in range(100):
        clip(tmp_path / f"good-{index}.avi", seed=index)
    whole = clip(tmp_path / "good-0.avi", frames=40)
    for index in range(20):
        (tmp_path / f"empty-{index}.mp4").touch()
        (tmp_path / f"text-{index}.webm").write_text("these are words\n" * 50)
        (tmp_path / f"noise-{index}.mkv").write_bytes(noise.bytes(3_000))
        (tmp_path / f"cut-{index}.avi").write_bytes(whole[: 300 + 10 * index])
        (tmp_path / f"other-{index}.docx").write_bytes(noise.bytes(3_000))
    (tmp_path / "cut-0.avi").write_bytes(whole[: len(whole) // 2])  # half of it can be decoded
    (tmp_path / "other-0.npz").write_bytes(noise.bytes(3_000))
    frames = tmp_path / "frames"
    frames.mkdir()
    for t in range(5):
        cv2.imwrite(str(frames / f"{t}.png"), noise.integers(0, 256, (32, 32, 3), np.uint8))
    (frames / "3.png").write_bytes(b"\x89PNG and then nothing")  # found only when all is decoded
    return tmp_path


def test_a_folder_half_of_damaged_files_is_scanned_to_its_end(two_hundred, tmp_path):
    seen = []

    def watch(items, what):
        for item in items:
            seen.append(what)
            yield item

    out = tmp_path / "sheet" / "all.png"
    result = survey_dataset("folder", two_hundred, out, size=32, watch=watch)
    # 20 empty, text and noise each, 19 cut off, 20 of other kinds and an array, and the folder with a damaged frame
    assert result["left_out"] == 20 + 20 + 20 + 19 + 20 + 1 + 1
    assert sum(row["recordings"] for row in result["splits"].values()) == 101
    assert all(row["recordings"] for row in result["splits"].values())
    assert len(result["first_left_out"]) == 20 and all(reason for _, reason in result["first_left_out"])
    half = sum(row["frames"] for row in result["splits"].values()) - (99 * 6 + 40)
    assert 10 < half < 30 and not result["notes"], "frames of a file that was cut off are counted, not promised"
    assert len(seen) == 202 + 102, "every file, and every recording"
    picture = cv2.imread(str(out))
    assert picture.shape == (12 * (32 + 14), 8 * 32, 3) and picture.std() > 20


def test_the_reasons_name_the_file_and_what_is_wrong(two_hundred, tmp_path, monkeypatch):
    monkeypatch.setattr("vp.result.survey.LISTED", 1_000)
    reasons = dict(survey_dataset("folder", two_hundred, tmp_path / "sheet.png", size=16)["first_left_out"])
    assert "empty-7.mp4 is empty" in reasons["empty-7.mp4"] and "text file" in reasons["text-3.webm"]
    assert "no pictures that can be decoded" in reasons["noise-9.mkv"] and "decoded" in reasons["cut-5.avi"]
    assert reasons["other-4.docx"] == "neither a clip, a picture nor an array file"
    assert "other-0.npz is damaged" in reasons["other-0.npz"] and reasons["frames"] == "3.png is damaged or no picture"


def test_nothing_but_damage_and_an_unknown_name_get_one_sentence(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"")
    with pytest.raises(ValueError, match="no recordings of folder .*1 files left out, first a.mp4: a.mp4 is empty"):
        survey_dataset("folder", tmp_path, tmp_path / "sheet.png")
    with pytest.raises(ValueError, match="there is no data set 'kht'; there are smmnist-svg"):
        survey_dataset("kht", tmp_path, tmp_path / "sheet.png")


def test_splits_beyond_the_usual_three_are_counted_where_there_are_any(tmp_path):
    lines = ["file,source,fps,frames,split"]
    for index, split in enumerate(("train", "train", "dev", "example")):
        clip(tmp_path / f"{index}.avi", seed=index)
        lines.append(f"{index}.avi,source {index % 2 if split == 'train' else index},25,6,{split}")
    (tmp_path / "index.csv").write_text("\n".join(lines))
    result = survey_dataset("folder", tmp_path, tmp_path / "sheet.png", size=16)
    assert {split: row["recordings"] for split, row in result["splits"].items()} == {
        "train": 2, "dev": 1, "val": 0, "test": 0, "example": 1,
    }  # fmt: skip


def test_simulators_count_what_they_are_made_of(tmp_path):
    result = survey_dataset("smmnist-svg", tmp_path, tmp_path / "sheet.png")
    assert result["made_of"]["train"] == {"strokes digits": 6_000} and (tmp_path / "sheet.png").stat().st_size > 1_000


def test_a_sheet_shows_masks_in_colours():
    masks = np.zeros((8, 4, 4, 1), np.uint8)
    masks[:, 2:, :, 0] = 1
    picture = draw_contact_sheet([("train  a", colour_by_number(masks))])
    assert picture.shape == (14 + 4, 32, 3)
    assert picture[14:16].max() == 0 and (picture[16:] == (89, 151, 223)).all()


def test_the_push_world_is_shown_in_colour(tmp_path):
    pytest.importorskip("pymunk")
    result = survey_dataset("push", None, tmp_path / "sheet.png")
    assert result["made_of"]["train"] == {"episodes": 4_000} and (tmp_path / "sheet.png").stat().st_size > 1_000
