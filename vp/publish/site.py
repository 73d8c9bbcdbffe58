"""A gallery of results as static pages: an index, and each result's own page, which loads nothing from the network."""

from __future__ import annotations

import html
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core import files
from ..result.export import MARKER
from ..result.file_set import FORMAT, is_result
from ..result.html_page import GENERATOR, html_page

INDEX, PAGE, PICTURE = "index.html", "result.html", "futures.gif"
CSS = """:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 1180px; margin: 0 auto; padding: clamp(12px, 3vw, 32px); }
ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1.5rem; }
ul { padding: 0; list-style: none; }
img { width: 100%; max-height: 16rem; object-fit: contain; object-position: left; }"""


def export_site(folder: Path, results: Sequence[Path], title: str) -> dict[str, Any]:
    """Writes the gallery: `folder`/index.html, and for each result a folder with its page and picture.

    Args:
        folder: created where missing; an index.html there must be an earlier one of ours.
        results: folders that `python -m vp sample --out` wrote.
        title: of the index.

    Returns:
        `index`, the path of its file, and `pages`, the folders' names.

    Raises:
        ValueError: a folder holds no result, two have one name, or index.html is somebody else's.
    """
    names = [path.resolve().name for path in results]
    for path, name in zip(results, names, strict=True):
        if not is_result(path / MARKER) or not (path / PAGE).is_file():
            raise ValueError(f"{path} holds no result; give a folder that `python -m vp sample --out` wrote")
        if names.count(name) > 1:
            raise ValueError(f"two results are called {name}; give folders of different names")
    check_index(folder / INDEX)
    entries = [copy_result(path, folder / name) for path, name in zip(results, names, strict=True)]
    body = f"<h1>{html.escape(title)}</h1>\n<ul>\n{''.join(entries)}</ul>"
    files.write_text(folder / INDEX, html_page(title, CSS, body))
    return {"index": str(folder / INDEX), "pages": names}


def check_index(path: Path) -> None:
    """Raises ValueError where there is an index.html that this did not write."""
    if path.exists() and GENERATOR not in path.read_text(encoding="utf-8", errors="replace"):
        raise ValueError(f"{path} is there and was not written by vp; choose another folder")


def copy_result(result: Path, folder: Path) -> str:
    """Copies the page and the picture of a result; returns its entry in the index, HTML."""
    record = json.loads((result / MARKER).read_text(encoding="utf-8"))
    shown = [name for name in (PAGE, PICTURE) if (result / name).is_file()]
    for name in shown:
        with files.replacing(folder / name) as part:
            shutil.copyfile(result / name, part)
    model, link = str((record.get("model") or {}).get("name") or FORMAT), f"{html.escape(folder.name)}/{PAGE}"
    picture = f'<img src="{html.escape(folder.name)}/{PICTURE}" alt="" loading="lazy">' if PICTURE in shown else ""
    said = html.escape(" ".join(map(str, record.get("verdict", []))))
    return f'<li><a href="{link}">{picture}{html.escape(folder.name)}</a> ({html.escape(model)})<br>{said}</li>\n'
