import sys; sys.path.insert(0,"/work/main")
from tests.live.test_bodies import *
def test_show(house, ana, room):
    for n in (131_072, 131_073, 140_000, 200_000):
        body = json.dumps(a_message(content="x")).encode(); body += b" " * (n - len(body))
        with connection(house) as o:
            o.sendall(head(ana, room, "Transfer-Encoding: chunked", "Connection: close") + in_chunks(body, 8192))
            print("CHUNKED", n, o.makefile("rb").read()[-200:])
