"""The outermost layer of a program: whatever ends it is said in one sentence on stderr, and by its exit code.

A program's first statements are `from vp.core.boundary import end_on_interrupt` and a call of it: from then on Ctrl-C ends the
process with a sentence, also while slow libraries are loaded, which may turn a KeyboardInterrupt into errors of their own.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from .sentences import sentence, typed

TRACEBACK = "VP_TRACEBACK"  # variable that asks for tracebacks too
INTERRUPTED = 130  # as a shell gives it for SIGINT


def end_on_interrupt(program: str) -> None:
    """From now on Ctrl-C ends the process at once, with a sentence; where it is ignored, as in the background, it still is."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:

        def end(*_: object) -> None:
            with suppress(OSError):
                os.write(2, f"{program}: stopped\n".encode())
            os._exit(INTERRUPTED)

        signal.signal(signal.SIGINT, end)


def run_guarded(program: str, run: Callable[[], None], words: Sequence[str] = ()) -> int:
    """Runs a program and returns its exit code.

    0 on success, 1 for an error that nobody expected, 2 for wrong values or file errors, 130 for Ctrl-C, 141 for a closed pipe;
    an error may name its own, as `exit_code`.

    Args:
        program: its name, for the sentence.
        run: what it does.
        words: its arguments, clipped where a sentence repeats them.
    """
    with interrupts_noticed() as interrupted:
        try:
            run()
            sys.stdout.flush()
            return 0
        except BrokenPipeError:  # whoever read the output has enough: `| head`
            discard_output()
            return 141
        except KeyboardInterrupt:
            complain(program, "stopped")
            return INTERRUPTED
        except Exception as error:
            if interrupted.is_set():  # a library that was being loaded made another error of it
                complain(program, "stopped")
                return INTERRUPTED
            said, code = describe(error)
            if os.environ.get(TRACEBACK):
                traceback.print_exc()
            print_result_of(error)
            complain(program, sentence(said, typed(words)))
            return code


@contextmanager
def attached_to_errors(result: Mapping[str, Any]) -> Iterator[None]:
    """Where the block cannot write the files of a result, the error takes it along, and the boundary prints it as a JSON line: it
    is all that is left of the work."""
    try:
        yield
    except (OSError, ValueError) as error:
        error.result = result  # type: ignore[union-attr]
        raise


def print_result_of(error: Exception) -> None:
    """Prints the result that an error took along; where nothing can be printed nothing is, not even when the process ends."""
    try:
        if hasattr(error, "result"):
            print(json.dumps(error.result))
        sys.stdout.flush()
    except OSError:
        discard_output()


def describe(error: Exception) -> tuple[str, int]:
    """What is said of an error, and the exit code."""
    if isinstance(error, ValueError):
        return str(error), getattr(error, "exit_code", 2)
    if isinstance(error, OSError):  # a disk that is full, a file that may not be read
        return f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}", 2
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "there is not enough memory for this; ask for less at once, such as fewer futures, frames or clips", 2
    said = " ".join(str(error).split())
    return f"this failed unexpectedly ({type(error).__name__}: {said[:300]}); with {TRACEBACK}=1 it says where", 1


@contextmanager
def interrupts_noticed() -> Iterator[threading.Event]:
    """Ctrl-C raises KeyboardInterrupt and sets the event."""
    interrupted = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (signal.SIG_IGN, None):
        yield interrupted
        return

    def notice(*_: object) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, notice)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def complain(program: str, said: str) -> None:
    """Says it on stderr, if there is still someone to read it."""
    with suppress(OSError):
        print(f"{program}: {said}", file=sys.stderr, flush=True)


def discard_output() -> None:
    """Whatever is still printed goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
