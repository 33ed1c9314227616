"""Serve the page: `lookalike page`, or `python -m frontend`. Ctrl-C or SIGTERM stops it."""

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from typing import Any

import waitress  # type: ignore[import-untyped]  # it ships no types
from pydantic import ValidationError

from frontend.app import create_app
from frontend.settings import Settings

THREADS = 16  # most of them wait for the API to send a thumbnail
DOOR_LIMIT = 5  # times the upload limit: up to here a too large upload gets a page, beyond it a bare 413

EXPLANATION = """\
Settings come from the environment; the options go before them:
  LOOKALIKE_API_URL              where the API is (http://127.0.0.1:8000)
  LOOKALIKE_FRONTEND_API_KEY     the key it asks for, if it wants one; it never leaves this server
  LOOKALIKE_API_TIMEOUT_SECONDS  how long to wait for its answer (20)
  LOOKALIKE_UI_HOST              address to listen on (127.0.0.1; 0.0.0.0 for all)
  LOOKALIKE_UI_PORT              port to listen on (5000)
  LOOKALIKE_UI_HOSTS             names with a dot by which it is asked, beside addresses and localhost: a JSON list
  LOOKALIKE_UPLOAD_LIMIT_BYTES   largest picture accepted, the same as the API's (20000000)

Example:
  lookalike page --api-url http://search.internal:8000 --port 8080
"""


def main(arguments: Sequence[str] | None = None, prog: str = "python -m frontend") -> int:
    """Read options and settings, take the port, serve until told to stop. Returns the exit code; 2 for a mistake."""
    options = _options(arguments, prog)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = Settings(**options)
    except ValidationError as error:
        for mistake in error.errors():
            sys.stderr.write(f"LOOKALIKE_{str(mistake['loc'][0]).upper()}: {mistake['msg']}\n")
        return 2
    try:
        server = waitress.create_server(
            create_app(settings),
            host=settings.ui_host,
            port=settings.ui_port,
            threads=THREADS,
            ident=None,
            max_request_body_size=DOOR_LIMIT * settings.upload_limit_bytes,
            clear_untrusted_proxy_headers=True,
        )
    except (OSError, ValueError) as error:
        sys.stderr.write(
            f"Cannot listen on {settings.ui_host}:{settings.ui_port}: {error}. "
            "Choose others with --host and --port, or LOOKALIKE_UI_HOST and LOOKALIKE_UI_PORT.\n"
        )
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    host = f"[{settings.ui_host}]" if ":" in settings.ui_host else settings.ui_host
    sys.stdout.write(f"The page is at http://{host}:{settings.ui_port}\n")
    sys.stdout.flush()
    server.run()
    return 0


def _options(arguments: Sequence[str] | None, prog: str) -> dict[str, Any]:
    """The settings that the command line gives, by their names."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Serve Lookalike's page.",
        epilog=EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--api-url", metavar="URL", help="where the API is")
    parser.add_argument("--host", dest="ui_host", metavar="HOST", help="address to listen on")
    parser.add_argument("--port", dest="ui_port", metavar="PORT", help="port to listen on")
    return {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}


if __name__ == "__main__":
    sys.exit(main())
