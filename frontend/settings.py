"""The page's settings: LOOKALIKE_* environment variables, read once and passed in."""

from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, TypeAdapter
from pydantic_settings import BaseSettings, SettingsConfigDict

_HTTP_URL = TypeAdapter(HttpUrl)


def _http_url(value: str) -> str:
    """Refuse anything but an http(s) address; drop the slash at its end, so that paths can be appended."""
    _HTTP_URL.validate_python(value)
    return value.rstrip("/")


def _header_safe(value: SecretStr) -> SecretStr:
    """Refuse what cannot be sent in a header; a key with a line break has usually been copied with too much."""
    key = value.get_secret_value()
    if not (key.isascii() and key.isprintable()) or " " in key or not key:
        raise ValueError("a key has letters, digits and signs only, without spaces or line breaks")
    return value


class Settings(BaseSettings):
    """Where the API is and by which key it lets the page in, where the page listens, and how much it accepts."""

    model_config = SettingsConfigDict(env_prefix="LOOKALIKE_", frozen=True)

    api_url: Annotated[str, AfterValidator(_http_url)] = "http://127.0.0.1:8000"
    frontend_api_key: Annotated[SecretStr, AfterValidator(_header_safe)] | None = None
    ui_host: str = "127.0.0.1"
    ui_hosts: tuple[str, ...] = ()
    ui_port: int = Field(default=5000, ge=1, le=65_535)
    api_timeout_seconds: float = Field(default=20.0, gt=0)
    upload_limit_bytes: int = Field(default=20_000_000, gt=0)
