"""Putting files on the Hugging Face Hub, in one commit, by whoever is logged in there.

The token is huggingface_hub's own affair (HF_TOKEN, or a login kept on this machine); here it is not kept, nor shown.
"""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from gan_core.errors import UserError

Kind = Literal["model", "space"]

FIRST_ANSWER = 5.0  # seconds: after that the library itself would wait without end
NAME = re.compile(r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9](?:[\w.-]*\w)?", re.ASCII)  # the Hub's own rule
LONGEST = 96
TOKENS = "https://huggingface.co/settings/tokens"


def push(files: Mapping[str, Path], repo_id: str, kind: Kind, message: str, ours: Sequence[str] = ()) -> str:
    """Make a repository hold `files` (its path there -> the file here); it is made where there is none yet.

    Of what it held before, files that match a pattern of `ours` and are not in `files` go away; all others stay. A
    Space is a static one. One commit: visitors see the old state or the new. Returns the address for people.
    Raises UserError.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    check(repo_id)
    api = HfApi()
    try:
        _begin(api, repo_id, kind)
        name = api.create_repo(
            repo_id, repo_type=kind, space_sdk="static" if kind == "space" else None, exist_ok=True
        ).repo_id
        before = api.list_repo_files(name, repo_type=kind)
        gone = [path for path in before if path not in files and any(fnmatchcase(path, pattern) for pattern in ours)]
        operations: list[Any] = [CommitOperationDelete(path) for path in gone]
        operations += [CommitOperationAdd(path, file) for path, file in sorted(files.items())]
        api.create_commit(name, operations, commit_message=message, repo_type=kind)
    except UserError:
        raise
    except Exception as error:  # httpx, requests and huggingface_hub each have names of their own for what goes wrong
        raise _said(error, api, repo_id) from None
    return f"{api.endpoint}/{'spaces/' if kind == 'space' else ''}{name}"


def check(repo_id: str) -> None:
    """Can anything be pushed to that name, as far as this machine can tell? Raises UserError."""
    from huggingface_hub import constants, get_token

    if not NAME.fullmatch(repo_id) or len(repo_id) > LONGEST or re.search(r"--|\.\.|\.git$", repo_id):
        raise UserError("push_name", got=repo_id)
    if constants.HF_HUB_OFFLINE:
        raise UserError("push_offline", got=repo_id)
    if not get_token():
        raise UserError("push_nobody", got=repo_id, tokens=TOKENS)


def _begin(api: Any, repo_id: str, kind: Kind) -> None:
    """Ask for the repository with a limit of time, so that a missing network is noticed at once."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        api.repo_info(repo_id, repo_type=kind, timeout=FIRST_ANSWER)
    except HfHubHTTPError as error:
        if error.response.status_code != 404:  # there is none yet
            raise


def _said(error: Exception, api: Any, repo_id: str) -> UserError:
    """What went wrong, as a sentence with what to do."""
    code = getattr(getattr(error, "response", None), "status_code", None)
    if code == 401:
        return UserError("push_token", got=repo_id, tokens=TOKENS)
    if code == 403:
        return UserError("push_forbidden", got=repo_id, who=_who(api), tokens=TOKENS)
    if code is None and any(word in type(error).__name__ for word in ("Connect", "Timeout", "Network", "Protocol")):
        return UserError("push_network", got=repo_id, where=api.endpoint)
    words = getattr(error, "server_message", None) or str(error) or type(error).__name__
    return UserError("push_failed", got=repo_id, why=str(words).strip().splitlines()[0].rstrip("."))


def _who(api: Any) -> str:
    try:
        return str(api.whoami()["name"])
    except Exception:  # a token may be allowed even less than to say whose it is
        return "?"
