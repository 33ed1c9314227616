"""What an artifacts folder keeps elsewhere: items, pictures, vectors, bundles; `store.json` says where.

Whoever opens the folder finds them so, the trainer as well as the API. A password has no place in it: the libraries of
databases and stores take theirs from the environment or from files of their own.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from retrieval.bundle.layout import STORE, pending_path
from retrieval.durable import storage_error, write_atomically
from retrieval.errors import BundleDamaged
from retrieval.remote import database_url, storage_url
from retrieval.vectors.address import vectors_url_without_password


class Places(BaseModel):
    """Where items, pictures, vectors and bundles are; None: in the artifacts folder itself, of bundles alone there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    catalogue_url: Annotated[str, AfterValidator(database_url)] | None = None
    pictures_url: Annotated[str, AfterValidator(storage_url)] | None = Field(default=None)
    vectors_url: Annotated[str, AfterValidator(vectors_url_without_password)] | None = None
    artifacts_url: Annotated[str, AfterValidator(storage_url)] | None = None


def read_places(artifacts: Path) -> Places:
    """What the folder keeps elsewhere. Raises BundleDamaged for a file that cannot be used."""
    path = artifacts / STORE
    try:
        return Places.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return Places()
    except ValidationError as error:
        reasons = "; ".join(f"{each['loc'][0] if each['loc'] else 'it'}: {each['msg']}" for each in error.errors())
        raise BundleDamaged(f"{path} cannot be used ({reasons}). Mend it, or train again.") from None
    except OSError as error:
        raise BundleDamaged(f"{path} cannot be read: {error.strerror}") from error


def write_places(artifacts: Path, places: Places) -> None:
    """Let the folder keep its items, pictures and vectors there from now on. Raises StorageError."""
    path = artifacts / STORE
    try:
        artifacts.mkdir(parents=True, exist_ok=True)
        with write_atomically(path, several=True) as draft:
            draft.write_text(places.model_dump_json(exclude_none=True, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise storage_error(error, str(path)) from error


def catalogue_url(artifacts: Path) -> str:
    """Where the items are unless a setting says otherwise. Raises BundleDamaged as `read_places`."""
    return read_places(artifacts).catalogue_url or f"sqlite:///{(artifacts / 'catalogue.sqlite').absolute()}"


def pictures_url(artifacts: Path) -> str | None:
    """Where the pictures are unless a setting says otherwise; None: in the folder. Raises BundleDamaged."""
    return read_places(artifacts).pictures_url


def vectors_url(artifacts: Path) -> str | None:
    """Where the vectors are unless a setting says otherwise; None: in the folder. Raises BundleDamaged."""
    return read_places(artifacts).vectors_url


def artifacts_url(artifacts: Path) -> str | None:
    """What bundles are fetched from unless a setting says otherwise; None: nothing. Raises BundleDamaged."""
    return read_places(artifacts).artifacts_url


def pending_lines(artifacts: Path) -> Iterator[bytes]:
    """Every line of the files of items that are to go live with a bundle, whether or not they are whole."""
    with suppress(OSError):
        for path in sorted(pending_path(artifacts, "").parent.glob("*.jsonl")):
            with suppress(FileNotFoundError), path.open("rb") as lines:
                yield from lines
