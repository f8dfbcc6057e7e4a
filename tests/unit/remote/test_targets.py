from __future__ import annotations

from pathlib import Path

import pytest

from wizard.errors import UsageError
from wizard.profile.model import Endpoint, Hop, Host, Profile, Ssh
from wizard.remote.base import Target
from wizard.remote.ssh import settings_of
from wizard.remote.targets import Settings, chain, parse_jump, target_of, targets_of


def profile(*hosts: Host, ssh: Ssh | None = None) -> Profile:
    return Profile(name="site", hosts=hosts, endpoint=Endpoint(vip="192.0.2.9"), ssh=ssh or Ssh())


def one(ssh: Ssh | None = None, common: Ssh | None = None, lookup=None, **host) -> Target:
    """Return the target of a host at 192.0.2.1 with these settings."""
    machine = Host(name="m1", address="192.0.2.1", ssh=ssh or Ssh(), **host)
    return target_of(profile(machine, ssh=common), machine, *([lookup] if lookup else []))


def test_defaults():
    assert one() == Target(name="m1", address="192.0.2.1", port=22, user="root", sudo=False)


def test_host_before_profile_before_settings_before_defaults(tmp_path):
    (tmp_path / "id").touch()

    def lookup(name: str) -> Settings:
        assert name == "192.0.2.1"
        return Settings("10.0.0.1", "carol", 2022, (tmp_path / "absent", tmp_path / "id"))

    assert one(lookup=lookup) == Target("m1", "10.0.0.1", 2022, "carol", tmp_path / "id", sudo=True)
    common = Ssh(user="bob", port=2023, key="/k/common")
    assert one(common=common, lookup=lookup) == Target("m1", "10.0.0.1", 2023, "bob", Path("/k/common"), sudo=True)
    own = Ssh(user="root", key="~/own")
    target = one(ssh=own, common=common, lookup=lookup)
    assert target == Target("m1", "10.0.0.1", 2023, "root", Path("~/own").expanduser())


def test_only_root_needs_no_sudo():
    assert one(ssh=Ssh(user="debian")).sudo
    assert not one(ssh=Ssh(user="root")).sudo


def test_fingerprints_and_hops_of_the_profile():
    hops = (Hop(address="bastion", port=2222, fingerprint="SHA256:b"), Hop(address="inner", user="eve", key="/k"))
    target = one(ssh=Ssh(user="admin"), common=Ssh(via=hops), fingerprint="SHA256:h")
    assert target.fingerprint == "SHA256:h"
    assert target.via == (
        Target("bastion", "bastion", 2222, "admin", fingerprint="SHA256:b"),
        Target("inner", "inner", 22, "eve", Path("/k")),
    )
    assert [(place.name, len(place.via)) for place in chain(target)] == [("bastion", 0), ("inner", 1), ("m1", 2)]


def test_a_host_may_do_without_the_common_chain():
    assert one(ssh=Ssh(via=()), common=Ssh(via=(Hop(address="bastion"),))).via == ()


def test_proxy_jump_of_the_settings_and_of_its_first_hop():
    says = {
        "192.0.2.1": Settings(jump=("eve@near:2200", "far")),
        "near": Settings("10.1.1.1", user="other", jump=("outer",)),
        "far": Settings(port=23),
    }
    target = one(lookup=lambda name: says.get(name, Settings()))
    assert [(hop.address, hop.user, hop.port) for hop in target.via] == [
        ("outer", "root", 22),
        ("10.1.1.1", "eve", 2200),
        ("far", "root", 23),
    ]
    assert one(common=Ssh(via=(Hop(address="b"),)), lookup=lambda name: says.get(name, Settings())).via[0].name == "b"


def test_a_circle_and_a_proxy_command_are_told():
    with pytest.raises(UsageError, match="circle"):
        one(lookup=lambda name: Settings(jump=("192.0.2.1",)))
    with pytest.raises(UsageError, match="ProxyCommand nc") as caught:
        one(lookup=lambda name: Settings(proxy_command="nc %h %p"))
    assert "ssh.via" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "hop"),
    [
        ("host", Hop(address="host")),
        ("eve@host:2200", Hop(address="host", user="eve", port=2200)),
        ("ssh://eve@host:2200", Hop(address="host", user="eve", port=2200)),
        ("2001:db8::1", Hop(address="2001:db8::1")),
        ("eve@[2001:db8::1]:22", Hop(address="2001:db8::1", user="eve", port=22)),
        ("a@b@host", Hop(address="host", user="a@b")),
    ],
)
def test_how_a_jump_is_written(text, hop):
    assert parse_jump(text) == hop


@pytest.mark.parametrize("text", ["host:ssh", "host:0", "host:70000"])
def test_a_jump_that_is_none(text):
    with pytest.raises(UsageError, match="ProxyJump"):
        parse_jump(text)


def test_all_targets_by_name():
    hosts = [Host(name=f"m{number}", address=f"192.0.2.{number}") for number in (1, 2)]
    assert {name: target.address for name, target in targets_of(profile(*hosts)).items()} == {
        "m1": "192.0.2.1",
        "m2": "192.0.2.2",
    }


CONFIG = """
Host m1 192.0.2.*
    HostName 10.0.0.1
    User carol
    IdentityFile %d/keys/one
    IdentityFile ~/keys/two
    ProxyJump eve@bastion:2200,inner
Host m2
    Port 2022
    ProxyCommand nc -x proxy %h %p
Host m3
    ProxyJump none
    ProxyCommand none
"""


def test_the_real_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings_of("m1") == Settings()
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(CONFIG)
    keys = (tmp_path / "keys" / "one", tmp_path / "keys" / "two")
    assert settings_of("192.0.2.7") == Settings("10.0.0.1", "carol", None, keys, ("eve@bastion:2200", "inner"))
    assert settings_of("m2") == Settings(port=2022, proxy_command="nc -x proxy m2 2022")
    assert settings_of("m3") == Settings()


def test_settings_that_cannot_be_read(tmp_path):
    (tmp_path / "config").write_text("Host *\n  Port many\n")
    with pytest.raises(UsageError, match="SSH settings") as caught:
        settings_of("m1", tmp_path / "config")
    assert caught.value.where == str(tmp_path / "config")
