"""Reads the settings from the environment: mistakes in one line each, and names that nothing reads."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from frontend.settings import Settings

PREFIX = "LOOKALIKE_"
OTHER_SETTINGS = frozenset(
    """
    api_host api_keys api_port api_public_url artifacts artifacts_url batching bin_days body_seconds bundles
    catalogue_url cors_origins fetch_allowed fetch_seconds fetch_share fetch_urls header_seconds hosts
    keep_alive_seconds keep_seconds keys log_format onnx_threads pictures_link_seconds pictures_url pixel_limit
    query_cache_size queue queue_seconds rate_per_minute remembered uploads_limit_bytes vectors_url workers
    write_queue write_seconds write_workers
    bind chromium complete gid pictures test_data trainer_threads uid
    """.split()  # noqa: SIM905 - one name a line would be a page of names
)
"""What else reads LOOKALIKE_* variables: the API (also under old names), docker-compose.yml and the tests."""

PLAIN_WORDS = {
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
}


class InvalidSettings(Exception):
    """At least one setting is wrong. The message has a line for each, which begins with its name."""


def load_settings(**options: Any) -> Settings:
    """The settings of the environment; the options, by the settings' names, override them. Raises InvalidSettings."""
    try:
        return Settings(**options)
    except ValidationError as error:
        raise InvalidSettings("\n".join(map(_line, error.errors(include_input=False)))) from error


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """A warning for each LOOKALIKE_* variable that no part of Lookalike reads, with the nearest name that one does."""
    setting_names = {name.upper() for name in {*Settings.model_fields, *OTHER_SETTINGS}}
    names = {name: name.upper().removeprefix(PREFIX) for name in environment if name.upper().startswith(PREFIX)}
    return [
        f"{name} is not a known setting and has no effect.{_suggestion(short, setting_names)}"
        for name, short in sorted(names.items())
        if short not in setting_names
    ]


def settings_help() -> str:
    """A line for each setting: its name, what it is for, its default."""
    lines = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, ()) else f" (default {field.default})"
        lines.append(f"  {PREFIX}{name.upper():<20} {field.description}{default}")
    return "\n".join(lines)


def _suggestion(name: str, setting_names: set[str]) -> str:
    nearest = get_close_matches(name, sorted(setting_names), n=1)
    return f" Did you mean {PREFIX}{nearest[0]}?" if nearest else ""


def _line(mistake: ErrorDetails) -> str:
    message = PLAIN_WORDS.get(mistake["type"]) or mistake["msg"]
    message = message.removeprefix("Value error, ").replace("Input should be ", "must be ", 1)
    name = str(mistake["loc"][0]) if mistake["loc"] else "*"  # of several settings that contradict each other
    return f"{PREFIX}{name.upper()}: {message}"
