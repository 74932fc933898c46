//! The colours of the style sheet, read and measured: WCAG 2.1 AA in both themes.

use std::collections::BTreeMap;

const CSS: &str = include_str!("../static/app.css");

/// Text on what it stands on: at least 4.5:1.
const TEXT: &[(&str, &[&str])] = &[
    ("text", &["bg", "bg-raised", "bg-sunken", "bg-hover", "bg-current", "bg-note", "warn-bg", "danger-bg"]),
    ("text-quiet", &["bg", "bg-raised", "bg-sunken", "bg-hover", "bg-current", "bg-note", "warn-bg"]),
    ("text-faint", &["bg", "bg-raised", "bg-sunken", "bg-hover", "bg-current", "bg-note"]),
    ("accent-text", &["bg", "bg-raised", "bg-hover", "bg-current", "bg-note", "warn-bg"]),
    ("danger", &["bg", "bg-raised", "bg-hover", "bg-current", "danger-bg"]),
    ("warn", &["bg", "bg-hover", "bg-current", "bg-note", "warn-bg"]),
    ("good", &["bg", "bg-hover", "bg-current"]),
    ("violet", &["bg", "bg-hover", "bg-current"]),
    ("on-accent", &["accent", "accent-text"]),
    ("on-severity", &["severity-p1", "severity-p2", "severity-p3", "severity-p4"]),
    ("on-toast", &["toast"]),
    ("toast-link", &["toast"]),
];

/// Edges of controls and the focus ring: at least 3:1.
const EDGES: &[(&str, &[&str])] = &[
    ("line-strong", &["bg", "bg-raised", "bg-hover", "bg-current"]),
    ("accent", &["bg", "bg-raised", "bg-hover", "bg-current"]),
];

/// The custom properties of the block that begins with `opening`, its brace included.
fn tokens(opening: &str) -> BTreeMap<String, String> {
    let block = CSS.split_once(opening).expect("the block").1.split_once('}').expect("its end").0;
    block
        .split(';')
        .filter_map(|line| line.trim().strip_prefix("--")?.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect()
}

fn luminance(hex: &str) -> f64 {
    let channel = |at: usize| {
        let value = u8::from_str_radix(&hex[at..at + 2], 16).expect("a hexadecimal colour");
        let share = f64::from(value) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    assert!(hex.starts_with('#') && hex.len() == 7, "{hex} is no #rrggbb");
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn check(theme: &str, tokens: &BTreeMap<String, String>) {
    let mut low = Vec::new();
    for (pairs, least) in [(TEXT, 4.5), (EDGES, 3.0)] {
        for (front, backs) in pairs {
            for back in *backs {
                let ratio = contrast(&tokens[*front], &tokens[*back]);
                if ratio < least {
                    low.push(format!("{theme}: --{front} on --{back} is {ratio:.2}, needs {least}"));
                }
            }
        }
    }
    assert!(low.is_empty(), "{}", low.join("\n"));
}

#[test]
fn the_measure_knows_black_on_white() {
    assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 0.001);
    assert!((contrast("#767676", "#ffffff") - 4.54).abs() < 0.01);
}

#[test]
fn light_colours_can_be_read() {
    check("light", &tokens(":root {"));
}

#[test]
fn dark_colours_can_be_read() {
    check("dark", &tokens(":root[data-theme=\"dark\"] {"));
}

#[test]
fn the_systems_dark_is_the_chosen_dark() {
    assert_eq!(tokens(":root[data-theme=\"system\"] {"), tokens(":root[data-theme=\"dark\"] {"));
}

#[test]
fn every_colour_outside_the_tokens_is_a_token() {
    let rules = CSS.split_once("@layer base {").expect("the rules after the tokens").1;
    for literal in ["#", "rgb(", "hsl("] {
        let stray =
            rules.lines().find(|line| line.contains(literal) && line.contains(':') && !line.contains("/*"));
        assert_eq!(stray, None, "a colour that no theme knows");
    }
}
