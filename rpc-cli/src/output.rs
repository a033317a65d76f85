//! What is printed: colours on terminals only, which `anstream` sees to.

use std::{
    borrow::Cow,
    fmt::{self, Display},
    io::{self, IsTerminal, Write},
};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
/// Names of services and methods.
pub(crate) const NAME: Style = Style::new().bold();
/// Words of the language.
pub(crate) const WORD: Style = AnsiColor::Blue.on_default();
/// Comments, and what is less important.
pub(crate) const SIDE: Style = AnsiColor::BrightBlack.on_default();
/// What grows and shrinks.
pub(crate) const BAR: Style = AnsiColor::Cyan.on_default();

/// A text in a style; the colours are taken out again where they do not belong.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// What a terminal takes for a command: control characters, and those that turn the direction of a text.
fn is_bad(character: char) -> bool {
    let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || character.is_control() && character != '\n'
}

/// A text of the server's, without what a terminal would take for a command.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains(is_bad) {
        text.replace(is_bad, "\u{fffd}").into()
    } else {
        text.into()
    }
}

/// JSON in which all such characters are escaped. They stand in strings only.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if is_bad(character) {
            // A string takes everything.
            let _ = fmt::Write::write_fmt(&mut escaped, format_args!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// A JSON value in one line.
pub(crate) fn json(value: &Value) -> io::Result<()> {
    line(escaped(&value.to_string()))
}

/// A line on standard output.
pub(crate) fn line(text: impl Display) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// A line on standard error. What cannot be written there cannot be reported either.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// What went wrong, and what to do about it.
pub(crate) fn failure(text: &str, hint: Option<&str>) {
    // So that no line of a server's text looks like one of this program's.
    let text = clean(text).replace('\n', "\n       ");
    note(format!("{} {text}", styled(ERROR, "error:")));
    if let Some(hint) = hint {
        note(format!("{} {hint}", styled(HINT, "hint:")));
    }
}

/// One value: in several lines for people, in one line for programs.
pub(crate) fn value(value: &Value) -> io::Result<()> {
    if io::stdout().is_terminal() {
        line(escaped(&format!("{value:#}")))
    } else {
        json(value)
    }
}

/// A number for calculations whose result people read.
#[expect(clippy::cast_precision_loss, reason = "no figure here has fifteen digits")]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::{clean, escaped};

    #[test]
    fn a_text_of_a_server_does_not_steer_the_terminal() {
        assert_eq!(clean("one\ntwo \u{1b}[2J\u{202e}"), "one\ntwo \u{fffd}[2J\u{fffd}");
        assert_eq!(escaped("\"\u{1b}\u{2066}ß\""), "\"\\u001b\\u2066ß\"");
    }
}
