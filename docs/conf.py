"""Sphinx configuration; `scripts/docs` builds the pages with warnings as errors."""

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml

from hullwise import __version__

project = "hullwise"
author = "The hullwise developers"
copyright = "2026, The hullwise developers"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "examples", "gallery/*.ipynb", "gallery/*.py"]
templates_path = ["_templates"]

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": "/plot_",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "min_reported_time": 10_000,
    "remove_config_comments": True,
}

html_theme = "furo"
html_title = f"hullwise {version}"
html_copy_source = False
html_math_renderer = "mathml"


def _inline(writer, node):
    writer.body.append(tex2mathml(node.astext()))
    raise SkipNode


def _block(writer, node):
    writer.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise SkipNode


def setup(app):
    """Equations as MathML: they need nothing from the network."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
