"""Reads the settings from the environment: mistakes in plain words, and names that nothing reads."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from api.settings import OLD_NAMES, Settings

PREFIX = "LOOKALIKE_"
OTHER_NAMES = frozenset(
    (
        *("api_timeout_seconds", "api_url", "frontend_api_key", "public_url", "ui_host", "ui_hosts", "ui_port"),
        *("bind", "chromium", "complete", "gid", "pictures", "test_data", "trainer_threads", "uid"),
    )
)
"""What else reads LOOKALIKE_* variables: the page, the trainer, docker-compose.yml and the tests."""
# What Kubernetes sets for every service: LOOKALIKE_API_SERVICE_HOST, LOOKALIKE_API_PORT_8000_TCP and so on.
OF_KUBERNETES = re.compile(r"\w*(_SERVICE_HOST|_SERVICE_PORT(_\w+)?|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
LINK_OF_KUBERNETES = re.compile(r"(tcp|udp)://\S+:\d+")

PLAIN_WORDS = {
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "extra_forbidden": "is not known here",
    "missing": "is missing",
}


class InvalidSettings(Exception):
    """At least one setting is wrong. The message is one line, in which each is named."""


def load_settings(environment: Mapping[str, str], **options: Any) -> Settings:
    """The settings of the environment; the options, by the settings' names, override them. Raises InvalidSettings."""
    try:
        return Settings(**options)
    except ValidationError as error:
        mistakes = error.errors(include_input=False, include_url=False)
        raise InvalidSettings("; ".join(_mistake(each, environment) for each in mistakes)) from error
    except SettingsError as error:  # what should be JSON and is not
        raise InvalidSettings(f"{error}; write it as well-formed JSON") from error


def warnings(environment: Mapping[str, str]) -> list[str]:
    """A line for each LOOKALIKE_* variable of an old name, or of one that no part of Lookalike reads."""
    old = [
        f"{name} is now called {PREFIX}{new.upper()}; please rename it."
        for name, new in OLD_NAMES.items()
        if name in environment
    ]
    setting_names = {name.upper() for name in (*Settings.model_fields, *OTHER_NAMES)}
    names = {name: name.upper().removeprefix(PREFIX) for name in environment if name.upper().startswith(PREFIX)}
    unknown = [
        f"{name} is not a known setting and has no effect.{_suggestion(short, setting_names)}"
        for name, short in sorted(names.items())
        if short not in setting_names and name.upper() not in OLD_NAMES and not OF_KUBERNETES.fullmatch(short)
    ]
    return old + unknown


def settings_help() -> str:
    """A line for each setting: its name, what it is for, its default."""
    lines = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default in (None, ()) else f" (default {field.default})"
        lines.append(f"  {PREFIX}{name.upper():<20} {field.description}{default}")
    return "\n".join(lines)


def _suggestion(name: str, setting_names: set[str]) -> str:
    nearest = get_close_matches(name, sorted(setting_names), n=1)
    return f" Did you mean {PREFIX}{nearest[0]}?" if nearest else ""


def _mistake(error: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    """What is wrong with which setting; a complaint about several names them itself."""
    message = PLAIN_WORDS.get(error["type"]) or error["msg"]
    message = message.removeprefix("Value error, ").replace("Input should be", "must be")
    if not error["loc"]:
        return str(message)
    # Where a setting may be of one kind or another, pydantic names the kinds as well.
    field, *inside = (str(part) for part in error["loc"] if isinstance(part, int) or "[" not in part)
    name = PREFIX + field.upper()
    if LINK_OF_KUBERNETES.fullmatch(environment.get(name, "")):
        return (
            f"{name}: Kubernetes has set it for a service of that name; set enableServiceLinks: false for the pod, or "
            "give the service another name"
        )
    return f"{'.'.join((name, *inside))}: {message}"
