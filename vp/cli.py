"""python -m vp train, sample, evaluate and the rest, each thin over a function. Each prints one JSON line last."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from .core.options import Choice, Options, Slider
from .core.runtime import DEVICES
from .data.catalog import DATASETS
from .data.splits import ALL, SPLITS

EXAMPLES = {
    "train": """
  python -m vp train svg-lp-smmnist --minutes 60 --out runs/lp
  python -m vp train svg-lp-smmnist --resume --out runs/lp
  python -m vp train svg-lp-smmnist --data kth --data-root DIR --minutes 60 --out runs/kth
  python -m vp train svg-lp-smmnist --init svg-lp-smmnist --minutes 30 --out runs/more
  python -m vp train svg-lp-push --set objective.kl=cyclical --set objective.kl_cycles=4 --minutes 60 --out runs/cycles
  python -m vp train svg-lp-push --vary objective.kl=none,monotonic,cyclical --seeds 0,1,2 --steps 500 --out runs/kl""",
    "sample": """
  python -m vp sample svg-lp-smmnist assets/clips/digits-1.mp4 --n 4 --prior learned --temperature 1 --seed 0 --out out
  python -m vp sample flow my.mp4 --n-past 5 --n-future 10 --out out""",
    "evaluate": """
  python -m vp evaluate svg-lp-smmnist --protocol smmnist-svg --clips 100 --samples 20 --json lp.json
  python -m vp evaluate runs/convlstm/best.safetensors --protocol mmnist --test-set mnist_test_seq.npy --clips 1000
  python -m vp evaluate flow --protocol compression
  python -m vp evaluate svg-lp-smmnist --protocol digits-robust --clips 96
  python -m vp evaluate svg-lp-smmnist --protocol smmnist-srvp --clips 100 --samples 100      # beside published scores
  python -m vp evaluate svg-lp-push --protocol push --clips 100
  python -m vp evaluate svg-lp-smmnist --clips 100 --per-clip --json lp.json                  # for `python -m vp paired`
  python -m vp evaluate copy-last --protocol next-frame --clips 100
  python -m vp evaluate flow --protocol folder:5+10 --data-root my/clips --split all          # whole frames, in colour
  python -m vp evaluate flow-between --protocol real128:5+10 --data-root DIR --split dev --known 0-2,12-14""",
    "paired": """
  python -m vp paired lp.json fp.json
  python -m vp paired lp.json fp.json --json lp-fp.json""",
    "plot": """
  python -m vp plot runs/lp
  python -m vp plot runs/kl --out kl.png""",
    "compare": """
  python -m vp compare runs/kl
  python -m vp compare runs/lp runs/more --json compared.json""",
    "average": """
  python -m vp average runs/lp/last.safetensors runs/more/last.safetensors --shares 0.4 0.6 --out between.safetensors""",
    "bench": """
  python -m vp bench train --batch 16
  python -m vp bench train --family vpn --batch 1
  python -m vp bench sample svg-lp-smmnist ramvid-smmnist --n 8 --frames 20
  python -m vp bench sample svg-lp-published --n 100 --frames 20      # a recipe: untrained weights
  python -m vp bench growth svg-lp-smmnist ramvid-smmnist --figure out/growth.png
  python -m vp bench start""",
    "data": """
  python -m vp data kth --data-root DIR --download
  python -m vp data folder --data-root my/clips --out out/my.png
  python -m vp data bair-lab --data-root DIR --json bair.json""",
    "info": """
  python -m vp info
  python -m vp info svg-lp-smmnist""",
}


def add(commands: Any, name: str, help: str, run: Callable[[argparse.Namespace, list[str]], dict]) -> Any:
    parser = commands.add_parser(
        name,
        help=help,
        description=help[0].upper() + help[1:] + ".",
        epilog="examples:" + EXAMPLES[name],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run, parser=parser)
    if name not in ("paired", "plot", "compare", "average", "data", "info"):
        parser.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (default: auto)")
        parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    return parser


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return value


def minutes(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of minutes")
    return value


def numbers(text: str) -> list[int]:
    """Whole numbers of 0 and more, parted by commas, each once."""
    values = [int(part) for part in text.split(",")]
    if min(values) < 0 or len(set(values)) < len(values):
        raise argparse.ArgumentTypeError(f"{text} are not different numbers of 0 and more")
    return values


WAYS = (
    "smmnist-svg, smmnist-srvp, digits-robust, mmnist, gatech, kth, push, one-frame (1 -> 15), long (5 -> 55), fusion-16-32,"
    " next-frame, super-resolution or compression (default: smmnist-svg); or any data set with lengths, NAME:PAST+FUTURE as in"
    " folder:5+10, real128:5+10, ucf101:5+10: two windows of each recording, its start and its middle, at the size of the model"
)
LISTED = 20  # notes on a data set
KNOWN = "frames given: 0-4, 0,5,10 or none, counted from 0"


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m vp", description="See and steer possible futures of a video.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    p = add(commands, "train", "train a recipe to a time budget; stops safely, resumes exactly", run_train)
    p.add_argument("recipe", help="name of a recipe; `python -m vp info` lists them")
    p.add_argument("--minutes", type=minutes, default=30.0, help="time budget, total over resumes (default: 30)")
    p.add_argument("--steps", type=positive, help="budget in steps instead of minutes")
    p.add_argument("--resume", action="store_true", help="continue the run in --out")
    p.add_argument("--init", metavar="CHECKPOINT", help="start from these weights, with a fresh schedule")
    p.add_argument("--out", type=Path, help="folder of the run (default: runs/RECIPE)")
    p.add_argument("--batch", type=positive, help="clips a step (default: the recipe's)")
    p.add_argument("--accumulate", type=positive, default=1, help="mini-batches a step, where one does not fit (default: 1)")
    p.add_argument("--recompute", action="store_true", help="keep a third to a half less for the gradient and compute it again")
    p.add_argument("--lr", type=float, help="peak learning rate of the first phase, others in proportion (default: the recipe's)")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=positive, help="CPU threads (default: one a core); 1 where two trainings run side by side")
    p.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting of the recipe; repeatable")
    p.add_argument("--vary", action="append", default=[], metavar="NAME=A,B", help="a run a value, below --out; repeatable")
    p.add_argument("--seeds", type=numbers, metavar="0,1,2", help="a run a seed, below --out")
    p.add_argument("--data", metavar="NAME", help="train and validate on this data set instead (`python -m vp data --help`)")
    p.add_argument("--licences", metavar="WORDS", help="only clips whose licence begins so, as in 'CC BY,CC0,MIT' (indexed data)")
    p.add_argument("--digits", choices=("auto", "mnist", "strokes", "mixed"), default="auto")
    p.add_argument("--data-root", help="folder of the data set, or with MNIST/raw (default: the variable VP_DATA)")
    p.add_argument("--validate-minutes", type=minutes, default=5.0, help="time between validations (default: 5)")

    p = add(commands, "sample", "predict futures of one clip and write them as mp4, GIF, HTML, JSON and npz", run_sample)
    p.add_argument("checkpoint", help="a model's name or a .safetensors file")
    p.add_argument("clip", help="a video file")
    p.add_argument("--n", type=positive, default=4, help="number of futures (default: 4)")
    p.add_argument("--n-past", type=positive, help="known frames (default: the model's)")
    p.add_argument("--known", metavar="FRAMES", help=f"{KNOWN}, out of --n-past plus --n-future")
    p.add_argument("--slow", type=positive, default=1, help="slow motion: 2 predicts a frame between every two")
    p.add_argument("--n-future", type=positive, help="frames to predict (default: the model's)")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--long-side", type=positive, default=512, help="px at most, where the model takes any size (default: 512)")
    p.add_argument("--actions", metavar="FILE", help="the clip's own actions, a row a frame, or 'still'")
    p.add_argument("--beside", metavar="FILE", help="one more row under these actions or 'still', with the first future's seed")
    p.add_argument("--out", type=Path, default=Path("out"), help="folder for the files (default: out)")

    p = add(commands, "evaluate", "score a model under a protocol, beside the baselines", run_evaluate)
    p.add_argument("checkpoint", help="a model's name or a .safetensors file")
    p.add_argument("--protocol", default="smmnist-svg", help=WAYS)
    p.add_argument("--clips", type=positive, help="how many (default: 100, or all of --test-set or windows; compression: 20)")
    p.add_argument("--test-set", metavar="FILE", help="official Moving MNIST sequences: mnist_test_seq.npy, or .npz with frames")
    p.add_argument("--samples", type=positive, default=20)
    p.add_argument("--known", metavar="FRAMES", help=f"{KNOWN}, instead of the protocol's first frames")
    p.add_argument("--split", choices=(*SPLITS, ALL), default="test", help="val, or dev: clips to choose by (default: test)")
    p.add_argument("--short-side", type=positive, metavar="PX", help="of whole frames, where the model takes any (default: 128)")
    p.add_argument("--fps", type=float, help="of NAME:PAST+FUTURE: about so many frames a second (default: the clip's own rate)")
    p.add_argument("--stride", type=positive, default=1, help="of NAME:PAST+FUTURE: every so many frames (default: 1)")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--data-root", help="folder of the data, or one that holds it or MNIST/raw (default: the variable VP_DATA)")
    p.add_argument("--timing", action="store_true", help="add when the learned prior is uncertain (500 clips)")
    p.add_argument("--json", type=Path, metavar="FILE", help="also write the result here")
    p.add_argument("--figure", type=Path, metavar="FILE", help="also draw the scores frame by frame, .png or .pdf (matplotlib)")
    p.add_argument("--per-clip", action="store_true", help="add the model's scores of each clip to the result")
    p.add_argument("--record", action="store_true", help="also write the headline numbers into the checkpoint's card")

    p = add(commands, "paired", "what one evaluation has more than another on the same clips, with intervals", run_paired)
    p.add_argument("first", type=Path, metavar="A.json", help="written by `evaluate --per-clip --json A.json`")
    p.add_argument("second", type=Path, metavar="B.json", help="of the same protocol, clips and split; taken from the first")
    p.add_argument("--json", type=Path, metavar="FILE", help="also write the result here")

    p = add(commands, "plot", "draw loss, KL, PSNR and the schedules' ratios of runs against epochs", run_plot)
    p.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run, or one that holds several")
    p.add_argument("--out", type=Path, default=Path("out/plot.png"), metavar="FILE", help="picture (default: out/plot.png)")

    p = add(commands, "compare", "what runs reached at their last validation, mean and spread over seeds", run_compare)
    p.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run, or one that holds several")
    p.add_argument("--json", type=Path, metavar="FILE", help="also write the result here")

    p = add(commands, "bench", "time training, sampling, metrics or the app on this machine", run_bench)
    p.add_argument("what", choices=("train", "sample", "metrics", "app", "start", "growth"), nargs="?", default="train")
    p.add_argument("models", nargs="*", metavar="MODEL", help="models or recipes (default: svg-lp-smmnist)")
    p.add_argument("--family", default="svg", help="for train: whose training steps (default: svg)")
    p.add_argument("--figure", type=Path, default=Path("out/growth.png"), metavar="FILE", help="of growth")
    p.add_argument("--batch", type=positive, default=8, help="clips a training step (default: 8, as our recipes take)")
    p.add_argument("--n", type=positive, default=8, help="futures to sample (default: 8)")
    p.add_argument("--frames", type=positive, default=20, help="frames to predict (default: 20)")
    p.add_argument("--repeats", type=positive, default=5)
    p.add_argument("--rounds", type=positive, default=1, help="of sample: through all rows in turn (default: 1)")

    p = add(commands, "average", "average the weights of checkpoints that began from the same ones", run_average)
    p.add_argument("checkpoints", nargs="+", metavar="CHECKPOINT", help="models' names or .safetensors files")
    p.add_argument("--shares", nargs="+", type=float, help="of each in the mean (default: all alike)")
    p.add_argument("--out", type=Path, required=True, metavar="FILE", help="the new .safetensors file")

    p = add(commands, "data", "check a data set: counts by split, a contact sheet, and what is left out and why", run_data)
    p.add_argument("data", metavar="NAME", help=", ".join(DATASETS))
    p.add_argument("--data-root", help="folder of the data set, or one that holds it (default: the variable VP_DATA)")
    p.add_argument("--download", action="store_true", help="first fetch it into --data-root from its official place")
    p.add_argument("--size", type=positive, default=64, help="side of the frames in px (default: 64)")
    p.add_argument("--out", type=Path, metavar="FILE", help="contact sheet, .png (default: out/NAME.png)")
    p.add_argument("--json", type=Path, metavar="FILE", help="also write the result here")

    p = add(commands, "info", "list models and recipes, or show one model's card", run_info)
    p.add_argument("checkpoint", nargs="?")
    return parser


def model_options(parser: argparse.ArgumentParser, kind: type[Options], extra: Sequence[str]) -> Options:
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


def run_train(args: argparse.Namespace, extra: list[str]) -> dict:
    from .catalog import recipe
    from .training.overrides import overridden
    from .training.train import train
    from .training.trainer import Settings

    refuse(args.parser, extra)
    family, found = recipe(args.recipe)
    if args.data:
        found = replace(found, data=dict.fromkeys(args.data.split(","), 1.0), protocol="")
    if args.set and args.resume and not (args.vary or args.seeds):
        raise ValueError("--set came with --resume; a resumed run keeps the settings that it began with: leave --set out")
    found = replace(found, config=overridden(found.config, args.set))
    names = ("minutes", "steps", "resume", "init", "device", "precision", "batch", "accumulate", "recompute", "lr", "seed")
    chosen = {name: getattr(args, name) for name in (*names, "threads", "digits", "data_root", "validate_minutes")}
    licences = tuple(word.strip() for word in (args.licences or "").split(",") if word.strip())
    settings = Settings(out=args.out or Path("runs") / args.recipe, licences=licences, **chosen)
    if not args.vary and not args.seeds:
        return train(family, found, settings)
    from .training.compare import table
    from .training.sweep import sweep

    result = sweep(family, found, settings, swept_settings(args.vary), args.seeds or [args.seed])
    if "groups" in result:
        print(table(result))
    return result


def swept_settings(texts: Sequence[str]) -> dict[str, list[str]]:
    """NAME=A,B,C as name -> values."""
    out: dict[str, list[str]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        if not values or "" in values.split(",") or name in out:
            raise ValueError(f"vary is {text!r}; give NAME=A,B,C, each name once, for example objective.kl=none,cyclical")
        out[name] = values.split(",")
    return out


def run_plot(args: argparse.Namespace, extra: list[str]) -> dict:
    from .training.plot import plot

    refuse(args.parser, extra)
    return plot(args.runs, args.out)


def run_compare(args: argparse.Namespace, extra: list[str]) -> dict:
    from .training.compare import compare, table

    refuse(args.parser, extra)
    result = compare(args.runs)
    keep(args.json, result)
    print(table(result))
    return result


def run_sample(args: argparse.Namespace, extra: list[str]) -> dict:
    from .data import read_clip
    from .data.video_file import MAX_FPS, MAX_SIDE
    from .prediction.actions import OWN
    from .prediction.model import load
    from .prediction.sample import sample
    from .result.export import write_all

    model = load(args.checkpoint, args.device, args.precision)
    options = model_options(args.parser, model.predictor.options_type, extra)
    clip = read_clip(args.clip, max_side=max(args.long_side, MAX_SIDE), max_fps=MAX_FPS)
    actions = {"actions": given_actions(args.actions), "compare_with": given_actions(args.beside)}
    if args.actions and not isinstance(actions["actions"], str):  # a table is the clip's own
        clip, actions["actions"] = replace(clip, actions=actions["actions"]), OWN
    wishes = {"seed": args.seed, "known": args.known, "slow": args.slow, "long_side": args.long_side}
    result = sample(model, clip, args.n, args.n_past, args.n_future, options, **wishes, **actions)
    return write_all(result, args.out)


def given_actions(text: str | None) -> Any:
    """`still`, or the table in a file."""
    from .prediction.actions import STILL, read_actions

    return text if text in (None, STILL) else read_actions(text)


def run_evaluate(args: argparse.Namespace, extra: list[str]) -> dict:
    from .evaluation.evaluate import evaluate, headline
    from .prediction.checkpoint import record
    from .prediction.model import find, load
    from .result.tables import WINDOW, of_flow, of_gains, of_scores, of_sources, of_variants, of_windows

    model = load(args.checkpoint, args.device, args.precision)
    if args.protocol == "compression":
        return run_compression(args, extra, model)
    options = model_options(args.parser, model.predictor.options_type, extra)
    if args.timing:
        from .evaluation.diagnose import check_timing, learned_prior_timing

        check_timing(model, args.protocol)  # now, not after minutes of evaluation
    with progress_bar() as progress:
        result = evaluate(
            model,
            args.protocol,
            args.clips,
            args.samples,
            known=args.known,
            split=args.split,
            data_root=args.data_root,
            test_set=args.test_set,
            short_side=args.short_side,
            stride=args.stride,
            fps=args.fps,
            options=options,
            seed=args.seed,
            per_clip=args.per_clip,
            progress=progress,
        )
    if args.timing:
        result["prior_timing"] = learned_prior_timing(model, args.protocol, data_root=args.data_root)
    keep(args.json, result)
    if args.figure:
        from .evaluation.curves import draw_curves

        draw_curves(result, args.figure)
    print(of_scores(result))
    if "against_flow" in result:
        print(of_flow(result))
    if "variants" in result:
        print(of_variants(result))
    if len(result["per_frame"]["psnr_db"]["mean"]) > 2 * WINDOW:
        print(of_windows(result))
    if "actions" in result:
        print(of_gains(result))
    if "sources" in result:
        print(of_sources(result))
    if args.record:
        record(find(args.checkpoint), args.protocol, headline(result))
    return result


def run_compression(args: argparse.Namespace, extra: list[str], model: Any) -> dict:
    from .evaluation.compression import compression
    from .result.tables import of_bits

    refuse(args.parser, extra)
    with progress_bar() as progress:
        result = compression(model, args.clips, args.split, data_root=args.data_root, test_set=args.test_set, progress=progress)
    keep(args.json, result)
    print(of_bits(result))
    return result


def run_paired(args: argparse.Namespace, extra: list[str]) -> dict:
    from .evaluation.scores import paired
    from .result.tables import of_pair

    refuse(args.parser, extra)
    result = paired(read_evaluation(args.first), read_evaluation(args.second))
    keep(args.json, result)
    print(of_pair(result))
    return result


def read_evaluation(path: Path) -> dict:
    """What `evaluate --json` wrote."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ValueError(f"{path} is no JSON file that can be read; give one that `evaluate --per-clip --json` wrote") from None
    if not isinstance(found, dict) or "protocol" not in found:
        raise ValueError(f"{path} holds no evaluation; give a file that `evaluate --per-clip --json` wrote")
    return found


def keep(path: Path | None, result: dict) -> None:
    """Writes a result beside printing it, where a file is named."""
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1) + "\n")


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int], None]]:
    """A bar with an ETA, as a callback (done, total)."""
    from tqdm import tqdm

    with tqdm(unit="row", mininterval=1) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report


def run_bench(args: argparse.Namespace, extra: list[str]) -> dict:
    from . import bench

    refuse(args.parser, extra)
    where, models = (args.device, args.precision), args.models or ["svg-lp-smmnist"]
    if args.what == "train":
        return bench.training(args.family, args.batch, args.repeats, *where)
    if args.what == "sample":
        return bench.sampling(models, args.n, args.frames, args.repeats, *where, rounds=args.rounds)
    if args.what == "growth":
        return bench.growth(models, args.repeats, args.figure, *where)
    if args.what == "metrics":
        return bench.metrics(args.n, args.frames, args.repeats, args.device)
    return bench.start(args.repeats) if args.what == "start" else bench.app(models[0], args.n, args.frames, args.repeats)


def run_average(args: argparse.Namespace, extra: list[str]) -> dict:
    from .training.model_soup import model_soup

    refuse(args.parser, extra)
    return model_soup(args.checkpoints, args.shares or [1.0] * len(args.checkpoints), args.out)


def run_data(args: argparse.Namespace, extra: list[str]) -> dict:
    from .data.download import download
    from .result.survey import survey

    refuse(args.parser, extra)
    if args.download:
        root = args.data_root or os.environ.get("VP_DATA")
        if not root:
            raise ValueError("--download needs a folder: give it by --data-root or the variable VP_DATA")
        with byte_bar() as progress:
            download(args.data, root, progress)
    result = survey(args.data, args.data_root, args.out or Path("out") / f"{args.data}.png", args.size, watched)
    print("\n".join(survey_lines(result)))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    return result


def survey_lines(result: dict) -> Iterator[str]:
    """What `data` prints before its JSON line."""
    for split, contents in result.get("made_of", {}).items():
        yield f"{split:6}" + ", ".join(f"{count:,} {what}" for what, count in contents.items())
    for split, row in result.get("splits", {}).items():
        clips = f"{row['recordings']:7,} recordings of {row['groups']:,} groups, {row['with_actions'] or 'none'} with actions"
        yield f"{split:6}{clips}, {row['frames']:,} frames, {row['minutes']:,.1f} minutes"
    yield from result.get("notes", ())[:LISTED]
    first = result.get("first_left_out", ())
    if first:
        yield f"left out: {result['left_out']}"
        yield from (f"  {changed(name, reason)}" for name, reason in first)
        if result["left_out"] > len(first):
            yield f"  and {result['left_out'] - len(first)} more"
    yield f"contact sheet: {result['sheet']}"


def changed(name: str, reason: str) -> str:
    """A file and what is wrong with it, without advice and without its name twice."""
    short = reason.partition("; give ")[0]
    tail = short.removeprefix(Path(name).name)
    return f"{name}: {short}" if tail == short else name + tail


def watched(items: Sequence[Any], what: str) -> Any:
    from tqdm import tqdm

    return tqdm(items, desc=what, unit="", mininterval=0.5, leave=False)


@contextmanager
def byte_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for downloads, as a callback (file, bytes done, bytes in all)."""
    from tqdm import tqdm

    with tqdm(unit="B", unit_scale=True, mininterval=1) as bar:

        def report(name: str, done: int, total: int) -> None:
            bar.set_description(name, refresh=False)
            bar.total = total or None
            bar.update(done - bar.n)

        yield report


def run_info(args: argparse.Namespace, extra: list[str]) -> dict:
    from .catalog import FAMILIES
    from .prediction.checkpoint import history, read_card
    from .prediction.model import available, find

    refuse(args.parser, extra)
    if args.checkpoint:
        cards = {card["name"]: card for card in available()}
        return cards[args.checkpoint] if args.checkpoint in cards else read_card(find(args.checkpoint))
    cards = available()
    for card in cards:
        facts = [history(card), f"weights: {card['licence']}" if "licence" in card else ""]
        facts = "; ".join(filter(None, facts))
        print(f"{card['name']:24} {card.get('problem') or card['about']}" + (f" ({facts})" if facts else ""))
    recipes = {r.name: r.about for family in FAMILIES.values() for r in family.recipes}
    print("\n".join(["recipes:", *(f"  {name:22} {about}" for name, about in recipes.items())]))
    return {"models": [card["name"] for card in cards], "recipes": list(recipes)}


def refuse(parser: argparse.ArgumentParser, extra: list[str]) -> None:
    if extra:
        parser.error(f"unrecognised: {' '.join(extra)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; wrong values exit 2 with one sentence, training that diverges 3, never a traceback."""
    args, extra = build_parser().parse_known_args(argv)
    try:
        print(json.dumps(args.run(args, extra)), flush=True)
    except BrokenPipeError:  # whoever read the output has enough: `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except ValueError as error:
        print(f"python -m vp: {error}", file=sys.stderr)
        return getattr(error, "exit_code", 2)
    except KeyboardInterrupt:
        print("python -m vp: stopped", file=sys.stderr)
        return 130
    return 0
