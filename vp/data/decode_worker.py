"""The process that decodes one file of a stranger, started by `decode_process` as `python -m vp.data.decode_worker JOB`.

It limits itself before it opens anything, writes arrays and `answer.json` into the job's folder, and ends. Until it is limited
it imports nothing but the standard library: a user namespace can only be entered while there is one thread.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000  # linux/sched.h
PARENT_DEATH_SIGNAL, NO_NEW_PRIVILEGES = 1, 38  # linux/prctl.h
NICER = 5  # than the server: of a core that a prediction wants too it gets a quarter, enough to end within the wall clock's limit
OWN_SHARE = 0.75  # of the CPU seconds, after which the frames so far are the clip; the rest is for writing them
FFMPEG_SHARE = 0.6  # of the CPU seconds that are left when ffmpeg begins
# containers that hold their own pictures: playlists, captures and numbered pictures would open other files
FORMATS = (
    "mov,mp4,matroska,webm,avi,gif,mpegts,mpeg,mpegvideo,mpegtsraw,flv,asf,ogg,ivf,h264,hevc,m4v,mjpeg,obu,av1,dv,mxf,nut,rm,"
    "wtv,yuv4mpegpipe,apng,webp_pipe,png_pipe,jpeg_pipe,bmp_pipe,tiff_pipe,vc1,h261,h263,swf,gxf,smk,bink,roq,flic,nsv"
)
OPENCV_OPTIONS = f"protocol_whitelist;file|format_whitelist;{FORMATS}|threads;1"


def main() -> None:
    """Does the job that the first argument describes as JSON, see `decode_process.decode_apart`."""
    job = json.loads(sys.argv[1])
    limit_process(job)
    try:
        answer = decode(job)
    except ValueError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"memory": True}
    (Path(job["folder"]) / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


def limit_process(job: dict[str, Any]) -> None:
    """Limits memory, CPU time and the size of files of this process and of what it starts; it loses the network where the
    system allows, gives no core dumps, ends with its parent, and computes at a lower priority than the server does.

    Only Linux enforces all of it. macOS ignores limits on memory, Windows has none of these limits: there the wall clock
    remains, and that the decoder's death is not the server's.
    """
    if sys.platform == "win32":
        return
    import resource

    os.nice(NICER)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.unshare(NEW_USER | NEW_NETWORK)  # refused in many containers: then the lists of protocols have to do
        libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        libc.prctl(PARENT_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_DATA, (job["memory"],) * 2)
    cpu = max(1, round(job["cpu_s"]))
    limits = {"CORE": (0, 0), "FSIZE": (job["file_bytes"],) * 2, "CPU": (cpu, cpu + 1), "NOFILE": (64, 64)}
    for name, values in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), values)


def decode(job: dict[str, Any]) -> dict[str, Any]:
    """Decodes the job's clip, and its overview where that is asked for, into files; returns what else is to be known of them.

    Raises:
        ValueError: as for `read_clip`.
    """
    import cv2
    import numpy as np

    from . import video_decode
    from .overview import Looking
    from .region import Region
    from .video_file import read_clip

    cv2.setNumThreads(1)
    effort = video_decode.EFFORT
    effort.cpu_s, effort.clip_bytes = OWN_SHARE * job["cpu_s"], job["clip_bytes"]
    effort.ffmpeg = lambda: limit_ffmpeg(job["cpu_s"])
    effort.opencv = video_decode.HERE if job["opencv"] else video_decode.NOWHERE
    folder, arguments = Path(job["folder"]), dict(job["arguments"])
    if arguments.get("region"):
        arguments["region"] = Region(*arguments["region"])
    looked = Looking() if job["overview"] else None
    clip = read_clip(job["path"], **arguments, watch=looked)
    np.save(folder / "frames.npy", clip.frames)
    answer: dict[str, Any] = {name: getattr(clip, name) for name in ("fps", "notes", "first", "every", "total")}
    if looked:
        view = looked.overview()
        for name in ("thumbnails", "times", "motion"):
            np.save(folder / f"{name}.npy", getattr(view, name))
        answer |= {"width": view.width, "height": view.height}
    return answer


def limit_ffmpeg(cpu_s: float) -> list[str]:
    """Options that limit an ffmpeg about to start; it and this process get what is left of `cpu_s` CPU seconds."""
    from . import video_decode

    left = max(2.0, cpu_s - time.process_time())
    share = max(1, int(FFMPEG_SHARE * left))
    video_decode.EFFORT.cpu_s = min(video_decode.EFFORT.cpu_s, cpu_s - share)
    return ["-threads", "1", "-filter_threads", "1", "-timelimit", str(share), "-format_whitelist", FORMATS]


if __name__ == "__main__":
    main()
