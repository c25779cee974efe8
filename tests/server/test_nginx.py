"""Two instances of the program behind a real nginx, with the configuration of the README."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from api_client import Api, Reply, until

README = Path(__file__).parents[2] / "README.md"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
KEY = "sk-alice-12345"
HEADERS = {"X-API-Key": KEY, "Content-Type": "application/json"}
PROMPT = "Once upon a time"

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@dataclass
class Instance:
    """One headless llmtui."""

    process: subprocess.Popen
    api: Api

    def running(self) -> int:
        return int(self.api.get("/ready", X_API_Key=KEY).json["running"])


@dataclass
class Site:
    """nginx, and what is behind it."""

    api: Api
    instances: list[Instance]

    def generate(self, number: int, **body: object) -> Reply:
        asked = {"prompt": PROMPT, "max_length": 60, "seed": number} | body
        return self.api.request("POST", "/generate", json.dumps(asked).encode(), HEADERS)

    def begin(self, **body: object):
        data = json.dumps({"prompt": PROMPT, "max_length": 500, "temperature": 0, "stream": True} | body).encode()
        head = f"POST /generate HTTP/1.1\r\nHost: site\r\nX-API-Key: {KEY}\r\nContent-Length: {len(data)}\r\n\r\n"
        return self.api.raw(head.encode() + data)


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def start_instance(folder: Path) -> tuple[subprocess.Popen, list[str]]:
    folder.mkdir()
    environment = os.environ | {
        "PORT": "0", "MAX_LENGTH_LIMIT": "500", "API_KEYS": f"alice:{KEY}", "TRUSTED_PROXY": "127.0.0.1",
        "ANSWER_CACHE_BYTES": "0", "XDG_STATE_HOME": str(folder), "ACCESS_LOG_FILE": str(folder / "access.jsonl"),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "llmtui", "--serve", "--headless"],
        cwd=folder, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    said: list[str] = []
    threading.Thread(target=lambda: said.extend(process.stderr), daemon=True).start()
    return process, said


def configuration(folder: Path, port: int, ports: list[int]) -> str:
    """The README's block in a whole file that an nginx of our own can run with."""
    (block,) = re.findall(r"```nginx\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    for shown, real in (("127.0.0.1:8080", port), ("127.0.0.1:5001", ports[0]), ("127.0.0.1:5002", ports[1])):
        assert shown in block
        block = block.replace(shown, f"127.0.0.1:{real}")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    return (
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;\n"
        f"events {{ worker_connections 512; }}\nhttp {{ access_log off;\n{temporary}\n{block}}}\n"
    )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    started = [start_instance(tmp_path / name) for name in ("one", "two")]
    processes = [process for process, _ in started]
    try:
        for _, said in started:
            until(lambda said=said: any(" is ready on " in line for line in said), 60)
        ports = [int(re.search(r"http://127\.0\.0\.1:(\d+)", "".join(said))[1]) for _, said in started]
        port = free_port()
        file = tmp_path / "nginx.conf"
        file.write_text(configuration(tmp_path, port, ports))
        nginx = subprocess.Popen([NGINX, "-e", f"{tmp_path}/error.log", "-p", str(tmp_path), "-c", str(file)])
        processes.append(nginx)
        api = Api(port)

        def answers() -> bool:
            assert nginx.poll() is None, (tmp_path / "error.log").read_text()
            try:
                return api.get("/health").status == 200
            except OSError:
                return False

        until(answers)
        yield Site(api, [Instance(p, Api(n)) for (p, _), n in zip(started, ports, strict=True)])
    finally:
        for process, _ in started:
            process.kill()
        for nginx in processes[len(started) :]:
            nginx.terminate()  # killed, it would leave its workers behind
        for process in processes:
            process.wait(timeout=10)
        for process, _ in started:
            process.stderr.close()


def test_nginx_passes_streams_on_cancels_for_who_leaves_and_survives_the_death_of_an_instance(
    site: Site, tmp_path: Path
) -> None:
    # a stream arrives token by token, not at its end
    with site.begin() as connection:
        received = b""
        while received.count(b'"event":"token"') < 3:
            received += connection.recv(4096)
        assert sum(instance.running() for instance in site.instances) == 1
    # who leaves nginx leaves the instance
    until(lambda: sum(instance.running() for instance in site.instances) == 0, 1.5)
    # both work, and know who asks
    with ThreadPoolExecutor(8) as pool:
        assert {reply.status for reply in pool.map(site.generate, range(24))} == {200}
    for name in ("one", "two"):
        lines = [json.loads(line) for line in (tmp_path / name / "access.jsonl").read_text().splitlines()]
        assert {"alice"} == {line["key"] for line in lines if line["route"] == "/generate"}

    # one is killed under load: every request that is not a stream under way gets its answer from the other
    replies: list[Reply] = []
    stop = threading.Event()

    def load(number: int) -> None:
        while not stop.is_set():
            replies.append(site.generate(number))

    clients = [threading.Thread(target=load, args=(number,)) for number in range(6)]
    for client in clients:
        client.start()
    until(lambda: all(instance.running() for instance in site.instances))
    site.instances[0].process.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    before = len(replies)
    until(lambda: len(replies) > before + 20)
    stop.set()
    for client in clients:
        client.join(timeout=60)
    assert time.monotonic() - killed < 60
    assert {reply.status for reply in replies} == {200}
    texts = {reply.json["metadata"]["seed"]: reply.json["generated_text"] for reply in replies}
    assert all(reply.json["generated_text"] == texts[reply.json["metadata"]["seed"]] for reply in replies)

    # the other drains: nothing is left to ask, and nginx says so with the instance's own words
    with site.begin(max_length=200) as connection:
        until(lambda: site.instances[1].running() == 1)
        site.instances[1].process.send_signal(signal.SIGTERM)
        until(lambda: site.instances[1].api.get("/ready", X_API_Key=KEY).json["status"] == "draining")
        assert site.generate(1).status in (502, 503)
        received = b""
        while b'"event":"finished"' not in received:
            more = connection.recv(65536)
            assert more, received[-300:]
            received += more
    assert site.instances[1].process.wait(timeout=30) == 0
