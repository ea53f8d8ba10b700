"""Writers of a watch's history as processes of their own; a process cannot import a test's file."""

from __future__ import annotations

import os

import numpy as np

import hullwise as hw


def domain_of(seed):
    """A domain of its own for each test: a database may hold several watches."""
    return hw.Domain(reference=60).fit(np.random.default_rng(seed).normal(size=(150, 3)))


def batch(k, m=40):
    return np.random.default_rng([41, k]).normal(size=(m, 3))


def write_batches(url, seed, numbers, started):
    monitor = hw.Monitor(domain_of(seed), history=url)
    started.wait(60)
    for k in numbers:
        monitor.update(batch(k))


def die_in_mid_write(url, seed):
    """A writer that is killed after its batch was sent and before it was committed."""
    import sqlalchemy

    monitor = hw.Monitor(domain_of(seed), history=url)
    execute = sqlalchemy.engine.Connection.execute

    def killed(self, statement, *args, **kwargs):
        done = execute(self, statement, *args, **kwargs)
        if "INSERT INTO hullwise_batches" in str(statement):
            os._exit(9)
        return done

    sqlalchemy.engine.Connection.execute = killed
    monitor.update(batch(1))
