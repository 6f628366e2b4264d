//! Rows of CSV with bounded memory, whatever the file contains.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use domain::LoggedCall;

use super::{MAX_ROW, Row, Skip};
use crate::error::Error;

/// The maximal number of cells of a row.
const MAX_CELLS: usize = 1_000;

/// How the texts of a file are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-8, or ISO-8859-1 where a row is not UTF-8.
    Utf8OrLatin1,
}

/// The rows of a CSV file.
pub struct Table<R> {
    input: BufReader<R>,
    parser: Reader,
    encoding: Encoding,
    /// The number of line ends read.
    line_ends: u64,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// A row of a table.
pub struct TableRow {
    /// The line on which the row begins, from 1 on.
    pub line: u64,
    /// The cells, or why they cannot be read.
    pub cells: Result<Cells, Skip>,
}

/// The cells of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells(Vec<String>);

impl Cells {
    /// Returns the cell of this column, trimmed. Empty if there is none.
    pub fn get(&self, column: usize) -> &str {
        self.0.get(column).map_or("", |cell| domain::trim(cell))
    }

    /// Returns the number of cells.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the column of the first cell that satisfies the condition.
    pub fn position(&self, condition: impl Fn(&str) -> bool) -> Option<usize> {
        self.0.iter().position(|cell| condition(domain::trim(cell)))
    }
}

impl<R: Read> Table<R> {
    /// Reads the input, whose cells are separated by `delimiter`.
    pub fn new(input: BufReader<R>, delimiter: u8, encoding: Encoding) -> Self {
        Self {
            input,
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            encoding,
            line_ends: 0,
            text: vec![0; MAX_ROW],
            ends: vec![0; MAX_CELLS],
        }
    }

    /// Returns the next row. `None` at the end. Empty lines are no rows.
    pub fn next_row(&mut self) -> io::Result<Option<TableRow>> {
        self.skip_line_ends()?;
        let line = self.line_ends + 1;
        let (mut length, mut cells, mut is_too_long) = (0, 0, false);
        loop {
            let input = self.input.fill_buf()?;
            let text = self.text.get_mut(length..).unwrap_or_default();
            let ends = self.ends.get_mut(cells..).unwrap_or_default();
            let (result, read, written, ended) = self.parser.read_record(input, text, ends);
            self.line_ends += input.get(..read).map_or(0, count_line_ends);
            self.input.consume(read);
            length += written;
            cells += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    // The rest of the row is read and dropped.
                    (length, cells, is_too_long) = (0, 0, true);
                }
                ReadRecordResult::Record if is_too_long => {
                    let problem = "it has more than 1 MiB or 1,000 cells; a quote may not be closed";
                    return Ok(Some(TableRow { line, cells: Err(Skip::unreadable(problem)) }));
                }
                ReadRecordResult::Record => return Ok(Some(TableRow { line, cells: self.cells(cells) })),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Skips what ends the row before, and empty lines, so that the number of the line is that of the next row.
    fn skip_line_ends(&mut self) -> io::Result<()> {
        loop {
            let input = self.input.fill_buf()?;
            let skipped = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if skipped == 0 {
                return Ok(());
            }
            self.line_ends += input.get(..skipped).map_or(0, count_line_ends);
            self.input.consume(skipped);
        }
    }

    fn cells(&self, cells: usize) -> Result<Cells, Skip> {
        let mut start = 0;
        let texts = self.ends.iter().take(cells).map(|end| {
            let cell = self.text.get(start..*end).unwrap_or_default();
            start = *end;
            self.decode(cell).map(Cow::into_owned)
        });
        texts.collect::<Result<_, _>>().map(Cells)
    }

    fn decode<'a>(&self, cell: &'a [u8]) -> Result<Cow<'a, str>, Skip> {
        match (std::str::from_utf8(cell), self.encoding) {
            (Ok(text), _) => Ok(text.into()),
            // The first 256 characters of Unicode are those of ISO-8859-1.
            (Err(_), Encoding::Utf8OrLatin1) => Ok(cell.iter().copied().map(char::from).collect::<String>().into()),
            (Err(_), Encoding::Utf8) => Err(Skip::unreadable("it is not UTF-8")),
        }
    }
}

/// Returns the rows of a table with the calls that `parse` makes of them. `file` is shown in errors.
pub fn rows<'a, R: Read + 'a>(
    mut table: Table<R>,
    file: &'a str,
    parse: impl Fn(&Cells) -> Result<LoggedCall, Skip> + 'a,
) -> impl Iterator<Item = Result<Row, Error>> + 'a {
    let rows = std::iter::from_fn(move || table.next_row().map_err(Error::io(file)).transpose());
    rows.map(move |row| row.map(|TableRow { line, cells }| Row { line, call: cells.and_then(|cells| parse(&cells)) }))
}

fn count_line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(input: &[u8], encoding: Encoding) -> Vec<(u64, Result<Vec<String>, Skip>)> {
        // A small buffer, so that rows cross its end.
        let mut table = Table::new(BufReader::with_capacity(7, input), b';', encoding);
        let mut rows = Vec::new();
        while let Some(row) = table.next_row().unwrap() {
            rows.push((row.line, row.cells.map(|cells| cells.0)));
        }
        rows
    }

    fn cells(cells: &[&str]) -> Result<Vec<String>, Skip> {
        Ok(cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn reads_quoted_cells_and_knows_their_lines() {
        let csv = b"\xef\xbb\xbfa;b\r\n\r\n\"x;\"\"y\"\"\r\nz\";2\r\n;\nlast;row";
        let expected = [
            (1, cells(&["a", "b"])),
            (3, cells(&["x;\"y\"\r\nz", "2"])),
            (5, cells(&["", ""])),
            (6, cells(&["last", "row"])),
        ];
        assert_eq!(rows(csv, Encoding::Utf8), expected);
        assert_eq!(rows(b"", Encoding::Utf8), []);
    }

    #[test]
    fn skips_a_row_that_is_too_long_and_no_other() {
        let long = format!(
            "1;a\n2;{}\n3;b\n{}\n5;c\n6;\"open\n{}",
            "x".repeat(3 << 20),
            ";".repeat(5_000),
            "y\n".repeat(1 << 20)
        );
        let rows = rows(long.as_bytes(), Encoding::Utf8);
        let read: Vec<_> = rows.iter().map(|(line, cells)| (*line, cells.is_ok())).collect();
        assert_eq!(read, [(1, true), (2, false), (3, true), (4, false), (5, true), (6, false)]);
    }

    #[test]
    fn reads_latin_1_where_a_file_may_have_it() {
        let both = b"Z\xfcrich;1\nZ\xc3\xbcrich;2\n";
        let expected = [(1, cells(&["Zürich", "1"])), (2, cells(&["Zürich", "2"]))];
        assert_eq!(rows(both, Encoding::Utf8OrLatin1), expected);
        let strict = rows(both, Encoding::Utf8);
        assert_eq!((&strict[0].1, &strict[1].1), (&Err(Skip::unreadable("it is not UTF-8")), &cells(&["Zürich", "2"])));
    }
}
