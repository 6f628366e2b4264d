//! The text of a cursor: opaque to clients, and valid for the filters and the sort of one list only.

use std::fmt::Write;

use domain::{Cursor, ItemKey, Timestamp};
use sha2::{Digest, Sha256};

/// The version of the format, and the kinds of a cursor.
const AFTER: u8 = 0x10;
const BEFORE: u8 = 0x11;

/// The number of bytes of a cursor: its kind, the value, the id and the hash of the list.
const LENGTH: usize = 1 + 8 + 8 + 8;

/// A hash of what determines the items of a list and their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListHash([u8; 8]);

impl ListHash {
    /// Hashes the path of a list, and the names and values of those of its parameters that are filters or the sort.
    pub fn new<'a>(path: &str, parameters: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut parameters: Vec<_> = parameters.filter(|(_, value)| !value.is_empty()).collect();
        parameters.sort_unstable();
        let mut hasher = Sha256::new_with_prefix(path);
        for (name, value) in parameters {
            // No byte of UTF-8 is 0xff.
            hasher.update([0xff]);
            hasher.update(name);
            hasher.update([0xff]);
            hasher.update(value);
        }
        Self(hasher.finalize().first_chunk().copied().unwrap_or_default())
    }
}

/// Returns the text of the cursor. Empty for the beginning of the list.
pub fn write_cursor(cursor: Cursor, list: ListHash) -> String {
    let (kind, key) = match cursor {
        Cursor::First => return String::new(),
        Cursor::After(key) => (AFTER, key),
        Cursor::Before(key) => (BEFORE, key),
    };
    let bytes = [&[kind][..], &key.value.unix().to_be_bytes(), &key.id.to_be_bytes(), &list.0].concat();
    bytes.iter().fold(String::with_capacity(LENGTH * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Parses the text of a cursor. `None` if it is no cursor of this list.
pub fn parse_cursor(text: &str, list: ListHash) -> Option<Cursor> {
    if text.is_empty() {
        return Some(Cursor::First);
    }
    let bytes = decode_hex(text)?;
    let (kind, rest) = bytes.split_first()?;
    let (value, rest) = rest.split_first_chunk()?;
    let (id, hash) = rest.split_first_chunk()?;
    let value = Timestamp::from_unix(i64::from_be_bytes(*value))?;
    let key = ItemKey { value, id: i64::from_be_bytes(*id) };
    match *kind {
        _ if *hash != list.0 => None,
        AFTER => Some(Cursor::After(key)),
        BEFORE => Some(Cursor::Before(key)),
        _ => None,
    }
}

fn decode_hex(text: &str) -> Option<[u8; LENGTH]> {
    let digits = text.as_bytes();
    if digits.len() != LENGTH * 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; LENGTH];
    for (byte, digits) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(sort: &str) -> ListHash {
        ListHash::new("/api/calls", [("sort", sort), ("query", "")].into_iter())
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for value in [Timestamp::MIN, Timestamp::EPOCH, Timestamp::MAX] {
            let key = ItemKey { value, id: i64::MAX };
            for cursor in [Cursor::First, Cursor::After(key), Cursor::Before(key)] {
                assert_eq!(parse_cursor(&write_cursor(cursor, hash("")), hash("")), Some(cursor));
            }
        }
    }

    #[test]
    fn a_cursor_is_valid_for_its_list_only() {
        let text = write_cursor(Cursor::After(ItemKey { value: Timestamp::EPOCH, id: 1 }), hash("called_at"));
        assert_eq!(parse_cursor(&text, hash("-called_at")), None);
        assert_eq!(parse_cursor(&text, ListHash::new("/api/contacts", [("sort", "called_at")].into_iter())), None);
    }

    #[test]
    fn rejects_what_is_no_cursor() {
        let valid = write_cursor(Cursor::After(ItemKey { value: Timestamp::EPOCH, id: 1 }), hash(""));
        let other_kind = valid.replacen("10", "12", 1);
        let late = valid.replacen("100000", "107fff", 1);
        for text in ["1", "zz", "é", &valid[2..], &"g".repeat(50), &other_kind, &late, &format!("{valid}00")] {
            assert_eq!(parse_cursor(text, hash("")), None, "{text}");
        }
    }
}
