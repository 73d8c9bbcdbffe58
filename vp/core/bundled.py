"""Paths of the models and clips shipped with this package."""

from __future__ import annotations

from pathlib import Path


def bundled_folder(name: str) -> Path:
    """Path of the shipped folder `name`: inside the package where it was installed from a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / name
    return inside if inside.is_dir() else package.parent / name
