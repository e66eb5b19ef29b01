"""A Hugging Face Hub in a thread: as much of it as a push needs. It keeps what came, and what was asked of it."""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_" + "secret" * 5
WRITERS = {TOKEN: "ada", "hf_" + "reader" * 5: "eve"}  # eve may write nowhere
LFS = (".onnx", ".safetensors", ".gz", ".webp", ".wasm")
REPO = r"(?P<kind>models|spaces)/(?P<repo>[\w.-]+/[\w.-]+)"


class FakeHub:
    """`with FakeHub() as hub`: hub.repos["spaces", "user/name"] is {path: bytes}; hub.asked lists every request."""

    def __init__(self):
        self.repos, self.sdk, self.objects, self.asked, self.commits = {}, {}, {}, [], []
        self.broken = None  # a status with which every commit is answered

    def __enter__(self):
        hub = self
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"hub": hub}))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Nothing on the screen."""

    def do_GET(self):
        self.turn("GET")

    def do_POST(self):
        self.turn("POST")

    def do_PUT(self):
        self.turn("PUT")

    def turn(self, method):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, _ = self.path.partition("?")
        self.hub.asked.append({"method": method, "path": self.path, "headers": dict(self.headers), "body": body})
        for wanted, pattern, handler in ROUTES:
            if wanted == method and (match := re.fullmatch(pattern, path)):
                bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                self.who = WRITERS.get(bearer)
                if self.who is None and handler is not Handler.upload:  # S3 takes no token, the address is enough
                    return self.answer(401, {"error": "Invalid credentials in Authorization header"})
                return handler(self, body, **match.groupdict())
        return self.answer(404, {"error": f"no route {method} {path}"})

    def answer(self, code, values=None):
        data = b"" if values is None else json.dumps(values).encode()
        self.send_response(code)
        if code >= 400:
            self.send_header("X-Error-Message", values["error"])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def known(self, kind, repo):
        """The repository. Where there is none, or none to write to, it answers."""
        files = self.hub.repos.get((kind, repo))
        if files is None:
            self.answer(404, {"error": "Repository not found"})
        elif repo.split("/")[0] != self.who:
            self.answer(403, {"error": "you may not write here"})
            return None
        return files

    def whoami(self, body):
        self.answer(200, {"type": "user", "name": self.who, "auth": {"accessToken": {"role": "write"}}})

    def create(self, body):
        asked = json.loads(body)
        kind, repo = f"{asked.get('type', 'model')}s", f"{asked['organization'] or self.who}/{asked['name']}"
        url = f"{self.hub.url}/{'spaces/' if kind == 'spaces' else ''}{repo}"
        if repo.split("/")[0] != self.who or self.who == "eve":
            return self.answer(403, {"error": "You don't have the rights to create a repo under this namespace"})
        if (kind, repo) in self.hub.repos:
            return self.answer(409, {"error": "You already created this repo", "url": url})
        self.hub.repos[kind, repo] = {".gitattributes": b"*.gz filter=lfs"}
        self.hub.sdk[repo] = asked.get("sdk")
        return self.answer(200, {"url": url, "name": repo})

    def info(self, body, kind, repo):
        files = self.hub.repos.get((kind, repo))
        if files is None:
            return self.answer(404, {"error": "Repository not found"})
        siblings = [{"rfilename": path} for path in files]
        about = {"id": repo, "sha": "0" * 40, "siblings": siblings, "tags": [], "private": False, "downloads": 0}
        return self.answer(200, about | {"likes": 0, "disabled": False, "gated": False})

    def tree(self, body, kind, repo):
        if (files := self.known(kind, repo)) is not None:
            self.answer(200, [{"type": "file", "path": p, "size": len(d), "oid": oid(d)} for p, d in files.items()])

    def check(self, body):
        front = re.match(r"---\n(.*?)\n---\n", json.loads(body)["content"], re.DOTALL)
        self.answer(200, {"errors": [] if front else [{"message": "no front matter"}], "warnings": []})

    def preupload(self, body, kind, repo):
        files = self.known(kind, repo)
        if files is not None:
            told = [
                {
                    "path": f["path"], "shouldIgnore": False,
                    "uploadMode": "lfs" if f["path"].endswith(LFS) or f["size"] > 10_000_000 else "regular",
                    "oid": oid(files[f["path"]]) if f["path"] in files else None,
                }
                for f in json.loads(body)["files"]
            ]  # fmt: skip
            self.answer(200, {"files": told})

    def batch(self, body, repo):
        objects = []
        for wanted in json.loads(body)["objects"]:
            there = {} if wanted["oid"] in self.hub.objects else {"actions": {"upload": self.at(wanted["oid"])}}
            objects.append({**wanted, **there})
        self.answer(200, {"transfer": "basic", "objects": objects})

    def at(self, name):
        return {"href": f"{self.hub.url}/s3/{name}", "header": {}}

    def upload(self, body, name):
        if hashlib.sha256(body).hexdigest() != name:
            return self.answer(400, {"error": "not what was announced"})
        self.hub.objects[name] = body
        return self.answer(200)

    def commit(self, body, kind, repo):
        files = self.known(kind, repo)
        if files is None:
            return None
        if self.hub.broken:
            return self.answer(self.hub.broken, {"error": "the disk of the Hub is full"})
        made, lines = dict(files), [json.loads(line) for line in body.splitlines()]
        for line in lines:
            key, value = line["key"], line["value"]
            if key == "file":
                made[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                made[value["path"]] = self.hub.objects[value["oid"]]
            elif key == "deletedFile":
                del made[value["path"]]
        self.hub.repos[kind, repo] = made
        self.hub.commits.append(lines)
        return self.answer(200, {"commitUrl": f"{self.hub.url}/{repo}/commit/1", "commitOid": "1" * 40})


def oid(data):
    """As git names a blob."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


ROUTES = [
    ("GET", "/api/whoami-v2", Handler.whoami),
    ("POST", "/api/repos/create", Handler.create),
    ("POST", "/api/validate-yaml", Handler.check),
    ("GET", f"/api/{REPO}", Handler.info),
    ("GET", f"/api/{REPO}/revision/main", Handler.info),
    ("GET", f"/api/{REPO}/tree/main", Handler.tree),
    ("POST", f"/api/{REPO}/preupload/main", Handler.preupload),
    ("POST", f"/api/{REPO}/commit/main", Handler.commit),
    ("POST", r"/(?:spaces/)?(?P<repo>[\w.-]+/[\w.-]+)\.git/info/lfs/objects/batch", Handler.batch),
    ("PUT", r"/s3/(?P<name>\w{64})", Handler.upload),
]
