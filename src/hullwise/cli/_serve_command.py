"""`hullwise serve`: its options; nothing numeric is imported."""

from __future__ import annotations

from dataclasses import dataclass

import click

from .. import __version__
from .options import EXIT_CODES, apply, takes
from .status import print_status

SERVE_PORT = 8000
ADDRESS = (
    click.option(
        "--host",
        default="127.0.0.1",
        show_default=True,
        metavar="ADDRESS",
        help="The address to listen on; 0.0.0.0 for other machines too.",
    ),
    click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=SERVE_PORT,
        show_default=True,
        metavar="PORT",
        help="0 for any that is free.",
    ),
    click.option(
        "--allow-host",
        multiple=True,
        metavar="NAME",
        help="A name that the service is called by, such as hull.example.org. May be repeated.",
    ),
    click.option(
        "--token",
        envvar="HULLWISE_TOKEN",
        metavar="TOKEN",
        help="What requests must send (Authorization: Bearer TOKEN). Better in the environment, as "
        "HULLWISE_TOKEN: other users of a machine see its command lines.",
    ),
    click.option(
        "--without-token",
        is_flag=True,
        help="Serve other machines without a token, as behind a proxy that asks for one.",
    ),
)
LIMITS = (
    click.option(
        "--max-rows",
        type=click.IntRange(min=1),
        default=100_000,
        show_default=True,
        metavar="N",
        help="Rows of one request.",
    ),
    click.option(
        "--max-body",
        type=click.IntRange(min=1),
        default=64,
        show_default=True,
        metavar="MIB",
        help="Size of one request, in MiB.",
    ),
    click.option(
        "--max-seconds",
        type=click.FloatRange(min=0, min_open=True, max=86_400),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="For the answer to one request, waiting included.",
    ),
    click.option(
        "--threads",
        type=click.IntRange(min=1),
        metavar="N",
        help="Requests that are computed at the same time.  [default: one for each processor]",
    ),
    click.option(
        "--max-waiting",
        type=click.IntRange(min=1),
        default=64,
        show_default=True,
        metavar="N",
        help="Requests that wait for a thread; more are told to come back.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """`hullwise serve`."""

    domain: str
    host: str
    port: int
    allow_host: tuple[str, ...]
    token: str | None
    without_token: bool
    max_rows: int
    max_body: int
    max_seconds: float
    threads: int | None
    max_waiting: int


@click.command(epilog=EXIT_CODES)
@click.argument("domain")
@apply(*ADDRESS, *LIMITS)
@takes(ServeOptions)
def serve(options: ServeOptions) -> None:
    """Answer over HTTP where rows stand in DOMAIN, a file of `hullwise fit`.

    POST /locate takes rows as JSON or Arrow, and / is a page on which to type or drop them. Served
    to this machine alone unless --host says otherwise, until SIGTERM or Ctrl-C; requests that were
    begun are then finished first.

    \b
      hullwise serve seen.hull
      curl -H 'Content-Type: application/json' -d '{"age": 41}' http://127.0.0.1:8000/locate
    """
    print_status(f"hullwise {__version__}: reading {options.domain} ...")
    from ._serve import run_serve

    run_serve(options)
