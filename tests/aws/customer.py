#!/usr/bin/env python3
"""The owner of a bucket, who does what is printed: runs shell scripts as they are, with the real AWS CLI in them.

    customer.py < requests    each line is a JSON text, a script; each answer a line {"status", "stdout", "stderr"}

Where the AWS CLI looks (endpoint, region, key) is in the environment. The CLI takes a second of computing to start, and
scripts start it often: so it is loaded once, here, and forked for each `aws` that a script runs. What is run is the
CLI's own entry, with the words that the shell made of the script.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

SHIM = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({path!r})
    server.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
    answer = b"".join(iter(lambda: server.recv(65536), b""))
answer = json.loads(answer)
sys.stdout.write(answer["stdout"])
sys.stderr.write(answer["stderr"])
sys.exit(answer["status"])
"""


def serve(listener: socket.socket) -> None:
    """Loads the CLI and answers until the process is ended."""
    import awscli.clidriver

    driver = awscli.clidriver.create_clidriver()
    for service in ("iam", "s3", "kms", "cloudformation"):
        driver.session.get_service_model(service)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            answer(driver, connection)
            os._exit(0)
        connection.close()
        # The ended ones.
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def answer(driver: object, connection: socket.socket) -> None:
    """One run of the CLI."""
    with connection.makefile("rb") as lines:
        words = json.loads(lines.readline())
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        for stream, file in ((1, out), (2, err)):
            os.dup2(file.fileno(), stream)
        try:
            status = driver.main(words)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        sys.stdout.flush()
        sys.stderr.flush()
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read())
    result = {"status": status, "stdout": texts[0], "stderr": texts[1]}
    connection.sendall(json.dumps(result).encode())
    connection.close()


def main() -> None:
    """Scripts from standard input until it ends."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "aws.socket")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(16)
        server = os.fork()
        if server == 0:
            sys.stdin.close()
            serve(listener)
        shim = pathlib.Path(folder) / "aws"
        shim.write_text(SHIM.format(python=sys.executable, path=path))
        shim.chmod(0o755)
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        try:
            for line in sys.stdin:
                ran = subprocess.run(
                    ["bash", "-c", json.loads(line)],
                    env=environment,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=False,
                )
                result = {"status": ran.returncode, "stdout": ran.stdout, "stderr": ran.stderr}
                print(json.dumps(result), flush=True)
        finally:
            os.kill(server, 15)
            os.waitpid(server, 0)


if __name__ == "__main__":
    main()
