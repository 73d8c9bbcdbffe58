"""`python -m vp push`, `push-results` and `pull`: models and evaluations to and from the Hugging Face Hub."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .common import add_command, refuse_extra
from .evaluate import read_evaluation
from .outputs import check_place, checkpoint_file

EVALUATIONS = Path("docs/evaluations")
EXAMPLES = {
    "push": """
  python -m vp push svg-lp-real me/svg-lp-real --dry-run
  python -m vp push runs/lp/best.safetensors me/digits --evaluation lp.json --private""",
    "push-results": """
  python -m vp push-results lp.json me/digits --dry-run""",
    "pull": """
  python -m vp pull me/digits
  python -m vp pull me/digits/digits.safetensors@v1 --out digits.safetensors
  python -m vp sample hf://me/digits my.mp4 --out out""",
}


def add_upload(commands: Any, name: str, help: str, run: Any) -> Any:
    """Adds a command that uploads to a repository; returns its parser."""
    p = add_command(commands, name, help, run, EXAMPLES[name])
    p.add_argument("file", metavar="CHECKPOINT" if name == "push" else "FILE.json")
    p.add_argument("repo", metavar="OWNER/REPO", help="repository on the Hub, made where there is none")
    p.add_argument("--dry-run", action="store_true", help="list the files with their sizes and ask nobody")
    p.add_argument("--private", action="store_true", help="a repository that is made is private")
    return p


def add_push(commands: Any) -> None:
    """Adds the command `push`."""
    p = add_upload(commands, "push", "upload a checkpoint with its model card and checksums to the Hugging Face Hub", run_push)
    words = "written by `evaluate --json`, for the card (default: of shipped checkpoints those of docs/evaluations)"
    p.add_argument("--evaluation", type=Path, nargs="+", metavar="FILE.json", help=words)


def add_push_results(commands: Any) -> None:
    """Adds the command `push-results`."""
    add_upload(commands, "push-results", "upload an evaluation into evaluations/ of a model on the Hub", run_push_results)


def add_pull(commands: Any) -> None:
    """Adds the command `pull`."""
    p = add_command(commands, "pull", "fetch a checkpoint from the Hugging Face Hub and check it", run_pull, EXAMPLES["pull"])
    p.add_argument("address", metavar="OWNER/REPO[/FILE][@REVISION]")
    p.add_argument("--out", type=Path, metavar="FILE", help="copy it here (default: it stays in the cache, for hf://OWNER/REPO)")


def run_push(args: argparse.Namespace, extra: list[str]) -> dict:
    """Loads the checkpoint, which checks it, and uploads it with card and manifest; returns what was uploaded."""
    from ..core.runtime import Runtime
    from ..hub.address import is_address, parse_repo
    from ..prediction.model import baseline_families, find_checkpoint, load_file
    from ..publish.package import model_files, shipped_evaluations

    refuse_extra(args.parser, extra)
    repo = parse_repo(args.repo)
    if is_address(args.file) or args.file in baseline_families():
        raise ValueError(f"{args.file} is no checkpoint on this machine; give a .safetensors file or a shipped model's name")
    path = find_checkpoint(args.file)
    model = load_file(Runtime.pick("cpu", "fp32"), path)
    paths = args.evaluation if args.evaluation is not None else shipped_evaluations(path, EVALUATIONS)
    with TemporaryDirectory() as folder:
        files = model_files(Path(folder), model, path, repo, [read_evaluation(path) for path in paths])
        return send(args, repo, files, f"Upload {model.name}")


def run_push_results(args: argparse.Namespace, extra: list[str]) -> dict:
    """Uploads an evaluation; returns what was uploaded."""
    from ..hub.address import parse_repo
    from ..publish.package import results_file

    refuse_extra(args.parser, extra)
    repo, evaluation = parse_repo(args.repo), read_evaluation(Path(args.file))
    with TemporaryDirectory() as folder:
        files = results_file(Path(folder), Path(args.file).name, evaluation)
        return send(args, repo, files, f"Upload an evaluation of {evaluation.get('checkpoint', '?')}")


def send(args: argparse.Namespace, repo: str, files: Mapping[str, Path], message: str, **options: Any) -> dict:
    """Prints the list of files and, without --dry-run, uploads them; returns repository, sizes, and the commit or None.

    Args:
        options: see `vp.hub.client.upload`.
    """
    from ..hub.client import upload
    from ..publish.package import describe_files

    print(describe_files(files))
    summary = {"repo": repo, "files": {name: path.stat().st_size for name, path in files.items()}, "dry_run": args.dry_run}
    if args.dry_run:
        return summary | {"commit": None, "url": None}
    return summary | upload(repo, files, message, private=args.private or None, **options)


def run_pull(args: argparse.Namespace, extra: list[str]) -> dict:
    """Fetches a checkpoint, checks its header and copies it to --out; returns the file and where it is from."""
    from ..core.files import replacing
    from ..hub.address import COMMIT, parse_address
    from ..hub.client import fetch
    from ..prediction.checkpoint import read_card
    from ..prediction.header import FILE_LIMIT

    refuse_extra(args.parser, extra)
    address = parse_address(args.address)
    if args.out is not None:
        check_place(checkpoint_file, args.out)
    found = fetch(address, FILE_LIMIT, fresh=not COMMIT.fullmatch(address.revision))
    read_card(found.path)
    if args.out is not None:
        with replacing(args.out) as part:
            shutil.copyfile(found.path, part)
    record = {"file": str(args.out or found.path), "repo": address.repo, "commit": found.commit}
    return record | {"sha256": found.sha256, "compared": found.compared}
