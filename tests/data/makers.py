"""Small files in the layouts of the data sets, written by means of our own: pictures, clips, TFRecords."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np


def moving(frames: int, seed: int = 0, side: int = 64) -> np.ndarray:
    """uint8 (T, side, side, 3): a bright square over noise that stays; column of the square = 2 px a frame."""
    rng = np.random.default_rng(seed)
    clip = np.repeat(rng.integers(0, 90, (1, side, side, 3), np.uint8), frames, 0)
    for t in range(frames):
        clip[t, 20:30, (2 * t) % (side - 10) : (2 * t) % (side - 10) + 10] = (200, 120, 60 + seed % 100)
    return clip


def write_frames(folder: Path, frames: np.ndarray, suffix: str = ".png", first: int = 0, digits: int = 0) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{first + t:0{digits}}{suffix}" for t in range(len(frames))]
    for path, frame in zip(paths, frames):
        cv2.imwrite(str(path), frame[..., ::-1])
    return paths


def write_clip(path: Path, frames: np.ndarray, fps: float = 25.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames.shape[1:3]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), fps, (width, height))
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


# --- TFRecords: the format written down once more, bit by bit where the reader uses tables ---


def bit_by_bit_table() -> list[int]:
    out = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        out.append(byte)
    return out


TABLE = bit_by_bit_table()


def plain_crc32c(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register = register >> 8 ^ TABLE[(register ^ byte) & 0xFF]
    return register ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    crc = plain_crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) % 2**32)


def write_tfrecord(path: Path, records: list[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for record in records:
            length = struct.pack("<Q", len(record))
            file.write(length + masked(length) + record + masked(record))
    return path


def number(value: int) -> bytes:
    value %= 2**64
    out = b""
    while value > 127:
        out, value = out + bytes([value % 128 + 128]), value // 128
    return out + bytes([value])


def piece(field: int, content: bytes) -> bytes:
    return number(field * 8 + 2) + number(len(content)) + content


def example(features: dict[str, bytes | list]) -> bytes:
    """A tf.train.Example: bytes, whole numbers and floats by the type of what a list holds; floats and whole numbers packed."""
    entries = b""
    for name, values in features.items():
        values = [values] if isinstance(values, bytes) else values
        if isinstance(values[0], bytes):
            feature = piece(1, b"".join(piece(1, value) for value in values))
        elif isinstance(values[0], float):
            feature = piece(2, piece(1, struct.pack(f"<{len(values)}f", *values)))
        else:
            feature = piece(3, piece(1, b"".join(map(number, values))))
        entries += piece(1, piece(1, name.encode()) + piece(2, feature))
    return piece(1, entries)


def bair_record(frames: np.ndarray, actions: np.ndarray, main: np.ndarray | None = None) -> bytes:
    """A trajectory with BAIR's keys; positions are 0, 1, 2, ... in every component."""
    features: dict[str, bytes | list] = {}
    for t, frame in enumerate(frames):
        features[f"{t}/image_aux1/encoded"] = frame.tobytes()
        features[f"{t}/image_main/encoded"] = (frame if main is None else main[t]).tobytes()
        features[f"{t}/action"] = [float(x) for x in actions[t]]
        features[f"{t}/endeffector_pos"] = [float(t)] * 3
    return example(features)


def bridge_record(frames: np.ndarray, actions: np.ndarray) -> bytes:
    """An episode as TensorFlow Datasets writes it, frames as lossless PNG so that they can be compared."""
    encoded = [cv2.imencode(".png", frame[..., ::-1])[1].tobytes() for frame in frames]
    return example(
        {
            "steps/observation/image_1": encoded[::-1],
            "steps/observation/image_0": encoded,
            "steps/observation/state": [float(x) for x in np.zeros(7 * len(frames))],
            "steps/action": [float(x) for x in actions.flatten()],
            "steps/is_last": [0] * len(frames),
        }
    )
