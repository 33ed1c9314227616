"""What the commands share: their arguments, what they print, and how."""
