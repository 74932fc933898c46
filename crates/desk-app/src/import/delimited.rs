//! Rows of a delimited text file (RFC 4180, tolerantly), as a stream that knows the physical line of each row.
//!
//! Ours, because an import has to name the line of what it refuses, to hold no more than one row however the
//! quotation marks stand, and to find its feet again after one that is never closed.

use std::io::{self, Read};

use super::ImportError;

/// The longest row. Wider than any field may be, so that a field that is too long is refused as such.
pub const MAX_ROW_BYTES: usize = 32 * 1024 * 1024;

/// How many bytes may be read a second time after a row that was misread, over the whole file: a file made to
/// waste time gets no more of it.
const MAX_REREAD_BYTES: usize = 256 * 1024 * 1024;

/// How much is asked of the reader at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// A row, or why there is none at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The physical line on which it begins, from 1.
    pub line: u64,
    /// Whether it goes over several lines.
    pub multiline: bool,
    /// Its fields, or what is wrong.
    pub fields: Result<Vec<String>, String>,
}

/// The rows of a file.
pub struct Rows<R> {
    input: R,
    /// Where the reader puts what it reads.
    chunk: Vec<u8>,
    /// What was read and is not done with.
    buffer: Vec<u8>,
    /// Where in `buffer` the next row begins.
    start: usize,
    /// The physical line of `start`.
    line: u64,
    /// Where the row that was given last began, and its line.
    last: (usize, u64),
    at_end: bool,
    delimiter: u8,
    max_row_bytes: usize,
    reread_budget: usize,
}

enum Scan {
    FieldStart,
    Plain,
    Quoted,
    QuoteInQuoted,
}

impl<R: Read> Rows<R> {
    /// Opens a file: skips a byte order mark and finds the delimiter (comma, semicolon, tab or bar) in its first line.
    ///
    /// # Errors
    /// [`ImportError::BadFile`] for an empty file, a binary one, and one in UTF-16.
    pub fn open(input: R) -> Result<Self, ImportError> {
        let mut rows = Self {
            input,
            chunk: vec![0; CHUNK_BYTES],
            buffer: Vec::new(),
            start: 0,
            line: 1,
            last: (0, 1),
            at_end: false,
            delimiter: b',',
            max_row_bytes: MAX_ROW_BYTES,
            reread_budget: MAX_REREAD_BYTES,
        };
        while rows.buffer.len() < CHUNK_BYTES && rows.fill()? {}
        let bad = |message: &str| Err(ImportError::BadFile(message.to_owned()));
        let head = &rows.buffer;
        if head.starts_with(b"PK\x03\x04") {
            return bad("this is a workbook or an archive, no CSV file; save it as CSV in UTF-8 first");
        }
        if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
            return bad("the file is in UTF-16; save it in UTF-8 first");
        }
        if head.contains(&0) {
            return bad("this is a binary file, no CSV file");
        }
        if head.starts_with(&[0xEF, 0xBB, 0xBF]) {
            rows.start = 3;
        }
        if head[rows.start..].iter().all(u8::is_ascii_whitespace) {
            return bad("the file is empty");
        }
        rows.find_delimiter();
        Ok(rows)
    }

    /// The delimiter is said by a first line `sep=;` (as spreadsheets write it), else it is what stands most often
    /// in the first line that is not blank.
    fn find_delimiter(&mut self) {
        let rest = &self.buffer[self.start..];
        let blank = rest.iter().take_while(|b| b.is_ascii_whitespace() && **b != b'\t').count();
        let first = rest[blank..].split(|b| matches!(b, b'\n' | b'\r')).next().unwrap_or_default();
        if let [b's', b'e', b'p', b'=', delimiter] = *first {
            self.delimiter = delimiter;
            self.line += count_lines(&rest[..blank]);
            self.start += blank + first.len();
            return;
        }
        let mut quoted = false;
        let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0), (b'|', 0)];
        for byte in first {
            quoted ^= *byte == b'"';
            if let Some((_, count)) = counts.iter_mut().find(|(known, _)| known == byte && !quoted) {
                *count += 1;
            }
        }
        // The first of equals wins: a comma where nothing is said.
        let mut best = counts[0];
        for candidate in counts {
            if candidate.1 > best.1 {
                best = candidate;
            }
        }
        self.delimiter = best.0;
    }

    /// The next row; `None` at the end of the file. Blank lines are no rows.
    ///
    /// # Errors
    /// What the reader fails with.
    pub fn next_row(&mut self) -> io::Result<Option<Row>> {
        loop {
            if self.start >= CHUNK_BYTES {
                self.buffer.drain(..self.start);
                self.start = 0;
            }
            if !self.skip_line_breaks()? {
                return Ok(None);
            }
            self.last = (self.start, self.line);
            let (fields, end) = self.scan()?;
            let line = self.line;
            let lines = count_lines(&self.buffer[self.start..end]);
            let ends_with_break = end > self.start && matches!(self.buffer[end - 1], b'\n' | b'\r');
            let multiline = lines > u64::from(ends_with_break);
            let Some(fields) = fields else {
                // A quotation mark that is never closed: without a second look at what follows, it would take the
                // rest of the file with it.
                let reason = "a quotation mark is opened and never closed".to_owned();
                self.start = end;
                self.line += lines;
                if multiline {
                    self.reread_after_first_line();
                } else if !self.at_end {
                    self.skip_to_line_break()?;
                }
                return Ok(Some(Row { line, multiline, fields: Err(reason) }));
            };
            self.start = end;
            self.line += lines;
            if fields.is_empty() {
                self.skip_to_line_break()?;
                let reason = format!("the row is longer than {} MiB", self.max_row_bytes / 1_048_576);
                return Ok(Some(Row { line, multiline: false, fields: Err(reason) }));
            }
            if let [only] = fields.as_slice()
                && only.iter().all(u8::is_ascii_whitespace)
            {
                continue;
            }
            let fields = fields
                .into_iter()
                .enumerate()
                .map(|(i, field)| {
                    String::from_utf8(field).map_err(|_| format!("column {} is not in UTF-8", i + 1))
                })
                .collect();
            return Ok(Some(Row { line, multiline, fields }));
        }
    }

    /// Takes the row that was given last, which went over several lines and turned out wrong, as ended with its
    /// first line: what follows that line is read again.
    pub fn reread_after_first_line(&mut self) {
        let (from, line) = self.last;
        let read = self.start.saturating_sub(from);
        let Some(first_line) = line_length(&self.buffer[from..self.start]) else { return };
        if read > self.reread_budget {
            return;
        }
        self.reread_budget -= read;
        self.start = from + first_line;
        self.line = line + 1;
    }

    /// Reads the row at `start`: its fields (`None` when a quotation mark stays open, none at all when it is too
    /// long) and where the next one begins.
    fn scan(&mut self) -> io::Result<(Option<Vec<Vec<u8>>>, usize)> {
        let mut fields = Vec::new();
        let mut field = Vec::new();
        let mut state = Scan::FieldStart;
        let mut at = self.start;
        loop {
            if at == self.buffer.len() && !self.fill()? {
                if matches!(state, Scan::Quoted) {
                    return Ok((None, at));
                }
                fields.push(field);
                return Ok((Some(fields), at));
            }
            if at - self.start >= self.max_row_bytes {
                let open = matches!(state, Scan::Quoted);
                return Ok((if open { None } else { Some(Vec::new()) }, at));
            }
            let byte = self.buffer[at];
            at += 1;
            state = match (state, byte) {
                (Scan::Quoted, b'"') => Scan::QuoteInQuoted,
                (Scan::Quoted, _) | (Scan::QuoteInQuoted, b'"') => {
                    field.push(byte);
                    Scan::Quoted
                }
                (Scan::FieldStart, b'"') => Scan::Quoted,
                (_, _) if byte == self.delimiter => {
                    fields.push(std::mem::take(&mut field));
                    Scan::FieldStart
                }
                (_, b'\n') => {
                    fields.push(field);
                    return Ok((Some(fields), at));
                }
                (_, b'\r') => {
                    if (at < self.buffer.len() || self.fill()?) && self.buffer[at] == b'\n' {
                        at += 1;
                    }
                    fields.push(field);
                    return Ok((Some(fields), at));
                }
                (_, _) => {
                    field.push(byte);
                    Scan::Plain
                }
            };
        }
    }

    /// Goes over line breaks, counting them; `false` at the end of the file.
    fn skip_line_breaks(&mut self) -> io::Result<bool> {
        loop {
            if self.start == self.buffer.len() && !self.fill()? {
                return Ok(false);
            }
            match self.buffer[self.start] {
                b'\n' => self.start += 1,
                b'\r' => {
                    self.start += 1;
                    if (self.start < self.buffer.len() || self.fill()?) && self.buffer[self.start] == b'\n' {
                        self.start += 1;
                    }
                }
                _ => return Ok(true),
            }
            self.line += 1;
            if self.start >= CHUNK_BYTES {
                self.buffer.drain(..self.start);
                self.start = 0;
            }
        }
    }

    /// Goes to the next line break without keeping what is passed.
    fn skip_to_line_break(&mut self) -> io::Result<()> {
        loop {
            let rest = &self.buffer[self.start..];
            if let Some(found) = rest.iter().position(|b| matches!(b, b'\n' | b'\r')) {
                self.start += found;
                return Ok(());
            }
            self.buffer.clear();
            self.start = 0;
            if !self.fill()? {
                return Ok(());
            }
        }
    }

    /// Reads on; `false` at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        if self.at_end {
            return Ok(false);
        }
        let read = loop {
            match self.input.read(&mut self.chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.buffer.extend_from_slice(&self.chunk[..read]);
        self.at_end = read == 0;
        Ok(!self.at_end)
    }
}

/// Line breaks in `bytes`: `\n`, `\r\n`, and `\r` alone.
fn count_lines(bytes: &[u8]) -> u64 {
    let mut lines = 0;
    let mut previous = 0;
    for byte in bytes {
        lines += u64::from(*byte == b'\r' || (*byte == b'\n' && previous != b'\r'));
        previous = *byte;
    }
    lines
}

/// The length of the first line of `bytes` with its break; `None` when there is no break.
fn line_length(bytes: &[u8]) -> Option<usize> {
    let found = bytes.iter().position(|b| matches!(b, b'\n' | b'\r'))?;
    let pair = bytes[found] == b'\r' && bytes.get(found + 1) == Some(&b'\n');
    Some(found + 1 + usize::from(pair))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives a few bytes at a time, so that every place falls on the edge of a chunk at some time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(buffer.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn all(text: &[u8], step: usize) -> Vec<(u64, Result<Vec<String>, String>)> {
        let mut rows = Rows::open(Trickle(text, step)).unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next_row().unwrap() {
            found.push((row.line, row.fields));
        }
        found
    }

    fn check(text: &str, expected: &[(u64, &[&str])]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(line, fields)| (*line, Ok(fields.iter().map(ToString::to_string).collect::<Vec<_>>())))
            .collect();
        for step in [1, 2, 3, 7, 1000] {
            assert_eq!(all(text.as_bytes(), step), expected, "{text:?} by {step}");
        }
    }

    #[test]
    fn rows_know_their_physical_line() {
        check("a,b\n1,2\n\n\n3,4", &[(1, &["a", "b"]), (2, &["1", "2"]), (5, &["3", "4"])]);
        check("a,b\r\n\"1\r\nx\",2\r\n3,4\r\n", &[(1, &["a", "b"]), (2, &["1\r\nx", "2"]), (4, &["3", "4"])]);
        check("a,b\r1,2\r3,4\r", &[(1, &["a", "b"]), (2, &["1", "2"]), (3, &["3", "4"])]);
        check("\u{feff}a,b\n  \n1,", &[(1, &["a", "b"]), (3, &["1", ""])]);
        check("a,b\n,\n", &[(1, &["a", "b"]), (2, &["", ""])]);
    }

    #[test]
    fn quotation_marks_are_read_as_spreadsheets_write_them() {
        check("a,b\n\"x \"\"y\"\"\",\"\"\n", &[(1, &["a", "b"]), (2, &["x \"y\"", ""])]);
        check("a,b\nx\"y,\"p\"q\n", &[(1, &["a", "b"]), (2, &["x\"y", "pq"])]);
    }

    #[test]
    fn the_delimiter_is_what_the_header_says() {
        check("a;b,c;d\n1;2;3\n", &[(1, &["a", "b,c", "d"]), (2, &["1", "2", "3"])]);
        check("a\tb\n1\t2\n", &[(1, &["a", "b"]), (2, &["1", "2"])]);
        check("sep=;\na,x;b\n", &[(2, &["a,x", "b"])]);
        check("\"a;;;\",b\n1,2\n", &[(1, &["a;;;", "b"]), (2, &["1", "2"])]);
    }

    #[test]
    fn an_open_quotation_mark_costs_one_line_not_the_rest_of_the_file() {
        let found = all(b"a,b\n1,\"x\n3,4\n5,6\n", 5);
        assert_eq!(found.len(), 4);
        assert!(found[1].1.as_ref().unwrap_err().contains("never closed"));
        assert_eq!((found[1].0, found[2].0, found[3].0), (2, 3, 4));
        assert_eq!(found[3].1.as_ref().unwrap(), &["5", "6"]);
    }

    #[test]
    fn a_row_that_went_over_lines_by_mistake_can_be_taken_as_one_line() {
        let mut rows = Rows::open(&b"a,b\n1,\"x\n3,4\n\"5,6\n7,8\n"[..]).unwrap();
        rows.next_row().unwrap();
        let wrong = rows.next_row().unwrap().unwrap();
        assert!(wrong.multiline && wrong.line == 2);
        assert_ne!(wrong.fields.unwrap().len(), 2);
        rows.reread_after_first_line();
        let lines: Vec<u64> = std::iter::from_fn(|| rows.next_row().unwrap()).map(|row| row.line).collect();
        assert_eq!(lines, [3, 4, 5]);
    }

    #[test]
    fn a_row_that_is_too_long_is_refused_and_the_next_is_read() {
        for body in ["x".repeat(500), format!("\"{}", "x".repeat(500)), format!("\"{}\n", "x".repeat(500))] {
            let text = format!("a,b\n1,{body}\n3,4\n");
            let mut rows = Rows::open(Trickle(text.as_bytes(), 11)).unwrap();
            rows.max_row_bytes = 100;
            rows.next_row().unwrap();
            let refused = rows.next_row().unwrap().unwrap();
            assert_eq!(refused.line, 2);
            assert!(refused.fields.is_err());
            let rest: Vec<Row> = std::iter::from_fn(|| rows.next_row().unwrap()).collect();
            assert_eq!(rest.last().unwrap().fields, Ok(vec!["3".to_owned(), "4".to_owned()]), "{body}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused_with_its_line() {
        let found = all(b"a,b\n1,\xff\xfex\n3,4\n", 4);
        assert_eq!(found[1], (2, Err("column 2 is not in UTF-8".to_owned())));
        assert!(found[2].1.is_ok());
    }

    #[test]
    fn a_file_that_is_no_csv_says_so() {
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b"\xef\xbb\xbf \r\n", "empty"),
            (b"\x7fELF\0\0", "binary"),
            (b"PK\x03\x04abc", "workbook"),
            (b"\xff\xfea\0,\0", "UTF-16"),
        ] {
            let Err(error) = Rows::open(bytes) else { panic!("{word}: was taken") };
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            rows in prop::collection::vec(prop::collection::vec("[a-z,;\"\r\n \u{e9}]{0,6}", 3), 1..6), step in 1_usize..9,
        ) {
            let mut text = "one,two,three\n".to_owned();
            for row in &rows {
                let fields: Vec<String> = row.iter().map(|f| format!("\"{}\"", f.replace('"', "\"\""))).collect();
                text.push_str(&fields.join(","));
                text.push('\n');
            }
            let found = all(text.as_bytes(), step);
            prop_assert_eq!(found.len(), rows.len() + 1);
            for (row, (_, fields)) in rows.iter().zip(&found[1..]) {
                prop_assert_eq!(fields.as_ref(), Ok(row));
            }
        }

        #[test]
        fn no_bytes_make_the_reader_fail_or_stand_still(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(mut rows) = Rows::open(Trickle(&bytes, 3)) {
                let mut lines = 0;
                while let Some(row) = rows.next_row().unwrap() {
                    prop_assert!(row.line >= lines);
                    lines = row.line;
                    if row.multiline {
                        rows.reread_after_first_line();
                    }
                }
            }
        }
    }
}
