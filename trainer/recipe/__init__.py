"""The automatic recipe: encoder, part of a picture and head, chosen by measures on the source's own pictures."""
