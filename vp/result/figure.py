"""A blank figure to draw on, and where it is written; matplotlib is needed for this alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def blank(width: float, height: float) -> Any:
    """A `matplotlib.figure.Figure` of so many inches.

    Raises:
        ValueError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ValueError("figures need matplotlib, which is not installed; install it with: pip install matplotlib") from None
    return Figure(figsize=(width, height), layout="constrained")


def write(figure: Any, path: str | Path) -> Path:
    """Writes the figure; the file's ending says as what."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return path
