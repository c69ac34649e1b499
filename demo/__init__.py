"""`make demo`: the two main stories, told with the commands that a user would type."""
