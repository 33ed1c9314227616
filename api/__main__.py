"""`lookalike api`, or `python -m api`: serve what is published, print the OpenAPI document, or make a key.

The application is imported once options, settings and port are known to be good: a mistake is told at once.
"""

import argparse
import json
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any, NoReturn, get_args

from pydantic import ValidationError

from api.environment import InvalidSettings, load_settings, settings_help, warnings
from api.security.keys import Scope, new_key, setting_for
from api.settings import Settings
from retrieval.durable import check_writable
from retrieval.errors import BundleDamaged, FolderNotWritable, VectorStoreError

EXAMPLE = """\
example:
  lookalike api --artifacts artifacts --port 8000
  curl -F file=@picture.jpg -F k=5 http://127.0.0.1:8000/search
"""


def main(arguments: Sequence[str] | None = None, prog: str = "python -m api") -> int:
    """Serve by options and settings until told to stop, or do what else is wanted. Returns the exit code.

    A user's mistake, a port that is taken among them, ends the process with exit code 2.
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Serve the published bundle over HTTP.",
        epilog=f"{EXAMPLE}\nsettings, from the environment; the options go before them:\n{settings_help()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--artifacts", metavar="FOLDER", help="folder that the trainer publishes into")
    parser.add_argument("--host", dest="api_host", metavar="HOST", help="address to listen on")
    parser.add_argument("--port", dest="api_port", metavar="PORT", help="port to listen on")
    parser.add_argument("--openapi", action="store_true", help="print the OpenAPI document and stop")
    command = parser.add_subparsers(dest="command", title="instead of serving").add_parser(
        "key", help="make an API key and stop", description="Make an API key, and the line for the settings."
    )
    command.add_argument("name", help="whose it is: letters, digits, and any of . _ @ -")
    command.add_argument("--scope", choices=get_args(Scope), default="read", help="what it may do (default: read)")
    options = parser.parse_args(arguments)
    if options.command == "key":
        _print_key(command, options.name, options.scope)
        return 0
    settings = _settings(parser, options)
    if options.openapi:
        _print_openapi(settings)
        return 0
    _check(parser, settings)
    _serve(settings)
    return 0


def _check(parser: argparse.ArgumentParser, settings: Settings) -> None:
    """End with a line and exit code 2 where nothing could be served: a port that is taken, a folder of no use."""
    host, port = settings.api_host, settings.api_port
    try:
        for family, kind, protocol, _name, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            if family == socket.AF_INET6 and not socket.has_dualstack_ipv6():
                continue  # localhost is an IPv6 address too, even where the system has no IPv6
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
                probe.bind(address)
    except (OSError, UnicodeError) as error:
        _refuse(
            parser,
            f"cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}. "
            "Choose others with --host and --port, or LOOKALIKE_API_HOST and LOOKALIKE_API_PORT.",
        )
    try:
        check_writable(settings.artifacts)
    except FolderNotWritable as error:
        _refuse(parser, f"{error} Choose another folder with --artifacts, or LOOKALIKE_ARTIFACTS.")
    from retrieval.bundle import catalogue_url, read_places

    try:
        places = read_places(settings.artifacts)
        vectors_url = settings.vectors_url or places.vectors_url
        if vectors_url is not None:
            from retrieval.vectors.stores import vector_stores

            vector_stores(settings.artifacts, vectors_url, settings.catalogue_url or catalogue_url(settings.artifacts))
    except BundleDamaged as error:
        _refuse(parser, str(error))
    except VectorStoreError as error:
        _refuse(parser, f"LOOKALIKE_VECTORS_URL cannot be used: {error}")


def _serve(settings: Settings) -> None:
    from api.main import create_app
    from api.monitoring import logs
    from api.server import serve

    logs.configure(settings.log_format)
    serve(create_app(settings), settings)


def _print_openapi(settings: Settings) -> None:
    from api.main import create_app

    _print(f"{json.dumps(create_app(settings).openapi(), indent=2, ensure_ascii=False)}\n")


def _print(text: str) -> None:
    """Write on standard output, as far as somebody reads it: `head` ends before all is written."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter would write it at its end
    except OSError as error:
        sys.stderr.write(f"The output cannot be written: {error.strerror}.\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _settings(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Settings:
    arguments: dict[str, Any] = {name: getattr(options, name) for name in ("artifacts", "api_host", "api_port")}
    for warning in warnings(os.environ):
        sys.stderr.write(f"{warning}\n")
    try:
        return load_settings(os.environ, **{name: value for name, value in arguments.items() if value is not None})
    except InvalidSettings as error:
        _refuse(parser, str(error))


def _refuse(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    """End with one line on standard error and exit code 2."""
    parser.exit(2, f"{parser.prog}: {message}\n")


def _print_key(command: argparse.ArgumentParser, name: str, scope: Scope) -> None:
    key = new_key()
    try:
        setting = setting_for(name, scope, key)
    except ValidationError:
        command.error("the name may have letters, digits, and any of . _ @ -")
    _print(
        f"The key of {name}, shown this once; it is sent as Authorization: Bearer KEY:\n\n  {key}\n\n"
        f"The setting that lets the server accept it; where there are keys already, add it to their list:\n\n"
        f"  {setting}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
