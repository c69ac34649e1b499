"""The guide language: reads guides, checks them, and answers what they say about facts."""
