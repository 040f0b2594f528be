"""A `sesame serve` of one's own: started, stopped, killed and started again."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import sqlite3
import ssl
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]
REGION = "cn-hangzhou"
START_LIMIT = 30.0
STOP_LIMIT = 20.0


def binary():
    """The program under test."""
    path = Path(os.environ.get("SESAME_BIN", REPOSITORY / "target" / "debug" / "sesame")).resolve()
    if not path.exists():
        raise RuntimeError(f"{path} does not exist: build it with `cargo build -p sesame`, or set SESAME_BIN")
    return path


class Database:
    """Where one server stores. With a PostgreSQL URL in SESAME_STORAGE_URL, a database of its own there."""

    def __init__(self):
        self.base = os.environ.get("SESAME_STORAGE_URL", "")
        self.url = None
        self._name = None
        if self.base.startswith(("postgres://", "postgresql://")):
            self._name = f"sesame_{secrets.token_hex(8)}"
            self.sql(f'CREATE DATABASE "{self._name}"')
            self.url = urllib.parse.urlsplit(self.base)._replace(path=f"/{self._name}").geturl()
        elif self.base:
            self.url = self.base

    def drop(self):
        if self._name:
            self.sql(f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)')

    def sql(self, statement, url=None):
        subprocess.run(
            ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", url or self.base, "--command", statement],
            check=True, capture_output=True, text=True,
        )


class Server:
    """One data folder and the process that serves it."""

    def __init__(self, **environment):
        self.folder = Path(tempfile.mkdtemp(prefix="sesame-clients-"))
        self.data = self.folder / "data"
        self._log = self.folder / "server.log"
        self._database = Database()
        self._environment = environment
        self._process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    # Life and death ---------------------------------------------------------------------------

    def start(self):
        endpoints = self.data / "endpoints.json"
        endpoints.unlink(missing_ok=True)  # a killed server leaves its own behind
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [binary(), "serve", "--data", self.data],
                env=self._variables(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        deadline = time.monotonic() + START_LIMIT
        while not self._read_endpoints(endpoints):
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended with {self._process.returncode}:\n{self.log()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"no {endpoints} after {START_LIMIT} s:\n{self.log()}")
            time.sleep(0.01)
        self._read_credentials()

    def _variables(self):
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("SESAME_", "ALIBABA_CLOUD_"))}
        variables.update(SESAME_HTTP="127.0.0.1:0", SESAME_HTTPS="127.0.0.1:0", **self._environment)
        if self._database.url:
            variables["SESAME_STORAGE_URL"] = self._database.url
        return variables

    def make_data_key(self, name):
        """What only the operator can make. The server must not run, since SQLite has one user at a time."""
        subprocess.run(
            [binary(), "data-key", name, "--data", self.data],
            env=self._variables(), check=True, capture_output=True, text=True,
        )

    def stop(self):
        """SIGTERM, and the status it ends with."""
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(STOP_LIMIT)
        self._process = None
        return status

    def kill(self):
        """kill -9."""
        self._process.kill()
        self._process.wait(STOP_LIMIT)
        self._process = None

    def close(self):
        if self._process is not None and self._process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
        self._database.drop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    # What only time does ----------------------------------------------------------------------

    def sql(self, statement):
        """Changes what is stored; the server must not run."""
        if self._database.url:
            self._database.sql(statement, self._database.url)
        else:
            with contextlib.closing(sqlite3.connect(self.data / "sesame.db")) as database, database:
                database.execute(statement)

    @staticmethod
    def until(condition, limit=20.0):
        """Whether the condition holds before the limit."""
        deadline = time.monotonic() + limit
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    # What it tells ----------------------------------------------------------------------------

    def _read_endpoints(self, path):
        try:
            found = json.loads(path.read_text())
        except (OSError, ValueError):
            return False
        self.http = found["http"].rstrip("/")
        self.https = found["https"].rstrip("/")
        return True

    def _read_credentials(self):
        """As a shell does: credentials.env is made to be sourced."""
        script = '. "$0"; printf "%s\\n%s\\n%s\\n" "$ALIBABA_CLOUD_ACCESS_KEY_ID" "$ALIBABA_CLOUD_ACCESS_KEY_SECRET" "$SESAME_ENDPOINT"'
        answer = subprocess.run(
            ["sh", "-c", script, self.data / "credentials.env"], check=True, capture_output=True, text=True, env={},
        )
        self.access_key_id, self.access_key_secret, self.endpoint = answer.stdout.splitlines()

    @property
    def ca(self):
        """The path of the CA that signed the server's certificate."""
        return str(self.data / "ca.pem")

    def url(self, scheme):
        return {"http": self.http, "https": self.https}[scheme]

    def authority(self, scheme):
        """host:port."""
        return urllib.parse.urlsplit(self.url(scheme)).netloc

    def tls(self):
        return ssl.create_default_context(cafile=self.ca)
