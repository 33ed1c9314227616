"""What an evaluation is made of: queries and gallery, what was trained on, and the same picture on both sides."""
