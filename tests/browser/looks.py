"""How a page is looked at: by axe, by a ruler, and by a camera. For test_looks.py."""

from tests.browser import chromium
from tests.browser.visitor import Visitor

SIZES = {"wide": (1440, 900), "middle": (768, 1024), "small": (320, 640)}
THEMES = ("light", "dark")
PICTURES = chromium.ROOT / "test-artefacts" / "pages"
RUN_AXE = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id} (${help}) at ${target}: ${failureSummary}`));
}"""
SETTLED = """async () => {
  await document.fonts.ready;
  for (const motion of document.getAnimations()) motion.finish();
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""


def violations(visitor: Visitor) -> list[str]:
    """What axe finds. It comes in by the debugger: the page's own policy lets no strange script in."""
    if not visitor.page.evaluate("'axe' in window"):
        visitor.page.evaluate(chromium.axe())
    return visitor.page.evaluate(RUN_AXE)


def is_shown(visitor: Visitor, theme: str, size: str):
    width, height = SIZES[size]
    visitor.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    visitor.page.set_viewport_size({"width": width, "height": height})
    visitor.page.evaluate(SETTLED)


def picture(visitor: Visitor, name: str, theme: str, size: str):
    visitor.page.screenshot(path=PICTURES / f"{name}-{theme}-{size}.png", animations="disabled")


def composer_in_view(visitor: Visitor) -> bool:
    """Also true where there is none."""
    return visitor.page.evaluate(
        """() => {
          const composer = document.querySelector(".composer__box")?.getBoundingClientRect();
          const { clientWidth, clientHeight } = document.documentElement;
          return !composer || (composer.left >= 0 && composer.top >= 0 && composer.right <= clientWidth && composer.bottom <= clientHeight);
        }"""
    )


def passes(visitor: Visitor, name: str):
    """Nothing is to be objected to a page, in both themes and three widths; leaves its pictures."""
    found = []
    for theme in THEMES:
        for size in SIZES:
            is_shown(visitor, theme, size)
            picture(visitor, name, theme, size)
            where = f"{theme}, {size}: "
            found += [where + one for one in visitor.fits()]
            found += [] if composer_in_view(visitor) else [where + "the composer is not in view"]
            if size != "middle":
                found += [where + one for one in violations(visitor)]
    assert not found, "\n".join(found)
