"""Words of labels and attributes: their index, the search among them, and how a word may go on."""
