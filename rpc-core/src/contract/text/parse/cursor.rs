//! A place in the words of a contract's text.

use super::{
    InvalidContract,
    lexer::{Token, Word},
};

pub(super) struct Cursor {
    words: Vec<Token>,
    next: usize,
}

impl Cursor {
    pub(super) fn new(words: Vec<Token>) -> Self {
        Self { words, next: 0 }
    }

    pub(super) fn peek(&self) -> Option<&Word> {
        self.words.get(self.next).map(|token| &token.word)
    }

    /// The line of the next word, or of the last one.
    pub(super) fn line(&self) -> usize {
        let token = self.words.get(self.next).or(self.words.last());
        token.map_or(1, |token| token.line)
    }

    /// The word behind the next one.
    pub(super) fn after(&self) -> Option<Word> {
        self.words.get(self.next + 1).map(|token| token.word.clone())
    }

    /// Whether `#[rpc` comes next.
    pub(super) fn is_policy(&self) -> bool {
        let third = self.words.get(self.next + 2).map(|token| &token.word);
        matches!(third, Some(Word::Plain(word)) if word == "rpc")
    }

    pub(super) fn advance(&mut self) -> Option<Word> {
        let word = self.peek().cloned();
        self.next += 1;
        word
    }

    /// Whether the sign comes next, which is then behind.
    pub(super) fn takes(&mut self, sign: char) -> bool {
        let takes = self.peek() == Some(&Word::Sign(sign));
        self.next += usize::from(takes);
        takes
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Word::Plain(next)) if next == word)
    }

    /// The same for a word without quotes.
    pub(super) fn takes_word(&mut self, word: &str) -> bool {
        let takes = self.is_word(word);
        self.next += usize::from(takes);
        takes
    }

    pub(super) fn sign(&mut self, sign: char) -> Result<(), InvalidContract> {
        if self.takes(sign) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{sign}`")))
        }
    }

    pub(super) fn word(&mut self, word: &str) -> Result<(), InvalidContract> {
        if self.takes_word(word) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{word}`")))
        }
    }

    pub(super) fn name(&mut self) -> Result<String, InvalidContract> {
        match self.peek() {
            Some(Word::Plain(name) | Word::Quoted(name)) => {
                let name = name.clone();
                self.next += 1;
                Ok(name)
            }
            _ => Err(self.expected("a name")),
        }
    }

    pub(super) fn number(&mut self) -> Result<u64, InvalidContract> {
        match self.peek() {
            Some(&Word::Number(number)) => {
                self.next += 1;
                Ok(number)
            }
            _ => Err(self.expected("a number")),
        }
    }

    /// `#2`, or 1 where it is missing.
    pub(super) fn count(&mut self) -> u64 {
        match self.peek() {
            Some(&Word::Count(count)) => {
                self.next += 1;
                count
            }
            _ => 1,
        }
    }

    pub(super) fn error(&self, reason: impl Into<String>) -> InvalidContract {
        InvalidContract::new(self.line(), reason)
    }

    pub(super) fn expected(&self, what: &str) -> InvalidContract {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(Word::Plain(name)) => format!("`{}`", name.escape_debug()),
            Some(Word::Quoted(name)) => format!("\"{}\"", name.escape_debug()),
            Some(Word::Number(number)) => format!("`{number}`"),
            Some(Word::Count(number)) => format!("`#{number}`"),
            Some(Word::Arrow) => "`->`".to_owned(),
            Some(Word::Sign(sign)) => format!("`{}`", sign.escape_debug()),
        };
        self.error(format!("expected {what}, found {found}"))
    }
}
