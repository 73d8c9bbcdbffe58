"""Addresses of checkpoints on the Hub: hf://owner/repo[/file][@revision]."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SCHEME = re.compile(r"hf:/{1,2}")  # pathlib turns two slashes into one
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
COMMIT = re.compile(r"[0-9a-f]{40}")
WEIGHTS = ".safetensors"
FORM = "hf://owner/repo[/file.safetensors][@revision]"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


@dataclass(frozen=True)
class Address:
    """
    Args:
        repo: "owner/name".
        file: path of the .safetensors file in it; "": the only one there is.
        revision: a branch, a tag or a commit; "": the newest commit of the branch main.
    """

    repo: str
    file: str = ""
    revision: str = ""

    def __str__(self) -> str:
        return f"hf://{self.repo}" + f"/{self.file}" * bool(self.file) + f"@{self.revision}" * bool(self.revision)


def is_address(name: str | Path) -> bool:
    """Whether a model's name is an address on the Hub."""
    return bool(SCHEME.match(str(name)))


def parse_address(text: str | Path) -> Address:
    """The parts of an address, whose scheme may be left out.

    Raises:
        ValueError: another form, a name that the Hub does not allow, or a file that is no .safetensors.
    """
    path, at, revision = SCHEME.sub("", str(text), count=1).partition("@")
    owner, _, rest = path.partition("/")
    name, _, file = rest.partition("/")
    if file.lower().endswith(PICKLES):
        raise ValueError(f"{shown(text)} is a pickle, which could run any code; only .safetensors files are loaded")
    repo_fits = all(NAME.fullmatch(part) and ".." not in part and "--" not in part for part in (owner, name))
    if not repo_fits or at and not (REVISION.fullmatch(revision) and ".." not in revision) or file and not is_file_name(file):
        raise ValueError(f"{shown(text)} is no address on the Hub; give {FORM}")
    if revision.endswith(WEIGHTS):
        raise ValueError(f"{shown(text)} has its revision before the file; give {FORM}")
    return Address(f"{owner}/{name}", file, revision)


def parse_repo(text: str) -> str:
    """The "owner/name" in a text that names a repository alone.

    Raises:
        ValueError: another form.
    """
    address = parse_address(text)
    if address.file or address.revision:
        raise ValueError(f"{shown(text)} is not the name of a repository; give owner/name")
    return address.repo


def is_file_name(file: str) -> bool:
    """Whether this is the path of a .safetensors file that stays inside its repository."""
    parts = file.split("/")
    plain = all(part and not part.startswith(".") and part.isprintable() and "\\" not in part for part in parts)
    return plain and len(file) <= 200 and parts[-1].endswith(WEIGHTS)


def shown(text: str | Path) -> str:
    """A text of a person as it is quoted in a sentence."""
    return repr(str(text)[:200])
