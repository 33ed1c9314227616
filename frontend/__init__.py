"""The page that people use: it turns HTML forms into API requests, and API answers into HTML."""
