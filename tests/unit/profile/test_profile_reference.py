"""What editors and people read about profiles is made from the model, and current."""

from __future__ import annotations

from pathlib import Path

from wizard.profile.codes import CODES
from wizard.profile.model import Profile
from wizard.profile.reference import markdown, schema

DOCS = Path(__file__).parents[3] / "docs" / "profile.md"


def test_the_document_is_current() -> None:
    assert DOCS.read_text() == markdown(), "run: slipway profile reference > docs/profile.md"


def test_every_key_is_explained() -> None:
    whole = schema()
    parts = {"profile": whole, **whole["$defs"]}

    def explained(value: dict[str, str]) -> bool:
        return bool(value.get("description") or parts[value["$ref"].rpartition("/")[2]]["description"])

    keys = [(name, key, value) for name, part in parts.items() for key, value in part.get("properties", {}).items()]
    assert keys
    assert [f"{name}.{key}" for name, key, value in keys if not explained(value)] == []


def test_the_schema_refuses_unknown_keys_and_says_limits() -> None:
    whole = schema()
    assert whole["additionalProperties"] is False
    assert whole["required"] == ["name", "hosts", "endpoint"]
    vrid = whole["$defs"]["Endpoint"]["properties"]["vrid"]
    assert (vrid["minimum"], vrid["maximum"]) == (1, 255)
    assert set(whole["properties"]) == set(Profile.model_fields)


def test_every_code_is_in_the_document() -> None:
    assert all(f"| `{code}` |" in markdown() for code in CODES)
