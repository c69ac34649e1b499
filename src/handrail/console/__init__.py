"""The web console: what people look at in a browser, and the JSON API beside it, under the same rules."""
