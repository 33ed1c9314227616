"""Learning from users: the head refitted from cached features with corrections and judged pairs, in seconds."""
