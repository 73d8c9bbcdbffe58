"""What the worker does to upload files: one commit with all of them, into a repository that it makes where there is none."""

from __future__ import annotations

from typing import Any

MAIN = "main"


def commit(
    repo: str, kind: str, files: dict[str, str], message: str, private: bool | None, sdk: str | None, prune: bool
) -> dict[str, Any]:
    """Uploads files; the arguments are those of `upload`.

    Returns:
        `commit`, `url` of the repository.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    api = HfApi()
    url = api.create_repo(repo, repo_type=kind, private=private, exist_ok=True, space_sdk=sdk)
    there = set(api.list_repo_files(repo, repo_type=kind)) if prune else set()
    gone = [CommitOperationDelete(path) for path in sorted(there - set(files) - {".gitattributes"})]
    added = [CommitOperationAdd(name, path) for name, path in files.items()]
    made = api.create_commit(repo, [*added, *gone], commit_message=message, repo_type=kind, revision=MAIN)
    return {"commit": made.oid, "url": str(url)}
