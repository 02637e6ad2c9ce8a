//! Messages as flat arrays of numbers and strings, the cheapest thing that `postMessage` clones.
//!
//! Both ends are the same build of the same module, so there are no versions and no names: the
//! order of the fields is the format.

use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};

/// Fills a message.
pub struct Writer(Array);

/// Empties a message.
pub struct Reader {
    message: Array,
    position: u32,
}

/// What can be part of a message.
pub trait Wire: Sized {
    /// Appends this value.
    fn put(&self, writer: &mut Writer);
    /// Takes the next value; `None` if the message holds something else, which only happens to a
    /// message that is not ours.
    fn take(reader: &mut Reader) -> Option<Self>;
}

/// The message that `value` makes.
pub fn encode(value: &impl Wire) -> JsValue {
    let mut writer = Writer(Array::new());
    value.put(&mut writer);
    writer.0.into()
}

/// The value that a message was made of.
pub fn decode<T: Wire>(message: &JsValue) -> Option<T> {
    let message = message.dyn_ref::<Array>()?.clone();
    T::take(&mut Reader { message, position: 0 })
}

impl Wire for JsValue {
    fn put(&self, writer: &mut Writer) {
        writer.0.push(self);
    }

    fn take(reader: &mut Reader) -> Option<Self> {
        let position = reader.position;
        reader.position += 1;
        (position < reader.message.length()).then(|| reader.message.get(position))
    }
}

impl Wire for f64 {
    fn put(&self, writer: &mut Writer) {
        JsValue::from_f64(*self).put(writer);
    }

    fn take(reader: &mut Reader) -> Option<Self> {
        JsValue::take(reader)?.as_f64()
    }
}

impl Wire for bool {
    fn put(&self, writer: &mut Writer) {
        JsValue::from_bool(*self).put(writer);
    }

    fn take(reader: &mut Reader) -> Option<Self> {
        JsValue::take(reader)?.as_bool()
    }
}

impl Wire for String {
    fn put(&self, writer: &mut Writer) {
        JsValue::from_str(self).put(writer);
    }

    fn take(reader: &mut Reader) -> Option<Self> {
        JsValue::take(reader)?.as_string()
    }
}

/// Integers travel as the numbers of JavaScript; all of ours are below 2^53.
macro_rules! wire_integers {
    ($($integer:ty),*) => {$(
        impl Wire for $integer {
            #[allow(clippy::cast_precision_loss, clippy::cast_lossless, reason = "below 2^53")]
            fn put(&self, writer: &mut Writer) {
                (*self as f64).put(writer);
            }

            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "was one")]
            fn take(reader: &mut Reader) -> Option<Self> {
                f64::take(reader).map(|number| number as $integer)
            }
        }
    )*};
}
wire_integers!(u8, u16, u32, u64, usize);

impl<T: Wire> Wire for Option<T> {
    fn put(&self, writer: &mut Writer) {
        match self {
            Some(value) => {
                true.put(writer);
                value.put(writer);
            }
            None => false.put(writer),
        }
    }

    fn take(reader: &mut Reader) -> Option<Self> {
        if bool::take(reader)? { T::take(reader).map(Some) } else { Some(None) }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, writer: &mut Writer) {
        self.len().put(writer);
        self.iter().for_each(|value| value.put(writer));
    }

    fn take(reader: &mut Reader) -> Option<Self> {
        let count = usize::take(reader)?;
        (0..count).map(|_| T::take(reader)).collect()
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, writer: &mut Writer) {
        self.0.put(writer);
        self.1.put(writer);
    }

    fn take(reader: &mut Reader) -> Option<Self> {
        Some((A::take(reader)?, B::take(reader)?))
    }
}

/// A struct is its fields, in the order given.
macro_rules! wire_struct {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::worker::wire::Wire for $type {
            fn put(&self, writer: &mut $crate::worker::wire::Writer) {
                $($crate::worker::wire::Wire::put(&self.$field, writer);)*
            }

            fn take(reader: &mut $crate::worker::wire::Reader) -> Option<Self> {
                $(let $field = $crate::worker::wire::Wire::take(reader)?;)*
                Some(Self { $($field),* })
            }
        }
    };
}

/// An enum is a number and the fields of the variant.
macro_rules! wire_enum {
    ($type:ty { $($tag:literal => $variant:ident
        $(($($value:ident),*))? $({ $($field:ident),* })?),* $(,)? }) => {
        impl $crate::worker::wire::Wire for $type {
            fn put(&self, writer: &mut $crate::worker::wire::Writer) {
                match self {
                    $(Self::$variant $(($($value),*))? $({ $($field),* })? => {
                        $crate::worker::wire::Wire::put(&$tag, writer);
                        $($($crate::worker::wire::Wire::put($value, writer);)*)?
                        $($($crate::worker::wire::Wire::put($field, writer);)*)?
                    })*
                }
            }

            fn take(reader: &mut $crate::worker::wire::Reader) -> Option<Self> {
                let tag: u8 = $crate::worker::wire::Wire::take(reader)?;
                match tag {
                    $($tag => {
                        $($(let $value = $crate::worker::wire::Wire::take(reader)?;)*)?
                        $($(let $field = $crate::worker::wire::Wire::take(reader)?;)*)?
                        Some(Self::$variant $(($($value),*))? $({ $($field),* })?)
                    })*
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use {wire_enum, wire_struct};
