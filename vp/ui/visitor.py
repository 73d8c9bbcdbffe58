"""What ends with the session of a visitor."""

from __future__ import annotations

import gradio as gr

from .clips import UPLOADS
from .expiring_store import STORES
from .visitor_files import MADE


def forget_session(request: gr.Request) -> None:
    """Drops what is kept for a visitor who has closed the page."""
    visitor = str(request.session_hash or "")
    if visitor:
        for store in (UPLOADS, *STORES):
            store.drop_visitor(visitor)
        MADE.forget(visitor)
