"""What the documents point at is there."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
PICTURES = sorted(ROOT.glob("docs/images/*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(document):
    """A renamed page or a picture that was never taken is found before a reader finds it."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", document.read_text())
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert not missing, f"{document.relative_to(ROOT)} points at {missing}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_pictures_have_alternative_text(document):
    """Whoever does not see a picture is told what it shows."""
    assert "![](" not in document.read_text()


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_drawings_say_what_they_show(picture):
    """A screen reader finds title and description in the file itself."""
    drawing = ElementTree.parse(picture).getroot()
    for part in ["title", "desc"]:
        assert (drawing.findtext(f"{SVG}{part}") or "").strip(), f"{picture.name} has no <{part}>"
