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
from pydantic_settings import SettingsError

from api.security.keys import Scope, new_key, setting_for
from api.settings import OLD_NAMES, Settings
from retrieval.durable import check_writable
from retrieval.errors import FolderNotWritable

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
        epilog=f"{EXAMPLE}\nsettings, from the environment; the options go before them:\n{_settings_help()}",
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


def _serve(settings: Settings) -> None:
    import uvicorn

    from api.main import create_app
    from api.monitoring import logs

    logs.configure(settings.log_format)
    app = create_app(settings)
    # Its own configuration of logs would hide ours; a line for each request would cost time and says little.
    uvicorn.run(app, host=settings.api_host, port=settings.api_port, log_config=None, access_log=False)


def _print_openapi(settings: Settings) -> None:
    from api.main import create_app

    json.dump(create_app(settings).openapi(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def _settings(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Settings:
    given: dict[str, Any] = {name: getattr(options, name) for name in ("artifacts", "api_host", "api_port")}
    for old in OLD_NAMES.keys() & os.environ.keys():
        sys.stderr.write(f"{old} is now called LOOKALIKE_{OLD_NAMES[old].upper()}; please rename it.\n")
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        _refuse(parser, "; ".join(_complaint(entry["loc"], entry["msg"]) for entry in error.errors()))
    except SettingsError as error:  # what should be JSON and is not
        _refuse(parser, f"{error}; give it as well-formed JSON")


def _refuse(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    """End with one line on standard error and exit code 2."""
    parser.exit(2, f"{parser.prog}: {message}\n")


def _complaint(where: tuple[int | str, ...], message: str) -> str:
    """What is wrong with which setting; a complaint about several names them itself."""
    if not where:
        return message.removeprefix("Value error, ")
    setting, *inside = map(str, where)
    return ".".join((f"LOOKALIKE_{setting.upper()}", *inside)) + f": {message}"


def _print_key(command: argparse.ArgumentParser, name: str, scope: Scope) -> None:
    key = new_key()
    try:
        setting = setting_for(name, scope, key)
    except ValidationError:
        command.error("the name may have letters, digits, and any of . _ @ -")
    sys.stdout.write(
        f"The key of {name}, shown this once; it is sent as Authorization: Bearer KEY:\n\n  {key}\n\n"
        f"The setting that lets the server accept it; where there are keys already, add it to their list:\n\n"
        f"  {setting}\n"
    )


def _settings_help() -> str:
    lines = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default in (None, ()) else f" (default {field.default})"
        lines.append(f"  LOOKALIKE_{name.upper():<20} {field.description}{default}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
