"""`hullwise play`: the page on which a network is seen while it trains."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import webbrowser
from typing import NoReturn

from .. import __version__
from ..play.server import PlayServer
from ._play_options import PlayOptions
from .status import print_status


def run_play(options: PlayOptions) -> None:
    """Serve the page until Ctrl-C, and leave the process."""
    server = PlayServer(options.port)
    asyncio.run(_serve(server, options.browser))
    print_status("stopped")
    _leave()


def _leave() -> NoReturn:
    """End the process at once.

    All sockets are closed. What is left are kernels in the making, which nothing can interrupt, and
    a second or two in which Python would take PyTorch and Numba apart.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def _serve(server: PlayServer, browser: bool) -> None:
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(one, server.stop)

    def announce(server: PlayServer) -> None:
        print(f"hullwise {__version__}: {server.url} (Ctrl-C stops it)", flush=True)
        if browser:
            url = server.ticket_url()
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    await server.serve(announce)
