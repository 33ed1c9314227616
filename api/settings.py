"""The API's settings: LOOKALIKE_* environment variables, read once and passed in."""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from retrieval.images import MAX_PIXELS


class Settings(BaseSettings):
    """What is served, where, and how much of it at a time."""

    model_config = SettingsConfigDict(env_prefix="LOOKALIKE_", frozen=True)

    artifacts: Path = Field(default=Path("artifacts"), description="folder that the trainer publishes into")
    catalogue_url: str | None = Field(
        default=None, description="database of the items, if it is not the one in the artifacts folder"
    )
    api_host: str = Field(default="127.0.0.1", description="address to listen on")
    api_port: int = Field(default=8000, ge=1, le=65_535, description="port to listen on")
    upload_limit_bytes: int = Field(default=20_000_000, gt=0, description="largest request body, in bytes")
    pixel_limit: int = Field(default=MAX_PIXELS, gt=0, le=MAX_PIXELS, description="largest query picture, in pixels")
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        description="threads that decode, encode and search; as many as there are cores unless given",
    )
    queue: int = Field(default=64, ge=0, description="requests that may wait for a worker; one more is refused")
    onnx_threads: int = Field(default=0, ge=0, description="threads in one run of the encoder; 0: every core")
