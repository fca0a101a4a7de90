"""A page for a browser on which a network can be explored."""
