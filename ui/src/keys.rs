//! What a key press means. Keys act on physical positions, so that a Russian layout changes nothing.

use desk_domain::time::UtcMillis;

/// What a key, a button or the palette asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Opens the palette.
    Palette,
    /// Goes to the search field.
    Search,
    /// To the next line.
    Down,
    /// To the line before.
    Up,
    /// A page down.
    PageDown,
    /// A page up.
    PageUp,
    /// To the first line.
    First,
    /// To the last line.
    Last,
    /// Opens the line.
    Open,
    /// Closes what is open.
    Back,
    /// A new ticket (on the other pages: article, incident).
    New,
    /// Answers.
    Reply,
    /// Writes a note.
    Note,
    /// Chooses the assignee.
    Assign,
    /// Chooses the priority.
    Priority,
    /// Chooses the status.
    Status,
    /// Chooses tags.
    Tags,
    /// Selects the line.
    Select,
    /// Edits the text that is open.
    Edit,
    /// Takes one of the values of a conflict, counted from 0.
    Value(usize),
    /// Declares an incident from the ticket that is open.
    Declare,
    /// In the past of a document, to the change before.
    Earlier,
    /// In the past of a document, to the next change.
    Later,
    /// Takes back the last edit.
    Undo,
    /// Shows all keys.
    Help,
    /// Sends or saves what is being written.
    Send,
    /// Folds the navigation or unfolds it.
    FoldNavigation,
    /// To the tickets.
    GoTickets,
    /// To the articles.
    GoKnowledge,
    /// To the incidents.
    GoIncidents,
    /// To the alerts.
    GoAlerts,
}

/// The help page: keys as they are printed on them, and the Fluent key (after `help-`) of what they do.
pub(crate) const HELP: [(&str, &str); 29] = [
    ("Ctrl+K", "palette"),
    ("/", "search"),
    ("J  ↓", "down"),
    ("K  ↑", "up"),
    ("PgUp  PgDn  Home  End", "jump"),
    ("Enter", "open"),
    ("Esc", "back"),
    ("X", "select"),
    ("C", "new"),
    ("R", "reply"),
    ("N", "note"),
    ("Ctrl+Enter", "send"),
    ("S", "status"),
    ("P", "priority"),
    ("A", "assign"),
    ("T", "tags"),
    ("E", "edit"),
    ("I", "declare"),
    ("1  2", "value"),
    ("←  →", "past"),
    ("Z", "undo"),
    ("G  T", "go-tickets"),
    ("G  K", "go-knowledge"),
    ("G  I", "go-incidents"),
    ("G  A", "go-alerts"),
    ("[", "fold"),
    ("Tab", "tab"),
    ("Space", "space"),
    ("?", "help"),
];

/// What has the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    /// Something that takes text, or a choice by its letters: letters are its own.
    Typing,
    /// A button or link: Enter and space are its own.
    Control,
    /// Nothing of these.
    Page,
}

/// A key press.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Press<'a> {
    /// The key's physical position, `KeyboardEvent.code`.
    pub(crate) code: &'a str,
    /// Control, or Command on a Mac.
    pub(crate) ctrl: bool,
    /// Shift.
    pub(crate) shift: bool,
    /// Alt.
    pub(crate) alt: bool,
    /// What has the focus.
    pub(crate) focus: Focus,
    /// When.
    pub(crate) at: UtcMillis,
}

/// How long `g` waits for its second key.
const GO_MS: i64 = 1_200;

/// Reads key presses; remembers a `g`.
#[derive(Debug, Default)]
pub(crate) struct Keymap {
    go_at: Option<UtcMillis>,
}

impl Keymap {
    /// What the press asks for; `None` leaves the key to the page.
    pub(crate) fn press(&mut self, press: Press<'_>) -> Option<Command> {
        let go = self.go_at.take().is_some_and(|at| press.at.since(at) <= GO_MS);
        if press.alt {
            return None;
        }
        if press.ctrl {
            return match press.code {
                "KeyK" => Some(Command::Palette),
                "Enter" | "NumpadEnter" => Some(Command::Send),
                _ => None,
            };
        }
        if press.code == "Escape" {
            return Some(Command::Back);
        }
        match press.focus {
            Focus::Typing => return None,
            Focus::Control if matches!(press.code, "Enter" | "NumpadEnter" | "Space") => return None,
            Focus::Control | Focus::Page => {}
        }
        if press.shift {
            return (press.code == "Slash").then_some(Command::Help);
        }
        if go {
            let went = match press.code {
                "KeyT" => Some(Command::GoTickets),
                "KeyK" => Some(Command::GoKnowledge),
                "KeyI" => Some(Command::GoIncidents),
                "KeyA" => Some(Command::GoAlerts),
                _ => None,
            };
            if went.is_some() {
                return went;
            }
        }
        match press.code {
            "KeyG" => {
                self.go_at = Some(press.at);
                None
            }
            "Slash" => Some(Command::Search),
            "KeyJ" | "ArrowDown" => Some(Command::Down),
            "KeyK" | "ArrowUp" => Some(Command::Up),
            "PageDown" => Some(Command::PageDown),
            "PageUp" => Some(Command::PageUp),
            "Home" => Some(Command::First),
            "End" => Some(Command::Last),
            "Enter" | "NumpadEnter" => Some(Command::Open),
            "KeyC" => Some(Command::New),
            "KeyR" => Some(Command::Reply),
            "KeyN" => Some(Command::Note),
            "KeyA" => Some(Command::Assign),
            "KeyP" => Some(Command::Priority),
            "KeyS" => Some(Command::Status),
            "KeyT" => Some(Command::Tags),
            "KeyX" => Some(Command::Select),
            "KeyE" => Some(Command::Edit),
            "KeyI" => Some(Command::Declare),
            "ArrowLeft" => Some(Command::Earlier),
            "ArrowRight" => Some(Command::Later),
            "KeyZ" => Some(Command::Undo),
            "BracketLeft" => Some(Command::FoldNavigation),
            code => digit(code).map(Command::Value),
        }
    }
}

/// The place that a digit's key stands for: `1` is the first. There is no tenth.
fn digit(code: &str) -> Option<usize> {
    let digit = code.strip_prefix("Digit").or_else(|| code.strip_prefix("Numpad"))?;
    digit.parse::<usize>().ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: &str, focus: Focus) -> Press<'_> {
        Press { code, ctrl: false, shift: false, alt: false, focus, at: UtcMillis(0) }
    }

    fn one(press: Press<'_>) -> Option<Command> {
        Keymap::default().press(press)
    }

    #[test]
    fn keys_act_by_their_place_and_never_while_typing() {
        for (code, command) in [
            ("KeyJ", Command::Down),
            ("KeyK", Command::Up),
            ("KeyR", Command::Reply),
            ("KeyN", Command::Note),
            ("KeyZ", Command::Undo),
            ("Digit1", Command::Value(0)),
            ("Numpad2", Command::Value(1)),
            ("ArrowLeft", Command::Earlier),
            ("Slash", Command::Search),
            ("Enter", Command::Open),
        ] {
            assert_eq!(one(press(code, Focus::Page)), Some(command), "{code}");
            assert_eq!(one(press(code, Focus::Typing)), None, "{code}");
        }
    }

    #[test]
    fn keys_without_a_meaning_are_left_to_the_page() {
        for code in ["Digit0", "Numpad0", "NumpadAdd", "KeyO", "F5"] {
            assert_eq!(one(press(code, Focus::Page)), None, "{code}");
        }
    }

    #[test]
    fn some_keys_act_while_typing_too() {
        assert_eq!(one(press("Escape", Focus::Typing)), Some(Command::Back));
        let ctrl = |code| one(Press { ctrl: true, ..press(code, Focus::Typing) });
        assert_eq!(ctrl("KeyK"), Some(Command::Palette));
        assert_eq!(ctrl("Enter"), Some(Command::Send));
        assert_eq!(ctrl("KeyC"), None, "copying is the system's");
    }

    #[test]
    fn a_button_keeps_its_own_keys() {
        assert_eq!(one(press("Enter", Focus::Control)), None);
        assert_eq!(one(press("Space", Focus::Control)), None);
        assert_eq!(one(press("KeyJ", Focus::Control)), Some(Command::Down));
    }

    #[test]
    fn question_mark_is_shift_and_the_slash_key() {
        assert_eq!(one(Press { shift: true, ..press("Slash", Focus::Page) }), Some(Command::Help));
        assert_eq!(one(Press { shift: true, ..press("KeyJ", Focus::Page) }), None);
        assert_eq!(one(Press { alt: true, ..press("KeyJ", Focus::Page) }), None);
    }

    #[test]
    fn g_waits_a_moment_for_its_second_key() {
        let check = |code, at, expected| {
            let mut keymap = Keymap::default();
            assert_eq!(keymap.press(press("KeyG", Focus::Page)), None);
            assert_eq!(keymap.press(Press { at: UtcMillis(at), ..press(code, Focus::Page) }), Some(expected));
        };
        check("KeyT", 500, Command::GoTickets);
        check("KeyK", 500, Command::GoKnowledge);
        check("KeyI", 500, Command::GoIncidents);
        check("KeyA", 500, Command::GoAlerts);
        check("KeyA", 5_000, Command::Assign);
        check("KeyJ", 500, Command::Down);
    }
}
