"""A Git source: a checked URL and ref, kept apart from what opens it."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from utils.credentials import Credentials
from utils.errors import SourceError
from utils.settings import Settings

DEFAULT_REF = "HEAD"
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_]([A-Za-z0-9_.-]*)")
_USER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.+-]*")
_SCP = re.compile(r"(?P<user>[^@/:]+)@(?P<host>\[[^\]]*\]|[^/:]+):(?!:)(?P<path>.+)")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_URL_ADVICE = (
    "give TRUELINE_SOURCE_URL as https://host/path, ssh://user@host/path, user@host:path, "
    "file:///path or an absolute path"
)
_REF_ADVICE = "set TRUELINE_SOURCE_REF to a branch, a tag or a full commit id"


@dataclass(frozen=True)
class Source:
    """A repository and the ref wanted of it; the URL holds no secret.

    `ref` is HEAD for the default branch, a branch, a tag, a full ref or a full commit id.
    Raises SourceError for anything that git must not be given.
    """

    url: str
    ref: str = DEFAULT_REF

    def __post_init__(self) -> None:
        url, login = read_url(self.url)
        if any(login) or url != self.url:
            raise SourceError(f"source {url} is not in its plain form", "use parse_source()")
        check_ref(self.ref)

    @property
    def shown(self) -> str:
        """The URL as it may be shown to anyone."""
        return self.url

    @property
    def commit(self) -> str | None:
        """The commit, where the ref is a full commit id."""
        return self.ref if _COMMIT.fullmatch(self.ref) else None


def source_from_settings(settings: Settings) -> tuple[Source, Credentials]:
    """Return the source that the settings name, and what opens it."""
    if not settings.source_url:
        raise SourceError("no source is set and this is not in a checkout", _URL_ADVICE)
    source, credentials = parse_source(settings.source_url, settings.source_ref)
    return source, Credentials(
        origin=credentials.origin,
        username=credentials.username,
        password=credentials.password,
        token_file=settings.source_token_file,
        ssh_key_file=settings.source_ssh_key_file,
        known_hosts_file=settings.source_known_hosts_file,
    )


def parse_source(url: str, ref: str = DEFAULT_REF) -> tuple[Source, Credentials]:
    """Check what a user gave; a secret in the URL moves into the credentials."""
    plain, (username, password) = read_url(url)
    ref = ref or DEFAULT_REF
    lowered = ref.lower()
    source = Source(plain, lowered if _COMMIT.fullmatch(lowered) else ref)
    parts = urlsplit(plain)
    origin = parts.netloc if parts.scheme == "https" else ""
    return source, Credentials(origin=origin, username=username, password=password)


def read_url(url: str) -> tuple[str, tuple[str, str]]:
    """Return the URL in the form that git is given, and the user name and password in it."""
    if not url or len(url) > 4096 or not url.isprintable() or url != url.strip():
        raise SourceError(
            "the source URL is empty, too long, or has blanks or control characters at its ends "
            "or in it",
            _URL_ADVICE,
        )
    if url.startswith("/"):
        return Path(url).as_uri(), ("", "")
    if "://" not in url:
        return _read_scp(url), ("", "")
    readers = {"https": _read_https, "ssh": _read_ssh, "file": _read_file}
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SourceError(f"source {strip_url(url)}: its host or port is wrong", _URL_ADVICE) from (
            error
        )
    if parts.scheme not in readers or not url.lower().startswith(f"{parts.scheme}://"):
        raise SourceError(
            f"source {strip_url(url)}: the transport {parts.scheme or 'in it'!r} is not allowed",
            _URL_ADVICE,
        )
    if "?" in url or "#" in url:
        raise SourceError(
            f"source {strip_url(url)}: it has a query or a fragment",
            "leave out what follows '?' or '#'; a token belongs into TRUELINE_SOURCE_TOKEN_FILE",
        )
    return readers[parts.scheme](parts, port)


def strip_url(url: str) -> str:
    """Return a URL that may be wrong in any way without user, password, query and fragment."""
    bare = re.split(r"[?#]", url, maxsplit=1)[0]
    head, separator, rest = bare.partition("://")
    if not separator:
        return re.sub(r"^[^/]*:[^/]*@", "", bare)
    host, slash, path = rest.partition("/")
    return f"{head}://{host.rpartition('@')[2]}{slash}{path}"


def check_ref(ref: str) -> None:
    """Refuse what `git check-ref-format` would, and anything that looks like an option."""
    wrong = (
        not ref
        or len(ref) > 1024
        or not ref.isprintable()
        or ref.startswith(("-", "/"))
        or ref.endswith(("/", "."))
        or ref == "@"
        or any(bad in ref for bad in ("..", "//", "@{"))
        or re.search(r"[ ~^:?*\[\\]", ref)
        or any(part.startswith(".") or part.endswith(".lock") for part in ref.split("/"))
    )
    if wrong:
        raise SourceError(f"{ref[:80]!r} is not the name of a ref", _REF_ADVICE)


def _read_https(parts: SplitResult, port: int | None) -> tuple[str, tuple[str, str]]:
    host = _host_of(parts, port)
    login = (unquote(parts.username or ""), unquote(parts.password or ""))
    if not all(not word or word.isprintable() for word in login):
        raise SourceError(
            f"source https://{host}: its user or password has control characters", _URL_ADVICE
        )
    return f"https://{host}{parts.path}", login


def _read_ssh(parts: SplitResult, port: int | None) -> tuple[str, tuple[str, str]]:
    host = _host_of(parts, port)
    shown = f"ssh://{host}{parts.path}"
    if parts.password is not None:
        raise SourceError(
            f"source {shown}: ssh takes no password",
            "remove it from the URL and name a private key by TRUELINE_SOURCE_SSH_KEY_FILE",
        )
    _check_ssh(shown, parts.username, parts.path.lstrip("/"))
    user = f"{parts.username}@" if parts.username else ""
    return f"ssh://{user}{host}{parts.path}", ("", "")


def _read_file(parts: SplitResult, _port: int | None) -> tuple[str, tuple[str, str]]:
    if parts.netloc not in {"", "localhost"}:
        raise SourceError(f"source file://…{parts.path}: a file has no host", _URL_ADVICE)
    path = unquote(parts.path)
    if not path.startswith("/") or not path.isprintable():
        raise SourceError(f"source {path!r} is not an absolute path", _URL_ADVICE)
    return Path(path).as_uri(), ("", "")


def _read_scp(url: str) -> str:
    match = _SCP.fullmatch(url)
    if match is None or not _HOST.fullmatch(match["host"]):
        raise SourceError(f"source {strip_url(url)!r} is not a URL that is allowed", _URL_ADVICE)
    _check_ssh(url, match["user"], match["path"])
    return url


def _check_ssh(shown: str, user: str | None, path: str) -> None:
    if user is not None and not _USER.fullmatch(user):
        raise SourceError(f"source {shown}: its user name is not one", _URL_ADVICE)
    if path.startswith("-") or not path:
        raise SourceError(f"source {shown}: its path is empty or begins with '-'", _URL_ADVICE)


def _host_of(parts: SplitResult, port: int | None) -> str:
    host = parts.netloc.rpartition("@")[2]
    name = host if port is None else host.rpartition(":")[0]
    name = name.removesuffix(":") if port is None else name
    if not _HOST.fullmatch(name):
        raise SourceError(f"source {parts.scheme}://…{parts.path}: no host in it", _URL_ADVICE)
    return name if port is None else f"{name}:{port}"
