"""Train, sample, evaluate, checkpoint, bench: what the command line and the app both call.

    from vp.engine import load, sample, evaluate
"""

from .evaluate import evaluate
from .model import Model, available, load
from .sample import sample, stream

__all__ = ["Model", "available", "evaluate", "load", "sample", "stream"]
