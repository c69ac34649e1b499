"""How the documentation site is built: `make docs`, or `sphinx-build -W docs build/docs`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

from handrail import __version__  # noqa: E402

project = "Handrail"
author = "The Handrail authors"
copyright = "The Handrail authors, Apache-2.0"
version = release = __version__

extensions = ["myst_parser", "handrail_docs"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_ext"]
myst_heading_anchors = 6
myst_enable_extensions = ["attrs_inline"]

html_theme = "furo"
html_title = "Handrail"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["handrail.css"]
