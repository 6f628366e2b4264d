//! Reading an export or a backup.

use std::io::{BufRead, BufReader, Read};

use ports::outbound::Record;

use super::lines::{Kind, Line, Totals, VERSION};
use crate::error::Error;

/// The longest line, in bytes: a contact's or call's longest text, every character escaped, and room for the rest.
const LONGEST: u64 = 4 << 20;

/// The records of an export or a backup, one line at a time.
#[derive(Debug)]
pub struct Reader<R> {
    input: BufReader<R>,
    name: String,
    size: Option<u64>,
    kind: Kind,
    line: u64,
    position: u64,
    totals: Totals,
    has_ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the header, which must be of this kind.
    pub fn new(input: R, name: String, size: Option<u64>, kind: Kind) -> Result<Self, Error> {
        let input = BufReader::with_capacity(1 << 16, input);
        let totals = Totals::default();
        let mut reader = Self { input, name, size, kind, line: 0, position: 0, totals, has_ended: false };
        let no_header = "is not the header of an export or a backup of Callbook";
        match reader.next_line() {
            Ok(Some(Line::Header { format, version: VERSION, content })) if format == "callbook" => {
                if content == kind {
                    return Ok(reader);
                }
                Err(reader.refusal(match content {
                    Kind::Export => "it is an export: `callbook import` takes it",
                    Kind::Backup => "it is a backup: `callbook restore` takes it",
                }))
            }
            Ok(Some(Line::Header { format, version, .. })) if format == "callbook" => {
                Err(reader.refusal(format!("it is of version {version}, this Callbook reads version {VERSION}")))
            }
            Err(error @ Error::Io { .. }) => Err(error),
            _ => Err(reader.refusal(no_header)),
        }
    }

    /// The next record; none at the end, which must tell the right totals.
    pub fn next_record(&mut self) -> Result<Option<Record>, Error> {
        if self.has_ended {
            return Ok(None);
        }
        match self.next_line()? {
            None => Err(self.refusal("it ends early: the line `end` is missing")),
            Some(Line::End(totals)) => {
                if totals != self.totals {
                    return Err(self.refusal(format!("it holds {}, and says {totals}", self.totals)));
                }
                self.has_ended = true;
                match self.next_line()? {
                    None => Ok(None),
                    Some(_) => Err(self.refusal("more follows after the line `end`")),
                }
            }
            Some(line) => {
                let record = line.into_record(self.kind).map_err(|problem| self.refusal(problem))?;
                self.totals.count(&record);
                Ok(Some(record))
            }
        }
    }

    /// How many records of each kind were read.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// How many bytes there are, if that is known.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many bytes were read.
    pub fn position(&self) -> u64 {
        self.position
    }

    fn next_line(&mut self) -> Result<Option<Line>, Error> {
        loop {
            let mut line = Vec::new();
            let read = Read::by_ref(&mut self.input).take(LONGEST + 1).read_until(b'\n', &mut line);
            let bytes = read.map_err(Error::io(self.name.clone()))?;
            if bytes == 0 {
                return Ok(None);
            }
            self.line += 1;
            self.position += bytes as u64;
            if bytes as u64 > LONGEST {
                return Err(self.refusal("is longer than 4 MiB"));
            }
            if !line.trim_ascii().is_empty() {
                // serde_json's own text would repeat parts of the line, which may hold what was said on the phone.
                let problem = |error: serde_json::Error| format!("column {}: is no record", error.column());
                return serde_json::from_slice(&line).map(Some).map_err(|error| self.refusal(problem(error)));
            }
        }
    }

    fn refusal(&self, problem: impl std::fmt::Display) -> Error {
        Error::Failed(format!("{}, line {}: {problem}", self.name, self.line))
    }
}
