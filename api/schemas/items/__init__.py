"""Requests and answers of items: writes, lists, the bin, changes, judgements."""
