"""How a node fetches images: files that containerd reads at each pull, so nothing is restarted for them."""

from __future__ import annotations

from wizard.engine.step import Step
from wizard.profile.model import Host
from wizard.render import api as render
from wizard.render.registries import secrets, unasked
from wizard.render.site import Site
from wizard.steps.kept import kept_step
from wizard.steps.kit import files_of


def registries_step(site: Site, host: Host, *, needs: tuple[str, ...] = ()) -> Step | None:
    """Return the step that holds the folders of the site's registries; None where there is nothing to hold.

    Nothing is planned where the site's own files were not read: what they hold is not known then.
    """
    if not site.extras_files.read:
        return None
    files = files_of(render.registries(site, host))
    unknown = [f"password for {name}" for name in unasked(site)] if files else []
    return kept_step(
        site, host, "registries", "Registries", "runtime", files, needs=needs, secrets=secrets(site), unknown=unknown
    )
