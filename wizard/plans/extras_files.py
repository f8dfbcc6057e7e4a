"""The files that a profile's extras name, read on the jump host: authorities, passwords, manifests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cryptography import x509

from wizard import versions
from wizard.errors import Level, Problem, UsageError, errors_of
from wizard.plans import manifests
from wizard.profile.extras import Registry
from wizard.profile.load import ProfileError
from wizard.profile.model import Profile
from wizard.remote.base import Secret
from wizard.remote.secrets import SecretKind, Secrets
from wizard.render import api as render
from wizard.render.extras_files import ExtrasFiles, ManifestFile
from wizard.render.files import Manifest
from wizard.render.site import Site
from wizard.steps.objects import parse

_LARGEST = 1024 * 1024
"""Of an authority or a password, in bytes."""


def read(profile: Profile) -> ExtrasFiles:
    """Return what the files hold that `profile` names, whose paths are absolute (`wizard.profile.extras_paths`).

    Raises `ProfileError` with everything that is wrong with them.
    """
    extras_files, problems = look(profile)
    if errors_of(problems):
        raise ProfileError(
            "The site's own files can't be used", why="what is named below must change", problems=problems
        )  # fmt: skip
    return extras_files


def look(profile: Profile) -> tuple[ExtrasFiles, tuple[Problem, ...]]:
    """Return what the files hold, as far as they can be read, and everything that is wrong with them."""
    problems: list[Problem] = []
    authorities, passwords = dict[str, bytes](), dict[str, Secret]()
    for index, registry in enumerate(profile.registries):
        field = f"registries[{index}]"
        if registry.ca and (content := _bytes(registry.ca, "registry.ca", f"{field}.ca", problems)):
            if complaint := _no_authority(content):
                words, hint = complaint
                problems.append(
                    Problem("registry.ca", Level.ERROR, f"{registry.ca} {words}", hint, f"{field}.ca")
                )  # fmt: skip
            authorities[registry.name] = content
        if registry.password_file:
            field += ".password_file"
            content = _bytes(registry.password_file, "registry.password-file", field, problems)
            if password := content.decode(errors="replace").strip("\r\n"):
                passwords[registry.name] = Secret(password)
    found: tuple[ManifestFile, ...] | None = None
    if profile.manifests:
        found, wrong = manifests.read(Path(profile.manifests))
        problems += [*wrong, *_slipways(profile, found)]
    return ExtrasFiles(authorities, passwords, found, read=True), tuple(problems)


async def with_passwords(extras_files: ExtrasFiles, profile: Profile, secrets: Secrets, *, needed: bool) -> ExtrasFiles:
    """Return `extras_files` with the passwords that no file holds, asked for where `secrets` has none.

    Raises `UsageError` for one that is `needed` and that nobody gives; else it is left out.
    """
    found = dict(extras_files.passwords)
    for registry in profile.registries:
        if not registry.username or registry.name in found:
            continue
        prompt = f"Password of {registry.username} at the registry {registry.name}"
        secret = await secrets.get(SecretKind.REGISTRY, registry.name, prompt)
        if secret is not None:
            found[registry.name] = secret
        elif needed:
            raise _unanswered(registry)
    return replace(extras_files, passwords=found)


def _unanswered(registry: Registry) -> UsageError:
    return UsageError(
        f"There is no password for the registry {registry.name}",
        why=f"nobody was there to give that of {registry.username}",
        hint=f"Name its file in password_file, or give registry@{registry.name}=PASSWORD on --secrets-fd.",
    )


def _bytes(path: str, code: str, field: str, problems: list[Problem]) -> bytes:
    """Return a file's content; nothing where it can't be read, which goes to `problems`."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST)
        why = "" if content.strip() else "it is empty"
    except OSError as error:
        content, why = b"", error.strerror or type(error).__name__
    if why:
        words = f"{path} can't be used: {why}."
        hint = "It is looked for beside the profile; correct the path or its rights."
        problems.append(Problem(code, Level.ERROR, words, hint, field))
    return content if not why else b""


def _no_authority(content: bytes) -> tuple[str, str] | None:
    """Return what keeps a file from being an authority's certificate, and what to do; it goes to every node."""
    if b"PRIVATE KEY-----" in content:
        return "holds a private key, which no host may have.", "Name a file with the certificate alone."
    try:
        x509.load_pem_x509_certificates(content)
    except ValueError:
        return "holds no certificate (PEM).", "Name the file of the authority that signed the registry's certificate."
    return None


def _slipways(profile: Profile, files: tuple[ManifestFile, ...]) -> list[Problem]:
    """Return a problem for each manifest of an object that slipway itself holds: two would change it in turn."""
    site = Site(profile, versions.components(profile.kubernetes or versions.default()), "new")
    own = {manifests.identity(item): part.name for part in render.manifests(site) for item in _objects(part)}
    return [
        Problem(
            "manifests.own", Level.ERROR,
            f"{file.path}: {item['kind']} {item['metadata']['name']} belongs to slipway's {own[identity]}.",
            "Take it out; what can be chosen stands in the profile.", "manifests",
        )
        for file in files
        for item in file.objects
        if (identity := manifests.identity(item)) in own
    ]  # fmt: skip


def _objects(part: Manifest) -> tuple[Mapping[str, object], ...]:
    return parse(part.yaml)
