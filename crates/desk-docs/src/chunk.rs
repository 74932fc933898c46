//! A look at the bytes of a chunk before Automerge sees them. Its columns are run-length encoded: ten bytes may stand for
//! 2^60 operations, and Automerge would unpack them until the memory ends. So they are counted here, without unpacking.
//!
//! The layout is that of Automerge's binary format: magic bytes, checksum, kind, length, then for a change its header, the
//! columns' descriptions and their data; for a document its actors and heads, two such descriptions, and the data.

/// Most operations in a change: a body replaced as a whole by another, letter by letter, has about two million.
const MOST_IN_CHANGE: u64 = 4_000_000;
/// Most operations in a document, over all that was ever written to it.
const MOST_IN_DOCUMENT: u64 = 16_000_000;

/// Magic bytes and checksum.
const KIND_AT: usize = 8;
const DOCUMENT: u8 = 0;
const CHANGE: u8 = 1;
/// In a column's description: its data is deflated. Neither changes nor stored snapshots are, and what a few bytes of it
/// unpack to is not known before.
const DEFLATED: u64 = 8;

/// The chunk is not one that this program writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unfit(pub(crate) &'static str);

const CUT_OFF: Unfit = Unfit("it is cut off or malformed");

/// Checks that the bytes are one plain change with at least one operation and not too many.
pub(crate) fn check_change(bytes: &[u8]) -> Result<(), Unfit> {
    let mut body = body(bytes, CHANGE, Unfit("it is no plain change"))?;
    let dependencies = body.uint()?;
    body.skip(dependencies.checked_mul(32).ok_or(CUT_OFF)?)?;
    body.skip_prefixed()?;
    body.uint()?;
    body.uint()?;
    body.int()?;
    body.skip_prefixed()?;
    body.skip_all_prefixed()?;
    let columns = body.columns()?;
    match most_rows(&mut body, &columns)? {
        // Nobody commits nothing; a document that took such a change would not load.
        0 => Err(Unfit("it changes nothing")),
        rows if rows > MOST_IN_CHANGE => Err(Unfit("it has more operations than any edit")),
        _ => Ok(()),
    }
}

/// Checks that the bytes are one plain document with not too many operations.
pub(crate) fn check_document(bytes: &[u8]) -> Result<(), Unfit> {
    let mut body = body(bytes, DOCUMENT, Unfit("it is no snapshot of a document"))?;
    body.skip_all_prefixed()?;
    let heads = body.uint()?;
    body.skip(heads.checked_mul(32).ok_or(CUT_OFF)?)?;
    let (changes, operations) = (body.columns()?, body.columns()?);
    for columns in [changes, operations] {
        if most_rows(&mut body, &columns)? > MOST_IN_DOCUMENT {
            return Err(Unfit("it has more operations than any document"));
        }
    }
    Ok(())
}

/// A document's chunk and those of changes behind it, by the lengths that they say; nothing else is looked at.
pub(crate) fn split(bytes: &[u8]) -> Result<(&[u8], Vec<&[u8]>), Unfit> {
    let (document, mut rest) = first(bytes)?;
    let mut behind = Vec::new();
    while !rest.is_empty() {
        let (chunk, following) = first(rest)?;
        behind.push(chunk);
        rest = following;
    }
    Ok((document, behind))
}

/// The first of some chunks, and what follows it.
fn first(bytes: &[u8]) -> Result<(&[u8], &[u8]), Unfit> {
    let mut reader = Reader(bytes.get(KIND_AT + 1..).ok_or(CUT_OFF)?);
    let length = reader.uint()?;
    reader.skip(length)?;
    bytes.split_at_checked(bytes.len() - reader.0.len()).ok_or(CUT_OFF)
}

/// What a single chunk of this kind holds.
fn body(bytes: &[u8], kind: u8, other: Unfit) -> Result<Reader<'_>, Unfit> {
    if bytes.get(KIND_AT) != Some(&kind) {
        return Err(other);
    }
    let mut reader = Reader(&bytes[KIND_AT + 1..]);
    let length = reader.uint()?;
    if length == reader.0.len() as u64 { Ok(reader) } else { Err(CUT_OFF) }
}

/// The rows of the longest of some columns, whose data follows.
fn most_rows(body: &mut Reader<'_>, columns: &[(u64, u64)]) -> Result<u64, Unfit> {
    let mut most = 0;
    for (description, length) in columns {
        if description & DEFLATED != 0 {
            return Err(Unfit("its columns are compressed"));
        }
        most = most.max(rows(description & 7, Reader(body.skip(*length)?))?);
    }
    Ok(most)
}

/// How many rows a column's data stands for.
fn rows(kind: u64, mut data: Reader<'_>) -> Result<u64, Unfit> {
    const DELTAS: u64 = 3;
    const BOOLEANS: u64 = 4;
    const TEXTS: u64 = 5;
    const RAW: u64 = 7;
    let mut rows = 0_u64;
    while !data.0.is_empty() {
        let more = match kind {
            // The bytes of values; another column says how many each has.
            RAW => return Ok(0),
            BOOLEANS => data.uint()?,
            _ => {
                let run = data.int()?;
                let values = match run {
                    // So many times nothing.
                    0 => 0,
                    // One value, so many times.
                    1.. => 1,
                    // So many different values.
                    _ => run.unsigned_abs(),
                };
                for _ in 0..values {
                    match kind {
                        TEXTS => data.skip_prefixed()?,
                        DELTAS => drop(data.int()?),
                        _ => drop(data.uint()?),
                    }
                }
                if run == 0 { data.uint()? } else { run.unsigned_abs() }
            }
        };
        rows = rows.checked_add(more).ok_or(CUT_OFF)?;
    }
    Ok(rows)
}

/// Reads from the front of some bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// An unsigned LEB128 number.
    fn uint(&mut self) -> Result<u64, Unfit> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(CUT_OFF)
    }

    /// A signed LEB128 number.
    fn int(&mut self) -> Result<i64, Unfit> {
        let mut value = 0_i64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let is_negative = byte & 0x40 != 0 && shift + 7 < 64;
                return Ok(if is_negative { value | (-1 << (shift + 7)) } else { value });
            }
        }
        Err(CUT_OFF)
    }

    fn byte(&mut self) -> Result<u8, Unfit> {
        let (first, rest) = self.0.split_first().ok_or(CUT_OFF)?;
        self.0 = rest;
        Ok(*first)
    }

    fn skip(&mut self, bytes: u64) -> Result<&'a [u8], Unfit> {
        let bytes = usize::try_from(bytes).map_err(|_| CUT_OFF)?;
        let (skipped, rest) = self.0.split_at_checked(bytes).ok_or(CUT_OFF)?;
        self.0 = rest;
        Ok(skipped)
    }

    /// Bytes with their length before them.
    fn skip_prefixed(&mut self) -> Result<(), Unfit> {
        let length = self.uint()?;
        self.skip(length).map(drop)
    }

    /// Several of them, with their number before them.
    fn skip_all_prefixed(&mut self) -> Result<(), Unfit> {
        for _ in 0..self.uint()? {
            self.skip_prefixed()?;
        }
        Ok(())
    }

    /// Columns as they are described: kind and length.
    fn columns(&mut self) -> Result<Vec<(u64, u64)>, Unfit> {
        let count = self.uint()?;
        let mut columns = Vec::new();
        for _ in 0..count {
            columns.push((self.uint()?, self.uint()?));
        }
        Ok(columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(kind: u64, data: &[u8]) -> Result<u64, Unfit> {
        rows(kind, Reader(data))
    }

    #[test]
    fn rows_are_counted_and_not_unpacked() {
        assert_eq!(counted(2, &[]), Ok(0));
        assert_eq!(counted(2, &[3, 9]), Ok(3), "three times nine");
        assert_eq!(counted(2, &[0x7e, 1, 2]), Ok(2), "two different ones");
        assert_eq!(counted(2, &[0, 5, 3, 9]), Ok(8), "five times nothing before");
        assert_eq!(counted(3, &[0x7e, 0x7f, 1]), Ok(2), "differences may be negative");
        assert_eq!(counted(4, &[0, 2, 3]), Ok(5));
        assert_eq!(counted(5, &[2, 3, b'a', b'b', b'c']), Ok(2));
        assert_eq!(counted(7, &[0xff, 0xff]), Ok(0));
        let bomb = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 1];
        assert_eq!(counted(2, &bomb), Ok(0x1fff_ffff_ffff_ffff & i64::MAX.unsigned_abs()));
        assert_eq!(counted(2, &[3]), Err(CUT_OFF));
        assert_eq!(counted(2, &[0x7e, 1]), Err(CUT_OFF));
        assert_eq!(counted(5, &[1, 9, b'a']), Err(CUT_OFF));
        assert_eq!(counted(2, &[0xff; 11]), Err(CUT_OFF));
    }
}
