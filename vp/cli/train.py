"""`python -m vp train`, and commands on finished runs: plot, compare, average."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core.boundary import attached_to_errors
from .common import (
    add_axes,
    add_command,
    distinct_numbers,
    positive_int,
    positive_minutes,
    positive_number,
    refuse_extra,
    write_json,
)
from .outputs import check_not_foreign, checkpoint_file, figure_file, output_file, output_folder

EXAMPLES = {
    "train": """
  python -m vp train svg-lp-smmnist --minutes 60 --out runs/lp
  python -m vp train svg-lp-smmnist --resume --out runs/lp
  python -m vp train svg-lp-smmnist --data kth --data-root DIR --minutes 60 --out runs/kth
  python -m vp train svg-lp-smmnist --init svg-lp-smmnist --minutes 30 --out runs/more
  python -m vp train svg-lp-push --set objective.kl=cyclical --set objective.kl_cycles=4 --minutes 60 --out runs/cycles
  python -m vp train svg-lp-push --vary objective.kl=none,monotonic,cyclical --seeds 0,1,2 --steps 500 --out runs/kl""",
    "plot": """
  python -m vp plot runs/lp
  python -m vp plot runs/kl --out kl.png""",
    "compare": """
  python -m vp compare runs/kl
  python -m vp compare runs/lp runs/more --json compared.json""",
    "average": """
  python -m vp average runs/lp/last.safetensors runs/more/last.safetensors --shares 0.4 0.6 --out between.safetensors""",
}


def add_train(commands: Any) -> None:
    """Adds the command `train`."""
    p = add_command(
        commands,
        "train",
        "train a recipe to a time budget; stops safely, resumes exactly",
        run_train,
        EXAMPLES["train"],
        computes=True,
    )
    p.add_argument("recipe", help="name of a recipe; `python -m vp info` lists them")
    p.add_argument(
        "--minutes", type=positive_minutes, default=30.0, help="time budget, which sets the steps of a new run (default: 30)"
    )
    p.add_argument("--steps", type=positive_int, help="steps of the run instead; with --resume its new total")
    p.add_argument("--resume", action="store_true", help="continue the run in --out, to the steps it was begun with")
    p.add_argument("--init", metavar="CHECKPOINT", help="start from these weights, with a fresh schedule")
    p.add_argument("--out", type=output_folder, help="folder of the run (default: runs/RECIPE)")
    p.add_argument("--batch", type=batch_size, help="clips a step, or auto: as many as fit a GPU (default: the recipe's)")
    p.add_argument(
        "--accumulate", type=positive_int, help="mini-batches a step, of all processes (default: one for each process)"
    )
    p.add_argument("--recompute", action="store_true", help="keep a third to a half less for the gradient and compute it again")
    p.add_argument(
        "--lr", type=positive_number, help="peak learning rate of the first phase, others in proportion (default: the recipe's)"
    )
    p.add_argument("--seed", type=int, help="of data, noise and first weights (default: 0)")
    p.add_argument(
        "--threads", type=positive_int, help="CPU threads (default: one a core); 1 where two trainings run side by side"
    )
    p.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting of the recipe; repeatable")
    p.add_argument("--vary", action="append", default=[], metavar="NAME=A,B", help="a run a value, below --out; repeatable")
    p.add_argument("--seeds", type=distinct_numbers, metavar="0,1,2", help="a run a seed, below --out")
    p.add_argument(
        "--data",
        metavar="NAME",
        help="train and validate on this data set instead (`python -m vp data --help`), or on hf://datasets/owner/name[@revision]",
    )
    p.add_argument("--licences", metavar="WORDS", help="only clips whose licence begins so, as in 'CC BY,CC0,MIT' (indexed data)")
    p.add_argument("--digits", choices=("auto", "mnist", "strokes", "mixed"), default="auto")
    p.add_argument("--data-root", help="folder of the data set, or with MNIST/raw (default: the variable VP_DATA)")
    add_axes(p)
    words = "end after so many steps in a row whose loss or gradient is not finite; fewer are skipped (default: 3)"
    p.add_argument("--bad-steps", type=positive_int, default=3, metavar="K", help=words)
    p.add_argument("--validate-minutes", type=positive_minutes, default=5.0, help="time between validations (default: 5)")


def batch_size(text: str) -> int | str:
    """A positive whole number or 'auto', as an argparse type."""
    try:
        return text if text == "auto" else positive_int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a positive whole number nor auto") from None


def run_train(args: argparse.Namespace, extra: list[str]) -> dict:
    """Trains a recipe, or one run per value and seed with --vary and --seeds; returns the run's or the sweep's summary."""
    from ..catalog import find_recipe
    from ..hub.dataset import is_dataset
    from ..training.overrides import with_overrides
    from ..training.settings import Settings
    from ..training.train import train

    refuse_extra(args.parser, extra)
    family, found = find_recipe(args.recipe)
    if args.data and is_dataset(args.data):
        args.data, args.data_root = "folder", fetch_folder(args.data, args.data_root)
    if args.data:
        found = replace(found, data=dict.fromkeys(args.data.split(","), 1.0), protocol="")
    if args.set and args.resume and not (args.vary or args.seeds):
        raise ValueError("--set came with --resume; a resumed run keeps the settings that it began with: leave --set out")
    found = replace(found, config=with_overrides(found.config, args.set))
    names = ("minutes", "steps", "resume", "init", "device", "precision", "batch", "accumulate", "recompute", "lr", "seed")
    more = ("threads", "digits", "data_root", "axes", "bad_steps", "validate_minutes")
    chosen = {name: getattr(args, name) for name in (*names, *more)}
    licences = tuple(word.strip() for word in (args.licences or "").split(",") if word.strip())
    settings = Settings(out=args.out or Path("runs") / args.recipe, licences=licences, **chosen)
    if not args.vary and not args.seeds:
        return train(family, found, settings)
    from ..training.compare import format_table
    from ..training.sweep import sweep

    result = sweep(family, found, settings, swept_settings(args.vary), args.seeds or [args.seed or 0])
    if "groups" in result:
        print(format_table(result))
    return result


def fetch_folder(address: str, data_root: str | None) -> str:
    """The folder with the files of a data set on the Hub.

    Raises:
        ValueError: a folder came too, or the data set cannot be had.
    """
    from ..data.readers.files import ARRAYS, PICTURES, VIDEOS
    from ..hub.dataset import fetch_dataset

    if data_root:
        raise ValueError("--data of the Hub came with --data-root; leave one of them out")
    return str(fetch_dataset(address, VIDEOS | PICTURES | ARRAYS | {".csv", ".tar"}).folder)


def swept_settings(texts: Sequence[str]) -> dict[str, list[str]]:
    """The values of --vary, NAME=A,B,C each, as name -> values.

    Raises:
        ValueError: a text of another form, or a name that comes twice.
    """
    out: dict[str, list[str]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        if not values or "" in values.split(",") or name in out:
            raise ValueError(f"vary is {text!r}; give NAME=A,B,C, each name once, for example objective.kl=none,cyclical")
        out[name] = values.split(",")
    return out


def add_plot(commands: Any) -> None:
    """Adds the command `plot`."""
    p = add_command(
        commands, "plot", "draw loss, KL, PSNR and the schedules' ratios of runs against epochs", run_plot, EXAMPLES["plot"]
    )
    p.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run, or one that holds several")
    p.add_argument("--out", type=figure_file, default="out/plot.png", metavar="FILE", help="picture (default: out/plot.png)")


def run_plot(args: argparse.Namespace, extra: list[str]) -> dict:
    """Draws the curves of runs and returns what `plot` gives."""
    from ..training.plot import plot

    refuse_extra(args.parser, extra)
    return plot(args.runs, args.out)


def add_compare(commands: Any) -> None:
    """Adds the command `compare`."""
    p = add_command(
        commands,
        "compare",
        "what runs reached at their last validation, mean and spread over seeds",
        run_compare,
        EXAMPLES["compare"],
    )
    p.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run, or one that holds several")
    p.add_argument("--json", type=output_file, metavar="FILE", help="also write the result here")


def run_compare(args: argparse.Namespace, extra: list[str]) -> dict:
    """Compares the last validations of runs; prints a table and returns the comparison."""
    from ..training.compare import compare, format_table

    refuse_extra(args.parser, extra)
    result = compare(args.runs)
    print(format_table(result))
    with attached_to_errors(result):
        write_json(args.json, result)
    return result


def add_average(commands: Any) -> None:
    """Adds the command `average`."""
    p = add_command(
        commands, "average", "average the weights of checkpoints that began from the same ones", run_average, EXAMPLES["average"]
    )
    p.add_argument("checkpoints", nargs="+", metavar="CHECKPOINT", help="models' names or .safetensors files")
    p.add_argument("--shares", nargs="+", type=float, help="of each in the mean (default: all alike)")
    words = "the new .safetensors file; an average there is replaced"
    p.add_argument("--out", type=checkpoint_file, required=True, metavar="FILE", help=words)
    p.add_argument("--force", action="store_true", help="write over a file at --out that is no average")


def run_average(args: argparse.Namespace, extra: list[str]) -> dict:
    """Averages the weights of checkpoints into a new one; without --shares all count equally."""
    from ..training.model_soup import model_soup

    refuse_extra(args.parser, extra)
    check_not_foreign(args.out, "average", args.force)
    return model_soup(args.checkpoints, args.shares or [1.0] * len(args.checkpoints), args.out)
