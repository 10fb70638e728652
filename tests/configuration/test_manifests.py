"""Kubernetes manifests against the schemas, digests and values that are still owed."""

from __future__ import annotations

import base64

import pytest

from pytest_rollout.configuration.placeholders import wrong_with
from pytest_rollout.core.configuration import ManifestCheck
from pytest_rollout.core.outcome import Outcome

DIGEST = "ab" * 32
ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
MANIFESTS = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api, namespace: testnet}}
spec:
  selector: {{matchLabels: {{app: api}}}}
  template:
    metadata: {{labels: {{app: api}}}}
    spec:
      containers:
        - name: api
          image: ghcr.io/knowton/api:v1.0.0@sha256:{DIGEST}
          env: [{{name: LOG, value: info}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: api, namespace: testnet}}
data:
  BOND_ADDRESS: "{ADDRESS}"
  files.yaml: |
    address: "{ADDRESS}"
    name: bond
---
apiVersion: v1
kind: Secret
metadata: {{name: api, namespace: testnet}}
data: {{KEY: {base64.b64encode(b"s3cret-of-ours").decode()}}}
---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: {{name: limit, namespace: testnet}}
spec: {{rateLimit: {{average: 1000}}}}
"""


@pytest.fixture
def manifests(tmp_path, look):
    """``manifests(old, new)``: the finding with a piece of text replaced."""

    def finding(old="", new="", **more):
        (tmp_path / "k8s").mkdir(exist_ok=True)
        assert old in MANIFESTS
        text = new if not old and new else MANIFESTS.replace(old, new)
        (tmp_path / "k8s" / "all.yaml").write_text(text)
        given = {"custom": ("traefik.io/Middleware",), "inventory": ("Deployment/api",), "version": "1.31"} | more
        return look(ManifestCheck(name="k8s", folder=tmp_path, files=("k8s/**/*.yaml",), **given))

    return finding


def test_valid_manifests_pass(manifests):
    finding = manifests()

    assert finding.outcome is Outcome.PASS, finding.measured
    assert finding.measured == "4 resources in 1 files, 1 of them custom, 1 images pinned"
    assert finding.source == "schemas of Kubernetes 1.31"


BOMB = "a: &a [x,x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]\n" for n in range(20))
WRONG = {
    "a misspelt field": (
        "          env:",
        "          envs:",
        {},
        "spec.template.spec.containers.0: Additional properties",
    ),
    "a field of another type": ("name: LOG, value: info", "name: LOG, value: 5", {}, "env.0.value: 5 is not of type"),
    "a kind that is gone": ("apps/v1", "extensions/v1beta1", {}, "Kubernetes 1.31 knows no extensions/v1beta1"),
    "a custom resource that is not named": ("", "", {"custom": ()}, "list 'traefik.io/Middleware' under custom"),
    "a custom group of a known name": (
        "apiVersion: apps/v1",
        "apiVersion: apps.example.org/v1",
        {},
        "knows no apps.exa",
    ),
    "an image by its tag": (f"@sha256:{DIGEST}", "", {}, "image 'ghcr.io/knowton/api:v1.0.0' is not pinned by digest"),
    "an image of a custom resource": (
        "spec: {rateLimit: {average: 1000}}",
        "spec: {image: traefik:latest}",
        {},
        "Middleware/limit: image 'traefik:latest' is not pinned by digest",
    ),
    "half a digest": (DIGEST, DIGEST[:-2], {}, "is not pinned by digest"),
    "the zero address": (
        f'BOND_ADDRESS: "{ADDRESS}"',
        f'BOND_ADDRESS: "0x{"0" * 40}"',
        {},
        "data.BOND_ADDRESS holds the zero",
    ),
    "a zero address in a file": (
        f'    address: "{ADDRESS}"',
        f'    address: "0x{"0" * 40}"',
        {},
        "data.files.yaml holds the zero",
    ),
    "a placeholder": (
        f'BOND_ADDRESS: "{ADDRESS}"',
        "BOND_ADDRESS: <address>",
        {},
        "data.BOND_ADDRESS is a placeholder",
    ),
    "an empty value": (f'BOND_ADDRESS: "{ADDRESS}"', "BOND_ADDRESS: ''", {}, "data.BOND_ADDRESS is empty"),
    "a placeholder in a secret": (
        base64.b64encode(b"s3cret-of-ours").decode(),
        base64.b64encode(b"changeme").decode(),
        {},
        "Secret/api: data.KEY is a placeholder",
    ),
    "no base64": (base64.b64encode(b"s3cret-of-ours").decode(), "'%%'", {}, "data.KEY is"),
    "a placeholder of a container": ("value: info", "value: TODO", {}, "env LOG is a placeholder"),
    "a resource that is missing": ("", "", {"inventory": ("Service/api",)}, "no Service/api in the manifests"),
    "no name": ("metadata: {name: limit, namespace: testnet}", "metadata: {}", {}, "is no resource"),
    "a path as a kind": ("kind: Middleware", "kind: ../../x", {}, "is no resource"),
    "a resource twice": ("", MANIFESTS + "---\n" + MANIFESTS, {}, "testnet/Deployment/api twice"),
    "an alias bomb": ("", BOMB, {}, "is no plain YAML: has an alias"),
    "a key twice": ("kind: Secret\n", "kind: Secret\nkind: Secret\n", {}, "has 'kind' twice"),
    "an object": (
        "value: info",
        "value: !!python/object/apply:os.getcwd []",
        {},
        "is no plain YAML: could not determine",
    ),
    "deep": ("", "[" * 3000, {}, "is no plain YAML"),
    "nothing": ("", "# nothing\n", {}, "k8s/all.yaml: holds no resource"),
    "a version nobody has": ("", "", {"version": "1.9"}, "no schemas of Kubernetes 1.9; there are those of 1."),
}


@pytest.mark.parametrize(("old", "new", "more", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_manifests_is_told(manifests, old, new, more, said):
    finding = manifests(old, new, **more)

    assert finding.outcome in {Outcome.FAIL, Outcome.ERROR}
    assert said in finding.measured + finding.detail
    assert "s3cret-of-ours" not in finding.measured + finding.detail


@pytest.mark.parametrize(
    "value",
    [
        "",
        "TODO",
        "changeme",
        "your-api-key",
        "<rpc url>",
        "${RPC}",
        "0x0",
        "0x" + "0" * 40,
        "https://x/YOUR_API_KEY",
        "0x" + "11" * 20,
        "0x" + "dead" * 10,
        "0x...",
        "0x123456789012345678901234567890123456789",
        "0x" + "zz" * 20,
        "__BOND__",
        "null",
        "xxx",
        "{{ .Values.bond }}",
        "[address]",
        "replace-me",
    ],
)
def test_what_is_owed_is_seen(value):
    assert wrong_with(value)


@pytest.mark.parametrize(
    "value",
    [
        ADDRESS,
        "https://rpc.example.org/v1",
        "0",
        "false",
        "421614",
        "info",
        "0x" + "ab" * 32,
        "your.name@example.org",
        "0x1f90000000000000000000000000000000000001",
        "a-b_c",
        "[1, 2]x",
        "/data/xxx/y",
    ],
)
def test_honest_values_pass(value):
    assert wrong_with(value) == ""
