"""reveal.js 6.0.2, by Hakim El Hattab and others, under the MIT licence that stands beside it."""
