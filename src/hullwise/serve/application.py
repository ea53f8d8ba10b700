"""A domain as a service: an ASGI application for uvicorn, gunicorn or any server of the kind."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .._core.foreign import own_errors
from ..domain.domain import Domain
from ..domain.domain_file import load
from ..errors import DataError, MissingDependencyError
from ..geometry.warm_up import compile_large_locate
from .service_limits import ServiceLimits

if TYPE_CHECKING:
    from fastapi import FastAPI

SHORTEST_TOKEN = 8


def create_app(
    domain: Domain | str | os.PathLike[str],
    *,
    token: str | None = None,
    hosts: Iterable[str] = (),
    limits: ServiceLimits | None = None,
) -> FastAPI:
    """A domain as an ASGI application.

    ``POST /locate`` says where rows stand, ``GET /domain`` what columns they need, ``POST
    /explain`` everything of one row, ``/healthz`` that the service lives, ``/metrics`` what it has
    done, ``/openapi.json`` describes all of it, and ``/`` is a page for people.

    Parameters
    ----------
    domain : Domain or path
        Fitted, or a file that `Domain.save` or ``hullwise fit -o`` wrote.
    token : str, optional
        What requests must send as ``Authorization: Bearer TOKEN``. Without one everybody who
        reaches the service may ask.
    hosts : iterable of str
        Names that the service is called by, such as "hull.example.org"; ``*`` for any. Localhost,
        and for other machines any IP address, are names of it already. Requests that call it by
        another one are refused (DNS rebinding).
    limits : ServiceLimits, optional

    Returns
    -------
    fastapi.FastAPI

    Raises
    ------
    MissingDependencyError
        FastAPI is not installed.
    DataError, FileError
        The domain is not fitted, or its file cannot be read or holds no rows; the token is short.

    Notes
    -----
    Kernels are compiled and the references of frequent gaps measured before this returns, so that
    no request waits for them. Requests of a few rows that come at the same time are located in one
    search. One process serves all processors: kernels run outside of Python's lock.

    Examples
    --------
    ``app.py``, for ``uvicorn app:app``:

    >>> import hullwise as hw
    >>> rows = [{"job": job, "age": age} for job in ("nurse", "clerk") for age in range(20, 60)]
    >>> app = hw.serve.create_app(hw.Domain().fit(rows))
    >>> sorted(app.openapi()["paths"])
    ['/domain', '/explain', '/healthz', '/locate', '/metrics']
    """
    try:
        from ._routes import build_app
    except ImportError as error:
        if not isinstance(error, ModuleNotFoundError) or error.name is None:
            raise
        raise missing_library(error.name) from None
    fitted = fitted_domain(domain)
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise DataError(
            f"the token has {len(token)} letters: take at least {SHORTEST_TOKEN}, at random, such "
            "as python -c 'import secrets; print(secrets.token_urlsafe())' prints"
        )
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise DataError("the token may hold ASCII letters, digits and signs only, and no spaces.")
    with own_errors("preparing the service"):
        compile_large_locate()
        fitted.measure_gaps()
    return build_app(fitted, token, tuple(hosts), limits or ServiceLimits())


def missing_library(name: str) -> MissingDependencyError:
    """What is to be installed."""
    return MissingDependencyError(
        f"serving needs {name}, which is not installed: pip install 'hullwise[serve]'"
    )


def fitted_domain(domain: Domain | str | os.PathLike[str]) -> Domain:
    """The domain, read where it is a file.

    Raises
    ------
    DataError, FileError
        It is not fitted, or keeps half-spaces in place of rows.
    """
    if isinstance(domain, str | os.PathLike):
        loaded = load(domain)
        if not isinstance(loaded, Domain):
            raise DataError(
                f"{os.fspath(domain)} keeps half-spaces in place of its training rows, which a "
                "service needs: fit it with --keep rows, or export the rules (hullwise export)"
            )
        return loaded
    if not isinstance(domain, Domain) or not hasattr(domain, "fitted_"):
        raise DataError(f"expected a fitted Domain or its file, got {str(domain)[:60]}.")
    return domain
