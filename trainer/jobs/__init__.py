"""Jobs: what the API asks for, done by a worker in processes of their own."""
