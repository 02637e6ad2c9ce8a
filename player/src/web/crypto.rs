//! The browser's own AES: several times faster than ours in WebAssembly, as it uses the
//! processor's instructions. Pages without https have none.

use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    /// `SubtleCrypto`.
    type Subtle;

    #[wasm_bindgen(thread_local_v2, js_namespace = crypto, js_name = subtle)]
    static SUBTLE: Option<Subtle>;

    #[wasm_bindgen(method, catch, js_name = importKey)]
    fn import_key(
        this: &Subtle,
        format: &str,
        key: &Uint8Array,
        algorithm: &str,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn decrypt(
        this: &Subtle,
        algorithm: &Object,
        key: &JsValue,
        text: &Uint8Array,
    ) -> Result<Promise, JsValue>;
}

/// What decrypts one segment: AES in cipher block chaining mode, with padding.
pub struct Key {
    /// 16 or 32 bytes.
    pub bytes: Vec<u8>,
    pub iv: [u8; 16],
}

/// Whether the browser decrypts for this page.
pub fn is_there() -> bool {
    SUBTLE.with(Option::is_some)
}

/// Decrypts the whole of a text.
///
/// # Errors
///
/// If the padding is wrong, which is all that browsers tell, or if there is no such thing here.
pub async fn decrypt(key: &Key, text: &Uint8Array) -> Result<Uint8Array, JsValue> {
    const ALGORITHM: &str = "AES-CBC";
    let bytes = Uint8Array::from(key.bytes.as_slice());
    let usages = Array::of1(&"decrypt".into());
    let imported = SUBTLE.with(|subtle| {
        let subtle = subtle.as_ref().ok_or(JsValue::UNDEFINED)?;
        subtle.import_key("raw", &bytes, ALGORITHM, false, &usages)
    })?;
    let imported = JsFuture::from(imported).await?;
    let algorithm = Object::new();
    Reflect::set(&algorithm, &"name".into(), &ALGORITHM.into())?;
    Reflect::set(&algorithm, &"iv".into(), &Uint8Array::from(&key.iv[..]))?;
    let plain = SUBTLE.with(|subtle| {
        let subtle = subtle.as_ref().ok_or(JsValue::UNDEFINED)?;
        subtle.decrypt(&algorithm, &imported, text)
    })?;
    Ok(Uint8Array::new(&JsFuture::from(plain).await?))
}
