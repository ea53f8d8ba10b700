"""A Dask client that answers in time, or an error that says why not.

Dask waits without end for a scheduler that is silent, and raises errors of four libraries. Here
each call has its seconds, and whatever goes wrong on the way to the workers is a ClusterError.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from .._core.wording import first_line, type_of
from ..errors import ClusterError, DataTypeError, HullwiseError

Answer = TypeVar("Answer")
HANDSHAKE_SECONDS = 10.0


def open_client(scheduler: Any, seconds: float) -> Any:
    """The client of a scheduler's address, or the client given, if it is connected.

    Raises
    ------
    ClusterError
        Nothing answers in time; a closed client; a cluster in place of a client; no Dask.
    DataTypeError
        Something else.
    """
    if not isinstance(scheduler, str):
        return _connected_client(scheduler)
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError(
            "a cluster needs Dask: pip install 'hullwise[cluster]', here and on the workers"
        ) from None

    seconds = min(seconds, HANDSHAKE_SECONDS)

    def connect() -> Any:
        # First without a client: one that waits for a silent scheduler is never given up.
        asyncio.run(_shake_hands(scheduler, seconds))
        return Client(scheduler, timeout=seconds, set_as_default=False)

    try:
        return call_within(2 * seconds, connect)
    except ClusterError:
        raise
    except TimeoutError:
        problem = f"no scheduler answers at {scheduler!r} within {seconds:g} s"
    except Exception as error:  # whatever listens there may answer anything
        problem = f"no scheduler answers at {scheduler!r} ({first_line(error)})"
        if scheduler.startswith(("tls:", "wss:")):
            raise ClusterError(
                f"{problem}: an address with TLS needs certificates; pass "
                "distributed.Client(address, security=distributed.Security(...))"
            ) from None
    raise ClusterError(f"{problem}: start one with `dask scheduler`")


async def _shake_hands(address: str, seconds: float) -> None:
    from distributed import Security
    from distributed.comm import connect

    options = Security().get_connection_args("client")
    comm = await asyncio.wait_for(connect(address, timeout=seconds, **options), seconds)
    await comm.close()


def _connected_client(client: Any) -> Any:
    if hasattr(client, "scheduler_address") and hasattr(client, "scale"):
        raise ClusterError(
            f"{type_of(client)} is a cluster, not its client: pass distributed.Client(it)"
        )
    if not (hasattr(client, "submit") and hasattr(client, "scheduler_info")):
        raise DataTypeError(
            f"found {type_of(client)}: expected a scheduler's address, such as "
            "'tcp://10.0.0.1:8786', or a distributed.Client"
        )
    if getattr(client, "asynchronous", False):
        raise ClusterError("an asynchronous client cannot be waited for: pass one that is not")
    require_connection(client)
    return client


def require_connection(client: Any) -> None:
    """Refuse a client whose scheduler is gone."""
    if client.status not in ("running", "connecting"):
        raise ClusterError(f"the client is {client.status}: make a new one")


def call_within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """What a call returns or raises, or a TimeoutError if it does neither in time."""
    outcome: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((call(), None))
        except BaseException as error:
            outcome.put((None, error))

    threading.Thread(target=run, daemon=True, name="hullwise-cluster").start()
    try:
        answer, error = outcome.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    result: Answer = answer
    return result


@contextmanager
def cluster_errors(path: str) -> Iterator[None]:
    """What can go wrong on the way to the workers and on them, as a sentence."""
    try:
        yield
    except HullwiseError:
        raise
    except ModuleNotFoundError as error:
        raise ClusterError(
            f"a worker has no module {error.name!r}: install the same hullwise on each of them"
        ) from None
    except MemoryError as error:
        raise ClusterError(
            f"{path}: a worker has too little memory ({first_line(error)}): use more workers or "
            "shards, or resident=False"
        ) from error
    except Exception as error:
        kind = type(error).__name__
        raise ClusterError(
            f"{path}: the workers failed ({kind}: {first_line(error)}); look at their logs"
        ) from error
