"""A kept domain over HTTP: `create_app` makes a service of it, `serve` runs one."""

from .application import create_app
from .server import serve
from .service_limits import ServiceLimits

__all__ = ["ServiceLimits", "create_app", "serve"]
