"""The API: a published bundle and its catalogue over HTTP."""
