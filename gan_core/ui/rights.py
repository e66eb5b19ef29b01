"""Who may steer a run: whoever started it, a holder of the teacher's key, or everybody where the app is open.

A browser makes up a token once and keeps it to itself; what others see of a visitor is a digest of it. The run folder
keeps the digest in owner.json, beside config.json, which is copied into every snapshot and is not the place for it.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address
from secrets import token_urlsafe

from starlette.requests import cookie_parser

from gan_core.errors import UserError
from gan_core.files import write_text
from gan_core.training.folder import RunFolder

TOKEN, KEY = "x-studio-visitor", "x-studio-key"  # headers
COOKIE = "studio-visitor"
SHORTEST_KEY = 6
LONG_ENOUGH = 16  # characters of a token; nobody guesses what the page makes up, and "me" is nobody


@dataclass(frozen=True)
class Visitor:
    """Somebody before the page."""

    id: str  # what others may see; "" for one without a token
    teacher: bool  # has shown the key


@dataclass(frozen=True)
class Rights:
    """What this app lets whom do."""

    key: str = ""  # the teacher's; "" where there is none
    open: bool = True  # everybody may steer

    def visitor(self, headers: Mapping[str, str]) -> Visitor:
        """Who sent a request with these headers (their names in small letters)?"""
        shown = headers.get(KEY, "")
        return Visitor(public_id(headers), bool(self.key) and compare_digest(shown.encode(), self.key.encode()))

    def may_steer(self, visitor: Visitor, folder: RunFolder) -> bool:
        return self.open or visitor.teacher or (visitor.id != "" and visitor.id == owner_of(folder))


def public_id(headers: Mapping[str, str]) -> str:
    """The public name of whoever sent a request: by its header, else by its cookie; "" where there is neither."""
    token = headers.get(TOKEN, "") or cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    return sha256(token.encode()).hexdigest()[:12] if len(token) >= LONG_ENOUGH else ""


def owner_of(folder: RunFolder) -> str:
    """The public id of whoever started a run; "" for one that was started by a command."""
    try:
        return str(json.loads((folder.path / "owner.json").read_bytes())["owner"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def write_owner(folder: RunFolder, owner: str) -> None:
    write_text(folder.path / "owner.json", json.dumps({"owner": owner}))


def key_for(given: str, host: str, public: bool) -> tuple[str, bool]:
    """The teacher's key, and whether nobody needs one: whoever reaches an app on loopback sits at the machine.

    A key that was given holds everywhere. Elsewhere one is made. Raises UserError for one that is easily guessed.
    """
    if given:
        if not re.fullmatch(rf"[!-~]{{{SHORTEST_KEY},200}}", given):  # what a header can carry
            raise UserError("key_bad", got=given, least=SHORTEST_KEY)
        return given, False
    if public or not is_loopback(host):
        return token_urlsafe(9), False
    return "", True


def is_loopback(host: str) -> bool:
    """Does an app that listens there hear this machine alone?"""
    with suppress(ValueError):
        return ip_address(host.strip("[]")).is_loopback
    return host == "localhost"
