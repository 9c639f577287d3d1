"""What the errors of requests mean, in ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import requests

from scripts.errors import NetworkError, SparkError, UsageError
from scripts.redaction import redact

HINT = "check the network, set HTTPS_PROXY if there is a proxy, or name a mirror with --index"
PROXY_HINT = "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn the errors of requests into ours: NetworkError and UsageError (see Web)."""
    try:
        yield
    except (requests.RequestException, ValueError) as error:
        raise _as_ours(error, url) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise UsageError(  # requests wraps what sockets raise; only a CA bundle that is not there comes bare
            "the CA bundle named in the environment cannot be read",
            context=str(error),
            hint="correct REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE",
            reference="bad-ca-bundle",
        ) from error


_KINDS: tuple[tuple[type[Exception], str, str, str], ...] = (
    (
        requests.exceptions.SSLError,
        "the certificate of {host} is not trusted",
        "set SSL_CERT_FILE or REQUESTS_CA_BUNDLE to your organisation's CA bundle",
        "tls-failed",
    ),
    (
        requests.exceptions.ProxyError,
        "the proxy on the way to {host} refuses",
        PROXY_HINT,
        "proxy-failed",
    ),
    (requests.exceptions.Timeout, "{host} does not answer", HINT, "network-timeout"),
    (
        requests.exceptions.ChunkedEncodingError,
        "{host} broke off its answer",
        "run it again: a download goes on from where it is",
        "connection-lost",
    ),
    (requests.exceptions.ConnectionError, "{host} cannot be reached", HINT, "network-unreachable"),
    (requests.exceptions.RequestException, "{host} did not answer usefully", HINT, "http-error"),
)


def _as_ours(error: Exception, url: str) -> SparkError:
    context = redact(f"{error}\n{url}")
    if isinstance(error, ValueError):  # InvalidURL, InvalidSchema, MissingSchema, and urlsplit's own
        return UsageError(
            "that is no URL to fetch from",
            context=context,
            hint="write it whole, as https://HOST/PATH or file:///PATH",
            reference="bad-url",
        )
    if "timed out" in str(error):  # a body that stops coming is a ConnectionError of requests
        error = requests.exceptions.Timeout()
    message, hint, reference = next(row[1:] for row in _KINDS if isinstance(error, row[0]))
    if reference == "tls-failed" and "CERTIFICATE_VERIFY_FAILED" not in str(error):
        message, hint = "{host} does not speak TLS", "is it http:// instead of https://, or is a proxy in the way?"
    host = urlsplit(url).hostname or "the server"
    return NetworkError(message.format(host=host), context=context, hint=hint, reference=reference)
