"""The operator's shell: `run("users", "list")`."""

import json

import pytest


class Shell:
    def __init__(self, app):
        self.runner = app.test_cli_runner()

    def invoke(self, *words, given=None):
        return self.runner.invoke(args=[str(word) for word in words], input=given)

    def __call__(self, *words, given=None):
        """A command that has to succeed."""
        result = self.invoke(*words, given=given)
        assert result.exit_code == 0, result.output
        return result

    def fails(self, *words, given=None):
        """The one line on standard error of a command that has to be refused."""
        result = self.invoke(*words, given=given)
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        assert result.stderr.count("\n") == 1
        assert result.stderr.startswith("Error: ")
        return result.stderr[len("Error: ") : -1]

    def listed(self, *words):
        return json.loads(self(*words, "--json").stdout)


@pytest.fixture
def run(app):
    return Shell(app)
