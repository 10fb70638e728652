"""Writes ``k8s/testnet/*.yaml`` from the environment file and the services: ``python manifests.py [--check]``.

An image is named by the digest of its service's program: there is no registry here, and the digest changes with the
program as an image's does.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FOLDER = HERE / "k8s" / "testnet"
SERVICES = {"backend": 3, "oracle": 2, "bonding": 2, "sync": 1}
"""Each with its replicas; the sync is one, for it keeps its place."""

NAMESPACE = "knowton-testnet"
PORT = 8080


def resources() -> dict[str, list[dict[str, Any]]]:
    """Every file's resources."""
    lines = (HERE / "environments" / "testnet.env").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    public = {name: value for name, value in settings.items() if not value.startswith("vault:")}
    return {
        "namespace": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}],
        "configuration": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": _named("knowton"), "data": public}],
        **{name: _service(name, replicas) for name, replicas in SERVICES.items()},
        "gateway": [_middleware(), _ingress()],
    }


def _named(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": NAMESPACE, "labels": {"app": name}}


def _image(name: str) -> str:
    digest = hashlib.sha256((HERE / "services" / f"{name}.py").read_bytes()).hexdigest()
    return f"ghcr.io/knowton/{name}:v1.0.0@sha256:{digest}"


def _service(name: str, replicas: int) -> list[dict[str, Any]]:
    probe = {"httpGet": {"path": "/health", "port": PORT}, "periodSeconds": 10}
    container = {
        "name": name,
        "image": _image(name),
        "ports": [{"containerPort": PORT}],
        "envFrom": [{"configMapRef": {"name": "knowton"}}],
        "env": [{"name": "VAULT_ROLE", "value": name}],
        "livenessProbe": probe,
        "readinessProbe": probe,
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {"runAsNonRoot": True, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False},
    }
    pod = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": pod}
    ports = [{"port": 80, "targetPort": PORT}]
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _named(name), "spec": spec},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _named(name),
            "spec": {"selector": {"app": name}, "ports": ports},
        },
    ]


def _middleware() -> dict[str, Any]:
    limit = {"average": 1000, "burst": 2000, "period": "1m"}
    about = {"apiVersion": "traefik.io/v1alpha1", "kind": "Middleware", "metadata": _named("global-rate-limit")}
    return {**about, "spec": {"rateLimit": limit}}


def _ingress() -> dict[str, Any]:
    backend = {"service": {"name": "backend", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    metadata = _named("gateway")
    limit = f"{NAMESPACE}-global-rate-limit@kubernetescrd"
    metadata["annotations"] = {"traefik.ingress.kubernetes.io/router.middlewares": limit}
    host = "testnet.knowton.example"
    spec = {
        "tls": [{"hosts": [host], "secretName": "gateway-tls"}],
        "rules": [{"host": host, "http": {"paths": paths}}],
    }
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


def main(check: bool) -> int:
    """Write them, or say which are not as they would be written."""
    wanted = {
        f"{name}.yaml": "".join(f"---\n{json.dumps(each, indent=2)}\n" for each in found)
        for name, found in resources().items()
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    there = {each.name: each.read_text() for each in FOLDER.glob("*.yaml")}
    wrong = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
    if check:
        for name in wrong:
            sys.stdout.write(f"DIFFERENT: {name}\n")
        sys.stdout.write(f"{len(wanted)} files, {len(wrong)} differ\n")
        return 1 if wrong else 0
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main("--check" in sys.argv[1:]))
