"""Take credentials out of anything that is printed or stored."""

from __future__ import annotations

import re

# user:password@ or token@ after a scheme, up to the last @ before the next slash, double quote or space. An
# apostrophe may be part of a password: rather too much is taken out than too little.
_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s\"<>]+@")


def redact(text: str) -> str:
    """Replace the user information of every URL in `text` by `****`."""
    return _USERINFO.sub(r"\g<scheme>****@", text)
