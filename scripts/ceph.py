#!/usr/bin/env python3
"""Owns how the smallest whole Ceph with an S3 door is made in a folder and kept running: a monitor, an OSD, a radosgw.

`testservers.py` starts it as the server `ceph`; nobody else needs to. All listens on loopback, runs as the calling
user, keeps its files in the current folder, and is gone when this process is: nothing outlives it, whatever ends it.

    ceph.py --port 8000 --mon-port 8001     makes a new cluster in the current folder and runs it until told to end

Debian's packages: radosgw ceph-mon ceph-osd ceph-common. When it is ready, it writes `ready`.
"""

import argparse
import base64
import ctypes
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import time
import uuid

HOST = "127.0.0.1"
# Bytes of the OSD's cache, which would else grow to gigabytes, and of its disk, a file with holes.
OSD_CACHE = 64 << 20
OSD_DISK = 10 << 30
# Seconds for one command of the set-up.
COMMAND_LIMIT_S = 30

# Tenants are accounts: the bucket's owner, somebody else there, and the platform in an account of its own.
USERS = {
    "customer": ("123456789012", "roles=*"),
    "stranger": ("123456789012", None),
    "platform": ("999999999999", None),
}


def secret(user: str) -> str:
    """The secret key of a test user, whose name is its access key."""
    return f"{user}-test-secret-key"


def config(folder: pathlib.Path, fsid: str, port: int, mon_port: int) -> str:
    """The configuration. Why each line is there: without it, it was tried, the cluster waits or fails."""
    return f"""
[global]
fsid = {fsid}
mon_host = [v2:{HOST}:{mon_port}]
keyring = {folder}/keyring
run_dir = {folder}
# Nobody looks into them from outside.
admin_socket =
log_file = {folder}/$name.log
crash_dir = {folder}/crash
# Only the second protocol, and only loopback.
ms_bind_msgr1 = false
ms_bind_ipv6 = false
public_addr = {HOST}
cluster_addr = {HOST}
# One of everything is enough.
osd_pool_default_size = 1
osd_pool_default_min_size = 1
mon_allow_pool_size_one = true
osd_crush_chooseleaf_type = 0
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
mon_max_pg_per_osd = 1000
# A client that finds nobody must not wait for five minutes.
client_mount_timeout = 25
auth_allow_insecure_global_id_reclaim = false
# Seconds until the monitor decides; a pool takes several decisions, and radosgw makes eight of them.
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
# It minds full disks of its own, not the machine's.
mon_data_avail_crit = 1
mon_data_avail_warn = 1

[osd]
bluestore_cache_autotune = false
bluestore_cache_size = {OSD_CACHE}
osd_objectstore = bluestore
bluestore_block_size = {OSD_DISK}
bluestore_block_create = true

[client.rgw]
rgw_frontends = beast endpoint={HOST}:{port}
# Roles and sessions; the key must have 16 letters.
rgw_s3_auth_use_sts = true
rgw_sts_key = sixteen-letters!
rgw_thread_pool_size = 32
"""


def run(*command: str) -> str:
    """Runs a command of the set-up to its end."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_LIMIT_S, check=False)
    if done.returncode != 0:
        sys.exit(f"ceph: {' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def die_with_parent() -> None:
    """In a new child: it ends when the process that started it does, even if that is killed."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Cluster:
    """The three daemons."""

    def __init__(self, folder: pathlib.Path, port: int, mon_port: int) -> None:
        self.folder, self.port, self.mon_port = folder, port, mon_port
        self.conf = str(folder / "ceph.conf")
        self.children: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Makes a new cluster and starts it, part by part."""
        for old in ("mon", "osd", "ready"):
            path = self.folder / old
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        fsid = str(uuid.uuid4())
        (self.folder / "ceph.conf").write_text(config(self.folder, fsid, self.port, self.mon_port))
        (self.folder / "keyring").write_text(keyring())
        self.start_mon(fsid)
        self.start_osd()
        self.start_rgw()
        self.make_users()
        (self.folder / "ready").touch()

    def start_mon(self, fsid: str) -> None:
        """With only mon_host in the configuration it would not find itself: it needs a map that is made by hand."""
        monmap, data = str(self.folder / "monmap"), self.folder / "mon"
        address = f"[v2:{HOST}:{self.mon_port}]"
        run("monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a", address, monmap)
        data.mkdir()
        options = ("--id", "a", "--mon-data", str(data))
        keys = str(self.folder / "keyring")
        run("ceph-mon", "-c", self.conf, "--mkfs", *options, "--monmap", monmap, "--keyring", keys)
        self.spawn("ceph-mon", *options)

    def start_osd(self) -> None:
        """A disk that is a file, without devices, volumes or systemd."""
        data, osd_id = self.folder / "osd", str(uuid.uuid4())
        data.mkdir()
        run("ceph", "-c", self.conf, "osd", "new", osd_id)
        options = ("--id", "0", "--osd-data", str(data), "--osd-uuid", osd_id)
        run("ceph-osd", "-c", self.conf, "--mkfs", *options, "--no-mon-config")
        self.spawn("ceph-osd", *options)

    def start_rgw(self) -> None:
        """It makes its pools, which takes most of the time."""
        self.spawn("radosgw", "--name", "client.rgw")

    def make_users(self) -> None:
        """The test users, with keys that are known before."""
        for user, (tenant, caps) in USERS.items():
            options = ["--tenant", tenant, "--uid", user, "--display-name", user]
            options += ["--access-key", user, "--secret", secret(user)]
            options += ["--caps", caps] if caps else []
            run("radosgw-admin", "-c", self.conf, "--name", "client.rgw", "user", "create", *options)

    def spawn(self, program: str, *options: str) -> None:
        """A daemon in the foreground."""
        command = [program, "-c", self.conf, "-f", *options]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self.children.append(child)

    def wait(self) -> None:
        """Until one of them ends, which none should."""
        while True:
            for child in self.children:
                if child.poll() is not None:
                    sys.exit(f"ceph: {child.args} ended with {child.returncode}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Nothing of value is in it: none is asked to end in good order."""
        for child in self.children:
            child.kill()
        for child in self.children:
            child.wait()


def keyring() -> str:
    """Keys for those who talk to each other. Without them the S3 door refuses to start."""
    rights = {
        "mon.": {"mon": "allow *"},
        "client.admin": {"mon": "allow *", "osd": "allow *", "mgr": "allow *"},
        "osd.0": {"mon": "allow profile osd", "osd": "allow *"},
        "client.rgw": {"mon": "allow *", "osd": "allow *"},
    }
    text = ""
    for name, caps in rights.items():
        text += f"[{name}]\n\tkey = {key()}\n" + "".join(f'\tcaps {who} = "{what}"\n' for who, what in caps.items())
    return text


def key() -> str:
    """A key as ceph-authtool makes it: kind, time, length, 16 random bytes."""
    return base64.b64encode(struct.pack("<hiih", 1, int(time.time()), 0, 16) + os.urandom(16)).decode()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True, help="of the S3 door")
    parser.add_argument("--mon-port", type=int, required=True)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    cluster = Cluster(pathlib.Path.cwd(), arguments.port, arguments.mon_port)
    try:
        cluster.start()
        cluster.wait()
    finally:
        cluster.stop()


if __name__ == "__main__":
    main()
