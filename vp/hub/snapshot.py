"""What the worker does to get the files of a data set: looks into the cache, lists them, fetches them, compares checksums."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .address import COMMIT
from .download import compare, remember_revision
from .failures import Failure, classify

DATASET = "dataset"
COMPLETE = ".vp-complete"  # in a snapshot of the cache all of whose files are there


def list_files(repo: str, revision: str, endings: list[str], limit: int, patience: float) -> dict[str, Any]:
    """`folder` and `commit` where the cache has all, else `commit` and `bytes` of what there is to fetch."""
    cached = find_complete(repo, revision)
    if cached is not None and COMMIT.fullmatch(revision):
        return {"folder": str(cached), "commit": cached.name}
    try:
        commit, sizes = wanted_files(repo, revision, endings, patience)
    except Exception as error:
        failure = classify(error)
        if cached is not None and failure.kind in ("offline", "unreachable"):
            return {"folder": str(cached), "commit": cached.name}
        raise failure from error
    total = sum(size for size, _ in sizes.values())
    if not sizes:
        raise Failure("file", found="none of " + ", ".join(endings))
    if total > limit:
        raise Failure("large", size=total, limit=limit)
    return {"commit": commit, "bytes": total}


def fetch_files(repo: str, commit: str, branch: str, endings: list[str], patience: float) -> dict[str, Any]:
    """Fetches what the cache lacks of a commit; returns its `folder` there, which is that of the branch or tag from now on."""
    from huggingface_hub import hf_hub_download

    _, files = wanted_files(repo, commit, endings, patience)
    folder = Path()
    for name, (_, sha256) in files.items():
        path = Path(hf_hub_download(repo, name, repo_type=DATASET, revision=commit, etag_timeout=patience))
        compare(path, {sha256} if sha256 else set(), "checksum")
        folder = next(parent.parent for parent in path.parents if parent.name == "snapshots") / "snapshots" / commit
        remember_revision(path, branch or "main", commit)
    (folder / COMPLETE).touch()
    return {"folder": str(folder)}


def wanted_files(repo: str, revision: str, endings: list[str], patience: float) -> tuple[str, dict[str, tuple[int, str | None]]]:
    """The commit of a revision; and its files with such endings: name -> bytes, and the SHA-256 where the Hub gives one."""
    from huggingface_hub import HfApi

    info = HfApi().dataset_info(repo, revision=revision or None, files_metadata=True, timeout=patience)
    listed = [entry for entry in info.siblings or [] if Path(entry.rfilename).suffix.lower() in endings]
    return str(info.sha), {entry.rfilename: (entry.size or 0, entry.lfs.sha256 if entry.lfs else None) for entry in listed}


def find_complete(repo: str, revision: str) -> Path | None:
    """The folder of a revision all of whose files are in the cache."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(repo, repo_type=DATASET, revision=revision or None, local_files_only=True))
    except Exception:  # not there, however that is said
        return None
    return folder if (folder / COMPLETE).is_file() else None
