"""A small Hugging Face Hub on this machine: real HTTP, the Hub's own protocol, and faults that can be switched on.

In a test of this process, the fixture:  hub.add_repo("someorg/tiny", embedded_path())
For a subprocess:  with HubStandIn() as hub: run([...], env={**os.environ, **hub.environ(tmp_path)})
Faults:            hub.fault = Fault(gated=True); hub.fault = Fault(hold_after=4096) … hub.released.set()
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

PIECE_BYTES = 16_384


@dataclass(frozen=True)
class Fault:
    """What goes wrong, from now on. Defaults: nothing.

    status           every answer has this status (404, 401, 403, 429, 503, …)
    gated            files are refused until a licence is accepted; the model's page is not
    bad_token        every request with a token is refused
    silent           requests are taken and never answered
    hold_after       a file's body stops after so many bytes until `released` is set
    cut_after        a file's body ends after so many bytes, and the connection with it
    fail_after_cuts  after so many cut bodies, files are answered with 503
    ignore_range     a continued file is sent from its beginning
    damaged          files have the right length and the wrong bytes
    warning          every answer carries this warning for the person
    html             every answer is a web page, as from a hotel's network
    """

    status: int | None = None
    gated: bool = False
    bad_token: bool = False
    silent: bool = False
    hold_after: int | None = None
    cut_after: int | None = None
    fail_after_cuts: int | None = None
    ignore_range: bool = False
    damaged: bool = False
    warning: str | None = None
    html: bool = False


@dataclass(frozen=True)
class SeenRequest:
    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Repo:
    files: dict[str, bytes]
    commit: str
    sizes: dict[str, int] = field(default_factory=dict)

    def checksum(self, name: str) -> str:
        content = self.files[name]
        if is_large(name):
            return hashlib.sha256(content).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    def size(self, name: str) -> int:
        """Bytes, as listed: `sizes` may say something else than is true."""
        return self.sizes.get(name, len(self.files[name]))


def is_large(name: str) -> bool:
    """Whether the Hub would keep the file in its large-file store, behind a redirect."""
    return name.endswith((".safetensors", ".bin", ".gguf"))


class HubStandIn:
    """The server: add repositories, switch faults, look at the requests it saw."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.fault = Fault()
        self.released = threading.Event()
        self.cuts = 0
        self.requests: list[SeenRequest] = []
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "HubStandIn":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering; from then on connections are refused."""
        self.released.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host}:{port}"

    @property
    def store(self) -> str:
        """Where large files are, under another host name, as the Hub's are."""
        return f"http://localhost:{self._server.server_address[1]}"

    def environ(self, home: Path) -> dict[str, str]:
        """Variables that make a subprocess use this hub, with its cache in `home`."""
        return {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(home),
            "HF_HUB_CACHE": str(home / "hub"),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def add_repo(self, repo_id: str, files: Mapping[str, bytes] | Path) -> Repo:
        """Serve `files`, or the files of a folder, as the model `repo_id`."""
        if isinstance(files, Path):
            folder = files
            files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
        commit = hashlib.sha1(repo_id.encode() + b"".join(files.values())).hexdigest()
        self.repos[repo_id] = Repo(dict(files), commit)
        return self.repos[repo_id]

    def file_requests(self, name: str) -> list[SeenRequest]:
        """GETs of the content of one file, redirects not counted."""
        gets = [request for request in self.requests if request.method == "GET"]
        return [request for request in gets if request.path.startswith("/content/") and request.path.endswith(name)]


class _Handler(BaseHTTPRequestHandler):
    hub: HubStandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Quiet: a test's output is its own."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        fault = self.hub.fault
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(SeenRequest(self.command, path, {k.lower(): v for k, v in self.headers.items()}))
        if fault.silent:
            self.hub.released.wait()
            self.close_connection = True
        elif fault.status is not None:
            self._error(fault.status, "RepoNotFound" if fault.status == 404 else None, "no")
        elif fault.bad_token and "Authorization" in self.headers:
            self._error(401, None, "Invalid credentials in Authorization header")
        elif fault.html:
            self._send(200, b"<html>Welcome to our hotel</html>", {"Content-Type": "text/html"})
        elif path.startswith("/api/models/"):
            self._api(path.removeprefix("/api/models/"))
        elif path.startswith("/content/"):
            self._content(path.removeprefix("/content/"))
        elif "/resolve/" in path:
            self._resolve(path.removeprefix("/"))
        else:
            self._error(404, None, "no such page")

    def _find(self, repo_id: str, revision: str) -> Repo | None:
        repo = self.hub.repos.get(repo_id)
        if repo is None:
            self._error(404, "RepoNotFound", "Repository not found")
        elif revision not in ("main", repo.commit):
            self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return repo
        return None

    def _api(self, path: str) -> None:
        for word in ("/tree/", "/revision/"):
            if word in path:
                repo_id, _, revision = path.partition(word)
                break
        else:
            repo_id, word, revision = path, "/revision/", "main"
        repo = self._find(repo_id, revision)
        if repo is None:
            return
        listing = self._tree(repo) if word == "/tree/" else self._info(repo_id, repo)
        self._send(200, json.dumps(listing).encode(), {"Content-Type": "application/json"})

    @staticmethod
    def _info(repo_id: str, repo: Repo) -> dict[str, Any]:
        siblings = []
        for name in repo.files:
            sibling = {"rfilename": name, "size": repo.size(name), "blobId": repo.checksum(name)[:40]}
            if is_large(name):
                sibling["lfs"] = {"sha256": repo.checksum(name), "size": repo.size(name), "pointerSize": 135}
            siblings.append(sibling)
        return {
            "id": repo_id,
            "modelId": repo_id,
            "sha": repo.commit,
            "private": False,
            "tags": [],
            "siblings": siblings,
        }

    @staticmethod
    def _tree(repo: Repo) -> list[dict[str, Any]]:
        entries = []
        for name in repo.files:
            entry = {"type": "file", "path": name, "size": repo.size(name), "oid": repo.checksum(name)[:40]}
            if is_large(name):
                entry["lfs"] = {"oid": repo.checksum(name), "size": repo.size(name), "pointerSize": 135}
            entries.append(entry)
        return entries

    def _resolve(self, path: str) -> None:
        repo_id, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        repo = self._find(repo_id, revision)
        if repo is None:
            return
        if self.hub.fault.gated:
            self._error(403, "GatedRepo", f"Access to model {repo_id} is restricted")
        elif name not in repo.files:
            self._error(404, "EntryNotFound", "Entry not found")
        else:
            headers = {"X-Repo-Commit": repo.commit, "ETag": f'"{repo.checksum(name)}"'}
            target = f"/content/{repo_id}/{name}"
            if is_large(name):
                headers |= {
                    "X-Linked-Size": str(repo.size(name)),
                    "X-Linked-ETag": headers["ETag"],
                    "Location": self.hub.store + target,
                }
                self._send(302, b"", headers)
            elif self.command == "HEAD":
                self._send(200, repo.files[name], headers)
            else:
                # small files go through the same door, so that faults of contents meet them too
                self._send(307, b"", headers | {"Location": target})

    def _content(self, path: str) -> None:
        fault = self.hub.fault
        repo_id, _, name = path.rpartition("/")
        content = self.hub.repos[repo_id].files[name]
        if fault.fail_after_cuts is not None and self.hub.cuts >= fault.fail_after_cuts:
            self._error(503, None, "come back later")
            return
        if fault.damaged:
            content = bytes(len(content))
        wanted = self.headers.get("Range")
        headers = {"ETag": '"content"', "Accept-Ranges": "bytes"}
        if wanted is None or fault.ignore_range:
            self._send(200, content, headers)
            return
        start = int(wanted.removeprefix("bytes=").partition("-")[0])
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(206, content[start:], headers)

    def _error(self, status: int, code: str | None, message: str) -> None:
        headers = {"X-Error-Message": message, "Content-Type": "application/json"}
        self._send(status, json.dumps({"error": message}).encode(), headers | ({"X-Error-Code": code} if code else {}))

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.hub.fault.warning is not None:
            self.send_header("X-HF-Warning", self.hub.fault.warning)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            self._send_body(body, is_file=self.path.startswith("/content/") and status in (200, 206))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _send_body(self, body: bytes, is_file: bool) -> None:
        fault = self.hub.fault
        for start in range(0, len(body), PIECE_BYTES):
            if is_file and fault.cut_after is not None and start >= fault.cut_after:
                self.hub.cuts += 1
                self.close_connection = True
                return
            if (
                is_file
                and fault.hold_after is not None
                and start >= fault.hold_after
                and not self.hub.released.is_set()
            ):
                self.hub.released.wait()
            self.wfile.write(body[start : start + PIECE_BYTES])
            self.wfile.flush()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStandIn]:
    """A running stand-in that huggingface_hub in this process talks to, with an empty cache of its own."""
    from huggingface_hub import close_session, constants

    with HubStandIn() as server:
        home = tmp_path / "hf-home"
        monkeypatch.setattr(constants, "ENDPOINT", server.endpoint)
        template = server.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HOME", str(home))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        close_session()
        yield server
        close_session()
