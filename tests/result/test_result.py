"""The Result record: JSON without NaN, sheets without loss, and the files made of it."""

import csv
import io
import json
import re

import cv2
import numpy as np
import pytest

from vp.result.export import WRITERS, render_page, to_csv, write_all, write_files
from vp.result.montage import KNOWN, MADE, draw_montage, plan_tiles
from vp.result.result import Result, Row
from vp.result.sprite_sheet import SIDE, Layout, pack_rows, unpack_row


def noise(length=6, height=16, width=12, channels=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (length, height, width, channels), np.uint8)


def result(length=6, **shape):
    """Truth, best (a copy of the second sample) and two samples; the last frame has no truth; one PSNR is infinite."""
    samples = [noise(length, seed=k, **shape) for k in (1, 2)]
    rows = (
        Row("truth", "Ground truth", noise(length, **shape)),
        Row("best", "Best of 2", samples[1], seed=8),
        Row("sample", "Sample 1", samples[0], "a </script> note", seed=7),
        Row("sample", "Sample 2", samples[1], seed=8),
    )
    scores = np.full((4, length), np.nan)
    scores[1:, 2:-1] = [[30.0], [10.0], [30.0]]
    known = np.arange(length) < 2
    kl = np.where(known, np.inf, 1.0) * np.ones((4, 1))
    has_truth = np.arange(length) < length - 1
    events, model, options = ((3, "wall hit"),), {"name": "m"}, {"prior": "x"}
    return Result(rows, known, has_truth, 10.0, {"psnr_db": scores}, {"kl": kl}, events, model, options)


@pytest.mark.parametrize("shape", [{}, {"length": 200, "height": 40, "width": 40, "channels": 3}])
def test_saving_and_loading_loses_nothing(tmp_path, shape):
    before = result(**shape)
    before.save(tmp_path)
    after = Result.load(tmp_path)
    assert after.record() == before.record()
    for a, b in zip(after.rows, before.rows, strict=True):
        assert np.array_equal(a.frames, b.frames)


def test_photographs_can_be_saved_as_a_browser_is_sent_them(tmp_path):
    ground = np.random.default_rng(0).integers(60, 200, (24, 32, 3), dtype=np.uint8)
    frame = np.kron(ground, np.ones((8, 8, 1), np.uint8)) + np.random.default_rng(1).integers(
        0, 40, (192, 256, 3), dtype=np.uint8
    )
    frames = np.stack([np.roll(frame, t, 1) for t in range(4)])
    known = np.arange(4) < 2
    before = Result((Row("truth", "Truth", frames), Row("sample", "S", frames.copy())), known, np.ones(4, bool), 10.0)
    paths = before.save(tmp_path, lossless=False)
    assert [path.name for path in paths] == ["result.json", "sheet-0.jpg"] and paths[1].stat().st_size < frames.nbytes / 2
    after = Result.load(tmp_path)
    assert np.abs(after.rows[0].frames.astype(int) - frames).mean() < 12 and after.record() == before.record()
    for bytes_ in (b"", b"\xff\xd8\xff", b"GIF89a", paths[1].read_bytes()[:50]):
        paths[1].write_bytes(bytes_)
        with pytest.raises(ValueError, match="no PNG or JPEG"):
            Result.load(tmp_path)


def test_the_record_is_strict_json_and_missing_numbers_are_null():
    text = json.dumps(result().record(), allow_nan=False)  # raises on NaN and infinity
    record = json.loads(text)
    assert record["metrics"]["psnr_db"]["values"][0] is None
    assert record["metrics"]["psnr_db"]["values"][2] == [None, None, 10.0, 10.0, 10.0, None]
    assert record["traces"]["kl"]["values"][0][:3] == [None, None, 1.0]
    assert record["metrics"]["psnr_db"]["summary"] == {"best": 30.0, "mean": 20.0, "worst": 10.0, "best_row": 3}


def test_a_row_that_shows_another_rows_frames_takes_no_room():
    record = result().record()
    assert [row["line"] for row in record["rows"]] == [0, 1, 2, 1]
    assert sum(sheet.shape[0] for sheet in result().sheets()) == 3 * 16


@pytest.mark.parametrize("rows, length, side", [(1, 1, 1), (19, 30, 64), (5, 300, 64), (40, 100, 256), (70, 65, 64)])
def test_sheets_stay_small_and_give_every_frame_back(rows, length, side):
    layout = Layout.plan(rows, length, side, side)
    strips = [np.full((length, side, side, 1), k, np.uint8) for k in range(rows)]
    for strip in strips:
        strip[:, 0, 0, 0] = np.arange(length)
    sheets = pack_rows(strips, layout)
    assert max(max(sheet.shape[:2]) for sheet in sheets) <= SIDE
    for k, strip in enumerate(strips):
        assert np.array_equal(unpack_row(sheets, layout, k * layout.lines_per_row), strip)


def test_frames_larger_than_a_sheet_and_foreign_folders_are_refused_in_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="at most 4096 px"):
        Layout.plan(1, 1, 5000, 10)
    with pytest.raises(ValueError, match="no readable result.json"):
        Result.load(tmp_path)
    (tmp_path / "result.json").write_text(json.dumps({"format": "vp-result", "version": 99}))
    with pytest.raises(ValueError, match="99"):
        Result.load(tmp_path)


def test_the_page_holds_everything_and_asks_for_nothing():
    text = render_page(result())
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", text)
    assert not re.search(r"@import|url\([\"']?http", text)
    assert text.count("</script>") == 1  # the note's own is escaped
    assert text.count("data:image/png;base64,") == len(result().sheets())


def test_the_csv_has_one_line_per_row_and_frame():
    lines = list(csv.DictReader(io.StringIO(to_csv(result()))))
    assert len(lines) == 4 * 6
    third = [line for line in lines if line["row"] == "Sample 1" and line["t"] == "2"][0]
    assert third["psnr_db"] == "10" and third["known"] == "0" and lines[0]["psnr_db"] == ""


def test_the_montage_is_green_on_context_red_on_generated_and_even():
    frames = draw_montage(result(height=33, width=31))
    assert frames.shape[1] % 2 == 0 and frames.shape[2] % 2 == 0
    seen = [{tuple(colour) for colour in frame.reshape(-1, 3)[::1].tolist()} for frame in frames]
    assert all(KNOWN in colours and MADE not in colours for colours in seen[:2])
    assert all(MADE in colours for colours in seen[2:])


def test_every_file_is_written(tmp_path):
    said = write_all(result(), tmp_path)
    json.dumps(said, allow_nan=False)
    names = {"futures.mp4", "futures.gif", "result.html", "metrics.csv", "metrics.json", "frames.npz"}
    assert {path.name for path in tmp_path.iterdir()} == names == set(said["files"])
    arrays = np.load(tmp_path / "frames.npz")
    assert arrays["futures"].shape == (2, 6, 16, 12, 1) and arrays["truth"].dtype == np.uint8
    assert np.array_equal(arrays["known"], result().known) and np.array_equal(arrays["has_truth"], result().has_truth)


def drawn_and_filmed(height=96, width=160):
    """Frames of a drawing, and of what a camera sees, uint8 (6, H, W, 3)."""
    drawing = np.zeros((6, height, width, 3), np.uint8)
    for t, frame in enumerate(drawing):
        frame[20:50, 10 + 8 * t : 40 + 8 * t] = (200, 90, 10)
    ramp = np.linspace(0, 200, width)[None, None, :, None] + noise(6, height, width) / 16
    return drawing, (ramp * [1, 0.9, 0.7]).astype(np.uint8)


def test_photographs_are_sent_as_jpeg_and_drawings_and_small_frames_without_loss():
    drawing, filmed = drawn_and_filmed()
    known = np.arange(6) < 2
    for frames, kind in ((drawing, "image/png"), (filmed, "image/jpeg"), (filmed[:, :64, :64], "image/png")):
        made = Result((Row("truth", "Ground truth", np.ascontiguousarray(frames)),), known, known, 10.0)
        sent, pictures = made.pictures()
        assert sent == kind
        shown = cv2.imdecode(np.frombuffer(pictures[0], np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        difference = np.abs(shown.astype(int) - made.sheets()[0])
        assert difference.mean() < 3 if kind == "image/jpeg" else not difference.any()
        assert f"data:{kind};base64," in render_page(made)
        assert kind == "image/png" or len(pictures[0]) < frames.nbytes / 6


@pytest.mark.parametrize("rows", [1, 2, 13])
@pytest.mark.parametrize(("height", "width"), [(512, 288), (219, 512), (512, 512), (1080, 1920), (128, 228), (20, 400), (64, 64)])
def test_a_montage_keeps_the_aspect_and_fits_a_screen(rows, height, width):
    tile_height, tile_width, columns = plan_tiles(rows, height, width)
    assert tile_width / tile_height == pytest.approx(width / height, rel=0.08)
    lines = -(-rows // columns)
    assert columns * (tile_width + 18) + 12 <= 1282 and lines * (tile_height + 40) + 38 <= 962
    if max(height, width) > 128:
        assert tile_width <= width


def test_a_montage_of_large_frames_shows_them_all():
    _, filmed = drawn_and_filmed(300, 500)
    known = np.arange(6) < 2
    movie = draw_montage(Result(tuple(Row("sample", f"Sample {k}", filmed) for k in range(5)), known, known, 10.0))
    assert movie.shape[0] == 6 and movie.shape[1] % 2 == movie.shape[2] % 2 == 0 and movie.shape[2] <= 1280


@pytest.mark.parametrize(
    "error", [OSError("no room left\non the disk"), ValueError("ushort"), RuntimeError(), MemoryError("too much")]
)
def test_a_file_that_cannot_be_written_costs_no_other(tmp_path, monkeypatch, error):
    def fails(made, path):
        path.write_bytes(b"half")
        raise error

    monkeypatch.setitem(WRITERS, "futures.mp4", fails)
    said = write_all(result(), tmp_path)
    assert set(said["files"]) == set(WRITERS) - {"futures.mp4"} == {path.name for path in tmp_path.iterdir()}
    told = [note for note in said["failed"] if note.startswith("futures.mp4 could not be written: ")]
    assert len(told) == 1 and "\n" not in told[0]
    with pytest.raises(ValueError, match="futures.mp4 could not be written"):
        write_files(result(), tmp_path / "more", ("futures.mp4", "metrics.csv"))
    assert [path.name for path in (tmp_path / "more").iterdir()] == ["metrics.csv"]
