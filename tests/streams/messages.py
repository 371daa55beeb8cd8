"""Shapes that the tests of streams send."""


def of(message, **more):
    """Which stream is meant."""
    return {"messageId": message["id"], "gen": message["gen"]} | more
