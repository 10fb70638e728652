"""Kubernetes manifests: each resource of its schema, images pinned by digest, no value that is still owed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_rollout.configuration.files import Looked, find, read, shown
from pytest_rollout.configuration.placeholders import wrong_with
from pytest_rollout.core.configuration import ManifestCheck
from pytest_rollout.core.errors import ConfigurationError
from pytest_rollout.formats.plain_yaml import documents

_PINNED = re.compile(r"\S+@sha256:[0-9a-f]{64}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}")
_API = re.compile(r"(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?v[0-9]+(?:(?:alpha|beta)[0-9]+)?")
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_DEEPEST = 200


def observe(check: ManifestCheck) -> tuple[dict[str, Any], str]:
    """Everything that is wrong with the manifests; and the version they were held against."""
    looked, version = Looked(), _version(check.version)
    names: list[str] = []
    images = customs = 0
    paths = find(check.folder, check.files)
    for path in paths:
        file = shown(path, check.folder)
        found = documents(file, read(path, check.folder), refusal=ConfigurationError)
        if not found:
            looked.problems.append(f"{file}: holds no resource")
        for resource in _resources(found):
            looked.looked += 1
            if not isinstance(resource, dict) or not _has_names(resource):
                looked.problems.append(f"{file}: is no resource: apiVersion, kind and metadata.name are needed")
                continue
            name = f"{resource['kind']}/{resource['metadata']['name']}"
            namespace = resource["metadata"].get("namespace") or ""
            names.append(f"{namespace}/{name}" if namespace else name)
            where = f"{file}: {name}"
            customs += _validate(resource, where, version, check, looked)
            images += _images(resource, where, looked)
            looked.problems += [f"{where}: {key} {why}" for key, why in _owed(resource)]
    looked.problems += [f"{each} twice" for each in dict.fromkeys(names) if names.count(each) > 1]
    bare = {each.split("/", each.count("/") - 1)[-1] for each in names}
    looked.problems += [f"no {each} in the manifests" for each in check.inventory if each not in bare | set(names)]
    looked.said = f"{looked.looked} resources in {len(paths)} files, {customs} of them custom, {images} images pinned"
    return looked.document(), f"schemas of Kubernetes {version}"


def _version(wanted: str) -> str:
    from kubernetes_validate import utils  # noqa: PLC0415 - for those who declare manifests

    known: list[str] = [utils.major_minor(each) for each in utils.all_versions()]
    if wanted not in known:
        raise ConfigurationError(f"no schemas of Kubernetes {wanted}; there are those of {known[0]} to {known[-1]}.")
    return wanted


def _resources(found: list[Any]) -> Iterator[Any]:
    """Lists of resources are taken apart."""
    for each in found:
        if isinstance(each, dict) and each.get("kind") == "List" and isinstance(each.get("items"), list):
            yield from each["items"]
        else:
            yield each


def _has_names(resource: Mapping[str, Any]) -> bool:
    metadata = resource.get("metadata")
    return (
        isinstance(resource.get("kind"), str)
        and _WORD.fullmatch(resource["kind"]) is not None
        and isinstance(resource.get("apiVersion"), str)
        and _API.fullmatch(resource["apiVersion"]) is not None
        and isinstance(metadata, dict)
        and isinstance(metadata.get("name"), str)
        and bool(metadata["name"])
    )


def _validate(resource: dict[str, Any], where: str, version: str, check: ManifestCheck, looked: Looked) -> int:
    """Hold it against its schema; 1 for a custom resource, which has none."""
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415 - as above
    from kubernetes_validate import utils  # noqa: PLC0415 - as above

    kind = f"{resource['apiVersion'].rpartition('/')[0]}/{resource['kind']}"
    try:
        if not _is_custom(resource):
            utils.validate(resource, version, strict=True)
            return 0
    except ValidationError as error:
        place = ".".join(map(str, error.absolute_path)) or "it"
        looked.problems.append(f"{where}: {place}: {error.message[:200]}")
        return 0
    except utils.SchemaNotFoundError:
        pass
    except RecursionError:
        looked.problems.append(f"{where}: is nested too deeply")
        return 0
    if kind not in check.custom:
        looked.problems.append(
            f"{where}: Kubernetes {version} knows no {resource['apiVersion']}; list '{kind}' under custom"
        )
    return 1


def _is_custom(resource: Mapping[str, Any]) -> bool:
    group = str(resource["apiVersion"]).rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io")


def _images(resource: Any, where: str, looked: Looked) -> int:
    count = 0
    named: list[Any] = [container.get("image") for container in _containers(resource)]
    if _is_custom(resource):
        named += _custom_images(resource.get("spec"))
    for image in named:
        if isinstance(image, str) and _PINNED.fullmatch(image):
            count += 1
        else:
            looked.problems.append(f"{where}: image {image!r} is not pinned by digest; write image@sha256:…")
    return count


def _custom_images(node: Any, depth: int = 0) -> Iterator[str]:
    """Images that custom resources name themselves, such as ``spec.image`` of an operator's."""
    if depth > _DEEPEST:
        return
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "image" and isinstance(value, str):
                yield value
            elif key not in _CONTAINERS:
                yield from _custom_images(value, depth + 1)
    elif isinstance(node, list):
        for each in node:
            yield from _custom_images(each, depth + 1)


def _containers(node: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every container below, whatever holds it: pods, templates, custom resources."""
    if depth > _DEEPEST:
        return
    if isinstance(node, dict):
        for key, value in node.items():
            if key in _CONTAINERS and isinstance(value, list):
                yield from (each for each in value if isinstance(each, dict))
            yield from _containers(value, depth + 1)
    elif isinstance(node, list):
        for each in node:
            yield from _containers(each, depth + 1)


def _owed(resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Values of ConfigMaps, Secrets and containers' environments that are none yet; secret ones are not shown."""
    if resource["kind"] in {"ConfigMap", "Secret"}:
        for key in ("data", "stringData"):
            values = resource.get(key)
            for name, value in values.items() if isinstance(values, dict) else ():
                text = _decoded(value) if resource["kind"] == "Secret" and key == "data" else str(value)
                why = "is no base64" if text is None else _wrong(text)
                if why:
                    yield f"{key}.{name}", "is a placeholder" if resource["kind"] == "Secret" and text else why
    for container in _containers(resource):
        for each in container.get("env") or ():
            if isinstance(each, dict) and "value" in each and (why := _wrong(str(each["value"]))):
                yield f"env {each.get('name')}", why


def _wrong(text: str) -> str:
    """A value of many lines is a file, which is looked through line by line."""
    if "\n" not in text.strip():
        return wrong_with(text)
    lines = (re.sub(r"^\s*[\w.-]+\s*[:=]\s*", "", line).strip("'\", \t") for line in text.splitlines() if line.strip())
    return next((why for line in lines if line and (why := wrong_with(line))), "")


def _decoded(value: object) -> str | None:
    try:
        return base64.b64decode(str(value), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None
