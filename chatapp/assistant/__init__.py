"""Where an assistant's answers come from: a language model behind an OpenAI-compatible endpoint, or, with none set up,
an offline recap of the room. Stands on nothing but plain data; the row gives it a `Question` and says what it answers.

    answer = source_of(settings).open(question)
    for piece in answer: …              # as they come, never longer in all than the contract allows
    answer.outcome, answer.error, answer.usage
"""

from collections.abc import Mapping

from .endpoint import Endpoint
from .recap import Recap


def source_of(settings: Mapping) -> Endpoint | Recap:
    """What the settings (ASSISTANT_…) name. Make it once and keep it: it holds nothing of any one answer."""
    if not settings.get("ASSISTANT_BASE_URL"):
        return Recap()
    return Endpoint(
        settings["ASSISTANT_BASE_URL"],
        key=settings.get("ASSISTANT_API_KEY", ""),
        model=settings.get("ASSISTANT_MODEL", ""),
        system_prompt=settings.get("ASSISTANT_SYSTEM_PROMPT", ""),
    )
