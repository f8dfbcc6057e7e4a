"""The network step: where the API is found, and the addresses inside the cluster."""

from __future__ import annotations

from wizard.ui.fields import ENDPOINT, NETWORK
from wizard.ui.screens.form import FormScreen
from wizard.ui.session import Step
from wizard.ui.suggest import suggest_vip
from wizard.ui.widgets.field import Field


class NetworkScreen(FormScreen):
    """VIP, port, name and VRRP; Pod and Service networks; time, version, Pods on masters."""

    step = Step.NETWORK
    sections = (("Where the API is found", ENDPOINT), ("Inside the cluster", NETWORK))
    next_label = "Next: etcd"

    def on_mount(self) -> None:
        """Offer a VIP where the facts allow one."""
        super().on_mount()
        survey = self.session.current_survey()
        vip = suggest_vip(survey, self.session.draft) if survey else ""
        if vip:
            for field in self.query(Field):
                if field.spec.path == "endpoint.vip":
                    field.suggest(vip)
