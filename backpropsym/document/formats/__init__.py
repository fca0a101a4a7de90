"""Document formats: one module each, which lays out a page of `document.model` and registers itself."""
