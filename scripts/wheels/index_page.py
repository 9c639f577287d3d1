"""Read what an index answers for a project: PEP 691 JSON, or PEP 503 HTML. pypi-simple does the reading.

Importing pypi-simple takes half a second, so this module is imported where a page has really come.
"""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit, urlunsplit

from bs4.exceptions import ParserRejectedMarkup
from packaging.utils import canonicalize_name
from pypi_simple import PYPI_SIMPLE_ENDPOINT, DistributionPackage, ProjectPage, UnsupportedRepoVersionError

from scripts.errors import IntegrityError, NetworkError, NoCandidateError
from scripts.model.wheels import IndexFile
from scripts.redaction import redact
from scripts.wheels.ports import ReplyLike

DEFAULT_INDEX = PYPI_SIMPLE_ENDPOINT.rstrip("/")
_JSON = "application/vnd.pypi.simple.v1+json"
_UNREADABLE = (
    ValueError,  # pydantic's and json's too
    RecursionError,  # lists in lists
    ParserRejectedMarkup,
    UnsupportedRepoVersionError,
)
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html")


def read_page(reply: ReplyLike, project: str, index: str) -> tuple[IndexFile, ...]:
    """List the files of a reply, in the page's order. `index` is the index's URL, whose credentials its files need.

    Raises as Index.project does, the fetching aside.
    """
    _require_page(reply, project)
    page = _parse(reply, project)
    if canonicalize_name(page.project) != project:
        raise _wrong_project(reply, project, page.project)
    files = tuple(_file(package, project, index) for package in page.packages if _belongs(package, project))
    if not files and (others := {package.project for package in page.packages if package.project}):
        raise _wrong_project(reply, project, ", ".join(sorted(others)))
    if not files and not _is_json(reply):
        # A captive portal or a proxy's own page: HTML, but no file in it.
        raise _not_an_index(reply, "its links name no file of the project")
    return files


def _require_page(reply: ReplyLike, project: str) -> None:
    """Raise unless the reply has a page."""
    where = f"{reply.status} from {redact(reply.url)}"
    if reply.status == 404:
        raise NoCandidateError(
            f"the index has no project {project}",
            context=where,
            hint="check the index: a lane's URL ends with its name, e.g. /whl/cu130",
            reference="project-not-found",
        )
    if reply.status in {401, 403, 407}:
        raise NetworkError(
            f"the index denies access to {project}",
            context=where,
            hint="check the credentials in the index's URL; some indexes answer 403 for a project they do not have",
            reference="access-denied",
        )
    if reply.status != 200:
        raise NetworkError(
            f"the index gives no page for {project}",
            context=where,
            hint="check the index's URL, or name a mirror with --index",
            reference="http-error",
        )


def _content_type(reply: ReplyLike) -> tuple[str, str | None]:
    """Give the type in lower case and the charset."""
    kind, _, parameters = reply.headers.get("content-type", "text/html").partition(";")
    charset = re.search(r"charset=\"?([\w-]+)", parameters)
    return kind.strip().lower() or "text/html", charset[1] if charset else None


def _is_json(reply: ReplyLike) -> bool:
    return _content_type(reply)[0] == _JSON


def _parse(reply: ReplyLike, project: str) -> ProjectPage:
    kind, charset = _content_type(reply)
    try:
        if kind == _JSON:
            return ProjectPage.from_json_data(json.loads(reply.body), base_url=reply.url)
        if kind in _HTML:
            return ProjectPage.from_html(project, reply.body, base_url=reply.url, from_encoding=charset)
    except _UNREADABLE as error:
        raise _not_an_index(reply, str(error).partition("\n")[0] or type(error).__name__) from error
    raise _not_an_index(reply, f"its type is {kind}")


def _not_an_index(reply: ReplyLike, why: str) -> NetworkError:
    return NetworkError(
        "what answered is not a package index",
        context=f"{why}\n{redact(reply.url)}",
        hint="check the index's URL, and whether a proxy or a login page answers in its place",
        reference="not-an-index",
    )


def _wrong_project(reply: ReplyLike, project: str, found: str) -> IntegrityError:
    return IntegrityError(
        f"the index answers with another project than {project}",
        context=f"{found}\n{redact(reply.url)}",
        hint="name a mirror that serves what it is asked for",
        reference="wrong-project",
    )


def _belongs(package: DistributionPackage, project: str) -> bool:
    """Keep the project's files, and wheels with broken names so that they can be rejected by name."""
    if package.project is None:
        return package.filename.endswith(".whl")
    return canonicalize_name(package.project) == project


def _file(package: DistributionPackage, project: str, index: str) -> IndexFile:
    yanked = (package.yanked_reason or "") if package.is_yanked else None
    return IndexFile(
        project=project,
        filename=package.filename,
        url=_with_credentials(package.url, index),
        sha256=package.digests.get("sha256"),
        size=package.size,
        requires_python=package.requires_python,
        yanked=yanked,
        metadata_url=_with_credentials(package.metadata_url, index),
        metadata_announced=bool(package.has_metadata),
    )


def _with_credentials(url: str, index: str) -> str:
    """Give a file on the index's own host the index's credentials, as pip and uv do."""
    try:
        there, here = urlsplit(url), urlsplit(index)
        elsewhere = (there.hostname, there.port) != (here.hostname, here.port)
    except ValueError:
        return url  # it is no URL: whoever asks for it is told
    if "@" not in here.netloc or "@" in there.netloc or elsewhere:
        return url
    return urlunsplit(there._replace(netloc=here.netloc))
