"""What the commands share: how arguments are read, results kept, and long work shows how far it is."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.options import Choice, Options, Slider
from ..core.runtime import DEVICES

KNOWN = "frames given: 0-4, 0,5,10 or none, counted from 0"
Run = Callable[[argparse.Namespace, list[str]], dict]


def add_command(commands: Any, name: str, help: str, run: Run, examples: str, computes: bool = False) -> Any:
    """A command's parser; `run` is called with the arguments and those that it does not know.

    One that `computes` is asked on which device and in which precision.
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
    if extra:
        parser.error(f"unrecognised: {' '.join(extra)}")


def add_axes(parser: Any) -> None:
    words = "of a folder of arrays, such as NTHWC: N clips, T frames, height, width, channels (default: as the files tell)"
    parser.add_argument("--axes", default="", metavar="ORDER", help=words)


def positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return value


def positive_minutes(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of minutes")
    return value


def distinct_numbers(text: str) -> list[int]:
    """Whole numbers of 0 and more, parted by commas, each once."""
    values = [int(part) for part in text.split(",")]
    if min(values) < 0 or len(set(values)) < len(values):
        raise argparse.ArgumentTypeError(f"{text} are not different numbers of 0 and more")
    return values


def parse_model_options(parser: argparse.ArgumentParser, kind: type[Options], extra: Sequence[str]) -> Options:
    """The model's own options from the flags left over; exits 2 naming those it has."""
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
    """A flag's text as the control's type; what does not parse is left for the control to refuse by name."""
    if isinstance(control, Choice):
        return text
    if isinstance(control, Slider):
        try:
            return float(text)
        except ValueError:
            return text
    return {"true": True, "false": False}.get(text, text)


def write_json(path: Path | None, result: dict) -> None:
    """Writes a result beside printing it, where a file is named."""
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_readable_json(result) + "\n")


def to_readable_json(result: Any) -> str:
    """JSON with a line an entry, but a list of numbers on one line: easy to read, and to see a difference in."""
    text = json.dumps(result, indent=1)
    return re.sub(r"\[\s+([^\[\]{}\"]*?)\s+\]", lambda found: "[" + " ".join(found[1].split()) + "]", text)


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int], None]]:
    """A bar with an ETA, as a callback (done, total)."""
    from tqdm import tqdm

    with tqdm(unit="row", mininterval=1) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report
