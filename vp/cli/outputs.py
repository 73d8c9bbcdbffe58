"""Argument types for output paths, which are tried before the work whose results would be lost."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

FIGURES = (".pdf", ".png", ".svg")


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
            tempfile.TemporaryFile(dir=path.resolve().parent).close()  # it will be replaced from beside
        elif not path.exists():  # anything else, such as /dev/null, is not for us to try
            with temporary_folders(path.parent):
                path.touch()
                path.unlink()
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
            tempfile.TemporaryFile(dir=path).close()
    return path


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


@contextmanager
def as_argument_error(text: str) -> Iterator[None]:
    """Turns an OSError or ValueError about the path `text` into an ArgumentTypeError of one sentence."""
    try:
        yield
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written ({why}); give another place") from None
