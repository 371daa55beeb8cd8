"""Where an assistant's answers come from; with nothing set, from the room itself."""

from .reading import SettingError, address, integer


def load(given):
    names = ("ASSISTANT_BASE_URL", "ASSISTANT_API_KEY", "ASSISTANT_MODEL", "ASSISTANT_SYSTEM_PROMPT")
    if "ASSISTANT_BASE_URL" in given:
        address("ASSISTANT_BASE_URL", given["ASSISTANT_BASE_URL"], ("http", "https"), "http://localhost:11434/v1")
    if not given.get("ASSISTANT_API_KEY", "").isascii():
        raise SettingError("ASSISTANT_API_KEY", "must be plain ASCII")
    texts = {name: given.get(name, "") for name in names}
    return texts | {"ASSISTANT_HISTORY": integer(given, "ASSISTANT_HISTORY", 10, lowest=0, highest=200)}
