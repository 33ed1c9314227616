"""Serve the page: `lookalike page`, or `python -m frontend`. Ctrl-C or SIGTERM stops it."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import waitress  # type: ignore[import-untyped]  # it ships no types

from frontend.app import create_app
from frontend.environment import InvalidSettings, load_settings, settings_help, unknown_settings

THREADS = 16  # most of them wait for the API to send a thumbnail
MAX_BODY_FACTOR = 5  # times the upload limit: a larger body gets a bare 413 instead of a page

EPILOG = """\
Settings come from the environment; options override them:
{settings}

Example:
  lookalike page --api-url http://search.internal:8000 --port 8080
"""


def main(arguments: Sequence[str] | None = None, prog: str = "python -m frontend") -> int:
    """Read options and settings, take the port, serve until stopped. Returns the exit code; 2 for a mistake."""
    options = _options(arguments, prog)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for warning in unknown_settings(os.environ):
        sys.stderr.write(f"{warning}\n")
    try:
        settings = load_settings(**options)
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        server = waitress.create_server(
            create_app(settings),
            host=settings.ui_host,
            port=settings.ui_port,
            threads=THREADS,
            ident=None,
            max_request_body_size=MAX_BODY_FACTOR * settings.upload_limit_bytes,
            clear_untrusted_proxy_headers=False,  # frontend/web/proxy.py does it, for ranges of addresses
        )
    except (OSError, ValueError) as error:
        sys.stderr.write(
            f"Cannot listen on {settings.ui_host}:{settings.ui_port}: {error}. "
            "Set others with --host and --port, or LOOKALIKE_UI_HOST and LOOKALIKE_UI_PORT.\n"
        )
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    host = f"[{settings.ui_host}]" if ":" in settings.ui_host else settings.ui_host
    sys.stdout.write(f"The page is at http://{host}:{settings.ui_port}\n")
    if settings.public_url:
        sys.stdout.write(f"Its public address is {settings.public_url}/\n")
    sys.stdout.flush()
    server.run()
    return 0


def _options(arguments: Sequence[str] | None, prog: str) -> dict[str, Any]:
    """The settings on the command line, by their names."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Serve Lookalike's page.",
        epilog=EPILOG.format(settings=settings_help()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--api-url", metavar="URL", help="address of the API")
    parser.add_argument("--host", dest="ui_host", metavar="HOST", help="address to listen on")
    parser.add_argument("--port", dest="ui_port", metavar="PORT", help="port to listen on")
    return {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}


if __name__ == "__main__":
    sys.exit(main())
