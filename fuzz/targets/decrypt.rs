#![no_main]
//! Decryption: the same at any chunking, never longer than what went in.

use immersive_fuzz::Bytes;
use immersive_media::decrypt::Decryptor;
use libfuzzer_sys::fuzz_target;

fn decrypt(key: &[u8], iv: [u8; 16], text: &[u8], chunk: usize) -> Option<(Vec<u8>, bool)> {
    let mut decryptor = Decryptor::new(key, iv).ok()?;
    let mut out = Vec::new();
    for piece in text.chunks(chunk) {
        decryptor.push(piece, &mut out);
    }
    let sound = decryptor.finish(&mut out).is_ok();
    Some((out, sound))
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes(bytes);
    let chunk = usize::from(bytes.byte()) + 1;
    let key_length = [16, 32, usize::from(bytes.byte())][usize::from(bytes.byte() % 3)];
    let iv = bytes.take();
    let key = bytes.slice(key_length);
    let whole = decrypt(key, iv, bytes.0, usize::MAX);
    assert_eq!(whole, decrypt(key, iv, bytes.0, chunk));
    assert_eq!(whole.is_some(), matches!(key.len(), 16 | 32));
    if let Some((out, sound)) = whole {
        assert!(out.len() <= bytes.0.len());
        assert!(!sound || bytes.0.len() - out.len() <= 16);
    }
});
