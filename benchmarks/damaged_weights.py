"""Is every damaged weight file refused in one sentence? 153 files damaged in one way each, and 15 hostile links and places.

    python -m benchmarks.damaged_weights

Each is listed among the others, loaded, and given to the commands `info` and `sample` in this process. Prints one line of JSON:

- files, places: how many were made;
- listed: how many the list of models gives a sentence for, by their header alone;
- refused: how many cannot be loaded, each with one sentence that names the file;
- usable: names of those that load all the same; silent: of attempts that did not end in one sentence;
- tracebacks: of attempts that ended in an error other than a sentence, or not within `LONGEST_S`;
- slowest_s, peak_growth_mb: of the slowest attempt, and by how much the process's peak memory grew while all were tried.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from vp import cli
from vp.prediction import model as models
from vp.prediction.checkpoint import FOLDER
from vp.prediction.header import printable

from .damaged_files import damaged_files, hostile_places

SOURCE = FOLDER / "svg-lp-people.safetensors"
CLIP = FOLDER.parent / "assets" / "clips" / "digits-1.mp4"
LONGEST_S = 20


class Hang(BaseException):
    """An attempt that takes too long; no handler of errors catches it."""


@dataclass
class Report:
    """What came of all attempts; see the top of the file."""

    files: int = 0
    places: int = 0
    listed: int = 0
    refused: int = 0
    usable: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: str = ""
    peak_growth_mb: float = 0.0

    def attempt(self, what: str, run: Callable[[], Any]) -> Any:
        """What `run` returns, or the ValueError that it raises; any other end is written down, and gives None."""
        begun = time.perf_counter()
        try:
            with time_limit():
                return run()
        except ValueError as error:
            return error
        except (Exception, Hang) as error:
            self.tracebacks.append(f"{what}: {error!r}"[:300])
            return None
        finally:
            took = time.perf_counter() - begun
            if took > self.slowest_s:
                self.slowest_s, self.slowest = round(took, 3), what


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    """Raises Hang in what takes longer than LONGEST_S."""

    def stop(*_: Any) -> None:
        raise Hang(f"not over after {LONGEST_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LONGEST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def make_files(folder: Path, source: Path = SOURCE, every: int = 1) -> tuple[list[Path], list[Path]]:
    """Writes one of `every` so many damaged files, and the hostile places, into `folder`; returns the paths of both."""
    files = []
    for name, content in itertools.islice(damaged_files(source), 0, None, every):
        files.append(folder / f"{name}.safetensors")
        files[-1].write_bytes(content)
    return files, hostile_places(folder, b"not a checkpoint")


def try_all(folder: Path, files: list[Path], places: list[Path], out: Path) -> Report:
    """Lists all that is in `folder`, then loads each and gives it to the commands, which write below `out`."""
    report, paths = Report(len(files), len(places)), [*files, *places]
    cards = report.attempt("list", lambda: models.available(folder)) or []
    problems = {card.path: card.problem for card in cards if card.problem}
    report.listed = sum(str(path) in problems for path in paths)
    for path in paths:
        said = problems.get(str(path))
        if said is not None and not is_sentence(said, path):
            report.silent.append(f"list {printable(path.name)}: {said!r}"[:300])
        loaded = report.attempt(f"load {printable(path.name)}", lambda: models.load(path, "cpu"))
        if isinstance(loaded, ValueError) and is_sentence(str(loaded), path):
            report.refused += 1
        elif isinstance(loaded, models.Model):
            report.usable.append(printable(path.stem))
        else:
            report.silent.append(f"load {printable(path.name)}: {loaded!r}"[:300])
        try_command(report, path, ["info", str(path)])
        try_command(report, path, ["sample", str(path), str(CLIP), "--device", "cpu", "--out", str(out)])
    with mock.patch.object(models, "available", lambda: cards):
        try_command(report, folder, ["info"])
    return report


def try_command(report: Report, path: Path, command: list[str]) -> None:
    """Runs a command in this process; one that fails must say one sentence, and all its output must be printable."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))

    def run() -> int:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main(command)
            sys.stdout.flush()
            sys.stderr.flush()
        return code

    what = f"{command[0]} {printable(path.name)}"
    code = report.attempt(what, run)
    said = err.buffer.getvalue().decode()  # type: ignore[attr-defined]
    if isinstance(code, ValueError):  # raised past the command line's own handler
        report.tracebacks.append(f"{what}: {code!r}"[:300])
    elif code not in (0, None) and not is_sentence(said.rstrip("\n"), path):
        report.silent.append(f"{what}: {said!r}"[:300])


def is_sentence(text: str, path: Path) -> bool:
    """Whether a text is one printable line, not long, that names the file."""
    return text.isprintable() and len(text) < 700 and printable(path.name) in text


def peak_mb() -> float:
    """The most memory that this process has held, MB."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as out:
        folder = Path(name)
        files, places = make_files(folder)
        models.load(SOURCE, "cpu")  # so that what any model takes is not counted
        before = peak_mb()
        report = try_all(folder, files, places, Path(out))
        report.peak_growth_mb = round(peak_mb() - before, 1)
    print(json.dumps(vars(report) | {"tracebacks": len(report.tracebacks), "errors": report.tracebacks}))


if __name__ == "__main__":
    main()
