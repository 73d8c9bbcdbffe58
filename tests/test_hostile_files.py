"""Hostile files get a clip or one sentence, and take no more than they may: the short form of `benchmarks.hostile_files`."""

import random
import sys

import pytest

from benchmarks.hostile_files import PLAYLISTS, avi, bombs, cut, flip, foreign_files, gif, lying_files, patch_words, real_files
from vp.data.decode_process import decode_apart

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces the limits")


def test_fifteen_hostile_files_get_a_clip_or_a_sentence(tmp_path):
    import resource

    real, chance = real_files(tmp_path), random.Random(0)
    files = [(f"x{k}.mp4", change(real["real.mp4"], chance)) for k, change in enumerate((cut, flip, patch_words))]
    files += [
        ("ok.mp4", real["real.mp4"]),
        ("raw.avi", avi(128, 128, 4)),
        ("large.avi", avi(65_535, 65_535, 4)),
        ("large.gif", gif(65_535, 65_535, 3)),
    ]
    files += [file for file in foreign_files(chance) if file[0] in (*PLAYLISTS, "huge.npy", "animated.webp", "empty.mp4")][::5]
    files += [file for file in bombs() if file[0] in ("many.zip", "bomb.npz")] + lying_files(real)[6:9]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    read = []
    for number, (name, content) in enumerate(files):
        path, folder = tmp_path / f"{number}-{name}", tmp_path / f"job-{number}"
        path.write_bytes(content)
        folder.mkdir()
        try:
            read.append((name, len(decode_apart(str(path), folder, True)[0].frames)))
        except ValueError as error:
            assert "\n" not in str(error) and len(str(error)) < 300 and str(error).startswith(path.name), name
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ("ok.mp4", 24) in read and len(files) >= 15 and len(read) < len(files)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 10 * len(files)
