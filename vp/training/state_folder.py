"""Training states on disk: every save is a transaction, so that after a crash at any moment a whole state is there.

    state/current            the number of the state to go on from
    state/000123/            one state; the one before it is kept too
        tensors.safetensors
        numbers.json
        manifest.json        names, sizes and SHA-256 of the two, and the step; written last

A save writes a new folder, brings it to the disk, renames `current` into place, and only then removes what is older than the
state before. Earlier versions kept one state, without a manifest, in `state` itself; it is still read.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..core import files

TENSORS, NUMBERS, MANIFEST, CURRENT = "tensors.safetensors", "numbers.json", "manifest.json", "current"


class Saved(NamedTuple):
    """A state that was read.

    Args:
        tensors, numbers: as they were written.
        name: of its folder within `state`; "" for one of an earlier version.
        note: one sentence about newer states that are damaged, or "".
    """

    tensors: dict[str, Tensor]
    numbers: dict[str, Any]
    name: str
    note: str


class Damaged(ValueError):
    """A state's files are not those of its manifest."""


def write(folder: Path, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any], before: str | None = None) -> str:
    """Adds a state and makes it the current one.

    Args:
        folder: `state` in the run's folder, created where missing.
        before: name of the state to keep beside the new one; None: the current one.

    Returns:
        the name of the new state.

    Raises:
        OSError: it cannot be written; the states that were there stay as they are.
    """
    before = before or pointed_to(folder)
    name = f"{max(map(int, folder_names(folder)), default=0) + 1:06d}"
    new = folder / name
    try:
        files.make_folder(new)
        write_files(new, tensors, numbers)
        files.sync(folder)
        files.write_text(folder / CURRENT, name)
    except OSError:
        with suppress(OSError):
            if pointed_to(folder) != name:
                remove_state(new)
        raise
    with suppress(OSError):  # what cannot be removed now will be at the next save
        remove_others(folder, {name, before})
    return name


def write_files(new: Path, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
    """Writes the files of a state into its own folder, the manifest last."""
    files.operation("write", new / TENSORS)
    (new / TENSORS).touch()
    mode = stat.S_IMODE((new / TENSORS).stat().st_mode)  # as the umask says; safetensors lets nobody else read its files
    with safetensors_errors_as_os_errors():
        save_file(dict(tensors), new / TENSORS)
    os.chmod(new / TENSORS, mode)
    files.operation("write", new / NUMBERS)
    (new / NUMBERS).write_text(json.dumps(numbers), encoding="utf-8")
    described = {}
    for name in (TENSORS, NUMBERS):
        files.sync(new / name)
        described[name] = {"bytes": (new / name).stat().st_size, "sha256": files.file_sha256(new / name)}
    files.write_text(new / MANIFEST, json.dumps({"step": numbers.get("step"), "files": described}))


def remove_others(folder: Path, kept: set[str | None]) -> None:
    """Removes all states but those kept: that of an earlier version too, once two newer ones are there."""
    for name in folder_names(folder):
        if name not in kept:
            remove_state(folder / name)
    if len(kept - {None, ""}) < 2:
        return
    for old in (folder, *earlier_places(folder)):
        for name in (NUMBERS, TENSORS):
            if (old / name).exists():
                files.remove(old / name)
    for old in earlier_places(folder):
        with suppress(OSError):
            old.rmdir()


def remove_state(state: Path) -> None:
    """Removes one state, its manifest first: without it the rest is no state."""
    files.remove(state / MANIFEST)
    for path in sorted(state.iterdir()):
        files.remove(path)
    state.rmdir()


def read(folder: Path) -> Saved | None:
    """The current state, or where it is damaged the newest whole one; None where there is none.

    Raises:
        Damaged: all states are damaged.
    """
    damaged = []
    for name in candidates(folder):
        try:
            tensors, numbers = read_checked(folder / name)
        except Damaged as error:
            damaged.append(str(error))
            continue
        what = f"the state of step {numbers.get('step')}, which is whole, is taken"
        return Saved(tensors, numbers, name, f"{'; '.join(damaged)}; {what}" if damaged else "")
    for place in (folder, *earlier_places(folder)):
        if (place / NUMBERS).is_file() and (place / TENSORS).is_file():
            note = f"{'; '.join(damaged)}; the state that an earlier version wrote is taken" if damaged else ""
            try:
                return Saved(load_file(place / TENSORS), json.loads((place / NUMBERS).read_text(encoding="utf-8")), "", note)
            except (SafetensorError, ValueError):
                damaged.append(f"the state in {place} is damaged")
    if damaged:
        raise Damaged(f"{'; '.join(damaged)}; begin anew, from the run's last.safetensors with --init if you like")
    return None


def read_checked(state: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and numbers of one state, whose files must be those of its manifest; raises Damaged where they are not."""
    described = read_manifest(state)["files"]
    for name in (TENSORS, NUMBERS):
        path, expected = state / name, described[name]
        if not path.is_file() or path.stat().st_size != expected["bytes"]:
            raise Damaged(f"{path} is damaged (it should have {expected['bytes']:,} bytes)")
        if files.file_sha256(path) != expected["sha256"]:
            raise Damaged(f"{path} is damaged (its SHA-256 is not that of the manifest)")
    return load_file(state / TENSORS), json.loads((state / NUMBERS).read_text(encoding="utf-8"))


def read_manifest(state: Path) -> dict[str, Any]:
    """The manifest of one state; raises Damaged where it cannot be read."""
    try:
        manifest = json.loads((state / MANIFEST).read_text(encoding="utf-8"))
        described = [manifest["files"][name] for name in (TENSORS, NUMBERS)]
        if all(isinstance(x["bytes"], int) and isinstance(x["sha256"], str) for x in described):
            return manifest
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise Damaged(f"{state / MANIFEST} is damaged")


def exists(folder: Path) -> bool:
    """Whether there is any state, whole or damaged."""
    return bool(candidates(folder)) or any((place / NUMBERS).is_file() for place in (folder, *earlier_places(folder)))


def saved_step(folder: Path) -> int | None:
    """The step of the state that `read` would first look at, without its tensors; None where there is none."""
    for path in [*(folder / name / MANIFEST for name in candidates(folder)), folder / NUMBERS]:
        with suppress(OSError, ValueError, KeyError):
            return json.loads(path.read_text(encoding="utf-8"))["step"]
    return None


def candidates(folder: Path) -> list[str]:
    """Names of the states that were written to their end: the current one, then the newest first."""
    whole = [name for name in reversed(folder_names(folder)) if (folder / name / MANIFEST).is_file()]
    current = pointed_to(folder)
    return sorted(whole, key=lambda name: name != current)


def folder_names(folder: Path) -> list[str]:
    """Names of the states' folders, finished or not, oldest first."""
    found = [path.name for path in folder.glob("*") if re.fullmatch(r"\d{6,}", path.name) and path.is_dir()]
    return sorted(found, key=int)


def pointed_to(folder: Path) -> str | None:
    """What `current` says; None without it."""
    with suppress(OSError, ValueError):
        return (folder / CURRENT).read_text(encoding="utf-8").strip() or None
    return None


def earlier_places(folder: Path) -> tuple[Path, Path]:
    """Where earlier versions left a state that a crash kept from its place."""
    return folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")


@contextmanager
def safetensors_errors_as_os_errors() -> Iterator[None]:
    """What the file system refuses is an OSError, though safetensors says it in an error of its own."""
    try:
        yield
    except SafetensorError as error:
        found = re.search(r"os error (\d+)", str(error))
        number = int(found[1]) if found else errno.EIO
        raise OSError(number, os.strerror(number) if found else str(error)) from None
