"""Files that the server makes for visitors: each session's own, gone when it ends, and few bytes in all."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from gradio.context import LocalContext

from .server_folder import server_folder

MOST_BYTES = 2 * 2**30  # of all visitors
NOBODY = ""  # owns what is made before anyone has come


@dataclass(frozen=True)
class Made:
    """A folder of files made for a visitor.

    Args:
        owner: the session.
        kind: what they are, such as "sheets".
        size: bytes.
    """

    owner: str
    kind: str
    size: int


class VisitorFiles:
    """The folders of files made for visitors, under random names.

    Args:
        root: where they are; None: in the folder of this server process.
        most_bytes: of all of them together. Beyond it the oldest of the visitor with the most bytes are removed.
    """

    def __init__(self, root: Path | None = None, most_bytes: int = MOST_BYTES):
        self.root, self.most_bytes = root, most_bytes
        self.folders: OrderedDict[Path, Made] = OrderedDict()
        self.lock = threading.Lock()

    def new_folder(self) -> Path:
        """An empty folder that nobody can guess; `keep` must follow once its files are written."""
        folder = (self.root or server_folder()) / "made" / secrets.token_hex(16)
        folder.mkdir(parents=True, mode=0o700)
        return folder

    def keep(self, folder: Path, owner: str, kind: str, most: int) -> None:
        """Keeps a folder until its owner leaves or newer ones take its place.

        Args:
            folder: of `new_folder`, with its files.
            owner: a session, see `session`.
            kind: what the files are.
            most: folders of this kind that an owner has at most; the oldest are removed.
        """
        size = sum(path.stat().st_size for path in folder.iterdir())
        with self.lock:
            self.folders[folder] = Made(owner, kind, size)
            alike = [path for path, made in self.folders.items() if (made.owner, made.kind) == (owner, kind)]
            for path in alike[:-most]:
                self.remove(path)
            while self.bytes() > self.most_bytes and len(self.folders) > 1:
                self.remove(self.next_to_go(folder))

    def bytes(self) -> int:
        """Bytes of all folders."""
        return sum(made.size for made in self.folders.values())

    def next_to_go(self, newest: Path) -> Path:
        """The oldest folder of the owner with the most bytes, but not the newest of all."""
        sums: dict[str, int] = {}
        for made in (made for path, made in self.folders.items() if path != newest):
            sums[made.owner] = sums.get(made.owner, 0) + made.size
        most = max(sums, key=lambda owner: sums[owner])
        return next(path for path, made in self.folders.items() if made.owner == most and path != newest)

    def remove(self, folder: Path) -> None:
        """Removes one folder."""
        del self.folders[folder]
        shutil.rmtree(folder, ignore_errors=True)

    def forget(self, owner: str) -> None:
        """Removes what was made for a visitor who has left."""
        with self.lock:
            for path in [path for path, made in self.folders.items() if made.owner == owner]:
                self.remove(path)


MADE = VisitorFiles()


def session() -> str:
    """The session whose event is being answered; NOBODY outside of events. A generator knows it in its first step only."""
    request = LocalContext.request.get(None)
    return getattr(request, "session_hash", None) or NOBODY
