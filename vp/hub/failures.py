"""What can go wrong between here and the Hub, as kinds of failure, and the sentence that is said of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LOG_IN = "run `hf auth login` or set HF_TOKEN"
# kind -> what happened; what to do
SENTENCES = {
    "repository": "there is no such repository, or it is private; check the name, or " + LOG_IN,
    "revision": "the repository has no such revision; check the branch, tag or commit",
    "file": "the repository has no such file; it has {found}",
    "several": "the repository has {found}; say which, as in {example}",
    "gated": "its owner asks for terms to be accepted first; accept them on the page of the repository, then " + LOG_IN,
    "denied": "the Hub refused access (HTTP {status}); " + LOG_IN + " with a token that may do this",
    "busy": "the Hub gets too many requests from here (HTTP 429); try again in some minutes",
    "status": "the Hub answered with an error (HTTP {status}); try again later",
    "unreachable": "the Hub cannot be reached; check the network, or use a model that is on this machine",
    "offline": "it is not in the cache and HF_HUB_OFFLINE is set; unset it, or use a model that is on this machine",
    "silent": "the Hub did not answer within {seconds:g} s; try again later, or set {variable} to wait longer",
    "late": "it did not end within {seconds:g} s{last}; try again later, or set {variable} to wait longer",
    "cut": "the connection broke off again and again; try again later",
    "large": "the file has {size} bytes and {limit} at most are loaded; take another one",
    "checksum": "what came has not the SHA-256 that the repository gives for it, and was thrown away; try again later",
    "cached": "the copy in the cache is damaged and was thrown away; load it again to fetch a new one",
    "disk": "it cannot be stored ({detail}); make room, or set HF_HOME to a folder that can be written",
    "package": "the package huggingface_hub is not installed; run `pip install huggingface-hub`",
    "unexpected": "this failed ({detail}); try again later",
}


class HubError(ValueError):
    """A failure as one sentence: what was asked for, what happened, what to do.

    Args:
        asked: the address or repository.
        kind: a key of `SENTENCES`.
        facts: the values of its fields.
    """

    def __init__(self, asked: object, kind: str, facts: Mapping[str, Any] | None = None):
        self.kind = kind if kind in SENTENCES else "unexpected"
        super().__init__(f"{asked}: {SENTENCES[self.kind].format_map(Facts(facts or {}))}")


class Facts(dict):
    """The fields of a sentence; one that is missing reads "?"."""

    def __missing__(self, name: str) -> str:
        return "?"


class Failure(Exception):
    """A failure on its way from the process that talks to the Hub; arguments as for `HubError`."""

    def __init__(self, kind: str, **facts: Any):
        super().__init__(kind)
        self.kind, self.facts = kind, facts


def classify(error: BaseException) -> Failure:
    """The kind of failure that an error of huggingface_hub, of its HTTP library or of the disk is.

    Errors are recognised by the names of their classes, as the HTTP library is another one in other versions of huggingface_hub.
    """
    if isinstance(error, Failure):
        return error
    names = {kind.__name__ for kind in type(error).__mro__}
    for name, kind in NAMED.items():
        if name in names:
            return Failure(kind)
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return of_status(int(status))
    cause = error.__cause__
    if cause is not None and "EntryNotFoundError" in names:  # it is not in the cache, and this is why it was not fetched
        return classify(cause)
    if isinstance(error, ImportError):
        return Failure("package")
    if isinstance(error, OSError) and error.errno is not None:
        return Failure("disk", detail=(error.strerror or str(error)).lower())
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return Failure("unexpected", detail=": ".join([type(error).__name__, *lines[:1]])[:300])


def of_status(status: int) -> Failure:
    """The failure that an HTTP status is."""
    kind = "denied" if status in (401, 403) else "busy" if status == 429 else "status"
    return Failure(kind, status=status)


NAMED = {  # name of an error, the more special ones first -> kind
    "GatedRepoError": "gated",
    "RepositoryNotFoundError": "repository",
    "RevisionNotFoundError": "revision",
    "RemoteEntryNotFoundError": "file",
    "OfflineModeIsEnabled": "offline",
    "ConnectError": "unreachable",
    "ConnectTimeout": "unreachable",
    "ProxyError": "unreachable",
    "TransportError": "cut",
}
