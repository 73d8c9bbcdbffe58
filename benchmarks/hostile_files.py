"""Uploads hostile files to a running app as a browser does, and reports what that does to the server and to other visitors.

    python -m benchmarks.hostile_files [--count 250] [--seed 0] [--json FILE]

The files are made from small real videos with a seed: cut, with changed bytes, with headers that claim absurd sizes, lengths and
numbers of frames, bombs (GIF, PNG, zip, npz, npy), playlists that name other files and addresses, and foreign or empty files
under odd names (`made_files`). Each is uploaded over HTTP on loopback and chosen as a clip. Counted are deaths of the server,
tracebacks in its log and in its answers, the CPU seconds and the peak memory of the decoder's processes, and how the server's own
memory (anonymous pages) moved. Before, meanwhile and after it another visitor asks for a small prediction again and again, which
takes SLOWER times as long with the files at most; other work on the machine blurs that. Exit code 1 where one of these is not as
it should be.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import re
import statistics
import struct
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from vp.core.bundled import bundled_folder
from vp.data import write_gif, write_mp4

from .app_process import app_process
from .visitors import Site

COUNT, MB = 250, 1e6
CPU_S, MEMORY_MB, MOVED_MB, SLOWER = 10.0, 700, 50, 1.5  # allowed
ALONE = 15  # predictions of the other visitor before the files, and as many after them
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
ODD_NAMES = ("a b.mp4", "%2e%2e%2fx.mp4", "..mp4", "-i.mp4", "x;|.mp4", "é中.mp4", "pipe:0.mp4", "%05d.png", "x" * 180 + ".mp4")
PLAYLISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{}\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '{}'\n",
    "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "list.mpd": '<?xml version="1.0"?><MPD><Period><BaseURL>{}</BaseURL></Period></MPD>',
    "hidden.mp4": "\n\n#EXTM3U\n{}\n",
}
TARGETS = ("file:///etc/passwd", "/etc/passwd", "http://127.0.0.1:9/x.ts", "concat:/etc/passwd|/etc/hosts")


def made_files(folder: Path, count: int = COUNT, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yields (name, content) of `count` hostile files; the same seed gives the same ones where the encoder is the same."""
    chance, real = random.Random(seed), real_files(folder)
    fixed = [*foreign_files(chance), *bombs(), *lying_files(real)]
    chance.shuffle(fixed)
    yield from fixed[:count]
    for number in range(count - len(fixed)):
        name, content = chance.choice(sorted(real.items()))
        kind = chance.choice((cut, flip, patch_words))
        yield f"{kind.__name__}-{number}{Path(name).suffix}", kind(content, chance)


def real_files(folder: Path) -> dict[str, bytes]:
    """Small videos in three containers."""
    world = np.kron(np.random.default_rng(0).integers(0, 256, (16, 24, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    frames = np.stack([world[:, t : t + 128] for t in range(24)])
    write_mp4(folder / "real.mp4", frames, 12)
    write_gif(folder / "real.gif", frames, 12)
    (folder / "real.avi").write_bytes(avi(128, 128, 24))
    return {name: (folder / name).read_bytes() for name in ("real.mp4", "real.gif", "real.avi")}


def cut(content: bytes, chance: random.Random) -> bytes:
    """The beginning of a file."""
    return content[: chance.randrange(1, len(content))]


def flip(content: bytes, chance: random.Random) -> bytes:
    """The file with 1 to 200 bits changed."""
    changed = bytearray(content)
    for _ in range(int(200 ** chance.random())):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def patch_words(content: bytes, chance: random.Random) -> bytes:
    """The file with a few 32-bit words, most of them near its ends, where headers are, replaced by extreme ones."""
    changed = bytearray(content)
    for _ in range(chance.randrange(1, 6)):
        far = chance.randrange(min(4_000, len(changed) - 4))
        at = far if chance.random() < 0.5 else len(changed) - 4 - far
        changed[at : at + 4] = struct.pack(">I", chance.choice((0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**30)))
    return bytes(changed)


def avi(width: int, height: int, frames: int, claimed: int | None = None) -> bytes:
    """An AVI of black uncompressed frames of at most 128x128 px, whose header says width x height and `claimed` frames."""
    pixels = bytes(min(abs(width), 128) * min(height, 128) * 3)
    claimed = frames if claimed is None else claimed
    main = struct.pack("<14I", 83_333, 0, 0, 16, claimed, 0, 1, len(pixels), width & 0xFFFFFFFF, height, 0, 0, 0, 0)
    stream = b"vidsDIB " + struct.pack("<10I", 0, 0, 0, 1, 12, 0, claimed, len(pixels), 0, 0) + bytes(8)
    form = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    chunk = lambda kind, data: kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)  # noqa: E731
    streams = chunk(b"LIST", b"strl" + chunk(b"strh", stream) + chunk(b"strf", form))
    body = b"AVI " + chunk(b"LIST", b"hdrl" + chunk(b"avih", main) + streams)
    return chunk(b"RIFF", body + chunk(b"LIST", b"movi" + chunk(b"00db", pixels) * frames))


def png(width: int, height: int) -> bytes:
    """A PNG of width x height black pixels (1 bit), compressed to nearly nothing."""
    part = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes((width + 7) // 8 + 1)) for _ in range(height)) + packer.flush()
    header = part(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + part(b"IDAT", rows) + part(b"IEND", b"")


def gif(width: int, height: int, frames: int) -> bytes:
    """A GIF of `frames` frames that each claim width x height px and hold almost no data."""
    frame = b"!\xf9\x04\0\x01\0\0\0," + struct.pack("<4H", 0, 0, width, height) + b"\0\x02\x04\x8c\x8f\x19\x05\0"
    return b"GIF89a" + struct.pack("<2H", width, height) + b"\x80\0\0\0\0\0\xff\xff\xff" + frame * frames + b";"


def bombs() -> list[tuple[str, bytes]]:
    """Small files that become large."""
    files = [
        (f"bomb-{w}x{h}-{n}.gif", gif(w, h, n)) for w, h, n in ((7_000, 4_600, 300), (65_535, 65_535, 3), (4_000, 4_000, 3_000))
    ]
    files += [(f"bomb-{side}.png", png(side, side)) for side in (5_000, 20_000)]
    for name in ("bomb.zip", "bomb.npz", "many.zip", "traversal.zip"):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            if name == "many.zip":
                for k in range(5_000):
                    archive.writestr(f"{k}.png", b"")
            else:
                inner = "../../../etc/cron.d/x" if name == "traversal.zip" else "frames.npy"
                archive.writestr(inner, bytes(50_000_000))
        files.append((name, packed.getvalue()))
    return files


def lying_files(real: dict[str, bytes]) -> list[tuple[str, bytes]]:
    """Files whose headers claim what they do not hold."""
    sizes = ((65_535, 65_535), (2**31 - 1, 2), (30_000, 1_000), (7_680, 4_320), (0, 0), (-128, 128))
    files = [(f"claims-{k}.avi", avi(w, h, 4, claimed=2**32 - 1)) for k, (w, h) in enumerate(sizes)]
    for field in (b"mvhd", b"tkhd", b"mdhd", b"stsz", b"stts", b"stco", b"avc1"):
        at = real["real.mp4"].find(field)
        for length in (4, 40):
            content = bytearray(real["real.mp4"])
            content[at + 8 : at + 8 + length] = b"\x7f\xff\xff\xff" * (length // 4)
            files.append((f"claims-{field.decode()}-{length}.mp4", bytes(content)))
    return files


def foreign_files(chance: random.Random) -> list[tuple[str, bytes]]:
    """Playlists, arrays, pictures, texts and noise, under plain and odd names."""
    files = [(name, text.format(target).encode()) for name, text in PLAYLISTS.items() for target in TARGETS]
    for shape in ("(99999999999, 9999, 9999, 3)", "(1,)" * 3, "(2, 2)"):
        header = f"{{'descr': '{'|O' if shape == '(2, 2)' else '|u1'}', 'fortran_order': False, 'shape': {shape}, }}".encode()
        files.append(("huge.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header))
    webp = b"RIFF\xff\xff\xff\x7fWEBPVP8X\x0a\0\0\0\x02\0\0\0\xff\xff\xff\xff\xff\xffANIM\x06\0\0\0\0\0\0\0\0\0"
    files += [
        ("animated.webp", webp),
        ("empty.mp4", b""),
        ("one.mp4", b"\0"),
        ("text.mp4", b"hello"),
        ("zeros.mp4", bytes(100_000)),
    ]
    files += [(name, chance.randbytes(2_000)) for name in ODD_NAMES]
    return files


class Visitor:
    """Uploads files and chooses them as clips, as the page does."""

    def __init__(self, address: str):
        self.http, self.asked = httpx.Client(base_url=f"{address}/gradio_api", timeout=120), 0
        site = Site(address)
        self.upload, self.choice = site.named["upload"], site.named["choice-text"]
        event = next(event for event in site.dependencies if event["backend_fn"] and self.choice in event["outputs"])
        self.event, self.values = event["id"], {part: site.parts[part]["props"].get("value") for part in event["inputs"]}
        self.session = f"hostile-{os.getpid()}"

    def give(self, name: str, content: bytes) -> str:
        """Uploads a file and chooses it; returns all that the server answered as a text."""
        sent = self.http.post("/upload", files={"files": (name, content)})
        if sent.status_code != 200:
            return sent.text
        file = {"path": sent.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        self.asked += 1  # the first question is the page's own, on loading
        choice = json.dumps({"asked": self.asked + 1, "turn": self.asked, "clip": "upload"})
        values = [*(self.values | {self.upload: file, self.choice: choice}).values()]
        body = {"data": values, "fn_index": self.event, "session_hash": self.session, "event_data": None, "trigger_id": None}
        self.http.post("/queue/join", json=body).raise_for_status()
        with self.http.stream("GET", "/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                if '"process_completed"' in line:
                    return line
        return ""


class Watch:
    """Looks at a server's memory, and at the CPU seconds and the peak memory of its descendants, until it is stopped."""

    def __init__(self, server: int):
        self.server, self.cpu_s, self.peak_mb = server, {}, 0.0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self) -> None:
        """Polls /proc."""
        while not self.stopped.wait(0.1):
            for pid, parents in list(descendants(self.server)):
                try:
                    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                    peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
                except OSError:
                    continue
                self.cpu_s[parents, pid] = (int(stat[11]) + int(stat[12])) / TICKS
                self.peak_mb = max(self.peak_mb, int(peak[1]) / 1e3 if peak else 0.0)

    def most_cpu_s(self) -> float:
        """CPU seconds of the decoder that took most, with what it started."""
        sums: dict[int, float] = {}
        for (decoder, _), seconds in self.cpu_s.items():
            sums[decoder] = sums.get(decoder, 0.0) + seconds
        return max(sums.values(), default=0.0)


def descendants(pid: int) -> Iterator[tuple[int, int]]:
    """(process, the child of `pid` that it descends from) of all processes below `pid`."""
    above = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            above[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    for process in above:
        line = [process]
        while line[-1] in above and above[line[-1]] != pid:
            line.append(above[line[-1]])
        if line[-1] in above:
            yield process, line[-1]


def own_memory_mb(pid: int) -> float:
    """MB of anonymous memory of a process."""
    found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1e3 if found else 0.0


class Other:
    """Another visitor, who asks for a small prediction again and again."""

    def __init__(self, address: str):
        from gradio_client import Client, handle_file

        self.client = Client(address, verbose=False, download_files=False)
        self.clip = handle_file(str(bundled_folder("assets") / "clips" / "digits-1.mp4"))

    def predict(self, times: list[float], most: int, stopped: threading.Event | None = None) -> None:
        """Predicts until stopped or `most` are done; appends the seconds that each took."""
        wish = {"model": "copy-last", "n_futures": 1, "n_past": 3, "n_future": 5, "temperature": None}
        for _ in range(most):
            if stopped is not None and stopped.is_set():
                return
            began = time.monotonic()
            self.client.predict(clip=self.clip, **wish, api_name="/predict")
            times.append(time.monotonic() - began)


def measure(count: int, seed: int, with_other: bool = True) -> dict[str, Any]:
    """Runs the app and uploads the files; returns what was seen."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with app_process(folder) as app:
            seen = attack(app.address, app.process.pid, folder, list(made_files(folder, count, seed)), with_other)
            seen["deaths"] = int(app.process.poll() is not None)
            seen["tracebacks"] += app.log.read_text().count("Traceback")
        seen["left in the temporary folder"] = [entry.name for entry in app.temporary.iterdir()]
    return seen


def attack(address: str, server: int, folder: Path, files: list[tuple[str, bytes]], with_other: bool) -> dict[str, Any]:
    """Uploads the files one after another while another visitor predicts."""
    alone: list[float] = []
    meanwhile: list[float] = []
    visitor, other, stopped = Visitor(address), Other(address) if with_other else None, threading.Event()
    for name in ("real.mp4", "real.gif"):  # what is loaded on the first events
        visitor.give(name, (folder / name).read_bytes())
    if other:
        other.predict([], 2)
        other.predict(alone, ALONE)
    before, watch = own_memory_mb(server), Watch(server)
    predicting = threading.Thread(target=other.predict, args=(meanwhile, 10**6, stopped)) if other else None
    if predicting:
        predicting.start()
    answers, began = [], time.monotonic()
    for name, content in files:
        answers.append(visitor.give(name, content))
    seconds = time.monotonic() - began
    stopped.set()
    watch.stopped.set()
    memory = own_memory_mb(server)
    if predicting and other:
        predicting.join()
        other.predict(alone, ALONE)  # half of them after it: other work on the machine comes and goes
    unclear = [name for (name, _), said in zip(files, answers) if '"success": true' not in said.replace('":true', '": true')]
    median_alone, median_meanwhile = (statistics.median(times) if times else None for times in (alone, meanwhile))
    slower = median_meanwhile / median_alone if median_meanwhile and median_alone else None
    return {
        "files": len(files),
        "seconds": round(seconds, 1),
        "tracebacks": sum("Traceback" in said for said in answers),
        "usable": sum("Your clip" in said for said in answers),
        "not answered by the page": unclear,
        "decoder's most CPU seconds": round(watch.most_cpu_s(), 2),
        "decoder's peak MB": round(watch.peak_mb),
        "server's memory moved by MB": round(memory - before, 1),
        "another's prediction, seconds alone": median_alone and round(median_alone, 3),
        "and meanwhile": median_meanwhile and round(median_meanwhile, 3),
        "times as long": slower and round(slower, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    seen = measure(args.count, args.seed)
    print(json.dumps(seen, indent=1))
    if args.json:
        args.json.write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")
    wrong = seen["deaths"] or seen["tracebacks"] or seen["not answered by the page"] or not seen["usable"]
    much = seen["decoder's most CPU seconds"] > CPU_S or seen["decoder's peak MB"] > MEMORY_MB
    sys.exit(1 if wrong or much or seen["server's memory moved by MB"] > MOVED_MB or (seen["times as long"] or 0) > SLOWER else 0)


if __name__ == "__main__":
    main()
