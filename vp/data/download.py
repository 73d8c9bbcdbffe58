"""Downloads data sets from their official sources: resumes partial files, checks size and checksum, and unpacks archives."""

from __future__ import annotations

import http.client
import tarfile
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..core.files import file_sha256
from .digits.banks import download_mnist

CHUNK = 1 << 20
PAST_END = 416  # HTTP's answer to asking for bytes after the last
Progress = Callable[[str, int, int], None]  # (file, bytes done, bytes in all or 0)


@dataclass(frozen=True)
class Remote:
    """A file to fetch: `size` in bytes and `sha256` where they are known, `into` the folder it belongs to."""

    url: str
    into: str
    size: int = 0
    sha256: str = ""

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


KTH = "https://www.csc.kth.se/cvap/actions/"
KTH_FILES = ("00sequences.txt", *(f"{a}.zip" for a in ("boxing", "handclapping", "handwaving", "jogging", "running", "walking")))
REMOTES = {
    "kth": tuple(Remote(KTH + name, "kth") for name in KTH_FILES),  # no sizes published; archives carry checksums
    "bair": (
        Remote(
            "http://rail.eecs.berkeley.edu/datasets/bair_robot_pushing_dataset_v0.tar",
            "bair",
            32_274_964_480,
            "c6f8d164ab2be07174ef597e3e070d7466f3142caddc467b6af119b9458cd9cd",
        ),
    ),
    "mmnist-test": (
        Remote(
            "http://www.cs.toronto.edu/~nitish/unsupervised_video/mnist_test_seq.npy",
            "",
            819_200_096,
            "c2a3e8d3939c001ab77bf543f130157424efa486bb4d0974d2cebb773b13f8b3",
        ),
    ),
    "davis": (
        Remote(
            "https://data.vision.ee.ethz.ch/csergi/share/davis/DAVIS-2017-trainval-480p.zip",
            "",
            832_766_765,
            "e3d0b5b77c3d031b000a19e0e25e3e2cac65d183755601bc2cf066df1a2aa492",
        ),
    ),
}
BY_HAND = {
    "ucf101": "https://www.crcv.ucf.edu/data/UCF101.php, an .rar file",
    "bridge": "https://rail-berkeley.github.io/bridgedata",
}


def download(name: str, root: str | Path, progress: Progress = lambda *_: None) -> None:
    """Downloads a data set into `root` and unpacks it; complete files are not downloaded again.

    Args:
        progress: called with (file, bytes done, bytes in all or 0).

    Raises:
        ValueError: this data set cannot be downloaded, the network fails, or a file does not have its size or checksum.
    """
    if name in ("smmnist-svg", "smmnist-srvp", "mmnist"):
        download_mnist(root)
        return
    if name not in REMOTES:
        where = BY_HAND.get(name)
        hint = f"fetch it from {where}" if where else f"there are {', '.join(REMOTES)}"
        raise ValueError(f"{name} has no files to download; {hint}")
    for remote in REMOTES[name]:
        folder = Path(root).expanduser() / remote.into
        done = folder / f".{remote.name}.done"  # written last
        if not done.exists():
            path = fetch(remote, folder, progress)
            if unpack(path):
                path.unlink()
            done.touch()


def fetch(remote: Remote, folder: Path, progress: Progress) -> Path:
    """Downloads one file into `folder`, or resumes a partial download, and returns its path; errors as for `download`."""
    folder.mkdir(parents=True, exist_ok=True)
    path, part = folder / remote.name, folder / f"{remote.name}.part"
    if not path.exists():
        have = part.stat().st_size if part.exists() else 0
        if not remote.size or have < remote.size:
            receive_part(remote, part, have, progress)
        check_part(remote, part)
        part.replace(path)
    return path


def receive_part(remote: Remote, part: Path, have: int, progress: Progress) -> None:
    """Downloads `remote` into the file `part`, from byte `have` on where the server can resume.

    Raises:
        ValueError: the download failed or broke off; `part` keeps what was received.
    """
    request = urllib.request.Request(remote.url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            resumed = getattr(response, "status", None) == 206
            have = have if resumed else 0
            total = have + int(response.headers.get("Content-Length") or 0)
            with part.open("ab" if resumed else "wb") as file:
                while data := response.read(CHUNK):
                    file.write(data)
                    have += len(data)
                    progress(remote.name, have, total)
        if have < total:
            raise OSError(f"broke off after {have} of {total} bytes")
    except (OSError, http.client.HTTPException) as error:
        if getattr(error, "code", None) == PAST_END and have:  # the part was whole
            return
        raise ValueError(f"{remote.url} cannot be fetched ({error}); try again later, it goes on where it stopped") from error


def check_part(remote: Remote, part: Path) -> None:
    """Raises ValueError and removes the file `part` where its size or checksum is not that of `remote`."""
    size = part.stat().st_size
    wrong = f"{size} bytes for {remote.size}" if remote.size and size != remote.size else ""
    if not wrong and remote.sha256 and file_sha256(part) != remote.sha256:
        wrong = "a wrong checksum"
    if wrong:
        part.unlink()
        raise ValueError(f"{remote.url} came with {wrong}; try again")


def unpack(path: Path) -> bool:
    """Unpacks a .zip or .tar beside it (archive members cannot leave the folder); returns False for any other file.

    Raises:
        ValueError: the archive is damaged; it is removed.
    """
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                archive.extractall(path.parent)  # checks every member's checksum
        elif path.suffix == ".tar":
            with tarfile.open(path) as archive:
                archive.extractall(path.parent, filter="data")
        else:
            return False
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        path.unlink()
        raise ValueError(f"{path.name} is damaged ({error}); fetch it again") from error
    return True
