"""Static files: kept for ever at an address of their version, asked for again at any other, and nothing else let out."""

import re
import shutil
from pathlib import Path

import pytest

from chatapp import create_app
from chatapp.web import static_files
from tests.cast import Browser

ROOT = Path(__file__).resolve().parents[2]
FOR_EVER = "public, max-age=31536000, immutable"
OTHER = "0123456789abcdef"


@pytest.fixture
def folder(tmp_path):
    """A copy of static/ that a test may change, with things in it that nobody may see."""
    copy = tmp_path / "static"
    shutil.copytree(ROOT / "static", copy, ignore=shutil.ignore_patterns("node_modules"))
    (copy / "vendor/node_modules").mkdir(parents=True)
    (copy / "vendor/node_modules/secret.js").write_text("secret")
    (copy / "js/.swap.js").write_text("secret")
    return copy


@pytest.fixture
def serving(app, folder, ana):
    """`serving(APP_ENV="development")`: a browser at an application that has this folder."""

    def make(**settings):
        url = app.config["SQLALCHEMY_DATABASE_URI"]
        other = {"SQLALCHEMY_DATABASE_URI": url, "RATE_LIMITS": False, "APP_ENV": "test", "SECRET_KEY": "x"} | settings
        made = create_app(other)
        made.static_folder = str(folder)
        made.extensions["static_files"] = static_files.read(folder)
        return Browser(made)

    return make


def digest_of(browser) -> str:
    (found,) = set(re.findall(r"/static/([0-9a-f]{16})/", browser.opens("/sign-in").text))
    return found


def test_what_a_page_names_may_be_kept_for_a_year(serving):
    browser = serving()
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', browser.opens("/sign-in").text)
    assert len(named) > 8
    for address in named:
        answer = browser.opens(address)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, FOR_EVER)
        assert "Set-Cookie" not in answer.headers and "Cookie" not in answer.headers.get("Vary", "")


def test_every_module_that_the_page_will_need_is_named_in_it(ana, room):
    page = ana.opens_a_browser().opens(f"/rooms/{room}").text
    named = set(re.findall(r'rel="modulepreload" href="/static/[0-9a-f]{16}/([^"]+)"', page))
    needed, seen = ["js/app.js"], set()
    while needed:
        path = needed.pop()
        if path not in seen and (ROOT / "static" / path).exists():
            seen.add(path)
            imports = re.findall(r'from "(\.\.?/[^"]+)"', (ROOT / "static" / path).read_text())
            needed += [
                str((ROOT / "static" / path).parent.joinpath(one).resolve().relative_to(ROOT / "static"))
                for one in imports
            ]
    assert len(seen) > 20 and named == seen - {"js/app.js"}


def test_every_other_address_gives_the_file_of_now_and_is_asked_again(serving):
    browser = serving()
    current = browser.opens(f"/static/{digest_of(browser)}/js/app.js")
    for address in ("/static/js/app.js", f"/static/{OTHER}/js/app.js"):
        answer = browser.opens(address)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
        assert answer.data == current.data and answer.content_type == "text/javascript; charset=utf-8"
        again = browser.opens(address, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
    assert browser.opens("/static/js/app.js", method="HEAD").status_code == 200
    assert browser.opens("/static/js/app.js", method="POST").status_code in (403, 405)


@pytest.mark.parametrize(
    "path",
    [
        "package.json", ".npmrc", "package-lock.json", f"{OTHER}/package.json", "vendor/node_modules/secret.js", "js/.swap.js",
        "", "js", "js/", OTHER, f"{OTHER}/", f"{OTHER}/{OTHER}/js/app.js", f"{OTHER.upper()}/js/app.js", f"{OTHER}0/js/app.js",
        "0123/js/app.js", "../config.py", "js/../../config.py", f"{OTHER}/../../config.py", "%2e%2e/config.py", "..%2fconfig.py",
        "js/..%2f..%2fconfig.py", "js%5c..%5c..%5cconfig.py", "/etc/passwd", "//etc/passwd", f"{OTHER}//js/app.js", "js/app.js%00",
        "js/../js/app.js",
    ],
)  # fmt: skip
def test_nothing_else_is_let_out(serving, path):
    assert (ROOT / "static/package.json").exists()
    answer = serving().opens(f"/static/{path}")
    assert answer.status_code in (404, 308), answer.data
    if answer.status_code == 308:  # too many slashes: led to the address with one
        assert serving().opens(answer.location).status_code in (200, 404) and "config" not in answer.location


def test_what_changes_under_a_running_server_is_not_given_out_as_the_old_version(serving, folder):
    browser = serving()
    before, digest = browser.opens("/static/js/app.js").data, digest_of(browser)
    (folder / "js/app.js").write_text("// newer")
    assert browser.opens(f"/static/{digest}/js/app.js").data == before
    after_a_restart = serving()
    assert digest_of(after_a_restart) != digest
    assert after_a_restart.opens("/static/js/app.js").data == b"// newer"
    assert after_a_restart.opens(f"/static/{digest}/js/app.js").headers["Cache-Control"] == "no-cache"


def test_in_development_a_change_is_seen_at_once(serving, folder):
    browser = serving(APP_ENV="development")
    digest = digest_of(browser)
    assert digest_of(browser) == digest
    (folder / "js/new.js").write_text("export {};")
    assert digest_of(browser) != digest
    assert browser.opens(f"/static/{digest_of(browser)}/js/new.js").headers["Cache-Control"] == FOR_EVER
    assert browser.opens(f"/static/{digest}/js/new.js").headers["Cache-Control"] == "no-cache"
    (folder / "js/new.js").unlink()
    assert digest_of(browser) == digest
    assert browser.opens("/static/js/new.js").status_code == 404


def test_a_digest_follows_names_and_contents_alike(folder):
    first = static_files.read(folder).digest
    assert static_files.read(folder).digest == first
    (folder / "js/app.js").rename(folder / "js/opp.js")
    assert static_files.read(folder).digest != first


def test_only_for_another_origin_do_files_say_that_anybody_may_use_them(serving):
    name = "Access-Control-Allow-Origin"
    away = serving(STATIC_URL="https://cdn.example/chat").opens("/static/js/app.js")
    assert away.headers[name] == "*"
    for settings in ({}, {"STATIC_URL": "/elsewhere"}):
        assert name not in serving(**settings).opens("/static/js/app.js").headers
