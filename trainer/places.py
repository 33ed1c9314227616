"""Where a run keeps items, pictures, vectors, bundles: from its configuration or environment; the folder remembers."""

import os
from contextlib import closing
from pathlib import Path

from pydantic import ValidationError

from retrieval import bundle
from retrieval.bundle import Places
from retrieval.bundle.remote import BundleStore
from retrieval.catalogue import Catalogue
from retrieval.pictures import open_pictures
from retrieval.vectors.stores import vector_stores
from trainer.config import Config, StoreConfig
from trainer.errors import ConfigError

SETTINGS = {
    "catalogue_url": "LOOKALIKE_CATALOGUE_URL",
    "pictures_url": "LOOKALIKE_PICTURES_URL",
    "vectors_url": "LOOKALIKE_VECTORS_URL",
    "artifacts_url": "LOOKALIKE_ARTIFACTS_URL",
}


def remember_places(artifacts: Path, config: Config) -> Config:
    """Let the folder keep all of them where the configuration or the environment says, once every place answers.

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
    if places.artifacts_url is not None:
        BundleStore(places.artifacts_url).check()
    if places != before:
        bundle.write_places(artifacts, places)
    return config.model_copy(update={"store": StoreConfig()})


def remember_shared(artifacts: Path) -> None:
    """`remember_places` for a machine that fetches its bundles from the store that the environment names.

    So that it can publish without having trained. Raises as `remember_places`.
    """
    if os.environ.get(SETTINGS["artifacts_url"], "").strip():
        remember_places(artifacts, Config())
