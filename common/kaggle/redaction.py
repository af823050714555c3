"""What may be shown of a text that comes from Kaggle or from its command."""

from __future__ import annotations

import re

from common.kaggle import credentials

HIDDEN = "(hidden)"

_URL = re.compile(r"""(?P<scheme>\b[a-z][a-z0-9+.-]*://)(?P<rest>[^\s"'<>|\\^`{}]+)""", re.I)
# a query without its address, as urllib3 tells it: "with url: /blob/x.csv?Signature=…"
_QUERY = re.compile(r"""(?P<path>/[^\s"'<>?]*)\?[^\s"'<>]*=[^\s"'<>]*""")
_SCHEME = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.I)
_TOKEN = re.compile(r"\bKGAT_[A-Za-z0-9_-]+")
_FIELD = re.compile(
    r"""(?P<name>(?:["']key["']|["']?\b(?:api_key|kaggle_key|token|password|secret|access_token|"""
    r"""refresh_token|authorization)\b["']?)\s*[:=]\s*)(?P<value>"[^"]*"|'[^']*'|[^\s,;)}\]]+)""",
    re.I,
)


def redacted(text: str) -> str:
    """The text without credentials and without what signs an address.

    Hidden are the credentials of this machine by their values, tokens by their form, the value
    of a field with a telling name, and of every address the user, the query and the fragment.

    >>> redacted("404 for url: https://storage.example.com/a/train.csv?X-Goog-Signature=ab12")
    '404 for url: https://storage.example.com/a/train.csv?(hidden)'
    """
    for secret in credentials.secrets():
        text = text.replace(secret, HIDDEN)
    text = _URL.sub(_plain_url, text)
    text = _QUERY.sub(rf"\g<path>?{HIDDEN}", text)
    text = _SCHEME.sub(rf"\1 {HIDDEN}", text)
    text = _TOKEN.sub(HIDDEN, text)
    return _FIELD.sub(rf"\g<name>{HIDDEN}", text)


def _plain_url(match: re.Match[str]) -> str:
    rest = match["rest"]
    host, slash, path = rest.partition("/")
    host = host.rpartition("@")[2]  # a user and a password may stand before the host
    plain = re.split(r"[?#]", host + slash + path, maxsplit=1)
    return match["scheme"] + plain[0] + (f"?{HIDDEN}" if len(plain) > 1 else "")
