"""What people and programs are shown: one model of a page, several renderings."""
