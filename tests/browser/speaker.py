"""A program that speaks piece by piece, by plain HTTP. For the browser tests of streams."""

import uuid


class Speaker:
    """One stream; `length` is in UTF-16 units, as offsets are."""

    def __init__(self, somebody, room, reply_to=None):
        self.somebody, self.text = somebody, ""
        given = {"clientId": str(uuid.uuid4())} | ({"replyTo": reply_to} if reply_to else {})
        made = somebody.calls("POST", f"/sessions/{room}/streams", given)
        assert made.status_code == 201, made.text
        self.message = made.json()["message"]
        self.gen = self.message["gen"]

    @property
    def length(self):
        return len(self.text.encode("utf-16-le")) // 2

    def says(self, text):
        said = self.posts("chunks", offset=self.length, text=text)
        assert said.ok, said.text
        self.text += text
        return self

    def ends(self, **how):
        ended = self.posts("complete", **how)
        assert ended.ok, ended.text
        return ended.json()["message"]

    def begins_again(self, gen):
        self.gen, self.text = gen, ""

    def posts(self, what, **more):
        return self.somebody.calls("POST", f"/streams/{self.message['id']}/{what}", {"gen": self.gen} | more)
