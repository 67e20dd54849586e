"""Messages about runs, put on the wire in the ways that chat programs expect. Nothing here knows the database or Django.

Another program is one module with `request` and `failure`, and one line in KINDS.
"""

from types import ModuleType

from judging.messages import dingtalk, feishu, plain, slack, wecom
from judging.messages.base import Message, Request, RunFacts, Sent
from judging.messages.posting import post_all, without_address

KINDS: dict[str, ModuleType] = {
    "json": plain,
    "feishu": feishu,
    "slack": slack,
    "dingtalk": dingtalk,
    "wecom": wecom,
}
"""Each kind of webhook: `request(message, url=…, secret=…, at=…)` makes what is posted, `failure(status, body)` reads the answer."""

__all__ = ["KINDS", "Message", "Request", "RunFacts", "Sent", "post_all", "without_address"]
