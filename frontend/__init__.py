"""The page people use: it turns HTML forms into calls to the API, and answers into HTML."""
