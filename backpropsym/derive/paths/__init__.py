"""The paths between two nodes, and what is computed over all of them by one sweep."""
