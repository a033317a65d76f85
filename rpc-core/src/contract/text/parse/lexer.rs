//! The words of a contract's text.

use std::{iter::Peekable, str::CharIndices};

use super::{
    super::name::{goes_on, starts},
    InvalidContract,
};

/// A word, and the line in which it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Without quotes, so it may be one that means something.
    Plain(String),
    Quoted(String),
    Number(u64),
    /// `#2`, behind the name of the second type with that name.
    Count(u64),
    Arrow,
    Sign(char),
}

/// All words, without comments.
pub(super) fn words(text: &str) -> Result<Vec<Token>, InvalidContract> {
    let mut lexer = Lexer {
        text,
        rest: text.char_indices().peekable(),
        line: 1,
    };
    let mut words = Vec::new();
    while let Some((at, character)) = lexer.rest.next() {
        let line = lexer.line;
        let word = match character {
            '\n' => {
                lexer.line += 1;
                continue;
            }
            _ if character.is_whitespace() => continue,
            '/' if lexer.follows('/') => {
                lexer.skip_line();
                continue;
            }
            '"' => Word::Quoted(lexer.quoted()?),
            '-' if lexer.follows('>') => Word::Arrow,
            '#' if lexer.rest.peek().is_some_and(|(_, next)| next.is_ascii_digit()) => {
                Word::Count(lexer.number(at + 1)?)
            }
            _ if character.is_ascii_digit() => Word::Number(lexer.number(at)?),
            _ if starts(character) => Word::Plain(lexer.run(at, goes_on).to_owned()),
            _ => Word::Sign(character),
        };
        words.push(Token { word, line });
    }
    Ok(words)
}

struct Lexer<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn follows(&mut self, character: char) -> bool {
        self.rest.next_if(|(_, next)| *next == character).is_some()
    }

    fn skip_line(&mut self) {
        while self.rest.next_if(|(_, next)| *next != '\n').is_some() {}
    }

    /// From that place on, as long as the characters are such.
    fn run(&mut self, from: usize, belongs: impl Fn(char) -> bool) -> &'a str {
        while self.rest.next_if(|(_, next)| belongs(*next)).is_some() {}
        let end = self.rest.peek().map_or(self.text.len(), |(end, _)| *end);
        &self.text[from..end]
    }

    fn number(&mut self, from: usize) -> Result<u64, InvalidContract> {
        let digits = self.run(from, |next| next.is_ascii_digit());
        digits.parse().map_err(|_| self.error("the number is too large"))
    }

    /// What stands in quotes, as `escape_debug` writes it.
    fn quoted(&mut self) -> Result<String, InvalidContract> {
        let mut name = String::new();
        loop {
            match self.rest.next() {
                Some((_, '"')) => return Ok(name),
                Some((_, '\\')) => name.push(self.escape()?),
                None | Some((_, '\n')) => return Err(self.error("the quotes of the name do not end in this line")),
                Some((_, character)) => name.push(character),
            }
        }
    }

    fn escape(&mut self) -> Result<char, InvalidContract> {
        match self.rest.next() {
            Some((_, 'n')) => Ok('\n'),
            Some((_, 'r')) => Ok('\r'),
            Some((_, 't')) => Ok('\t'),
            Some((_, '0')) => Ok('\0'),
            Some((_, same @ ('\\' | '"' | '\''))) => Ok(same),
            Some((at, 'u')) if self.follows('{') => {
                let digits = self.run(at + 2, |next| next.is_ascii_hexdigit());
                let number = u32::from_str_radix(digits, 16).ok();
                let character = number.and_then(char::from_u32).filter(|_| self.follows('}'));
                character.ok_or_else(|| self.error("`\\u{...}` is no character"))
            }
            _ => Err(self.error("an unknown escape in a name; there are \\n \\r \\t \\0 \\\\ \\\" \\' \\u{...}")),
        }
    }

    fn error(&self, reason: &str) -> InvalidContract {
        InvalidContract::new(self.line, reason)
    }
}
