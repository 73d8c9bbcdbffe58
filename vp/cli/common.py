"""Shared by the commands: argument types, the model's own flags, JSON files, and a progress bar."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.files import write_text
from ..core.options import Choice, Options, Slider
from ..core.processes import is_first_process
from ..core.runtime import DEVICES

KNOWN = "frames given: 0-4, 0,5,10 or none, counted from 0"
Run = Callable[[argparse.Namespace, list[str]], dict]


OWN_OPTIONS = """

A model's own options are flags too, such as --prior, --temperature or --pace; an unknown flag lists those of the model."""


def add_command(commands: Any, name: str, help: str, run: Run, examples: str, computes: bool = False) -> Any:
    """Adds a command's parser and returns it.

    Args:
        commands: what `add_subparsers` returned.
        help: one line, also the description.
        run: called with the parsed arguments and the list of unknown ones; returns the result.
        examples: shown below the flags.
        computes: adds --device and --precision.
    """
    parser = commands.add_parser(
        name,
        help=help,
        description=help[0].upper() + help[1:] + ".",
        epilog="examples:" + examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run, parser=parser)
    if computes:
        parser.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (default: auto)")
        parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    return parser


def refuse_extra(parser: argparse.ArgumentParser, extra: list[str]) -> None:
    """Exits 2 where there are unknown arguments."""
    if extra:
        parser.error(f"unrecognised: {' '.join(extra)}")


def add_axes(parser: Any) -> None:
    """Adds --axes, the order of axes in folders of arrays."""
    words = "of a folder of arrays, such as NTHWC: N clips, T frames, height, width, channels (default: as the files tell)"
    parser.add_argument("--axes", default="", metavar="ORDER", help=words)


def positive_int(text: str) -> int:
    """The text as an int of 1 or more, as an argparse type."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return value


def positive_number(text: str) -> float:
    """The text as a positive, finite float, as an argparse type."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def positive_minutes(text: str) -> float:
    """The text as a positive float, as an argparse type."""
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of minutes")
    return value


def distinct_numbers(text: str) -> list[int]:
    """Comma-separated distinct integers of 0 or more, as an argparse type."""
    values = [int(part) for part in text.split(",")]
    if min(values) < 0 or len(set(values)) < len(values):
        raise argparse.ArgumentTypeError(f"{text} are not different numbers of 0 and more")
    return values


def parse_model_options(parser: argparse.ArgumentParser, kind: type[Options], extra: Sequence[str]) -> Options:
    """Parses a model's own options from the flags that the command does not know.

    Args:
        kind: the predictor's options class.
        extra: the unknown flags, as --name value or --name=value.

    Exits 2 and lists the model's flags where one is unknown or has no value.
    """
    controls = kind.controls()
    names = ", ".join(f"--{name.replace('_', '-')}" for name in controls) or "none"
    values: dict[str, Any] = {}
    rest = list(extra)
    while rest:
        flag = rest.pop(0)
        name, _, value = flag.removeprefix("--").partition("=")
        name = name.replace("-", "_")
        if not flag.startswith("--") or name not in controls:
            parser.error(f"this model does not know {flag}; its own options: {names}")
        if not value:
            if not rest:
                parser.error(f"{flag} needs a value")
            value = rest.pop(0)
        values[name] = parse_value(controls[name], value)
    return kind.parse(values)


def parse_value(control: Any, text: str) -> Any:
    """A flag's text as float for a slider, as it is for a choice, else as bool; text that does not parse is returned as it is,
    and the control then refuses it."""
    if isinstance(control, Choice):
        return text
    if isinstance(control, Slider):
        try:
            return float(text)
        except ValueError:
            return text
    return {"true": True, "false": False}.get(text, text)


def write_json(path: Path | None, result: dict) -> None:
    """Writes the result to `path`, whole or not at all, creating its folder; nothing for None."""
    if path:
        write_text(path, to_readable_json(result) + "\n")


def to_readable_json(result: Any) -> str:
    """JSON with one entry per line, but lists of numbers on one line."""
    text = json.dumps(result, indent=1)
    return re.sub(r"\[\s+([^\[\]{}\"]*?)\s+\]", lambda found: "[" + " ".join(found[1].split()) + "]", text)


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int], None]]:
    """A bar with an ETA; yields the callback that takes (done, total)."""
    from tqdm import tqdm

    with tqdm(unit="row", mininterval=1, disable=not is_first_process()) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report
