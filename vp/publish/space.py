"""Which files make a Space, read from a clean checkout, and what must be true of them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .front_matter import read_front_matter

SHIPPED = ("app.py", "vp", "checkpoints", "assets", "requirements.txt", "packages.txt", "README.md", "LICENSE")
MOST, MOST_A_FILE = 60_000_000, 10_000_000  # bytes; a larger file needs another kind of storage
REQUIRED = ("title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file", "license")
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
LONGEST_DESCRIPTION = 60  # characters that the Hub shows
LAST_LETTER = 0x2000  # of Unicode's alphabets, before its symbols


def space_files(root: Path) -> dict[str, Path]:
    """The files of a Space: name -> where it is.

    Args:
        root: of a checkout.

    Raises:
        ValueError: it is no clean checkout, a file or all of them are too large, or the README's front matter makes no Space.
    """
    check_clean(root)
    files = list_files(root)
    sizes = {name: path.stat().st_size for name, path in files.items()}
    large = [f"{name} ({size:,} bytes)" for name, size in sizes.items() if size > MOST_A_FILE]
    if large:
        raise ValueError(f"{', '.join(large[:5])}: a file of a Space has {MOST_A_FILE:,} bytes at most; make it smaller")
    total = sum(sizes.values())
    if total > MOST:
        raise ValueError(f"the Space's files have {total:,} bytes and {MOST:,} at most are meant; ship fewer checkpoints")
    check_front_matter(files)
    return files


def list_files(root: Path) -> dict[str, Path]:
    """The committed files of `SHIPPED`: name -> where it is; errors as for `git`."""
    names = git(root, "ls-files", "-z", "--", *SHIPPED).split("\0")
    return {name: root / name for name in sorted(filter(None, names))}


def check_clean(root: Path) -> None:
    """Raises ValueError where `root` is no checkout, or one with files that were changed, added or not committed."""
    changed = [line[3:] for line in git(root, "status", "--porcelain", "--", *SHIPPED).splitlines()]
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise ValueError(f"the checkout differs from its last commit ({', '.join(changed[:3])}{more}); commit or undo that first")


def git(root: Path, *words: str) -> str:
    """What a git command prints in a checkout.

    Raises:
        ValueError: there is no git or no checkout.
    """
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        raise ValueError(f"{root} is no git checkout of vp; run this in one") from None
    return done.stdout


def check_front_matter(files: Mapping[str, Path]) -> None:
    """Checks the front matter of a Space's README against its other files.

    Args:
        files: name -> where it is; README.md and requirements.txt are read.

    Raises:
        ValueError: the first thing that is wrong.
    """
    for name in ("README.md", "requirements.txt"):
        if name not in files:
            raise ValueError(f"a Space needs {name}, which is not in the checkout")
    values = read_front_matter(files["README.md"].read_text(encoding="utf-8"))
    pinned = re.findall(r"^gradio==(\S+)$", files["requirements.txt"].read_text(encoding="utf-8"), re.M)
    wrong = wrong_values(values, pinned[0] if pinned else None, set(files))
    if wrong:
        raise ValueError(f"the README's front matter: {wrong[0]}")


def wrong_values(values: Mapping[str, Any], gradio: str | None, files: set[str]) -> list[str]:
    """What is wrong with a front matter, one clause each.

    Args:
        values: by name.
        gradio: the version that the requirements pin.
        files: names of all files of the Space.
    """
    missing = [name for name in REQUIRED if not values.get(name)]
    if missing:
        return [f"{', '.join(missing)} missing"]
    emoji, version = str(values["emoji"]).rstrip("\ufe0f"), str(values["python_version"])
    about = str(values.get("short_description", ""))
    checks = {
        f"sdk is {values['sdk']!r}, not gradio": values["sdk"] == "gradio",
        f"sdk_version is {values['sdk_version']} and requirements.txt pins gradio to {gradio}": values["sdk_version"] == gradio,
        f"python_version is {version!r}, not such as 3.12": bool(re.fullmatch(r"3\.\d+(\.\d+)?", version)),
        f"app_file is {values['app_file']}, which is not shipped": values["app_file"] in files,
        f"emoji is {emoji!r}, not a single one": len(emoji) == 1 and ord(emoji) > LAST_LETTER,
        f"colours are not of {', '.join(COLOURS)}": {values["colorFrom"], values["colorTo"]} <= set(COLOURS),
        f"short_description has more than {LONGEST_DESCRIPTION} characters": len(about) <= LONGEST_DESCRIPTION,
    }
    return [words for words, right in checks.items() if not right]
