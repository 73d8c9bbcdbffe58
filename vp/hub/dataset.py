"""Data sets on the Hub: hf://datasets/owner/name[@revision], whose files are fetched into the cache, to be read as a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .address import parse_address, shown
from .client import run_task
from .deadlines import Deadlines, read_deadlines

SCHEME = re.compile(r"hf:/{1,2}datasets/")
FORM = "hf://datasets/owner/name[@revision]"
LIMIT = 64 * 2**30  # bytes of a data set
SLOWEST = 1_000_000  # bytes a second; a download gets the time that it takes at this rate, beside the total


@dataclass(frozen=True)
class Snapshot:
    """
    Args:
        folder: with the files, in the cache.
        commit: the revision that they are of, 40 hex digits.
    """

    folder: Path
    commit: str


def is_dataset(name: str) -> bool:
    """Whether a data set's name is an address on the Hub."""
    return bool(SCHEME.match(name))


def fetch_dataset(address: str, endings: Iterable[str], limit: int = LIMIT) -> Snapshot:
    """Gets the files of a data set that are not in the cache yet, all of one commit.

    Nobody is asked where the revision is a commit all of whose files are there, nor with HF_HUB_OFFLINE.

    Args:
        address: of the form hf://datasets/owner/name[@revision].
        endings: of the files that are wanted, such as ".mp4", in lower case.
        limit: bytes at most of all of them; more are refused before any is fetched.

    Raises:
        ValueError: another form. HubError: in one sentence.
    """
    try:
        asked = parse_address(SCHEME.sub("", address))
    except ValueError:
        asked = None
    if asked is None or asked.file:
        raise ValueError(f"{shown(address)} is no data set on the Hub; give {FORM}")
    deadlines, wanted = read_deadlines(), sorted(endings)
    at: dict[str, Any] = {"repo": asked.repo, "endings": wanted, "patience": deadlines.first_byte}
    listed = run_task(address, {"name": "list_files", "revision": asked.revision, "limit": limit, **at}, deadlines)
    if "folder" in listed:
        return Snapshot(Path(listed["folder"]), listed["commit"])
    longer = Deadlines(deadlines.total + listed["bytes"] / SLOWEST, deadlines.first_byte)
    made = run_task(address, {"name": "fetch_files", "commit": listed["commit"], "branch": asked.revision, **at}, longer)
    return Snapshot(Path(made["folder"]), listed["commit"])
