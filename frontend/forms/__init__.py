"""Readers of forms and links: each checks what it reads."""
