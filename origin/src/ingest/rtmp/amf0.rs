//! AMF0: the values in RTMP commands (Action Message Format, AMF 0 specification).

use bytes::{BufMut, BytesMut};

/// Objects inside objects inside objects: nobody who means well goes deeper.
const MAX_DEPTH: u32 = 16;
/// Values read from one message at most.
const MAX_VALUES: usize = 1_000;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A double.
    Number(f64),
    /// A boolean.
    Boolean(bool),
    /// Text.
    String(String),
    /// Named values; ECMA arrays are read as objects.
    Object(Vec<(String, Value)>),
    /// Values in order.
    Array(Vec<Value>),
    /// Null, undefined or of no use here.
    Null,
}

/// Why bytes are not AMF0.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum AmfError {
    /// The bytes end inside a value.
    #[error("AMF0 ends inside a value")]
    Truncated,
    /// A type marker that is unknown or not for use here.
    #[error("AMF0 type {0} is not supported")]
    Marker(u8),
    /// Nested too deep or too long.
    #[error("AMF0 is too deep or too long")]
    TooMuch,
}

impl Value {
    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The named value of an object.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Object(entries) => {
                entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }
}

/// Reads all values of a message.
///
/// # Errors
/// When the bytes are not AMF0.
pub fn read_all(bytes: &[u8]) -> Result<Vec<Value>, AmfError> {
    let mut reader = Reader { rest: bytes, values: 0 };
    let mut values = Vec::new();
    while !reader.rest.is_empty() {
        values.push(reader.value(0)?);
    }
    Ok(values)
}

/// How many bytes the first value takes.
///
/// # Errors
/// When the bytes are not AMF0.
pub fn first_value_bytes(bytes: &[u8]) -> Result<usize, AmfError> {
    let mut reader = Reader { rest: bytes, values: 0 };
    reader.value(0)?;
    Ok(bytes.len() - reader.rest.len())
}

/// Appends a value.
pub fn write(value: &Value, out: &mut BytesMut) {
    match value {
        Value::Number(number) => {
            out.put_u8(0);
            out.put_f64(*number);
        }
        Value::Boolean(boolean) => out.put_slice(&[1, u8::from(*boolean)]),
        Value::String(text) => {
            out.put_u8(2);
            write_text(text, out);
        }
        Value::Object(entries) => {
            out.put_u8(3);
            for (key, value) in entries {
                write_text(key, out);
                write(value, out);
            }
            out.put_slice(&[0, 0, 9]);
        }
        Value::Array(values) => {
            out.put_u8(10);
            out.put_u32(values.len() as u32);
            for value in values {
                write(value, out);
            }
        }
        Value::Null => out.put_u8(5),
    }
}

/// Text is cut at 65,535 bytes: nothing that we write is longer.
fn write_text(text: &str, out: &mut BytesMut) {
    let bytes = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
    out.put_u16(bytes.len() as u16);
    out.put_slice(bytes);
}

struct Reader<'a> {
    rest: &'a [u8],
    values: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], AmfError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(AmfError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], AmfError> {
        self.take(N)?.try_into().map_err(|_| AmfError::Truncated)
    }

    fn text(&mut self, bytes: usize) -> Result<String, AmfError> {
        Ok(String::from_utf8_lossy(self.take(bytes)?).into_owned())
    }

    fn short_text(&mut self) -> Result<String, AmfError> {
        let bytes = u16::from_be_bytes(self.array()?);
        self.text(usize::from(bytes))
    }

    fn value(&mut self, depth: u32) -> Result<Value, AmfError> {
        self.values += 1;
        if depth > MAX_DEPTH || self.values > MAX_VALUES {
            return Err(AmfError::TooMuch);
        }
        let [marker] = self.array()?;
        Ok(match marker {
            0 => Value::Number(f64::from_be_bytes(self.array()?)),
            1 => Value::Boolean(self.array::<1>()? != [0]),
            2 => Value::String(self.short_text()?),
            3 => Value::Object(self.entries(depth)?),
            5 | 6 | 13 => Value::Null,
            7 => {
                self.take(2)?;
                Value::Null
            }
            8 => {
                self.take(4)?;
                Value::Object(self.entries(depth)?)
            }
            10 => {
                let count = u32::from_be_bytes(self.array()?);
                let mut values = Vec::new();
                for _ in 0..count {
                    values.push(self.value(depth + 1)?);
                }
                Value::Array(values)
            }
            11 => {
                self.take(10)?;
                Value::Null
            }
            12 | 15 => {
                let bytes = u32::from_be_bytes(self.array()?);
                Value::String(self.text(bytes as usize)?)
            }
            marker => return Err(AmfError::Marker(marker)),
        })
    }

    fn entries(&mut self, depth: u32) -> Result<Vec<(String, Value)>, AmfError> {
        let mut entries = Vec::new();
        loop {
            let key = self.short_text()?;
            if key.is_empty() && self.rest.first() == Some(&9) {
                self.take(1)?;
                return Ok(entries);
            }
            let value = self.value(depth + 1)?;
            entries.push((key, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_a_round_trip_and_prefixes_are_errors() {
        let value = Value::Object(vec![
            ("app".to_owned(), Value::String("live".to_owned())),
            (
                "n".to_owned(),
                Value::Array(vec![Value::Number(-0.5), Value::Null, Value::Boolean(true)]),
            ),
            ("o".to_owned(), Value::Object(Vec::new())),
        ]);
        let mut bytes = BytesMut::new();
        write(&value, &mut bytes);
        assert_eq!(read_all(&bytes), Ok(vec![value]));
        assert_eq!(first_value_bytes(&bytes), Ok(bytes.len()));
        for length in 1..bytes.len() {
            assert_eq!(read_all(&bytes[..length]), Err(AmfError::Truncated), "{length}");
        }
    }

    #[test]
    fn depth_and_counts_are_bounded() {
        let deep = [10, 0, 0, 0, 1].repeat(100);
        assert_eq!(read_all(&deep), Err(AmfError::TooMuch));
        let claims_many = [10, 0xff, 0xff, 0xff, 0xff, 5, 5];
        assert_eq!(read_all(&claims_many), Err(AmfError::Truncated));
        let many = vec![5; MAX_VALUES + 1];
        assert_eq!(read_all(&many), Err(AmfError::TooMuch));
    }
}
