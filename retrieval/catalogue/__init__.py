"""The catalogue: which items exist, where their pictures are, what is known of them. Never any model output."""

from retrieval.catalogue.changes import Changes, Reply
from retrieval.catalogue.facts.matching import State
from retrieval.catalogue.facts.text.completions import Completion
from retrieval.catalogue.facts.text.search import WordHits, WordPlace
from retrieval.catalogue.item import ID_LENGTH, Attribute, Description, Item, id_fault, is_id, new_id
from retrieval.catalogue.ordering import Order, Place
from retrieval.catalogue.records.bin import BinEntry, oldest
from retrieval.catalogue.records.corrections import Corrected
from retrieval.catalogue.records.dismissals import Dismissal, Dismissals, Member
from retrieval.catalogue.records.releases import ReleaseEntry, Releases
from retrieval.catalogue.records.replicas import Replica, Shared
from retrieval.catalogue.table import BATCH
from retrieval.catalogue.writing import Catalogue

__all__ = [
    "BATCH",
    "ID_LENGTH",
    "Attribute",
    "BinEntry",
    "Catalogue",
    "Changes",
    "Completion",
    "Corrected",
    "Description",
    "Dismissal",
    "Dismissals",
    "Item",
    "Member",
    "Order",
    "Place",
    "ReleaseEntry",
    "Releases",
    "Replica",
    "Reply",
    "Shared",
    "State",
    "WordHits",
    "WordPlace",
    "id_fault",
    "is_id",
    "new_id",
    "oldest",
]
