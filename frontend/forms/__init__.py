"""What people enter, in forms and links, checked."""
