//! JSON objects one after the other: in an array, or one on each line.

use std::io::{self, BufRead, BufReader, Read};

use super::{MAX_ROW, Skip};

/// The objects of a file, each with the line on which it begins. What is no object is a [`Skip`].
pub struct Objects<R> {
    input: BufReader<R>,
    line: u64,
}

/// Where a byte is in an object.
#[derive(Default)]
struct Place {
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
}

impl Place {
    /// Moves over a byte. Returns whether the object ends with it.
    fn ends_with(&mut self, byte: u8) -> bool {
        match byte {
            // A string does not contain a line feed: the object is broken.
            b'\n' => (self.is_in_string, self.is_escaped) = (false, false),
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = self.is_in_string,
            b'"' => self.is_in_string = !self.is_in_string,
            _ if self.is_in_string => {}
            b'{' => self.depth += 1,
            b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.depth == 0
    }
}

impl<R: Read> Objects<R> {
    /// Reads the input.
    pub fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(1 << 16, input), line: 1 }
    }

    /// Returns the next object. `None` at the end.
    pub fn next_object(&mut self) -> io::Result<Option<(u64, Result<Vec<u8>, Skip>)>> {
        let mut has_other = false;
        let line = loop {
            let byte = self.peek()?;
            if has_other && matches!(byte, None | Some(b'{' | b'\n')) {
                return Ok(Some((self.line, Err(Skip::unreadable("it is no JSON object")))));
            }
            match byte {
                None => return Ok(None),
                Some(b'{') => break self.line,
                // What is around objects in arrays and lines, and the mark of UTF-8.
                Some(byte) => {
                    has_other |=
                        !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']' | 0xef | 0xbb | 0xbf);
                    self.consume(byte);
                }
            }
        };
        self.read_object().map(|object| Some((line, object)))
    }

    /// Reads an object to its end, or to the beginning of the next one if it has no end.
    fn read_object(&mut self) -> io::Result<Result<Vec<u8>, Skip>> {
        let (mut object, mut place, mut is_too_long) = (Vec::new(), Place::default(), false);
        loop {
            let byte = match self.peek()? {
                None => return Ok(Err(Skip::unreadable("the JSON object has no end"))),
                // The rows of a file begin a line. What an object contains is indented, or on the same line.
                Some(b'{') if object.last() == Some(&b'\n') => {
                    return Ok(Err(Skip::unreadable("the JSON object has no end")));
                }
                Some(byte) => byte,
            };
            self.consume(byte);
            if object.len() < MAX_ROW {
                object.push(byte)
            } else {
                is_too_long = true
            }
            if place.ends_with(byte) {
                return Ok(if is_too_long { Err(Skip::unreadable("it has more than 1 MiB")) } else { Ok(object) });
            }
        }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn consume(&mut self, byte: u8) {
        self.line += u64::from(byte == b'\n');
        self.input.consume(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str) -> Vec<(u64, Result<String, String>)> {
        let mut objects = Objects::new(text.as_bytes());
        let mut found = Vec::new();
        while let Some((line, object)) = objects.next_object().unwrap() {
            let object = object.map(|bytes| String::from_utf8(bytes).unwrap());
            found.push((line, object.map_err(|skip| format!("{skip:?}"))));
        }
        found
    }

    fn lines_of_objects(text: &str) -> Vec<(u64, bool)> {
        objects(text).into_iter().map(|(line, object)| (line, object.is_ok())).collect()
    }

    #[test]
    fn finds_objects_in_arrays_and_lines() {
        let object = r#"{"a": "}\"{", "b": {"c": [1]}}"#;
        for (text, lines) in [
            (format!("[{object},{object}]"), [1, 1]),
            (format!("\u{feff}{object}\n{object}\n"), [1, 2]),
            (format!("[\r\n  {object},\r\n  {object}\r\n]\r\n"), [2, 3]),
        ] {
            let expected: Vec<_> = lines.iter().map(|line| (*line, Ok(object.to_owned()))).collect();
            assert_eq!(objects(&text), expected, "{text}");
        }
        assert_eq!(objects(" [ ] "), []);
        assert_eq!(objects(""), []);
        let pretty = "[\n  {\n    \"a\": {\n      \"b\": 1\n    }\n  }\n]";
        assert_eq!(lines_of_objects(pretty), [(2, true)]);
    }

    #[test]
    fn a_broken_object_hides_no_other() {
        assert_eq!(lines_of_objects("{\"a\":1}\n{\"a\":\n{\"a\":3}\n"), [(1, true), (2, false), (3, true)]);
        assert_eq!(lines_of_objects("{\"a\":\"open}\n{\"a\":2}\n"), [(1, false), (2, true)]);
        assert_eq!(lines_of_objects("{\"a\":1}\nnull\n{\"a\":3}\n{"), [(1, true), (2, false), (3, true), (4, false)]);
        let long = format!("{{\"a\":1}}\n{{\"a\":\"{}\"}}\n{{\"a\":3}}", "x".repeat(3 << 20));
        assert_eq!(lines_of_objects(&long), [(1, true), (2, false), (3, true)]);
    }
}
