"""`hullwise serve`: runs the service until it is stopped."""

from __future__ import annotations

from .. import __version__
from ..geometry.warm_up import compile_locate
from ..serve import ServiceLimits, serve
from ._compiling import compile_kernels
from ._domain import read_domain
from ._serve_command import ServeOptions
from .status import print_status

MEBIBYTE = 2**20


def run_serve(options: ServeOptions) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    limits = ServiceLimits(
        max_rows=options.max_rows,
        max_body=options.max_body * MEBIBYTE,
        max_seconds=options.max_seconds,
        threads=options.threads,
        max_waiting=options.max_waiting,
    )
    domain = read_domain(options.domain)
    compile_kernels(print_status, compile_locate)

    def announce(url: str) -> None:
        print(f"hullwise {__version__}: {url} (Ctrl-C stops it)", flush=True)

    serve(
        domain,
        host=options.host,
        port=options.port,
        token=options.token,
        without_token=options.without_token,
        hosts=options.allow_host,
        limits=limits,
        on_ready=announce,
    )
    print_status("stopped; all requests were answered")
