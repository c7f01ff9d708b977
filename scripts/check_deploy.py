"""Checks everything in deploy/ without a cluster: forms by schema, and names by what Telecine itself says it has.

Run by `scripts/test.sh` in the environment that `scripts/setup.sh deploy` makes. Ends with `N passed, N failed`.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import kubernetes_validate
import promql_parser
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
KUBERNETES = "1.31"
BIN = pathlib.Path(sys.executable).parent
# What exporters of others tell, beside ours.
FOREIGN = {"up"}

outcomes = {"passed": 0, "failed": 0}


def expect(is_so, what):
    outcomes["passed" if is_so else "failed"] += 1
    if not is_so:
        print(f"deploy: {what}", file=sys.stderr)


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def documents(path):
    return [one for one in yaml.safe_load_all(path.read_text()) if one is not None]


def text_files():
    return sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".json")


# systemd


def check_units():
    """By systemd itself where there is one; the program need not be installed for that."""
    units = sorted((DEPLOY / "systemd").glob("*.service"))
    expect(len(units) == 2, "two units")
    for unit in units:
        text = unit.read_text()
        for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "KillMode=mixed", "OOMPolicy=continue"):
            expect(line in text, f"{unit.name} has {line}")
        for call in ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp"):
            expect(re.search(rf"SystemCallFilter=.*\b{call}\b", text), f"{unit.name} allows {call}: decoders need it")
        if shutil.which("systemd-analyze"):
            told = run("systemd-analyze", "verify", str(unit))
            # It looks for the program here, too.
            wrong = [line for line in (told.stdout + told.stderr).splitlines() if "is not executable" not in line]
            expect(not [line for line in wrong if unit.stem.split("@")[0] in line], f"{unit.name}: {wrong}")


# Kubernetes


def manifests():
    folder = DEPLOY / "kubernetes"
    named = documents(folder / "kustomization.yaml")[0]["resources"]
    files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml", "secrets.example.yaml"}
    expect(set(named) == files, f"kustomization.yaml names every file: {files ^ set(named)}")
    return [(name, one) for name in [*named, "secrets.example.yaml"] for one in documents(folder / name)]


def check_manifests():
    known = {}
    pods = {}
    for name, one in manifests():
        known[(one["kind"], one["metadata"]["name"])] = one
        try:
            kubernetes_validate.validate(one, KUBERNETES, strict=True)
            expect(True, "")
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is told
            expect(False, f"{name}: {one['kind']}: {error}")
        if one["kind"] == "Deployment":
            pods[one["metadata"]["name"]] = one["spec"]["template"]
    settings = known[("ConfigMap", "telecine-settings")]["data"]
    secret = known[("Secret", "telecine-services")]["stringData"]
    expect(not set(settings) & set(secret), "no setting is told twice")
    for name, template in pods.items():
        check_pod(name, template, known)
    labels = [template["metadata"]["labels"] for template in pods.values()]
    for (kind, name), one in known.items():
        selector = one.get("spec", {}).get("podSelector") if kind == "NetworkPolicy" else None
        if kind == "PodDisruptionBudget":
            selector = one["spec"]["selector"]
        if kind == "Service":
            selector = {"matchLabels": one["spec"]["selector"]}
        if selector is not None:
            wanted = selector.get("matchLabels", {}).items()
            expect(any(wanted <= have.items() for have in labels), f"{kind} {name} selects no pod")
        if kind == "HorizontalPodAutoscaler":
            target = one["spec"]["scaleTargetRef"]
            expect((target["kind"], target["name"]) in known, f"{name} scales {target}")
            expect("replicas" not in known[("Deployment", target["name"])]["spec"] or name == "telecine-serve", name)
    if shutil.which("kubectl"):
        built = run("kubectl", "kustomize", str(DEPLOY / "kubernetes"))
        expect(built.returncode == 0 and "kind: Deployment" in built.stdout, f"kustomize: {built.stderr}")


def check_pod(name, template, known):
    pod = template["spec"]
    expect(pod["automountServiceAccountToken"] is False, f"{name} mounts no token")
    expect(pod["securityContext"]["runAsNonRoot"] is True, f"{name} is not root")
    expect(pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", f"{name} has the default profile")
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    grace = pod["terminationGracePeriodSeconds"]
    expect(grace > 20, f"{name}: {grace} s are less than server.shutdown_grace_s")
    for container in pod["containers"]:
        expect(container["securityContext"]["readOnlyRootFilesystem"] is True, f"{name} writes nowhere else")
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        listens = container["args"][container["args"].index("--listen") + 1]
        expect(int(listens.rsplit(":", 1)[1]) in ports.values(), f"{name} listens at {listens}: {ports}")
        for kind, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
            probe = container[kind]["httpGet"]
            expect(probe["path"] == path and probe["port"] in ports, f"{name}: {kind} {probe}")
        for mount in container["volumeMounts"]:
            expect(mount["name"] in volumes, f"{name} mounts {mount['name']}")
        for source in container["envFrom"]:
            kind, reference = next((kind, one["name"]) for kind, one in source.items())
            expect((kind.replace("Ref", "").lower(), reference) in {(k.lower(), n) for k, n in known}, reference)
    for volume in volumes.values():
        if "secret" in volume:
            expect(("Secret", volume["secret"]["secretName"]) in known, f"{name}: {volume}")


# Compose, Docker


def check_compose():
    path = DEPLOY / "compose" / "compose.yaml"
    told = run(str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(path))
    expect(told.returncode == 0, f"compose.yaml: {told.stdout}{told.stderr}")
    compose = documents(path)[0]
    services = compose["services"]
    for name, service in services.items():
        for other in service.get("depends_on", {}):
            expect(other in services, f"{name} depends on {other}")
            is_made = service["depends_on"][other]["condition"] == "service_completed_successfully"
            expect(is_made or "healthcheck" in services[other], f"{name} waits for the health of {other}")
        for volume in service.get("volumes", []):
            volume = volume.split(":")[0]
            expect(volume.startswith("/") or volume in compose["volumes"], f"{name}: volume {volume}")
        for secret in service.get("secrets", []):
            expect(secret in compose["secrets"], f"{name}: secret {secret}")
    nats = (DEPLOY / "compose" / "nats.conf").read_text()
    server = pathlib.Path(os.environ.get("TELECINE_VENV", ROOT / ".venv")) / "bin" / "nats-server"
    if server.exists():
        told = run(str(server), "-t", "-c", str(DEPLOY / "compose/nats.conf"), env={"NATS_PASSWORD": "any"})
        expect(told.returncode == 0, f"nats.conf: {told.stdout}{told.stderr}")
    expect("sync_interval: always" in nats, "what JetStream acknowledges is on disk")
    for member in ("nats1", "nats2", "nats3"):
        expect(member in services and f"nats://{member}:6222" in nats, f"{member} is of the cluster")


def check_dockerfile():
    told = run(str(BIN / "hadolint"), str(DEPLOY / "Dockerfile"))
    expect(told.returncode == 0, f"Dockerfile: {told.stdout}{told.stderr}")
    for source in re.findall(r"^COPY (?!--from)([^\n]+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE):
        for one in source.split():
            expect((ROOT / one).exists(), f"the Dockerfile copies {one}")
    for script in sorted(DEPLOY.rglob("*.sh")):
        told = run("bash", "-n", str(script))
        expect(told.returncode == 0 and os.access(script, os.X_OK), f"{script.name}: {told.stderr}")


# Names


def known_settings():
    """Variables of the tables in docs/OPERATING.md, which a test makes of the sources."""
    text = (ROOT / "docs" / "OPERATING.md").read_text()
    return set(re.findall(r"`(TELECINE_[A-Z0-9_]+)`", text))


def help_of(command):
    snapshot = ROOT / "crates/telecine/tests/it/cli/snapshots/it__cli__help__help_texts_of_all_commands.snap"
    _, _, told = snapshot.read_text().partition(f"━━━ telecine {command} ━━━")
    return told.partition("━━━")[0]


def check_names():
    settings = known_settings()
    expect(len(settings) > 80, "the settings are read")
    for path in text_files():
        for name in set(re.findall(r"\bTELECINE_[A-Z0-9_]+", path.read_text())):
            expect(name in settings, f"{path.relative_to(ROOT)}: there is no setting {name}")
    for path in [*text_files(), ROOT / "docs/OPERATING.md"]:
        text = path.read_text()
        lists = re.findall(r'\[(serve|worker),? ?([^\]]*)\]', text)
        lines = re.findall(r"telecine (serve|worker|doctor|migrate)((?: [^\n`#|]*)?)", text)
        for command, rest in [*lists, *lines]:
            told = help_of(command)
            expect(told, f"there is no command {command}")
            for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", rest):
                expect(flag in told, f"{path.relative_to(ROOT)}: telecine {command} has no {flag}")


def catalogue():
    text = (ROOT / "crates/telecine/src/telemetry/measures.rs").read_text()
    return dict(
        (name, kind) for kind, name in re.findall(r'measure\((Counter|Gauge|Short|Long), "([a-z_]+)"', text)
    )


def check_expression(where, expression, known):
    expression = expression.replace("$__rate_interval", "5m").replace("$instance", ".*")
    try:
        promql_parser.parse(expression)
        expect(True, "")
    except ValueError as error:
        expect(False, f"{where}: {error}: {expression}")
    bare = re.sub(r'"[^"]*"', '""', expression)
    for name in re.findall(r"\b(?:telecine|process)_[a-z_]+|\bup\b", bare):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        kind = known.get(name) or known.get(base)
        expect(kind or name in FOREIGN, f"{where}: there is no metric {name}")
        is_rate = re.search(rf"(rate|increase|changes)\({name}\b", bare) is not None
        expect(kind != "Counter" or is_rate, f"{where}: {name} only grows: rate() or increase()")
        expect(kind not in ("Short", "Long") or base != name, f"{where}: {name} is a histogram")


def check_monitoring():
    known = catalogue()
    expect(len(known) > 30, "the catalogue is read")
    folder = DEPLOY / "monitoring"
    rules = [rule for group in documents(folder / "alerts.yaml")[0]["groups"] for rule in group["rules"]]
    advice = (ROOT / "docs/OPERATING.md").read_text()
    for rule in rules:
        check_expression(rule["alert"], rule["expr"], known)
        expect(rule["labels"]["severity"] in ("critical", "warning"), rule["alert"])
        expect(rule["annotations"]["summary"], rule["alert"])
        expect(f"`{rule['alert']}`" in advice, f"docs/OPERATING.md does not say what to do about {rule['alert']}")
    expect(len({rule["alert"] for rule in rules}) == len(rules) > 10, "alerts have names of their own")
    panels = json.loads((folder / "dashboard.json").read_text())["panels"]
    told = set()
    for panel in panels:
        for target in panel.get("targets", []):
            check_expression(f"dashboard: {panel['title']}", target["expr"], known)
            told.update(re.findall(r"\b(?:telecine|process)_[a-z_]+", target["expr"]))
    told = {re.sub(r"_(bucket|sum|count)$", "", name) if name not in known else name for name in told}
    missing = set(known) - told - {"process_start_time_seconds"}
    expect(not missing, f"the dashboard does not show {missing}")
    expect(len({panel["id"] for panel in panels}) == len(panels), "panels have ids of their own")


def main():
    for check in (check_units, check_manifests, check_compose, check_dockerfile, check_names, check_monitoring):
        check()
    print("{passed} passed, {failed} failed".format(**outcomes))
    return 1 if outcomes["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
