"""Robot trajectories in TFRecord files: BAIR (keys `0/image_aux1/encoded`, ...) and BridgeData as TensorFlow Datasets writes it.

When a file is opened only its framing is scanned, and one record of each size is parsed: records of one size are taken to have
the same number of frames, and decoding corrects that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count, takewhile
from pathlib import Path

import numpy as np

from ..clip import Clip
from ..framing import Framing
from ..recording import Found, Recording, align_rows
from ..tf_example import Values, parse_example
from ..tfrecord import Record, read_record, scan_records
from .files import name_below
from .pictures import decode_image, fit_images

RAW = 64 * 64 * 3  # bytes of a BAIR frame as stored
CAMERAS = ("image_aux1", "image_main")  # the first is the one published models learn on
Episode = tuple[list[bytes], np.ndarray, np.ndarray]  # frames as stored, actions (T, A), states (T, S); A and S may be 0
Unpack = Callable[[Mapping[str, Values]], Episode]


def is_tfrecord(path: Path) -> bool:
    """Whether the file's name is that of a TFRecord file."""
    return ".tfrecord" in path.name


@dataclass
class RecordFiles:
    """Reads the TFRecord files of one data set, one after the other.

    Args:
        root: the data's folder.
        unpack: turns a parsed record into an episode.
        split: file's name -> split or None.
        fps: nominal.
        seen: (size, checksum) -> the first record that had it.
        shapes: size -> (frames, number of action components).
    """

    root: Path
    unpack: Unpack
    split: Callable[[str], str | None]
    fps: float
    seen: dict[tuple[int, int], str] = field(default_factory=dict)
    shapes: dict[int, tuple[int, int]] = field(default_factory=dict)

    def read(self, path: Path, found: Found) -> None:
        """Adds a file's trajectories to `found`; duplicates within the data set are left out, so that splits share none."""
        name = name_below(path, self.root)
        try:
            for record in scan_records(path):
                own = f"{name}#{record.index}"
                first = self.seen.setdefault((record.size, record.crc), own)
                if first == own:
                    found.collect(own, lambda: [self.make_recording(own, record, self.split(name))])
                else:
                    found.left_out.append((own, f"the same trajectory as {first}"))
        except (OSError, ValueError) as error:
            found.left_out.append((name, str(error)))

    def make_recording(self, name: str, record: Record, split: str | None) -> Recording:
        """The recording of a record, which is parsed only if it is the first of its size."""
        if record.size not in self.shapes:
            frames, actions, _ = self.unpack(parse_example(read_record(record)))
            self.shapes[record.size] = len(frames), actions.shape[1]
        length, actions = self.shapes[record.size]
        return Recording(name, name, length, self.fps, partial(load_episode, record, self.unpack), split, actions)


def load_episode(record: Record, unpack: Unpack, framing: Framing) -> Clip:
    """The clip of a record, with its actions and extras["state"] where it has them; raises ValueError where it is damaged."""
    encoded, actions, states = unpack(parse_example(read_record(record)))
    name = f"a frame of record {record.index} of {record.path.name}"
    clip, length = fit_images((decode_frame(data, name) for data in encoded), f"record {record.index}", framing), len(encoded)
    actions = align_rows(actions, length, "action") if actions.shape[1] else None
    return replace(clip, actions=actions, extras={"state": align_rows(states, length, "state")} if states.shape[1] else {})


def decode_frame(data: bytes, name: str) -> np.ndarray:
    """RGB (H, W, 3) from raw bytes or an encoded image; `name` is for messages."""
    return np.frombuffer(data, np.uint8).reshape(64, 64, 3) if len(data) == RAW else decode_image(data, name)


def unpack_bair(example: Mapping[str, Values]) -> Episode:
    """The episode of a BAIR record; raises ValueError where it has no camera of CAMERAS."""
    camera = next((camera for camera in CAMERAS if f"0/{camera}/encoded" in example), None)
    if camera is None:
        raise ValueError(f"a record has no 0/{CAMERAS[0]}/encoded; give BAIR's softmotion30_44k files")
    length = len(list(takewhile(lambda i: f"{i}/{camera}/encoded" in example, count())))
    frames = [value for i in range(length) for value in example[f"{i}/{camera}/encoded"]]
    return frames, stack_rows(example, "action", length), stack_rows(example, "endeffector_pos", length)


def stack_rows(example: Mapping[str, Values], name: str, length: int) -> np.ndarray:
    """float32 (length, N) of the keys 0/name, 1/name and so on; N is 0 where there are none.

    Raises:
        ValueError: some frames lack the key, or rows differ in length.
    """
    found = [example[f"{i}/{name}"] for i in range(length) if f"{i}/{name}" in example]
    if found and (len(found) < length or len({len(row) for row in found}) > 1):
        raise ValueError(f"a record has {length} frames, but not a row of {name} for each")
    return np.stack(found) if found else np.zeros((length, 0), np.float32)


def unpack_bridge(example: Mapping[str, Values]) -> Episode:
    """The episode of a BridgeData record; raises ValueError where it has no images."""
    camera = next((key for key in sorted(example) if key.startswith("steps/observation/image")), None)
    if camera is None or not example[camera]:
        raise ValueError("a record has no steps/observation/image_0; give files of BridgeData as TensorFlow Datasets writes them")
    frames = example[camera]
    return (
        frames,
        reshape_table(example, "steps/action", len(frames)),
        reshape_table(example, "steps/observation/state", len(frames)),
    )


def reshape_table(example: Mapping[str, Values], key: str, length: int) -> np.ndarray:
    """float32 (length, N) from the flat values of `key`; N is 0 where there are none.

    Raises:
        ValueError: their number is no multiple of `length`.
    """
    numbers = np.asarray(example.get(key, ()), np.float32)
    if len(numbers) % length:
        raise ValueError(f"a record has {length} frames and {len(numbers)} numbers of {key}; give as many for each")
    return numbers.reshape(length, -1)
