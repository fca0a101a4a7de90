"""All other results, such as checks, traces and costs."""
