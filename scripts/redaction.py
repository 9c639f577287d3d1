"""Take credentials out of anything that is printed or stored."""

from __future__ import annotations

import re

# user:password@ or token@ after a scheme, up to the last @ before the next slash, double quote or space. An
# apostrophe may be part of a password: rather too much is taken out than too little. A URL that was taken for a path
# has lost a slash.
_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*:/{1,3})[^/\s\"<>]+@")
# What signed links carry: ?token=..., &X-Amz-Signature=..., &sig=...
_PARAMETER = re.compile(
    r"(?P<name>[?&][\w.-]*(?:token|sig|signature|secret|password|passwd|credential|auth|key)[\w.-]*=)[^&#\s\"<>]+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Replace the user information of every URL in `text`, and what signs its query, by `****`."""
    return _PARAMETER.sub(r"\g<name>****", _USERINFO.sub(r"\g<scheme>****@", text))
