"""The command line, python -m vp COMMAND: each command calls one function of the package and prints its result as one JSON
line last."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from . import adapt, app, bench, data, evaluate, info, lessons, results, sample, train

MODULES = (app, train, adapt, sample, evaluate, bench, data, results, lessons, info)
EXAMPLES = {name: text for module in MODULES for name, text in module.EXAMPLES.items()}
COMMANDS = (
    app.add_app,
    train.add_train,
    adapt.add_adapt,
    sample.add_sample,
    evaluate.add_evaluate,
    evaluate.add_paired,
    train.add_plot,
    train.add_compare,
    bench.add_bench,
    train.add_average,
    data.add_data,
    results.add_results,
    lessons.add_lessons,
    info.add_info,
)


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands; each sets `run`, the function to call."""
    parser = argparse.ArgumentParser(prog="python -m vp", description="See and steer possible futures of a video.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in COMMANDS:
        add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    0 on success, 2 for wrong values or file errors (one sentence on stderr), 3 for diverged training, 4 for a training that the
    file system ended, 129 for a terminal that is gone, 130 for Ctrl-C, 141 for a closed pipe.
    """
    args, extra = build_parser().parse_known_args(argv)
    try:
        print(json.dumps(args.run(args, extra)), flush=True)
    except BrokenPipeError:  # whoever read the output has enough: `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except ValueError as error:
        complain(str(error))
        return getattr(error, "exit_code", 2)
    except OSError as error:  # a disk that is full, a file that may not be read
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{error.strerror or error}")
        return 2
    except KeyboardInterrupt:
        complain("stopped")
        return 130
    return 0


def complain(sentence: str) -> None:
    """Says it on stderr, if there is still someone to read it."""
    with suppress(OSError):
        print(f"python -m vp: {sentence}", file=sys.stderr, flush=True)
