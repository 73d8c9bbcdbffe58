"""Data sets and video files. `DATASETS` is the catalogue; `open_dataset` opens one by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .catalog import DATASETS, SIMULATORS, law_of, licence_of_weights, named_actions, open_dataset
    from .clip import Clip
    from .digits.banks import DigitBank, download_mnist
    from .digits.moving_digits import ClipSource, MovingDigits
    from .framing import Framing
    from .layout import Layout
    from .protocols import PROTOCOLS, Protocol, find_protocol, protocol_clips, protocol_digits
    from .splits import ALL, CHOICES, SPLITS
    from .test_sets import read_test_set
    from .video_file import read_clip, write_gif, write_mp4
    from .windows import Windows

# name -> module of this folder, imported when it is first asked for: a decoder's process starts without torch
PUBLIC = {
    "ALL": "splits",
    "CHOICES": "splits",
    "Clip": "clip",
    "ClipSource": "digits.moving_digits",
    "DATASETS": "catalog",
    "DigitBank": "digits.banks",
    "Framing": "framing",
    "Layout": "layout",
    "MovingDigits": "digits.moving_digits",
    "PROTOCOLS": "protocols",
    "Protocol": "protocols",
    "SIMULATORS": "catalog",
    "SPLITS": "splits",
    "Windows": "windows",
    "download_mnist": "digits.banks",
    "find_protocol": "protocols",
    "law_of": "catalog",
    "licence_of_weights": "catalog",
    "named_actions": "catalog",
    "open_dataset": "catalog",
    "protocol_clips": "protocols",
    "protocol_digits": "protocols",
    "read_clip": "video_file",
    "read_test_set": "test_sets",
    "write_gif": "video_file",
    "write_mp4": "video_file",
}
__all__ = [
    "ALL",
    "CHOICES",
    "DATASETS",
    "PROTOCOLS",
    "SIMULATORS",
    "SPLITS",
    "Clip",
    "ClipSource",
    "DigitBank",
    "Framing",
    "Layout",
    "MovingDigits",
    "Protocol",
    "Windows",
    "download_mnist",
    "find_protocol",
    "law_of",
    "licence_of_weights",
    "named_actions",
    "open_dataset",
    "protocol_clips",
    "protocol_digits",
    "read_clip",
    "read_test_set",
    "write_gif",
    "write_mp4",
]


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PUBLIC[name]}"), name)
