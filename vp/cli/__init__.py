"""The command line, python -m vp COMMAND: each command calls one function of the package and prints its result as one JSON
line last."""

from __future__ import annotations

import argparse
import functools
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from ..core.boundary import discard_output, run_guarded
from ..core.sentences import sentence, typed
from . import adapt, app, bench, data, evaluate, hub, info, lessons, results, sample, space, train

PROGRAM = "python -m vp"
MODULES = (app, train, adapt, sample, evaluate, bench, data, results, lessons, hub, space, info)
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
    hub.add_push,
    hub.add_push_results,
    hub.add_pull,
    space.add_space,
    space.add_export_site,
    info.add_info,
)


class Parser(argparse.ArgumentParser):
    """Says what is wrong with arguments in one sentence, without all flags that there are.

    Args:
        words: the arguments, clipped where the sentence repeats them.
    """

    def __init__(self, *args: Any, words: Sequence[str] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.words = words

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {sentence(message, typed(self.words))}; {self.prog} --help lists what it takes\n")


def build_parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser with all commands; each sets `run`, the function to call."""
    parser = Parser(prog=PROGRAM, words=words, description="See and steer possible futures of a video.")
    made: Any = functools.partial(Parser, words=words)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=made)
    for add in COMMANDS:
        add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    0 on success, 2 for wrong values or file errors (one sentence on stderr), 3 for diverged training, 4 for a training that the
    file system ended, 129 for a terminal that is gone, 130 for Ctrl-C, 141 for a closed pipe; 1 for an error in vp itself.
    """
    words = sys.argv[1:] if argv is None else argv

    def run() -> None:
        args, extra = build_parser(words).parse_known_args(words)
        if int(os.environ.get("RANK", 0)):  # of several processes the first one says it for all
            discard_output()
        print(json.dumps(args.run(args, extra)), flush=True)

    return run_guarded(PROGRAM, run, words)
