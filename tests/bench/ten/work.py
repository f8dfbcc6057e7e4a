"""The work itself, said once for all four ways: names, contents, commands. Imports nothing that takes time."""

from __future__ import annotations

ROOT = "/srv/bench"
FOLDERS = tuple(f"{ROOT}/folder{number}" for number in range(5))
TEMPLATES = tuple(f"{FOLDERS[number % 5]}/app{number}.conf" for number in range(10))
COMMANDS = tuple(f"uname -r > {ROOT}/command{number} && hostname >> {ROOT}/command{number}" for number in range(5))
MODE = 0o640

TEMPLATE = """\
# Written for {{ host }} ({{ address }}), file {{ number }}.
[server]
name = {{ host }}
listen = {{ address }}:{{ 9000 + number }}
workers = {{ 4 + number }}
{% for peer in peers %}
[peer {{ loop.index }}]
address = {{ peer }}
weight = {{ loop.index * 10 }}
{% endfor %}
"""
"""A small configuration file as Jinja2: every way renders this very text."""
