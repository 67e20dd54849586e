"""A program that talks to the API: a test client with a token, and what it reads."""

from __future__ import annotations

from typing import Any

from django.test import Client

from arena import tokens

ROOT = "/api/v1/"


class Program:
    """Sends what a program sends: no cookie, a token where it has one."""

    def __init__(self, user=None, *, may_write: bool = True):
        self.client = Client(enforce_csrf_checks=True)
        self.headers = {}
        if user is not None:
            _row, token = tokens.make(user, "a script", may_write=may_write)
            self.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, query: dict | None = None, **headers):
        return self.client.get(at(path), query or {}, headers={**self.headers, **headers})

    def post(self, path: str, sent: Any = None, **headers):
        content = {"data": {} if sent is None else sent, "content_type": "application/json"}
        return self.client.post(at(path), **content, headers={**self.headers, **headers})

    def rows(self, path: str, **query) -> list[dict]:
        """All rows of a list, page after page."""
        found, address = [], at(path)
        while address:
            told = self.client.get(address, query, headers=self.headers).json()
            assert "rows" in told, told
            found += told["rows"]
            address, query = told.get("next"), {}
        return found


def at(path: str) -> str:
    return path if path.startswith("/") else ROOT + path


def faults(response) -> dict[str, str]:
    """Message by field of an answer that refuses."""
    return {one["field"]: one["message"] for one in response.json()["errors"]}
