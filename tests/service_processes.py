"""Services of `hullwise serve` as processes of their own, for tests."""

import contextlib
import re
import signal
import subprocess
import sys

import httpx
import numpy as np

import hullwise as hw

WAIT = 90  # seconds, on a machine that is busy with other things


def training_rows(n=300):
    """Flats: numbers, a category, a date and gaps, with the same digits each time."""
    rng = np.random.default_rng(7)
    size = np.round(rng.gamma(9.0, 8.0, n), 1)
    return [
        {
            "size": float(size[i]),
            "rooms": int(1 + size[i] // 28),
            "city": ("Bonn", "Köln", "Ulm")[i % 3],
            "built": None if i % 5 == 0 else 1900 + int(rng.integers(0, 120)),
            "rent": float(np.round(size[i] * 11 + rng.normal(0, 60), 2)),
        }
        for i in range(n)
    ]


def keep_domain(folder):
    """A file of a domain fitted on them."""
    path = folder / "seen.hull"
    hw.Domain().fit(training_rows(), target="rent").save(path, force=True)
    return path


class ServiceProcess:
    """A running service.

    Attributes
    ----------
    url : str
        Where it answers, with no slash at the end.
    """

    def __init__(self, path, *options, env=None, cwd=None):
        command = [sys.executable, "-m", "hullwise", "serve", str(path), "--port", "0", *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=cwd
        )
        line = self.process.stdout.readline()
        address = re.search(r"http://\S+", line)
        assert address, line + self.process.stderr.read()
        self.url = address[0].rstrip("/")
        self.port = int(self.url.rpartition(":")[2])

    def client(self, **options):
        return httpx.Client(base_url=self.url, timeout=WAIT, trust_env=False, **options)

    def stop(self):
        """SIGTERM, then exit code and what it wrote."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=WAIT)
        return self.process.returncode, out, err

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=WAIT)


@contextlib.contextmanager
def running_service(path, *options, **settings):
    service = ServiceProcess(path, *options, **settings)
    try:
        yield service
    finally:
        service.close()
