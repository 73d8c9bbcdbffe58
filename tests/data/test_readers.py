"""Every layout in small: what is found, how it is split, what is left out and why, and that pixels and actions arrive."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from vp.core.crops import Crops
from vp.data import DATASETS, Framing, open_dataset, write_mp4
from vp.data.readers.files import natural_key
from vp.data.splits import assign_splits
from vp.result.survey import survey_dataset

from .makers import bair_record, bridge_record, moving, write_clip, write_frames, write_tfrecord


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def scan(name, root):
    """The found, and group -> split."""
    found = DATASETS[name].scan(name, root)
    return found, assign_splits(found.recordings)


def names(found) -> list[str]:
    return [recording.name for recording in found.recordings]


def actions_of(frames: int, seed: int = 0, numbers: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(frames, numbers)).astype(np.float32)


def test_natural_order():
    assert sorted(["10.png", "9.png", "a2", "a10", "1.png"], key=natural_key) == ["1.png", "9.png", "10.png", "a2", "a10"]


# --- KTH ---


@pytest.fixture
def kth(tmp_path):
    """Persons 1, 4, 7 and 22 in class folders; frame t of a clip has the brightness 2 t."""
    shades = np.repeat(np.arange(60, dtype=np.uint8)[:, None, None, None] * 2, 120, 1).repeat(160, 2).repeat(3, 3)
    for name in ("person01_walking_d1_uncomp", "person04_walking_d2_uncomp", "person07_walking_d1", "person22_boxing_d3_uncomp"):
        write_clip(tmp_path / "kth" / name.split("_")[1] / f"{name}.avi", shades)
    write_clip(tmp_path / "kth" / "person01_boxing.avi", shades)
    (tmp_path / "kth" / "boxing" / "holiday.avi").write_bytes(b"RIFF")
    (tmp_path / "kth" / "00sequences.txt").write_text(
        "person01_walking_d1\t\tframes\t1-10, 31-45\nperson04_walking_d2   \tframes\t50-58, 1-20\n"
        "person13_boxing_d3\t*missing*\n\nperson22_boxing_d3\tframes\t55-900\r\n"
    )
    return tmp_path


def test_kth_is_split_by_person_and_uses_the_listed_stretches_only(kth):
    found, split = scan("kth", kth)
    assert split == {"person01": "train", "person04": "train", "person07": "val", "person22": "test"}
    assert found.left_out == [("boxing/holiday.avi", "not named like a KTH clip, person01_boxing_d1_uncomp.avi")]
    parts = {recording.name.rpartition("/")[2]: recording.spans(60) for recording in found.recordings}
    assert parts["person01_walking_d1_uncomp.avi"] == [(0, 10), (30, 45)]
    assert parts["person04_walking_d2_uncomp.avi"] == [(0, 20), (49, 58)]
    assert parts["person22_boxing_d3_uncomp.avi"] == [(54, 60)]
    assert parts["person01_boxing.avi"] == parts["person07_walking_d1.avi"] == [(0, 60)], "not in the list: all of it"


def test_kth_clips_are_grey_squeezed_and_inside_the_stretches(kth):
    (kth / "kth" / "person01_boxing.avi").unlink()  # the one that is used whole
    source = open_dataset("kth", "train", kth)
    assert (source.name, source.channels, source.size, source.fps) == ("kth", 1, 64, 25.0)
    batch = source.batch(200, 9, gen())
    assert batch.frames.shape == (200, 9, 1, 64, 64) and batch.actions is None and set(batch.extras) == {"recording"}
    shown = (batch.frames.float().mean((2, 3, 4)) / 2).round().int()  # the frame's number
    assert (shown.diff(dim=1) == 1).all()
    assert set(shown[:, 0].tolist()) == {0, 1, *range(30, 37), *range(0, 12), 49}
    folder_itself = open_dataset("kth", "test", kth / "kth")
    assert folder_itself.batch(1, 6, gen()).frames.float().mean() == pytest.approx(2 * 56.5, abs=2)


def test_kth_without_its_list_says_so(kth):
    (kth / "kth" / "00sequences.txt").unlink()
    found, _ = scan("kth", kth)
    assert found.notes == ["There is no 00sequences.txt with stretches of frames, so empty frames are not excluded."]


# --- names that say who or what ---


def test_ucf101_keeps_groups_together_as_the_official_split_does(tmp_path):
    for group in (1, 7, 8, 9, 10, 25):
        for clip in (1, 2):
            write_clip(tmp_path / "UCF-101" / "Archery" / f"v_Archery_g{group:02}_c{clip:02}.avi", moving(4))
    write_clip(tmp_path / "UCF-101" / "other.avi", moving(4))
    found, split = scan("ucf101", tmp_path)
    by_number = {recording.group[-2:]: split[recording.group] for recording in found.recordings}
    assert by_number == {"01": "test", "07": "test", "08": "val", "09": "val", "10": "train", "25": "train"}
    assert len(found.recordings) == 12 and found.left_out == [("other.avi", "not named like v_Archery_g01_c01.avi")]


def test_gatech_keeps_persons_together(tmp_path):
    for person in (1, 2, 3):
        for action in (1, 2):
            write_clip(tmp_path / "gatech_actions" / f"PS7A{action}P{person}T1.avi", moving(4))
    found, split = scan("gatech", tmp_path)
    assert set(split.values()) == {"train", "val", "test"} and set(split) == {"1", "2", "3"}
    assert open_dataset("gatech", "train", tmp_path).batch(2, 3, gen()).frames.shape == (2, 3, 1, 64, 64)


# --- BAIR and BridgeData ---


def test_bair_records_give_frames_actions_and_positions(tmp_path):
    clips, acts = [moving(6, seed) for seed in range(5)], [actions_of(6, seed) for seed in range(5)]
    encoded = [bair_record(clip, act, main=255 - clip) for clip, act in zip(clips, acts)]
    folder = tmp_path / "softmotion30_44k"
    write_tfrecord(folder / "train" / "traj_0_to_2.tfrecords", encoded[:3])
    write_tfrecord(folder / "test" / "traj_0_to_1.tfrecords", encoded[3:])
    found, split = scan("bair", tmp_path)
    assert names(found)[:2] == ["test/traj_0_to_1.tfrecords#0", "test/traj_0_to_1.tfrecords#1"] and not found.left_out
    assert sorted(split.values()) == ["test", "test", "train", "train", "val"]
    batch = open_dataset("bair", "test", tmp_path).batch(4, 6, gen())
    assert batch.frames.shape == (4, 6, 3, 64, 64) and batch.actions.dtype == torch.float32
    for frames, actions, state in zip(batch.frames, batch.actions, batch.extras["state"]):
        index = 3 if torch.equal(frames, torch.from_numpy(clips[3]).permute(0, 3, 1, 2)) else 4
        assert torch.equal(frames, torch.from_numpy(clips[index]).permute(0, 3, 1, 2)), "the aux1 camera, bit for bit"
        assert torch.equal(actions, torch.from_numpy(acts[index])) and state[:, 0].tolist() == list(range(6))


def test_a_damaged_bair_record_is_refused_by_name_and_the_others_are_read(tmp_path):
    path = write_tfrecord(tmp_path / "train" / "a.tfrecords", [bair_record(moving(3, s), actions_of(3, s)) for s in range(4)])
    data = bytearray(path.read_bytes())
    data[len(data) // 8] ^= 1  # in the first record
    path.write_bytes(data[:-7])  # and the last one cut off
    (tmp_path / "train" / "b.tfrecords").write_bytes(b"this is no TFRecord file")
    found, _ = scan("bair", tmp_path)
    reasons = dict(found.left_out)
    assert names(found) == ["train/a.tfrecords#1", "train/a.tfrecords#2"]
    assert "wrong checksum" in reasons["train/a.tfrecords#0"] and "cut off after 3 records" in reasons["train/a.tfrecords"]
    assert "no TFRecord file from its start" in reasons["train/b.tfrecords"]


def test_bair_pictures_as_svg_s_script_writes_them(tmp_path):
    for split in ("train", "test"):
        for k in (1, 2, 3):
            write_frames(tmp_path / "processed_data" / split / "traj_0_to_255" / str(k), moving(12, k))
    found, split = scan("bair", tmp_path)
    assert len(found.recordings) == 6 and sorted(split.values()) == ["test"] * 3 + ["train"] * 2 + ["val"]
    batch = open_dataset("bair", "test", tmp_path).batch(1, 12, gen())
    shown = {k: torch.from_numpy(moving(12, k)).permute(0, 3, 1, 2) for k in (1, 2, 3)}
    assert any(torch.equal(batch.frames[0], clip) for clip in shown.values()), "10.png comes after 9.png"
    assert batch.actions is None


def test_a_bair_array_shows_the_aux_camera(tmp_path):
    aux, acts = moving(9, 1), actions_of(9)
    np.savez(tmp_path / "bair_trajectory.npz", frames=moving(9, 2), aux=aux, actions=acts)
    batch = open_dataset("bair", "train", tmp_path).batch(1, 9, gen())
    assert torch.equal(batch.frames[0], torch.from_numpy(aux).permute(0, 3, 1, 2))
    assert torch.equal(batch.actions[0], torch.from_numpy(acts))


def test_bridge_episodes_and_that_splits_share_none(tmp_path):
    episodes = [bridge_record(moving(5, s), actions_of(5, s, 7)) for s in range(4)]
    write_tfrecord(tmp_path / "bridge_dataset-train.tfrecord-00000-of-00001", episodes[:3])
    write_tfrecord(tmp_path / "bridge_dataset-val.tfrecord-00000-of-00001", episodes[2:])
    (tmp_path / "features.json").write_text("{}")
    found, split = scan("bridge", tmp_path)
    train, val = (f"bridge_dataset-{s}.tfrecord-00000-of-00001" for s in ("train", "val"))
    assert found.left_out == [(f"{val}#0", f"the same trajectory as {train}#2")]
    assert split == {f"{train}#0": "train", f"{train}#1": "train", f"{train}#2": "train", f"{val}#1": "val"}
    batch = open_dataset("bridge", "val", tmp_path).batch(1, 5, gen())
    assert torch.equal(batch.frames[0], torch.from_numpy(moving(5, 3)).permute(0, 3, 1, 2)), "camera image_0"
    assert torch.equal(batch.actions[0], torch.from_numpy(actions_of(5, 3, 7)))


# --- the lab's layout ---


@pytest.fixture
def lab(tmp_path):
    for split, clips in (("train", "ab"), ("validate", "c"), ("test", "d")):
        for clip in clips:
            folder = tmp_path / "bair_lab" / split / "group_0" / clip
            write_frames(folder, moving(11, ord(clip)))
            np.savetxt(folder / "actions.csv", actions_of(11, ord(clip)), delimiter=",")
            np.savetxt(folder / "endeffector_positions.csv", actions_of(11, 1, 3), delimiter=",")
    return tmp_path


def test_the_lab_s_layout(lab):
    found, split = scan("bair-lab", lab)
    assert split["validate/group_0/c"] == "val" and split["test/group_0/d"] == "test" and len(split) == 4
    batch = open_dataset("bair-lab", "val", lab).batch(2, 11, gen())
    assert torch.equal(batch.frames[0], torch.from_numpy(moving(11, ord("c"))).permute(0, 3, 1, 2))
    torch.testing.assert_close(batch.actions[0], torch.from_numpy(actions_of(11, ord("c"))))
    torch.testing.assert_close(batch.extras["state"][1], torch.from_numpy(actions_of(11, 1, 3)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dx,dy\n1,2\n", "row 1 of actions.csv is no row of numbers"),
        ("1,2\n3,4\n", r"actions.csv has shape \(2, 2\) for 11 frames"),
        ("1,2\n3,x\n" + "1,2\n" * 9, "actions.csv is no table of numbers"),
        ("1,2\n" * 5 + "nan,2\n" * 6, "not finite"),
    ],
)
def test_wrong_tables_of_the_lab_are_named(lab, text, says):
    (lab / "bair_lab" / "validate" / "group_0" / "c" / "actions.csv").write_text(text)
    reasons = [reason for _, reason in scan("bair-lab", lab)[0].left_out]
    if not reasons:  # what the first row cannot show is said when the clip is decoded
        with pytest.raises(ValueError) as error:
            open_dataset("bair-lab", "val", lab).batch(1, 5, gen())
        reasons = [str(error.value)]
    assert re.search(says, reasons[0])


# --- arrays ---


def test_meta_world_episodes_are_those_with_actions(tmp_path):
    np.savez_compressed(tmp_path / "hammer_0.npz", frames=moving(8), actions=actions_of(8))
    np.savez_compressed(tmp_path / "hammer_1.npz", frames=moving(8, 1), actions=actions_of(7))  # the last one leads nowhere
    np.savez_compressed(tmp_path / "no_actions.npz", frames=moving(8))
    found, split = scan("metaworld", tmp_path)
    assert names(found) == ["hammer_0.npz", "hammer_1.npz"] and set(split.values()) == {"train", "val"}
    assert [name for name, _ in found.left_out] == ["no_actions.npz"]
    for part in ("train", "val"):
        batch = open_dataset("metaworld", part, tmp_path).batch(1, 8, gen())
        one = torch.equal(batch.frames[0], torch.from_numpy(moving(8, 1)).permute(0, 3, 1, 2))
        assert torch.equal(batch.actions[0, :7], torch.from_numpy(actions_of(7) if one else actions_of(8)[:7]))
        assert not one or not batch.actions[0, 7].any()


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_moving_mnist_s_test_file_is_for_tests_only(tmp_path, suffix):
    clips = np.random.default_rng(0).integers(0, 256, (6, 20, 64, 64), np.uint8)  # (N, T, H, W)
    if suffix == ".npy":
        np.save(tmp_path / "mnist_test_seq.npy", clips.swapaxes(0, 1))  # the official order, (T, N, H, W)
    else:
        np.savez_compressed(tmp_path / "moving_mnist_test_first1000.npz", frames=clips, ids=np.arange(6))
    source = open_dataset("mmnist-test", "test", tmp_path)
    batch = source.batch(6, 20, gen())
    assert batch.frames.shape == (6, 20, 1, 64, 64) and source.channels == 1
    order = [int((clips[:, 0] == clip[0, 0].numpy()).all((1, 2)).argmax()) for clip in batch.frames]
    assert sorted(order) == list(range(6)) and (batch.frames[:, :, 0].numpy() == clips[order]).all()
    with pytest.raises(ValueError, match="mmnist-test has no recordings for train here"):
        open_dataset("mmnist-test", "train", tmp_path)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"frames": np.zeros((5, 8, 8, 3), np.float32)}, "frames float32"),
        ({"video": np.zeros((5, 8, 8, 3), np.uint8)}, "no 'frames', but video"),
        ({"frames": np.zeros((8, 8, 3), np.uint8)}, "give uint8 frames"),
    ],
)
def test_other_arrays_are_left_out_with_the_reason(tmp_path, arrays, says):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match=says):
        scan("folder", tmp_path)


# --- any folder ---


def test_any_folder_of_clips_frames_and_arrays(tmp_path, make_video):
    write_clip(tmp_path / "cats" / "one.avi", moving(9))
    for name, codec in (("two.mp4", ()), ("three.gif", ("-c:v", "gif"))):
        make_video(name, *codec, size="64x48", seconds=0.5)
    write_frames(tmp_path / "dogs" / "run", moving(12), ".jpg")
    np.savez(tmp_path / "dogs" / "sit.npz", frames=moving(9))
    write_frames(tmp_path / "still", moving(1))
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / ".hidden").write_text("nothing")
    found, _ = scan("folder", tmp_path)
    assert set(names(found)) == {"cats/one.avi", "two.mp4", "three.gif", "dogs/run", "dogs/sit.npz"}
    assert dict(found.left_out).keys() == {"notes.txt", "still"}
    assert "one picture only" in dict(found.left_out)["still"]
    batch = open_dataset("folder", "train", tmp_path, framing=Framing(size=32, channels=1)).batch(6, 5, gen())
    assert batch.frames.shape == (6, 5, 1, 32, 32)


def test_folders_named_like_splits_are_splits_and_one_file_is_a_data_set(tmp_path):
    for split in ("Train", "validation", "test"):
        write_clip(tmp_path / "mine" / split / "a.avi", moving(6))
    _, split = scan("folder", tmp_path)
    assert split == {"mine/Train/a.avi": "train", "mine/validation/a.avi": "val", "mine/test/a.avi": "test"}
    assert open_dataset("folder", "train", tmp_path / "mine" / "test" / "a.avi").batch(2, 6, gen()).frames.shape[1] == 6


def test_a_link_that_leads_back_is_followed_once(tmp_path):
    write_clip(tmp_path / "a" / "one.avi", moving(6))
    (tmp_path / "a" / "back").symlink_to(tmp_path, target_is_directory=True)
    assert len(scan("folder", tmp_path)[0].recordings) == 1


def test_pictures_of_different_sizes_are_no_clip(tmp_path):
    write_frames(tmp_path / "holiday", moving(2))
    write_frames(tmp_path / "holiday", moving(2, side=32), first=2)
    with pytest.raises(ValueError, match="holiday holds pictures of 64x64 and 32x32"):
        open_dataset("folder", "train", tmp_path).batch(1, 2, gen())


# --- clips with an index ---


HEAD = "file,source,licence,fps,frames,width,height,split"
LINES = [
    "a/one.mp4,cars,CC0,25.0,12,48,32,train",
    "a/two.mp4,cars,CC0,12.5,12,32,48,train",
    "b/three.mp4,dogs,unstated,30,12,48,32,dev",
    "four.mp4,cats,unstated,30,12,48,32,val",
    "five.mp4,hats,CC BY 4.0,30,12,48,32,example",
]
WRONG = {
    "gone.mp4,x,,30,12,48,32,val": "no such file below the folder",
    "../four.mp4,x,,30,12,48,32,val": "no such file below the folder",
    "four.mp4,cats,,fast,12,48,32,val": "fps is 'fast' and frames '12' in index.csv; give numbers",
    "four.mp4,cats,,30,1,48,32,val": "fps is 30 and frames 1 in index.csv; give a rate up to 1000 and 2 frames or more",
    "four.mp4,cats,,30,12,48,32,spare": "split is 'spare' in index.csv; give one of train, dev, val, test, example",
    "four.mp4,cats,,30,12,48,32,train": "its source cats is in val already; a source belongs to one split",
}


@pytest.fixture
def indexed(tmp_path):
    """real128/ with clips of 48x32 and 32x48 px, 12 frames each."""
    root = tmp_path / "real128"
    for line in LINES:
        name, *_, width, height, _ = line.split(",")
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_mp4(root / name, moving(12)[:, : int(height), : int(width)], 25)
    (root / "index.csv").write_text("\n".join([HEAD, *LINES, *WRONG]) + "\n")
    return tmp_path


def test_an_index_tells_lengths_rates_sources_and_splits_without_opening_clips(indexed, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("vp.data.video_decode.open_with_opencv", None)
        found, split = scan("real128", indexed)
    assert split == {"cars": "train", "dogs": "dev", "cats": "val", "hats": "example"}
    assert [reason for _, reason in found.left_out] == list(WRONG.values())
    assert names(found) == [line.split(",")[0] for line in LINES]
    assert [(r.fps, r.promised, r.group) for r in found.recordings[1:3]] == [(12.5, 12, "cars"), (30.0, 12, "dogs")]


def test_whole_frames_of_an_index_have_their_aspect_and_a_folder_laid_out_likewise_is_read_alike(indexed):
    for name, root in (("real128", indexed), ("folder", indexed / "real128")):
        clips = open_dataset(name, "all", root, framing=Framing(short_side=16))
        assert [tuple(clips.decode(r).frames.shape) for r in clips.recordings[:2]] == [(12, 3, 16, 24), (12, 3, 24, 16)]
        assert open_dataset(name, "dev", root).batch(1, 6, gen()).frames.shape == (1, 6, 3, 64, 64)
        with pytest.raises(ValueError, match=r"for test here \(train has 2, dev has 1, val has 1, example has 1\)"):
            open_dataset(name, "test", root)
    first = open_dataset("real128", "val", indexed, framing=Framing(short_side=32, most=5))
    assert first.decode(first.recordings[0]).frames.shape == (5, 3, 32, 48), "no more is decoded than asked for"


def test_clips_are_chosen_by_the_licence_that_their_index_states(indexed):
    assert len(open_dataset("real128", "all", indexed).recordings) == 5
    chosen = open_dataset("real128", "all", indexed, licences=("cc", "MIT")).recordings
    assert [recording.licence for recording in chosen] == ["CC0", "CC0", "CC BY 4.0"]
    crops = Crops(short_side=32, side=32)
    cut = DATASETS["real128"].open_crops("real128", "train", indexed, crops, 3, licences=("CC0",))
    assert {recording.licence for recording in cut.recordings} == {"CC0"}
    with pytest.raises(ValueError, match="no recordings for dev under CC0; there are: unstated"):
        open_dataset("real128", "dev", indexed, licences=("CC0",))
    with pytest.raises(ValueError, match="push is made on the fly, under one licence .*leave --licences out"):
        open_dataset("push", licences=("CC0",))


def test_an_index_of_something_else_is_just_another_file(tmp_path):
    write_clip(tmp_path / "one.avi", moving(6))
    (tmp_path / "index.csv").write_text("file,licence\none.avi,CC0\n")
    found, _ = scan("folder", tmp_path)
    assert names(found) == ["one.avi"] and [name for name, _ in found.left_out] == ["index.csv"]
    with pytest.raises(ValueError, match="no recordings of real128 .*looks for index.csv with the columns file, source, fps"):
        scan("real128", tmp_path)


# --- whole frames ---


@pytest.mark.parametrize("name", ["kth", "folder", "folder of pictures", "arrays", "bair", "davis", "bair-lab", "pose"])
def test_every_reader_gives_whole_frames_at_a_short_side(name, tmp_path):
    wide, key = moving(6)[:, :48], name.partition(" ")[0]
    if name == "kth":
        write_clip(tmp_path / "person01_boxing_d1_uncomp.avi", wide)
    elif name == "folder":
        write_clip(tmp_path / "one.avi", wide)
    elif name == "folder of pictures":
        write_frames(tmp_path / "one", wide)
    elif name == "arrays":
        key = "folder"
        np.savez(tmp_path / "one.npz", frames=wide)
        np.savez(tmp_path / "grey.npz", frames=wide[None, ..., 0])
    elif name == "bair":
        write_tfrecord(tmp_path / "train" / "a.tfrecords", [bair_record(moving(6), actions_of(6))])
    elif name == "davis":
        write_frames(tmp_path / "JPEGImages" / "480p" / "bear", wide, ".jpg")
    elif name == "bair-lab":
        write_frames(tmp_path / "train" / "0" / "0", wide)
    else:
        write_frames(tmp_path / "train_img", wide)
        write_frames(tmp_path / "train_label", wide)
    clips = open_dataset(key, "all", tmp_path, framing=Framing(short_side=24))
    for recording in clips.recordings:
        clip = clips.decode(recording)
        assert clip.frames.shape == (6, clips.channels, 24, 24 if name == "bair" else 32)
        assert name != "pose" or clip.extras["pose"].shape == clip.frames.shape


# --- masks and label pictures ---


def test_davis_masks_keep_the_numbers_of_their_palette(tmp_path):
    root = tmp_path / "DAVIS"
    masks = np.zeros((6, 48, 64), np.uint8)
    masks[:, 10:20, 20:30], masks[:, 30:40, 30:50] = 1, 2
    for name in ("bear", "camel", "goat"):
        write_frames(root / "JPEGImages" / "480p" / name, moving(6)[:, :48], ".jpg", digits=5)
        folder = root / "Annotations" / "480p" / name
        folder.mkdir(parents=True)
        for t, mask in enumerate(masks):
            picture = Image.fromarray(mask)
            picture.putpalette([0, 0, 0, 200, 10, 10, 10, 200, 10])
            picture.save(folder / f"{t:05}.png")
    (root / "Annotations" / "480p" / "goat" / "00003.png").unlink()
    (root / "ImageSets" / "2017").mkdir(parents=True)
    (root / "ImageSets" / "2017" / "train.txt").write_text("bear\ngoat\n")
    (root / "ImageSets" / "2017" / "val.txt").write_text("camel\n")
    found, split = scan("davis", tmp_path)
    assert split == {"bear": "train", "camel": "val", "goat": "train"}
    assert found.notes == ["goat has 5 masks for 6 frames and is used without."]
    batch = open_dataset("davis", "val", tmp_path, framing=Framing(size=24)).batch(2, 4, gen())
    assert batch.extras["masks"].shape == (2, 4, 1, 24, 24) and batch.extras["masks"].dtype == torch.uint8
    expected = cv2.resize(masks[0][:, 8:56], (24, 24), interpolation=cv2.INTER_NEAREST)
    assert (batch.extras["masks"][0, 0, 0].numpy() == expected).all() and set(np.unique(expected)) == {0, 1, 2}
    with_and_without = open_dataset("davis", "train", tmp_path, framing=Framing(size=24)).batch(2, 4, gen())
    assert set(with_and_without.extras) == {"recording"}, "only what all clips of a batch have"


def test_pose_labels_are_pictures_of_their_frames(tmp_path):
    for split, frames in (("train", 12), ("val", 5)):
        write_frames(tmp_path / "pose" / split / f"{split}_img", moving(frames))
        write_frames(tmp_path / "pose" / split / f"{split}_label", 255 - moving(frames))
    write_frames(tmp_path / "pose" / "test" / "test_img" / "0", moving(1))
    write_frames(tmp_path / "pose" / "test" / "test_label" / "0", moving(5))
    (tmp_path / "pose" / "train" / "train_label" / "4.png").unlink()
    found, split = scan("pose", tmp_path)
    assert split == {"train/train_img/0-3": "train", "train/train_img/5-11": "train", "val/val_img/0-4": "val"}
    assert dict(found.left_out).keys() == {"train/train_img/4.png", "test/test_img/0/0.png"}
    batch = open_dataset("pose", "train", tmp_path).batch(3, 4, gen())
    assert batch.extras["pose"].shape == (3, 4, 3, 64, 64) and torch.equal(batch.extras["pose"], 255 - batch.frames)


def test_a_mask_that_is_none_is_named(tmp_path):
    from vp.data.readers.pictures import read_mask

    write_frames(tmp_path, moving(1))
    with pytest.raises(ValueError, match="0.png has mode RGB"):
        read_mask(tmp_path / "0.png")
    (tmp_path / "0.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(ValueError, match="0.png is damaged"):
        read_mask(tmp_path / "0.png")


# --- where data is looked for ---


@pytest.mark.parametrize("name", [name for name, data in DATASETS.items() if hasattr(data, "read")])
def test_nothing_there_gets_one_sentence_that_says_what_is_looked_for(name, tmp_path, monkeypatch):
    monkeypatch.delenv("VP_DATA", raising=False)
    with pytest.raises(ValueError, match=f"{name} lies in files: give its folder by --data-root or VP_DATA"):
        open_dataset(name)
    with pytest.raises(ValueError, match="there is no folder"):
        open_dataset(name, data_root=tmp_path / "nowhere")
    monkeypatch.setenv("VP_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=f"no recordings of {name} in .*it looks for") as error:
        open_dataset(name)
    assert "\n" not in str(error.value)


def test_an_unknown_split_and_a_framed_simulator_get_one_sentence(kth):
    with pytest.raises(ValueError, match="split is 'odd'; give one of train, dev, val, test, example, all"):
        open_dataset("kth", "odd", kth)
    with pytest.raises(ValueError, match=r"kth has no recordings for dev here \(train has 3, val has 1, test has 1\)"):
        open_dataset("kth", "dev", kth)
    assert len(open_dataset("kth", "all", kth).recordings) == 5
    with pytest.raises(ValueError, match="smmnist-svg is made at 64x64 pixels in grey"):
        open_dataset("smmnist-svg", digits="strokes", framing=Framing(size=32))


# --- one of many ---


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "has no actions, and 3 other recordings have 4"),
        (b"1,2\n" * 11, "has 2 numbers an action, and 3 other recordings have 4"),
        (b"", "row 1 of actions.csv is no row of numbers"),
        (b"1,2,3,4\n" * 10 + b"1,2,x,4\n", "actions.csv is no table of numbers"),
        (b"1,2,3,4\n" * 4, "for 11 frames"),
        ("1,2,3,4\n".encode("utf-16") * 11, "row 1 of actions.csv is no row of numbers"),
        (b"\xef\xbb\xbf" + b"1,2,3,4\r\n" * 11, ""),
    ],
)
def test_a_clip_with_odd_actions_is_left_out_by_name_and_takes_them_from_no_other(tmp_path, text, says):
    for clip in "abcd":
        folder = tmp_path / "train" / "group_0" / clip
        write_frames(folder, moving(11, ord(clip)))
        np.savetxt(folder / "actions.csv", actions_of(11, ord(clip)), delimiter=",")
    table = tmp_path / "train" / "group_0" / "c" / "actions.csv"
    table.unlink()
    if text is not None:
        table.write_bytes(text)
    result = survey_dataset("bair-lab", tmp_path, tmp_path / "sheet.png")
    told = dict(result["first_left_out"])
    assert set(told) == ({"train/group_0/c"} if says else set()) and says in told.get("train/group_0/c", "")
    assert sum(row["with_actions"] for row in result["splits"].values()) == (3 if says else 4)
    clips = open_dataset("bair-lab", "all", tmp_path)
    assert clips.action_dim == 4 and clips.batch(6, 5, gen()).actions.shape == (6, 5, 4)


def test_actions_that_few_have_are_left_out_and_no_clip_is(tmp_path):
    for index in range(4):
        np.savez(tmp_path / f"{index}.npz", frames=moving(8, index), **({"actions": actions_of(8)} if index == 1 else {}))
    clips = open_dataset("folder", "all", tmp_path)
    assert len(clips.recordings) == 4 and clips.action_dim == 0
    for index in (0, 2):
        np.savez(tmp_path / f"{index}.npz", frames=moving(8, index), actions=actions_of(8))
    found, _ = scan("folder", tmp_path)
    assert names(found) == ["0.npz", "1.npz", "2.npz"] and [name for name, _ in found.left_out] == ["3.npz"]
    for index in range(2):  # a split of its own, and none of it has any
        (tmp_path / "test").mkdir(exist_ok=True)
        np.savez(tmp_path / "test" / f"{index}.npz", frames=moving(8, index))
    assert {"test/0.npz", "test/1.npz"} < set(names(scan("folder", tmp_path)[0]))


def test_a_byte_order_mark_costs_no_first_line(kth):
    path = kth / "kth" / "00sequences.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    found, _ = scan("kth", kth)
    assert {r.name.rpartition("/")[2]: r.parts for r in found.recordings}["person01_walking_d1_uncomp.avi"] == ((0, 10), (30, 45))


def test_one_file_of_another_form_takes_no_form_of_bair_away(tmp_path):
    for k in (1, 2):
        write_frames(tmp_path / "train" / "traj" / str(k), moving(6, k))
    np.savez(tmp_path / "extra.npz", frames=moving(6, 3))
    write_tfrecord(tmp_path / "test" / "a.tfrecords", [bair_record(moving(6, s), actions_of(6, s)) for s in range(2)])
    found, split = scan("bair", tmp_path)
    assert len(found.recordings) == 5 and not found.left_out
