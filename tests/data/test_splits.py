"""Splits keep groups together, do not move when files are added, and leave a layout's own split alone."""

from __future__ import annotations

from vp.data.recording import Recording
from vp.data.splits import assign_splits


def recordings(groups, split=None) -> list[Recording]:
    return [Recording(f"{group}-{k}", group, 10, 25.0, None, split) for group in groups for k in range(2)]


def test_a_hash_of_the_group_decides_and_new_groups_move_none():
    few, many = (
        assign_splits(recordings(f"person{n}" for n in range(200))),
        assign_splits(recordings(f"person{n}" for n in range(1_000))),
    )
    assert few.items() <= many.items()
    shares = [list(many.values()).count(split) / 1_000 for split in ("train", "val", "test")]
    assert abs(shares[0] - 0.8) < 0.05 and abs(shares[1] - 0.1) < 0.03  # 3 standard errors


def test_with_few_groups_no_split_that_can_have_one_stays_empty():
    for start in range(30):  # wherever the hashes fall
        names = [f"clip{n}" for n in range(start, start + 3)]
        assert set(assign_splits(recordings(names)).values()) == {"train", "val", "test"}
        assert set(assign_splits(recordings(names[:2])).values()) >= {"train", "val"}
        assert set(assign_splits(recordings(names[:1])).values()) == {"train"}


def test_a_layout_s_own_split_stands_and_lends_validation_only_where_there_is_none():
    train, test = recordings([f"a{n}" for n in range(40)], "train"), recordings(["b0", "b1"], "test")
    split = assign_splits(train + test)
    assert split["b0"] == split["b1"] == "test"
    assert 1 <= list(split.values()).count("val") <= 10
    whole = assign_splits(train + test + recordings(["c"], "val"))
    assert "val" not in assign_splits(train + recordings(["d"], "dev")).values(), "dev is there to choose by"
    assert list(whole.values()).count("val") == 1 and set(assign_splits(test).values()) == {"test"}
