"""`python -m vp evaluate`, and the difference of two evaluations."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..core.boundary import attached_to_errors
from ..core.processes import Processes, is_first_process
from ..data.splits import ALL, SPLITS
from .common import (
    KNOWN,
    OWN_OPTIONS,
    add_axes,
    add_command,
    parse_model_options,
    positive_int,
    progress_bar,
    refuse_extra,
    write_json,
)
from .outputs import check_place, figure_file, output_file

EXAMPLES = {
    "evaluate": """
  python -m vp evaluate svg-lp-smmnist --protocol smmnist-svg --clips 100 --samples 20 --json lp.json
  python -m vp evaluate runs/convlstm/best.safetensors --protocol mmnist --test-set mnist_test_seq.npy --clips 1000
  python -m vp evaluate flow --protocol compression
  python -m vp evaluate svg-lp-smmnist --protocol digits-robust --clips 96
  python -m vp evaluate svg-lp-smmnist --protocol smmnist-srvp --clips 100 --samples 100      # beside published scores
  python -m vp evaluate svg-lp-push --protocol push --clips 100
  python -m vp evaluate svg-lp-smmnist --clips 100 --per-clip --json lp.json                  # for `python -m vp paired`
  python -m vp evaluate copy-last --protocol next-frame --clips 100
  torchrun --nproc-per-node 4 -m vp evaluate svg-lp-smmnist --clips 1000                      # the same numbers, sooner
  python -m vp evaluate flow --protocol folder:5+10 --data-root my/clips --split all          # whole frames, in colour
  python -m vp evaluate flow-between --protocol real128:5+10 --data-root DIR --split dev --known 0-2,12-14"""
    + OWN_OPTIONS,
    "paired": """
  python -m vp paired lp.json fp.json
  python -m vp paired lp.json fp.json --json lp-fp.json""",
}

PROTOCOL_HELP = (
    "smmnist-svg, smmnist-srvp, digits-robust, mmnist, gatech, kth, push, one-frame (1 -> 15), long (5 -> 55), fusion-16-32,"
    " next-frame, super-resolution or compression (default: smmnist-svg); or any data set with lengths, NAME:PAST+FUTURE as in"
    " folder:5+10, real128:5+10, ucf101:5+10: two windows of each recording, its start and its middle, at the size of the model"
)


def add_evaluate(commands: Any) -> None:
    """Adds the command `evaluate`."""
    p = add_command(
        commands,
        "evaluate",
        "score a model under a protocol, beside the baselines",
        run_evaluate,
        EXAMPLES["evaluate"],
        computes=True,
    )
    p.add_argument("checkpoint", help="a model's name, a .safetensors file or hf://owner/repo")
    p.add_argument("--protocol", default="smmnist-svg", help=PROTOCOL_HELP)
    p.add_argument("--clips", type=positive_int, help="how many (default: 100, or all of --test-set or windows; compression: 20)")
    p.add_argument("--test-set", metavar="FILE", help="official Moving MNIST sequences: mnist_test_seq.npy, or .npz with frames")
    p.add_argument("--samples", type=positive_int, default=20)
    p.add_argument("--known", metavar="FRAMES", help=f"{KNOWN}, instead of the protocol's first frames")
    p.add_argument("--split", choices=(*SPLITS, ALL), default="test", help="val, or dev: clips to choose by (default: test)")
    p.add_argument(
        "--short-side", type=positive_int, metavar="PX", help="of whole frames, where the model takes any (default: 128)"
    )
    p.add_argument("--fps", type=float, help="of NAME:PAST+FUTURE: about so many frames a second (default: the clip's own rate)")
    p.add_argument("--stride", type=positive_int, default=1, help="of NAME:PAST+FUTURE: every so many frames (default: 1)")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--data-root", help="folder of the data, or one that holds it or MNIST/raw (default: the variable VP_DATA)")
    add_axes(p)
    p.add_argument("--timing", action="store_true", help="add when the learned prior is uncertain (500 clips)")
    p.add_argument("--json", type=output_file, metavar="FILE", help="also write the result here")
    p.add_argument("--figure", type=figure_file, metavar="FILE", help="also draw the scores frame by frame, .png, .pdf or .svg")
    p.add_argument("--per-clip", action="store_true", help="add the model's scores of each clip to the result")
    p.add_argument("--record", action="store_true", help="also write the headline numbers into the checkpoint's card")


def run_evaluate(args: argparse.Namespace, extra: list[str]) -> dict:
    """Evaluates a model, prints tables, writes the requested files and returns the evaluation; several processes share the
    work."""
    from ..core.processes import joined
    from ..core.runtime import Runtime

    with joined(Runtime.pick(args.device, args.precision).device) as processes:
        return run_evaluate_on(processes, args, extra)


def run_evaluate_on(processes: Processes, args: argparse.Namespace, extra: list[str]) -> dict:
    """As `run_evaluate`, in one of the processes."""
    from ..evaluation.evaluate import evaluate
    from ..hub.address import is_address
    from ..prediction.model import find_checkpoint, load

    with processes.first_here_goes_first():  # a model of the Hub is downloaded once
        model = load(args.checkpoint, args.device, args.precision)
    if args.record:  # there must be a file of the person's own to write it into
        if is_address(args.checkpoint):
            raise ValueError("--record came with a model on the Hub; `python -m vp pull` it into a file and evaluate that")
        check_place(output_file, find_checkpoint(args.checkpoint))
    if args.protocol == "compression":
        return run_compression(args, extra, model, processes)
    options = parse_model_options(args.parser, model.predictor.options_type, extra)
    if args.timing:
        from ..evaluation.diagnose import check_timing, learned_prior_timing

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
            axes=args.axes,
            options=options,
            seed=args.seed,
            per_clip=args.per_clip,
            progress=progress,
            processes=processes,
        )
    if args.timing:
        result["prior_timing"] = learned_prior_timing(model, args.protocol, data_root=args.data_root)
    print_tables(result)
    with attached_to_errors(result):
        write_files(args, result)
    return result


def print_tables(result: dict) -> None:
    """Prints all tables for which the evaluation has numbers."""
    from ..result.tables import (
        WINDOW,
        format_action_gains,
        format_curves,
        format_differences_from_flow,
        format_scores,
        format_sources,
        format_variants,
    )

    print(format_scores(result))
    if "against_flow" in result:
        print(format_differences_from_flow(result))
    if "variants" in result:
        print(format_variants(result))
    if len(result["per_frame"]["psnr_db"]["mean"]) > 2 * WINDOW:
        print(format_curves(result))
    if "actions" in result:
        print(format_action_gains(result))
    if "sources" in result:
        print(format_sources(result))


def write_files(args: argparse.Namespace, result: dict) -> None:
    """Writes what --json, --figure and --record ask for, once for all processes: the result, a figure, the headline numbers in
    the checkpoint's card."""
    if not is_first_process():
        return
    write_json(args.json, result)
    if args.figure:
        from ..evaluation.curves import draw_curves

        draw_curves(result, args.figure)
    if args.record:
        from ..evaluation.evaluate import headline_numbers
        from ..prediction.checkpoint import add_metrics
        from ..prediction.model import find_checkpoint

        add_metrics(find_checkpoint(args.checkpoint), args.protocol, headline_numbers(result))


def run_compression(args: argparse.Namespace, extra: list[str], model: Any, processes: Processes) -> dict:
    """Runs the protocol `compression`, prints its table and returns its result."""
    from ..evaluation.compression import measure_compression
    from ..result.tables import format_compression

    refuse_extra(args.parser, extra)
    with progress_bar() as progress:
        result = measure_compression(
            model, args.clips, args.split, data_root=args.data_root, test_set=args.test_set, progress=progress,
            processes=processes,
        )  # fmt: skip
    print(format_compression(result))
    with attached_to_errors(result):
        write_json(args.json if is_first_process() else None, result)
    return result


def add_paired(commands: Any) -> None:
    """Adds the command `paired`."""
    p = add_command(
        commands,
        "paired",
        "what one evaluation has more than another on the same clips, with intervals",
        run_paired,
        EXAMPLES["paired"],
    )
    p.add_argument("first", type=Path, metavar="A.json", help="written by `evaluate --per-clip --json A.json`")
    p.add_argument("second", type=Path, metavar="B.json", help="of the same protocol, clips and split; taken from the first")
    p.add_argument("--json", type=output_file, metavar="FILE", help="also write the result here")


def run_paired(args: argparse.Namespace, extra: list[str]) -> dict:
    """Compares two evaluations of the same clips, first minus second; prints and returns the differences."""
    from ..evaluation.scores import compare_evaluations
    from ..result.tables import format_pair

    refuse_extra(args.parser, extra)
    result = compare_evaluations(read_evaluation(args.first), read_evaluation(args.second))
    print(format_pair(result))
    with attached_to_errors(result):
        write_json(args.json, result)
    return result


def read_evaluation(path: Path) -> dict:
    """Reads what `evaluate --json` wrote.

    Raises:
        ValueError: the file cannot be read or holds no evaluation.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ValueError(f"{path} is no JSON file that can be read; give one that `evaluate --per-clip --json` wrote") from None
    if not isinstance(found, dict) or "protocol" not in found:
        raise ValueError(f"{path} holds no evaluation; give a file that `evaluate --per-clip --json` wrote")
    return found
