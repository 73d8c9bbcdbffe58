"""vp, the video-prediction playground: see and steer possible futures of a video.

from vp import load, sample, evaluate
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# name -> module below vp, imported when it is first asked for: the command line and `import vp` stay quick
PUBLIC = {
    "Model": "prediction.model",
    "adapt": "training.adapt",
    "available": "prediction.model",
    "evaluate": "evaluation.evaluate",
    "load": "prediction.model",
    "sample": "prediction.sample",
    "stream": "prediction.sample",
    "Wishes": "prediction.request",
}
__all__ = ["__version__", *PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PUBLIC[name]}"), name)
