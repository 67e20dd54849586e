"""A language model as judge that is told what to say, and its verdicts as they are and as they are read from the record."""

import asyncio
import json

from arena.chat import ChatError, Completion
from judging.judges.base import EndpointDown, Exhibit
from judging.judges.llm import LLMJudge
from judging.prompts import default_rubric

PAIR = default_rubric("pair")


class Told:
    """A chat that says these texts, completions and errors in turn, the last one for ever; it keeps what it was asked."""

    def __init__(self, *says):
        self.says, self.asked, self.schemas, self.logprobs = list(says), [], [], []

    async def complete(self, messages, *, schema=None, stream=False, logprobs=None):
        self.asked.append(list(messages))
        self.schemas.append(schema)
        self.logprobs.append(logprobs)
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Completion) else Completion(said, tokens_in=10, tokens_out=1, seconds=0.1)

    async def close(self):
        pass


def pair(first="one", second="two", **more):
    return Exhibit(id=0, turns=("Which way?",), answers=((first,), (second,)), **more)


def single(answer="North, says the map.", **more):
    return Exhibit(id=0, turns=("Which way?",), answers=((answer,),), **more)


def run(judge, exhibits):
    """Each exhibit with its verdict, in the order they came."""

    async def collected():
        return [each async for each in judge.judge(exhibits)]

    return asyncio.run(collected())


def asked(exhibit, *says, rubric=PAIR, **options):
    """The judge, its verdict, and the chat that was asked for it."""
    chat = Told(*says)
    judge = LLMJudge(lambda: chat, rubric, **options)
    (verdict,), _why = until_down(judge, [exhibit])
    return judge, verdict, chat


def until_down(judge, exhibits):
    """The verdicts that came before the endpoint was given up, and why it was; "" where it never was."""

    async def collected():
        came = []
        try:
            async for _exhibit, verdict in judge.judge(exhibits):
                came.append(verdict)
        except EndpointDown as down:
            return came, str(down)
        return came, ""

    return asyncio.run(collected())


def verdict_of(exhibit, *says, **options):
    return asked(exhibit, *says, **options)[1]


def failing(status=400):
    return ChatError(f"status {status}", transient=False, status=status)


def read_again(judge, exhibit, verdict):
    """The verdict as it is read from its record, which has been to the database and back."""
    return judge.reread(exhibit, reply=verdict.reply, details=json.loads(json.dumps(verdict.details)))


def essence(verdict):
    """What a record says, without what asking for it took."""
    said = (verdict.status, verdict.value, verdict.both_bad, dict(verdict.scores), list(verdict.points), verdict.error)
    return *said, verdict.digest, json.loads(json.dumps(verdict.details))
