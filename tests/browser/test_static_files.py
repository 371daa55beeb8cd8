"""Scripts and styles in a browser's memory: fetched once, never asked about, and new as soon as they are."""

import shutil

from tests.browser import chromium

CODE = ("chatapp", "migrations", "static", "templates", "config.py", "wsgi.py")
NEW = "document.documentElement.dataset.version = 'new';"


def asked_of_the_server(visitor) -> list[str]:
    """The addresses under /static/ that the server answers from now on, whatever the browser remembers."""
    network, found, asked = visitor.context.new_cdp_session(visitor.page), {}, []
    network.send("Network.enable")
    network.on("Network.requestWillBeSent", lambda event: found.update({event["requestId"]: event["request"]["url"]}))
    # Said only of answers that came over the network, those with 304 among them.
    network.on("Network.responseReceivedExtraInfo", lambda event: asked.append(event["requestId"]))
    return lambda: [found[one] for one in asked if "/static/" in found.get(one, "")]


def test_a_page_seen_before_asks_for_no_script_and_no_style(ana, room, note):
    asked = asked_of_the_server(ana)
    ana.opens(room)
    cold = len(asked())
    ana.opens(room)
    ana.page.wait_for_timeout(500)
    assert cold > 30
    assert asked()[cold:] == []
    note(f"static files: {cold} asked for at the first visit, 0 at the second")


def test_a_page_names_all_modules_so_that_none_waits_for_another(ana, room):
    ana.opens(room)
    fetched = ana.page.evaluate(
        """() => performance.getEntriesByType("resource").filter((one) => /[.]js$/.test(one.name))
        .map((one) => ({ name: one.name, began: one.startTime, ended: one.responseEnd }))"""
    )
    entry = next(one for one in fetched if one["name"].endswith("/app.js"))
    assert len(fetched) > 20
    assert [one["name"] for one in fetched if one["began"] > entry["ended"]] == []


def test_what_changed_is_seen_after_a_restart_without_a_hard_reload(shaky_house, at_browser, tmp_path):
    server = shaky_house.server
    for name in CODE:
        source = chromium.ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    somebody = shaky_house.somebody("Dora Lind")
    room = somebody.makes(name="Cellar")
    dora = at_browser(shaky_house, somebody)
    dora.knows_the_server_may_die()
    dora.opens(room)
    assert dora.page.evaluate("document.documentElement.dataset.version") is None
    script = tmp_path / "static/js/times.js"
    script.write_text(script.read_text() + NEW)
    server.root = tmp_path
    server.restart()
    dora.opens(room)
    dora.page.wait_for_function("document.documentElement.dataset.version === 'new'")
