"""Data sets and video files. `DATASETS` is the catalogue; `open_dataset` opens one by name."""

from __future__ import annotations

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
