"""What is live, what was live before, and what may go live: publishing, its gate, the way back."""
