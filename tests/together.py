"""Runs a function in several processes that compute together over gloo, as torchrun would start them."""

import multiprocessing
import os
import socket
import traceback
from collections.abc import Callable, Sequence
from typing import Any

LOADED = [
    "pytest",
    "torch.distributed",
    "torch._dynamo",
    "torch.utils.tensorboard",
    "vp.training.train",
    "vp.evaluation.evaluate",
]


def run_together(function: Callable[..., Any], *arguments: Any, count: int = 2, seconds: float = 120) -> Sequence[Any]:
    """What `function(*arguments)` returns in each process, or the exception that it raised, as text.

    The processes are forked from one that has loaded PyTorch but never computed, which takes a moment instead of seconds.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pipes = [context.Pipe(duplex=False) for _ in range(count)]
    started = [
        context.Process(target=run_one, args=(pipe, index, count, port, function, arguments), daemon=True)
        for index, (_, pipe) in enumerate(pipes)
    ]
    for process in started:
        process.start()
    for _, pipe in pipes:
        pipe.close()
    try:
        return [answer(pipe, seconds) for pipe, _ in pipes]
    finally:
        for process in started:
            process.join(5)
            process.kill()


def answer(pipe: Any, seconds: float) -> Any:
    if not pipe.poll(seconds):
        raise TimeoutError(f"no answer within {seconds} s")
    try:
        return pipe.recv()
    except EOFError:
        return "died"


def run_one(pipe: Any, index: int, count: int, port: int, function: Callable[..., Any], arguments: Sequence[Any]) -> None:
    """In a process of its own: what torchrun says to it, then the function."""
    usual = {"RANK": index, "LOCAL_RANK": index, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count, "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in usual.items()} | {"MASTER_ADDR": "127.0.0.1"})
    import torch

    torch.set_num_threads(1)
    try:
        pipe.send(function(*arguments))
    except BaseException as error:  # the test says what is expected
        traceback.print_exc()
        pipe.send(f"{type(error).__name__}: {error}")
