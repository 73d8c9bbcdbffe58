"""Shards as of WebDataset: .tar files of clips, unpacked once into the cache and then read as folders.

Source: https://github.com/webdataset/webdataset, "The WebDataset Format": members of one sample share a name up to the first dot.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import uuid
from pathlib import Path, PurePosixPath

from ..splits import WORDS
from .files import ARRAYS, PICTURES, VIDEOS, list_files, name_below, split_from_folder

SHARD = ".tar"


def unpack_shards(root: Path) -> Path | None:
    """The folder of the cache with the clips of all shards below `root`, each in a folder of its own; None without shards.

    A shard whose name begins like a split, as train-000.tar, stands below a folder of that split. The folder lies in `shards`
    below VP_CACHE, or below ~/.cache/vp, and is another one once a shard has changed; it may be deleted while nothing reads it.

    Raises:
        ValueError: a shard is no tar file, or damaged. OSError: the cache cannot be written.
    """
    shards = [path for path in list_files(root) if path.suffix.lower() == SHARD]
    if not shards:
        return None
    facts = [(str(path.absolute()), path.stat().st_size, path.stat().st_mtime_ns) for path in shards]
    base = Path(os.environ.get("VP_CACHE") or Path.home() / ".cache" / "vp") / "shards"
    folder = base / hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    if not folder.exists():
        part = base / f"{folder.name}-{uuid.uuid4().hex}.part"  # several trainings may unpack the same shards at once
        try:
            for path in shards:
                unpack(path, part / shard_folder(name_below(path, root)))
            if not folder.exists():
                part.replace(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder


def shard_folder(name: str) -> str:
    """The folder of a shard: its name without the ending, below its split's folder where only its name says it."""
    stem = name[: -len(SHARD)]
    word = re.match(r"[a-z]*", PurePosixPath(stem).name.lower())[0]  # type: ignore[index]
    return f"{WORDS[word]}/{stem}" if word in WORDS and split_from_folder(name) is None else stem


def unpack(shard: Path, folder: Path) -> None:
    """Writes the clips, pictures and arrays of a shard into a folder; links, other files and names that lead outside are left."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(shard, "r:") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                inside = not name.is_absolute() and not any(part.startswith(".") or "\\" in part for part in name.parts)
                wanted = name.suffix.lower() in VIDEOS | PICTURES | ARRAYS and inside
                if not wanted or not member.isreg() or member.issparse():
                    continue
                content = archive.extractfile(member)
                assert content is not None  # a regular file has one
                to = folder / name
                to.parent.mkdir(parents=True, exist_ok=True)
                with content, to.open("wb") as file:
                    shutil.copyfileobj(content, file)
    except tarfile.TarError as error:
        raise ValueError(f"{shard} is no tar file that can be read ({error}); put it right, or take it away") from None
