"""What the worker does to get one file: looks into the cache, asks the Hub, fetches, compares checksums."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..core.files import file_sha256
from .address import WEIGHTS, Address
from .failures import Failure, classify
from .manifest import LARGEST, MANIFEST, checksums

SHA256 = re.compile(r"[0-9a-f]{64}")


def download(
    repo: str, file: str, revision: str, limit: int, fresh: bool, anonymous: bool, cache: str | None, patience: float
) -> dict[str, Any]:
    """Gets a .safetensors file; the arguments are those of `fetch` and the parts of an `Address`.

    Returns:
        `path` of the file, `commit` it is from, `sha256` of its content, `compared`: whether that was compared with one that the
        repository gives, and `cached`: whether it was there already.
    """
    address = Address(repo, file, revision)
    if not fresh:
        try:
            return find_cached(address, cache)
        except Failure as failure:
            if failure.kind == "cached":
                raise
    from huggingface_hub import HfApi, hf_hub_download

    token = False if anonymous else None
    info = HfApi(token=token).model_info(repo, revision=revision or None, files_metadata=True, timeout=patience)
    files = {entry.rfilename: entry for entry in info.siblings or []}
    name = choose_file(address, list(files))
    size = files[name].size
    if size is not None and size > limit:
        raise Failure("large", size=size, limit=limit)
    lfs, commit = files[name].lfs, str(info.sha)
    given = {lfs.sha256} if lfs else set()
    at: dict[str, Any] = {"repo_id": repo, "revision": commit, "cache_dir": cache, "token": token, "etag_timeout": patience}
    if MANIFEST in files and (files[MANIFEST].size or 0) <= LARGEST:
        listed = checksums(Path(hf_hub_download(filename=MANIFEST, **at)).read_bytes())
        given |= {listed[name]} if name in listed else set()
    path = Path(hf_hub_download(filename=name, **at))
    remember_revision(path, revision or "main", commit)
    return {"path": str(path), "commit": commit, "cached": False} | compare(path, given, "checksum")


def choose_file(address: Address, names: Sequence[str]) -> str:
    """The name of the file that an address means, of those in its repository."""
    weights = sorted(name for name in names if name.endswith(WEIGHTS))
    if address.file in weights or not address.file and len(weights) == 1:
        return address.file or weights[0]
    found = ", ".join(weights[:10]) or f"no {WEIGHTS} file"
    if address.file or not weights:
        raise Failure("file", found=found)
    raise Failure("several", found=found, example=str(Address(address.repo, weights[0], address.revision)))


def find_cached(address: Address, cache: str | None) -> dict[str, Any]:
    """The file as `download` returns it, from the cache alone.

    Without a file's name the cache must hold exactly one of this revision, and its manifest must list no other.

    Raises:
        Failure: it is not there, or its content has changed since it was fetched.
    """
    from huggingface_hub import snapshot_download

    try:
        at: dict[str, Any] = {"revision": address.revision or None, "cache_dir": cache, "local_files_only": True}
        folder = Path(snapshot_download(address.repo, **at))
    except Exception as error:
        raise classify(error) from error
    listed = checksums((folder / MANIFEST).read_bytes()) if (folder / MANIFEST).is_file() else {}
    here = [path.relative_to(folder).as_posix() for path in folder.rglob(f"*{WEIGHTS}") if path.is_file()]
    name = choose_file(address, here if address.file else sorted({*here, *listed}))
    path = folder / name
    if not path.is_file():
        raise Failure("file", found=name)
    blob = path.resolve().name  # the cache names large files by their SHA-256
    given = {blob} if SHA256.fullmatch(blob) else set()
    known = {listed[name]} if name in listed else set()
    return {"path": str(path), "commit": folder.name, "cached": True} | compare(path, given | known, "cached")


def compare(path: Path, given: set[str], kind: str) -> dict[str, Any]:
    """`sha256` and `compared` of a file.

    Raises:
        Failure: of this kind, where it has another one than those given; the file is then gone.
    """
    found = file_sha256(path)
    if given - {found}:
        blob = path.resolve()
        path.unlink()
        blob.unlink(missing_ok=True)
        raise Failure(kind)
    return {"sha256": found, "compared": bool(given)}


def remember_revision(path: Path, revision: str, commit: str) -> None:
    """Writes into the cache which commit a branch or tag is at, so that it is found without a network; the file is fetched by its
    commit, which tells the cache nothing of branches."""
    folder = next(parent for parent in path.parents if parent.name == "snapshots").parent
    if revision != commit:
        with suppress(OSError):
            ref = folder / "refs" / revision
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text(commit, encoding="utf-8")
