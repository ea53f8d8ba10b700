"""A page that loads nothing else: its style is in it, and only that style is allowed."""

from __future__ import annotations

import base64
import hashlib
from html import escape

__all__ = ["document"]


def document(title: str, style: str, body: str) -> str:
    """HTML without script; `style` is CSS, `body` what stands in <main>."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta name="generator" content="hullwise">\n<title>{escape(title)}</title>\n'
        f'<link rel="icon" href="data:,">\n<style>{style}</style>\n</head>\n<body>\n'
        f"<main>\n{body}</main>\n</body>\n</html>\n"
    )
