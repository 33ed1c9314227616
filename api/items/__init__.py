"""The living catalogue: items come, change and go while searches are answered."""
