//! The cards of a vCard file, one after the other, with bounded memory.

use std::io::{self, BufRead, BufReader, Read};

/// The maximal size of a card without its pictures, in bytes.
const MAX_CARD: usize = 1 << 20;

/// Properties that are dropped: pictures, sounds and keys can be large, and contacts have none.
const DROPPED: [&str; 4] = ["PHOTO", "LOGO", "SOUND", "KEY"];

/// The cards of a file.
pub struct Cards<R> {
    input: BufReader<R>,
    line: u64,
    /// The line on which a card begins whose beginning was read in the place of the end of the one before.
    begun: Option<u64>,
}

/// A card.
#[derive(Debug, PartialEq, Eq)]
pub struct Card {
    /// The line on which it begins, from 1 on.
    pub line: u64,
    /// The text, or why it cannot be read.
    pub text: Result<String, &'static str>,
}

impl<R: Read> Cards<R> {
    /// Reads the input.
    pub fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(1 << 16, input), line: 0, begun: None }
    }

    /// Returns the next card. `None` at the end. What is around cards is skipped.
    pub fn next_card(&mut self) -> io::Result<Option<Card>> {
        let begun = match self.begun.take() {
            Some(line) => Some(line),
            None => self.find_begin()?,
        };
        let Some(line) = begun else { return Ok(None) };
        let text = self.read_card()?;
        Ok(Some(Card { line, text: text.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8")) }))
    }

    fn find_begin(&mut self) -> io::Result<Option<u64>> {
        let mut text = Vec::new();
        while self.read_line(&mut text)? {
            if is_begin(&text) {
                return Ok(Some(self.line));
            }
            text.clear();
        }
        Ok(None)
    }

    /// Reads the lines after the beginning of a card, up to its end.
    fn read_card(&mut self) -> io::Result<Result<Vec<u8>, &'static str>> {
        let mut card = b"BEGIN:VCARD\r\n".to_vec();
        let (mut is_dropped, mut is_too_long) = (false, false);
        let mut line = Vec::new();
        loop {
            line.clear();
            if !self.read_line(&mut line)? {
                return Ok(Err("END:VCARD is missing"));
            }
            if is_begin(&line) {
                self.begun = Some(self.line);
                return Ok(Err("END:VCARD is missing"));
            }
            if !line.starts_with(b" ") && !line.starts_with(b"\t") {
                is_dropped = DROPPED.iter().any(|name| property(&line).eq_ignore_ascii_case(name.as_bytes()));
            }
            is_too_long |= !is_dropped && card.len() + line.len() > MAX_CARD;
            if !is_dropped && !is_too_long {
                card.extend_from_slice(&line);
                card.extend_from_slice(b"\r\n");
            }
            if line.trim_ascii().eq_ignore_ascii_case(b"END:VCARD") {
                return Ok(if is_too_long { Err("it has more than 1 MiB") } else { Ok(card) });
            }
        }
    }

    /// Appends the next line without its end, as far as a card may have it. Returns false at the end of the file.
    fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        let mut has_read = false;
        loop {
            let buffer = self.input.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
            let free = (MAX_CARD + 1).saturating_sub(line.len());
            line.extend(part.iter().take(free));
            let read = part.len() + usize::from(end.is_some());
            has_read |= read > 0;
            self.input.consume(read);
            if end.is_some() || read == 0 {
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                self.line += u64::from(has_read);
                return Ok(has_read);
            }
        }
    }
}

fn is_begin(line: &[u8]) -> bool {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii().eq_ignore_ascii_case(b"BEGIN:VCARD")
}

/// Returns the name of the property of a line, without its group.
fn property(line: &[u8]) -> &[u8] {
    let name = line.split(|byte| matches!(byte, b':' | b';')).next().unwrap_or_default();
    name.rsplit(|byte| *byte == b'.').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cards(text: &[u8]) -> Vec<Card> {
        let mut cards = Cards::new(text);
        std::iter::from_fn(|| cards.next_card().unwrap()).collect()
    }

    #[test]
    fn finds_cards_and_drops_their_pictures() {
        let text = "\u{feff}BEGIN:VCARD\r\nFN:A\r\nPHOTO;ENCODING=b:AAAA\r\n BBBB\r\n\tCCCC\r\nitem1.LOGO:x\r\nTEL:1\r\n 2\r\nEND:VCARD\r\n\r\n\
                    begin:vcard\nFN:B\nend:vcard";
        let expected = [
            Card { line: 1, text: Ok("BEGIN:VCARD\r\nFN:A\r\nTEL:1\r\n 2\r\nEND:VCARD\r\n".to_owned()) },
            Card { line: 11, text: Ok("BEGIN:VCARD\r\nFN:B\r\nend:vcard\r\n".to_owned()) },
        ];
        assert_eq!(cards(text.as_bytes()), expected);
        assert_eq!(cards(b"no card"), []);
    }

    #[test]
    fn a_broken_card_hides_no_other() {
        let good = "BEGIN:VCARD\nFN:A\nEND:VCARD\n";
        let long = format!("{good}BEGIN:VCARD\nNOTE:{}\nEND:VCARD\n{good}", "x".repeat(3 << 20));
        let many = format!("{good}BEGIN:VCARD\n{}END:VCARD\n{good}", "TEL:1234567\n".repeat(200_000));
        let open = format!("{good}BEGIN:VCARD\nFN:B\n{good}");
        let latin_1 = [good.as_bytes(), b"BEGIN:VCARD\nFN:Zo\xeb\nEND:VCARD\n", good.as_bytes()].concat();
        for text in [long.as_bytes(), many.as_bytes(), open.as_bytes(), &latin_1] {
            let readable: Vec<bool> = cards(text).iter().map(|card| card.text.is_ok()).collect();
            assert_eq!(readable, [true, false, true]);
        }
        let picture = format!("BEGIN:VCARD\nFN:A\nPHOTO:data:image/jpeg;base64,{}\nEND:VCARD\n", "A".repeat(3 << 20));
        assert!(cards(picture.as_bytes())[0].text.is_ok());
        assert_eq!(cards(b"BEGIN:VCARD\nFN:A")[0].text, Err("END:VCARD is missing"));
    }
}
