"""What is judged: benchmarks and their questions, language models and their answers, battles."""

from arena.models.answer import HTML_VERSION, UNFINISHED, UNPUBLISHED, Answer, AnswerQuerySet, Battle, BattleQuerySet
from arena.models.benchmark import Benchmark, Category, Question, QuestionQuerySet
from arena.models.language_model import EndpointTally, LanguageModel
from arena.models.token import ApiToken
from arena.models.upload import Upload
from arena.models.words import Provenance, in_reader_language, storable

__all__ = [
    "HTML_VERSION",
    "UNFINISHED",
    "UNPUBLISHED",
    "Answer",
    "AnswerQuerySet",
    "ApiToken",
    "Battle",
    "BattleQuerySet",
    "Benchmark",
    "Category",
    "EndpointTally",
    "LanguageModel",
    "Provenance",
    "Question",
    "QuestionQuerySet",
    "Upload",
    "in_reader_language",
    "storable",
]
