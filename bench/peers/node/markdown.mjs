// Markdown source → safe HTML.
import MarkdownIt from "markdown-it";
import sanitize from "sanitize-html";

const markdown = new MarkdownIt({ html: false, breaks: true, linkify: true });
const allowed = {
  allowedTags: "p br strong em s code pre span a ul ol li blockquote h1 h2 h3 h4 h5 h6 hr table thead tbody tr th td".split(" "),
  allowedAttributes: { a: ["href", "rel", "target"], ol: ["start"] },
  allowedSchemes: ["http", "https", "mailto"],
};

markdown.renderer.rules.link_open = (tokens, at, options, env, self) => {
  tokens[at].attrSet("rel", "noopener noreferrer nofollow");
  tokens[at].attrSet("target", "_blank");
  return self.renderToken(tokens, at, options);
};

export const render = (source) => sanitize(markdown.render(source), allowed).trim();
