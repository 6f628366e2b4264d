//! Reading an export or a backup.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read};

use super::lines::{Kind, Line, Totals, VERSION};
use crate::error::Error;

/// The maximal length of a line in bytes. The longest text of a contact or a call fits with every character escaped.
const MAX_LINE: u64 = 4 << 20;

/// Reads an export or a backup line by line.
#[derive(Debug)]
pub struct Reader<R> {
    input: BufReader<R>,
    name: String,
    line: u64,
    totals: Totals,
    has_ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the header. An error if the file is not of this kind.
    pub fn new(input: R, name: String, kind: Kind) -> Result<Self, Error> {
        let input = BufReader::with_capacity(1 << 16, input);
        let mut reader = Self { input, name, line: 0, totals: Totals::default(), has_ended: false };
        let (version, content) = match reader.next_line() {
            Ok(Some(Line::Header { format, version, content })) if format == "callbook" => (version, content),
            Err(error @ Error::Io { .. }) => return Err(error),
            _ => return Err(reader.error("is not the header of an export or a backup of Callbook")),
        };
        if version != VERSION {
            let problem = format!("it is of version {version}, this Callbook reads version {VERSION}");
            return Err(reader.error(problem));
        }
        match content {
            content if content == kind => Ok(reader),
            Kind::Export => Err(reader.error("it is an export: `callbook import` takes it")),
            Kind::Backup => Err(reader.error("it is a backup: `callbook restore` takes it")),
        }
    }

    /// Returns the next record. `None` after the line `end`, which must have the right totals.
    pub fn next_record<T: TryFrom<Line, Error = String>>(&mut self) -> Result<Option<T>, Error> {
        if self.has_ended {
            return Ok(None);
        }
        match self.next_line()? {
            None => Err(self.error("it ends early: the line `end` is missing")),
            Some(Line::End(totals)) => {
                if totals != self.totals {
                    return Err(self.error(format!("it has {}, and says {totals}", self.totals)));
                }
                self.has_ended = true;
                match self.next_line()? {
                    None => Ok(None),
                    Some(_) => Err(self.error("more follows after the line `end`")),
                }
            }
            Some(line) => {
                self.totals.count(&line);
                T::try_from(line).map(Some).map_err(|problem| self.error(problem))
            }
        }
    }

    /// Returns the number of records read.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    fn next_line(&mut self) -> Result<Option<Line>, Error> {
        loop {
            let mut line = Vec::new();
            let read = Read::by_ref(&mut self.input).take(MAX_LINE + 1).read_until(b'\n', &mut line);
            let bytes = read.map_err(Error::io(self.name.clone()))?;
            if bytes == 0 {
                return Ok(None);
            }
            self.line += 1;
            if bytes as u64 > MAX_LINE {
                return Err(self.error("is longer than 4 MiB"));
            }
            if !line.trim_ascii().is_empty() {
                // The message of serde_json is not shown: it can quote the content of a call.
                let problem = |error: serde_json::Error| format!("column {}: is not a record", error.column());
                return serde_json::from_slice(&line).map(Some).map_err(|error| self.error(problem(error)));
            }
        }
    }

    fn error(&self, problem: impl Display) -> Error {
        Error::Failed(format!("{}, line {}: {problem}", self.name, self.line))
    }
}
