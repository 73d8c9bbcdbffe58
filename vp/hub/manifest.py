"""manifest.json: the size and the SHA-256 of the files that are uploaded with it, written where they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.files import file_sha256

MANIFEST = "manifest.json"
FORMAT = "vp-manifest"
LARGEST = 1_000_000  # bytes


def make_manifest(files: Mapping[str, Path]) -> dict[str, Any]:
    """The manifest of files: name in the repository -> where they are now."""
    entries = {name: {"size": path.stat().st_size, "sha256": file_sha256(path)} for name, path in sorted(files.items())}
    return {"format": FORMAT, "files": entries}


def checksums(text: str | bytes) -> dict[str, str]:
    """Name -> SHA-256 as hex digits; {} where the text is no manifest of ours."""
    try:
        manifest = json.loads(text)
        if manifest["format"] != FORMAT:
            return {}
        return {name: entry["sha256"].lower() for name, entry in manifest["files"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
