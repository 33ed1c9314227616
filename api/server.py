"""How the application is served: by uvicorn, in this process."""

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

from api.settings import Settings
from api.web.protocol import bounded

SWITCH_SECONDS = 0.0005
"""After which a thread that computes in Python lets others run: by default ten times as long, which the event loop
would wait again and again, for each of the connections that it serves.
"""


def options(settings: Settings) -> dict[str, Any]:
    """uvicorn's, by the settings."""
    return {
        "host": settings.api_host,
        "port": settings.api_port,
        "http": bounded(settings.header_seconds),
        "timeout_keep_alive": settings.keep_alive_seconds,
        "proxy_headers": False,  # ours know ranges of addresses, prefixes and hosts
        "log_config": None,  # its own would hide ours
        "access_log": False,  # a line for each request would cost time and says little
    }


def serve(app: FastAPI, settings: Settings) -> None:
    """Until the process is told to stop."""
    sys.setswitchinterval(SWITCH_SECONDS)
    uvicorn.run(app, **options(settings))
