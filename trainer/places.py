"""Where a run keeps items, pictures and vectors: from its configuration or the environment; the folder remembers."""

import os
from contextlib import closing
from pathlib import Path

from pydantic import ValidationError

from retrieval import bundle
from retrieval.bundle import Places
from retrieval.catalogue import Catalogue
from retrieval.pictures import open_pictures
from retrieval.vectors.stores import vector_stores
from trainer.config import Config, StoreConfig
from trainer.errors import ConfigError

SETTINGS = {
    "catalogue_url": "LOOKALIKE_CATALOGUE_URL",
    "pictures_url": "LOOKALIKE_PICTURES_URL",
    "vectors_url": "LOOKALIKE_VECTORS_URL",
}


def remember_places(artifacts: Path, config: Config) -> Config:
    """Let the folder keep items, pictures and vectors where the configuration or environment says, once all answer.

    Returns the configuration without them, so that no bundle tells of them. Raises ConfigError for a setting that
    cannot be used, CatalogueError and StorageError for a database or a store that does not answer.
    """
    before = bundle.read_places(artifacts)
    named = {
        field: getattr(config.store, field) or os.environ.get(setting, "").strip() or getattr(before, field)
        for field, setting in SETTINGS.items()
    }
    try:
        places = Places.model_validate(named)
    except ValidationError as error:
        (first, *_) = error.errors(include_input=False, include_url=False)
        field = str(first["loc"][0])
        reason = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"[store] {field}, or {SETTINGS[field]}: {reason}") from None
    if places.catalogue_url is not None:
        with closing(Catalogue(places.catalogue_url)) as catalogue:
            catalogue.check_writable()
    if places.pictures_url is not None:
        open_pictures(artifacts, places.pictures_url).check()
    if places.vectors_url is not None:
        vector_stores(artifacts, places.vectors_url, places.catalogue_url).exists("")
    if places != before:
        bundle.write_places(artifacts, places)
    return config.model_copy(update={"store": StoreConfig()})
