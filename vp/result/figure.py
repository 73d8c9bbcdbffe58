"""Blank matplotlib figures, and saving them; nothing else imports matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..core.files import replacing


def blank_figure(width: float, height: float) -> Any:
    """An empty `matplotlib.figure.Figure` of width x height inches.

    Raises:
        ValueError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ValueError("figures need matplotlib, which is not installed; install it with: pip install matplotlib") from None
    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Any, path: str | Path) -> Path:
    """Writes the figure in the format of the file's extension and returns the path; missing folders are created."""
    with replacing(path) as part:
        figure.savefig(part, dpi=120, format=Path(path).suffix[1:] or None)
    return Path(path)
