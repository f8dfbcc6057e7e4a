"""The floor: asyncssh by hand, eight round trips a host, nothing looked at, nothing kept, nothing told.

    floor.py '{"key": …, "known_hosts": …, "hosts": {"m1": "198.18.0.11", …}}'

Facts are gathered by the same script as slipway's, and thrown away.
"""

import asyncio
import json
import sys

import asyncssh
import jinja2

sys.path.insert(0, __file__.rsplit("/tests/", 1)[0])
from tests.bench.ten import work
from wizard.facts.look import script


async def one(name: str, address: str, order: dict[str, object], template: jinja2.Template) -> None:
    peers = list(order["hosts"].values())
    async with asyncssh.connect(
        address,
        username="root",
        client_keys=[order["key"]],
        known_hosts=order["known_hosts"],
        config=None,
        agent_path=None,
    ) as link:
        await link.run(script("/var/lib/etcd"), check=True)
        await link.run("mkdir -p " + " ".join(work.FOLDERS), check=True)
        texts = [template.render(host=name, address=address, number=number, peers=peers) for number in range(10)]
        pieces = "; ".join(
            f"head -c {len(text.encode())} > {path} && chmod {work.MODE:o} {path}"
            for path, text in zip(work.TEMPLATES, texts, strict=True)
        )
        await link.run(f"set -e; {pieces}", input="".join(texts), check=True)
        for command in work.COMMANDS:
            await link.run(command, check=True)


async def main() -> None:
    order = json.loads(sys.argv[1])
    template = jinja2.Template(work.TEMPLATE, keep_trailing_newline=True)
    await asyncio.gather(*(one(name, address, order, template) for name, address in order["hosts"].items()))


asyncio.run(main())
