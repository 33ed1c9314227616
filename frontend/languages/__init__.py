"""The languages of the page: which one a visitor reads, its texts, and how it writes numbers and times."""
