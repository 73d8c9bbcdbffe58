"""Argument types for output paths, which are tried before the work whose results would be lost."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

FIGURES = (".pdf", ".png", ".svg")
ROOM = bytes(2**16)  # that a disk must still have


def output_file(text: str) -> Path:
    """The path of a file that can be written; an existing file keeps its content.

    Raises:
        ArgumentTypeError: a folder, or a place that cannot be written.
    """
    path = Path(text)
    with as_argument_error(text):
        if path.is_dir():
            raise argparse.ArgumentTypeError(f"{text!r} is a folder; give the name of a file")
        if path.is_file():
            path.open("ab").close()
            try_writing(path.resolve().parent)  # it will be replaced from beside
        elif path.is_char_device():
            try_device(path)
        elif not path.exists():  # anything else, such as a pipe, is not for us to try
            with temporary_folders(path.parent):
                path.touch()
                path.unlink()
                try_writing(path.parent)
    return path


def output_folder(text: str) -> Path:
    """The path of a folder that can be written to.

    Raises:
        ArgumentTypeError: a file, or a place that cannot be written.
    """
    path = Path(text)
    if not text.strip():
        raise argparse.ArgumentTypeError("the name of the folder is empty; give one")
    with as_argument_error(text):
        if path.exists() and not path.is_dir():
            raise argparse.ArgumentTypeError(f"{text!r} is a file; give a folder")
        with temporary_folders(path):
            try_writing(path)
    return path


def checkpoint_file(text: str) -> Path:
    """The path of a checkpoint that can be written.

    Raises:
        ArgumentTypeError: another extension than .safetensors, or a place that cannot be written.
    """
    if Path(text).suffix != ".safetensors":
        raise argparse.ArgumentTypeError(f"{text!r} is no checkpoint; give a file that ends in .safetensors")
    return output_file(text)


def figure_file(text: str) -> Path:
    """The path of a figure that can be written.

    Raises:
        ArgumentTypeError: an extension that is not in FIGURES, no matplotlib, or a place that cannot be written.
    """
    if Path(text).suffix.lower() not in FIGURES:
        raise argparse.ArgumentTypeError(f"{text!r} is no figure; give a file that ends in {', '.join(FIGURES)}")
    if find_spec("matplotlib") is None:
        raise argparse.ArgumentTypeError(
            "figures need matplotlib, which is not installed; install it with: pip install matplotlib"
        )
    return output_file(text)


def try_writing(folder: Path) -> None:
    """Writes ROOM into a file without a name; raises OSError where the folder or the disk does not allow it."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(ROOM)
        file.flush()


def try_device(path: Path) -> None:
    """Writes nothing to a device, which /dev/full refuses all the same; raises OSError."""
    number = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        os.write(number, b"")
    finally:
        os.close(number)


@contextmanager
def temporary_folders(place: Path) -> Iterator[None]:
    """Creates a folder and its parents; on exit those that were missing are removed again."""
    missing = [folder for folder in (place, *place.parents) if not folder.exists()]
    try:
        place.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for folder in missing:
            if folder.is_dir():
                folder.rmdir()


def check_place(kind: Callable[[str], Path], path: Path) -> Path:
    """A path that was not given as an argument, checked by one of the functions above before the work.

    Raises:
        ValueError: it cannot be written.
    """
    try:
        return kind(str(path))
    except argparse.ArgumentTypeError as error:
        raise ValueError(str(error)) from None


def check_not_foreign(path: Path, kind: str, force: bool) -> None:
    """Checks that a file is not there, or is a checkpoint of the kind that a command makes, which a new one may replace.

    Args:
        kind: field that the cards of such checkpoints have.
        force: anything may be replaced.

    Raises:
        ValueError: another file is there.
    """
    from ..prediction.checkpoint import read_card

    if force or not path.exists():
        return
    try:
        foreign = kind not in read_card(path)
    except ValueError:
        foreign = True
    if foreign:
        raise ValueError(
            f"{path} is there and was not made by this command; choose another --out, or add --force to write over it"
        )


@contextmanager
def as_argument_error(text: str) -> Iterator[None]:
    """Turns an OSError or ValueError about the path `text` into an ArgumentTypeError of one sentence."""
    try:
        yield
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written ({why}); give another place") from None
