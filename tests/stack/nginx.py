"""A real nginx that runs docs/examples/nginx.conf, with this machine's addresses in it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.live.server import ROOT, answers
from tests.ports import free_port
from tests.stack.process import RealServer

EXAMPLE = ROOT / "docs" / "examples" / "nginx.conf"
FRAME = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/chatapp.conf;
}}
"""


def program() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None and os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail("there is no nginx", pytrace=False)
    return found or pytest.skip("there is no nginx")


class Nginx(RealServer):
    """In front of the processes at these ports. `port` speaks http, `secure_port` https."""

    def __init__(self, folder: Path, ports: list[int]):
        super().__init__(folder)
        self.program, self.secure_port = program(), free_port()
        self.url, self.secure_url = f"http://127.0.0.1:{self.port}", f"https://127.0.0.1:{self.secure_port}"
        certificate(folder)
        lines = "\n".join(f"    server 127.0.0.1:{port} max_fails=1 fail_timeout=2s;" for port in ports)
        mine = EXAMPLE.read_text()
        for there, here in (
            (r"    server 127\.0\.0\.1:5000 .*\n    server 127\.0\.0\.1:5001 .*", lines),
            (r"/var/cache/nginx/chatapp", f"{folder}/cache"),
            (r"listen 80;", f"listen 127.0.0.1:{free_port()};"),
            (r"listen 443 ssl;", f"listen 127.0.0.1:{self.secure_port} ssl; listen 127.0.0.1:{self.port};"),
            (r"/etc/ssl/chat\.example\.pem", f"{folder}/own.pem"),
            (r"/etc/ssl/chat\.example\.key", f"{folder}/own.key"),
        ):
            mine, count = re.subn(there, lambda _, here=here: here, mine)
            assert count == 1, there
        (folder / "chatapp.conf").write_text(mine)
        (folder / "nginx.conf").write_text(FRAME.format(folder=folder))

    def command(self):
        return [
            self.program,
            "-p",
            str(self.folder),
            "-c",
            str(self.folder / "nginx.conf"),
            "-g",
            "daemon off; user root;",
        ]

    def is_ready(self):
        return answers(self.port)


def certificate(folder: Path):
    made = ["-keyout", f"{folder}/own.key", "-out", f"{folder}/own.pem", "-subj", "/CN=chat.example"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *made], check=True, capture_output=True)
