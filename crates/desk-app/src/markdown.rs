//! Markdown as HTML that is safe to insert.

use pulldown_cmark::{Options, Parser, html};

/// Renders Markdown and sanitises the result: no scripts, no styles, no event handlers, no remote images, links only to
/// `http`, `https` and `mailto`. Whatever HTML stands in the text goes through the same sieve.
pub fn safe_html(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut rendered = String::with_capacity(text.len() * 2);
    html::push_html(&mut rendered, Parser::new_ext(text, options));
    ammonia::Builder::default()
        .url_schemes(["http", "https", "mailto"].into())
        // An image that loads from elsewhere tells its sender who reads when.
        .rm_tags(["img", "map", "area"])
        .link_rel(Some("noopener noreferrer nofollow"))
        .clean(&rendered)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_html() {
        assert_eq!(safe_html("**жирный**").trim(), "<p><strong>жирный</strong></p>");
        assert!(safe_html("| a | b |\n|---|---|\n| 1 | 2 |").contains("<table>"));
        assert!(safe_html("[x](https://example.org)").contains("href=\"https://example.org\""));
    }

    #[test]
    fn nothing_that_runs_or_calls_home_survives() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "![x](https://example.org/pixel.gif)",
            "[x](javascript:alert(1))",
            "<a href=\"JaVaScRiPt:alert(1)\">x</a>",
            "<svg onload=alert(1)>",
            "<iframe src=https://example.org></iframe>",
            "<p style=\"position:fixed\">x</p>",
            "<form action=/x><input></form>",
            "<style>*{display:none}</style>",
            "<math><mtext></mtext><mglyph><style><img src onerror=alert(1)>",
        ] {
            let html = safe_html(hostile).to_lowercase();
            for trace in
                ["<script", "onerror", "<img", "javascript:", "onload", "<iframe", "style", "<form", "<svg"]
            {
                assert!(!html.contains(trace), "{hostile} left {trace}: {html}");
            }
        }
    }
}
