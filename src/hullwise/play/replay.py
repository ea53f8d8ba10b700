"""A run as one page that needs no server: its frames are in it, and the modules that draw them."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from typing import Any

from ..geometry.plane_outline import outline
from .configuration import Configuration
from .network_run import NetworkRun
from .numbers import bounding_rectangle

__all__ = ["replay_page"]

MOST_FRAMES = 60
FRAMES_BYTES = 10 * 2**20
# In the order in which they need one another; each is a function of those before it.
REPLAY_MODULES = (
    *("theme.js", "words.js", "data.js", "height.js", "split.js", "scene.js", "marks.js"),
    *("wire.js", "replay.js"),
)
IMPORT = re.compile(r"^import \{([^}]*)\} from \"\./([\w.]+)\";\n", re.MULTILINE)
EXPORTED = re.compile(r"^export (?:class|function\*?|const) (\w+)", re.MULTILINE)


def replay_page(run: NetworkRun, configuration: Configuration) -> str:
    """The page: at most 60 recorded steps in the present view, evenly spread over the run."""
    view = configuration.view or run.fit
    frames, numbers = [], []
    for picture, counts in run.recorded(configuration, view, MOST_FRAMES, FRAMES_BYTES):
        frames.append(base64.b64encode(picture.frame).decode("ascii"))
        keys = ("step", "pieces", "partial", "curved", "pieces_with_rows", "pieces_mixed")
        numbers.append({key: counts[key] for key in (*keys, "loss", "loss_new")})
    data, points = run.data, run.row_points
    content = {
        "configuration": configuration.to_json(),
        "view": {"center": list(view.center), "half": list(view.half)},
        "rows": {
            "points": points.tolist(),
            "targets": data.targets.tolist(),
            "task": data.task,
            "classes": data.n_classes,
        },
        "names": list(data.names),
        "labels": list(data.labels),
        "hull": outline(points).tolist() if len(points) else [],
        "fit": bounding_rectangle(points),
        "numbers": numbers,
        "frames": frames,
    }
    return _document(content)


def _document(content: dict[str, Any]) -> str:
    script = bundled_modules()
    style = _asset("replay.css")
    data = json.dumps(content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        _asset("replay.html")
        .replace("POLICY", html.escape(policy, quote=True))
        .replace("STYLE", style)
        .replace("SCRIPT", script)
        .replace("DATA", data)
    )


def bundled_modules() -> str:
    """The modules as one script: each a function that returns what it exports."""
    parts = []
    for name in REPLAY_MODULES:
        source = _asset(name)
        needs = "".join(
            f"const {{{_renamed(names)}}} = {_variable(other)};\n"
            for names, other in IMPORT.findall(source)
            if other in REPLAY_MODULES
        )
        exports = ", ".join(EXPORTED.findall(source))
        body = IMPORT.sub("", source)
        body = re.sub(r"^export ", "", body, flags=re.MULTILINE)
        parts.append(
            f"const {_variable(name)} = (() => {{\n{needs}{body}return {{{exports}}};\n}})();\n"
        )
    return "".join(parts)


def _renamed(names: str) -> str:
    return names.replace(" as ", ": ")


def _variable(module: str) -> str:
    return f"module_{module.removesuffix('.js')}"


def _asset(name: str) -> str:
    return files("hullwise.play").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
