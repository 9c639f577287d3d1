"""One HTML page that needs nothing else: no script, no font, no image from elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from scripts.redaction import redact


def document(*, title: str, style: str, body: str, embedded: Mapping[str, str] | None = None) -> str:
    """Write a page around its body (HTML, already escaped); credentials are taken out of all of it.

    `embedded` maps marks in the body to the data: URLs (audio, images) that take their place; a mark is made of
    letters, digits and colons, and is no other's beginning.
    """
    policy = "; media-src data:; img-src data:" if embedded else ""
    page = redact(f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'{policy}">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
""")
    # Last: megabytes of base64 hold no credentials, and looking for them there takes minutes.
    for mark, url in (embedded or {}).items():
        page = page.replace(mark, url)
    return page


def listing(title: str, lines: Iterable[str], kind: str) -> str:
    """Write a section with a list of plain texts; nothing where there are none."""
    items = "".join(f"<li>{escape(line)}</li>\n" for line in lines)
    return f'<section>\n<h2>{escape(title)}</h2>\n<ul class="{kind}">\n{items}</ul>\n</section>' if items else ""


def facts(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """Write a section of labels and plain texts."""
    found = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>\n" for label, text in rows)
    return f'<section>\n<h2>{escape(title)}</h2>\n<dl class="facts">\n{found}</dl>\n</section>'
