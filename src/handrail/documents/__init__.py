"""Files that people and programs give us: trees with marks, estates and plans. Nothing here evaluates anything."""
