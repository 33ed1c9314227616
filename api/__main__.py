"""`python -m api`: serve what is published, print the OpenAPI document, or make a key."""

import argparse
import json
import os
import sys
from typing import get_args

import uvicorn
from pydantic import ValidationError
from pydantic_settings import SettingsError

from api.main import create_app
from api.monitoring import logs
from api.security.keys import Scope, new_key, setting_for
from api.settings import OLD_NAMES, Settings

EXAMPLE = """\
example:
  LOOKALIKE_ARTIFACTS=artifacts python -m api
  curl -F file=@picture.jpg -F k=5 http://127.0.0.1:8000/search
"""


def main() -> None:
    """Read the settings from the environment and serve until told to stop, or do what else is asked."""
    parser = argparse.ArgumentParser(
        prog="python -m api",
        description="Serve the published bundle over HTTP.",
        epilog=f"{EXAMPLE}\nsettings, from the environment:\n{_settings_help()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--openapi", action="store_true", help="print the OpenAPI document and stop")
    command = parser.add_subparsers(dest="command", title="instead of serving").add_parser(
        "key", help="make an API key and stop", description="Make an API key, and the line for the settings."
    )
    command.add_argument("name", help="whose it is: letters, digits, and any of . _ @ -")
    command.add_argument("--scope", choices=get_args(Scope), default="read", help="what it may do (default: read)")
    arguments = parser.parse_args()
    if arguments.command == "key":
        _print_key(command, arguments.name, arguments.scope)
        return
    settings = _settings(parser)
    app = create_app(settings)
    if arguments.openapi:
        json.dump(app.openapi(), sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
        return
    logs.configure(settings.log_format)
    # Its own configuration of logs would hide ours; a line for each request would cost time and says little.
    uvicorn.run(app, host=settings.api_host, port=settings.api_port, log_config=None, access_log=False)


def _settings(parser: argparse.ArgumentParser) -> Settings:
    for old in OLD_NAMES.keys() & os.environ.keys():
        sys.stderr.write(f"{old} is now called LOOKALIKE_{OLD_NAMES[old].upper()}; please rename it.\n")
    try:
        return Settings()
    except ValidationError as error:
        parser.error("; ".join(_complaint(entry["loc"], entry["msg"]) for entry in error.errors()))
    except SettingsError as error:  # what should be JSON and is not
        parser.error(f"{error}; give it as well-formed JSON")


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
    main()
