//! Segments that are encrypted as a whole: AES in cipher block chaining mode with the padding of
//! PKCS #7 (RFC 8216, 4.3.2.4 and 5.2), with keys of 128 or 256 bits.

use aes::cipher::{Array, BlockCipherDecrypt as _, KeyInit as _};
use aes::{Aes128, Aes256};

use crate::error::Error;

const BLOCK: usize = 16;

/// So many blocks are decrypted together: processors and the compiler work on several at a time.
const TOGETHER: usize = 16;

/// Decrypts one segment.
pub struct Decryptor {
    cipher: Cipher,
    /// The last block of ciphertext before what is held.
    previous: [u8; BLOCK],
    /// Not decrypted yet: a part of a block, or what may be the last one, which has the padding.
    held: Vec<u8>,
    received: u64,
}

enum Cipher {
    Aes128(Aes128),
    Aes256(Aes256),
}

/// The initialization vector of a segment whose key states none: its media sequence number.
pub fn iv_from_media_sequence(number: u64) -> [u8; 16] {
    u128::from(number).to_be_bytes()
}

impl Decryptor {
    /// A decryptor for a key of 16 or 32 bytes.
    ///
    /// # Errors
    ///
    /// If the key has another length.
    pub fn new(key: &[u8], iv: [u8; 16]) -> Result<Self, Error> {
        let cipher = match key.len() {
            16 => Aes128::new_from_slice(key).map(Cipher::Aes128),
            32 => Aes256::new_from_slice(key).map(Cipher::Aes256),
            _ => {
                return Err(Error::malformed(
                    "an AES key has 16 or 32 bytes: the key's address may be wrong",
                    0,
                    "key",
                ));
            }
        };
        let cipher = cipher.expect("the length was matched");
        Ok(Self { cipher, previous: iv, held: Vec::new(), received: 0 })
    }

    /// Decrypts more of the segment, chunked in any way, and appends it to `out`. The end of it
    /// comes with [`Decryptor::finish`].
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        self.received += bytes.len() as u64;
        // Whole blocks, but not the last one; what is held comes first.
        let available = self.held.len() + bytes.len();
        let ready = available.saturating_sub(1) / BLOCK * BLOCK;
        if ready == 0 {
            self.held.extend_from_slice(bytes);
            return;
        }
        let start = out.len();
        out.reserve(ready);
        out.append(&mut self.held);
        let (now, later) = bytes.split_at(ready - (out.len() - start));
        out.extend_from_slice(now);
        bytes = later;
        self.held.extend_from_slice(bytes);
        self.decrypt(&mut out[start..]);
    }

    /// The segment is over: appends what is left of it, without the padding.
    ///
    /// # Errors
    ///
    /// If the length is no multiple of a block's, or the padding is wrong: then the key is, or the
    /// segment is cut short.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.held.len() != BLOCK {
            let what = "the length is no multiple of 16: the segment is cut short";
            return Err(Error::malformed(what, self.received, "AES-CBC"));
        }
        let mut last = std::mem::take(&mut self.held);
        self.decrypt(&mut last);
        let padding = usize::from(last[BLOCK - 1]);
        let padded = (1..=BLOCK).contains(&padding)
            && last[BLOCK - padding..].iter().all(|byte| usize::from(*byte) == padding);
        if !padded {
            let what = "the padding is wrong: the key or its IV is not the right one";
            return Err(Error::malformed(what, self.received, "AES-CBC"));
        }
        out.extend_from_slice(&last[..BLOCK - padding]);
        Ok(())
    }

    /// Decrypts whole blocks in place.
    fn decrypt(&mut self, bytes: &mut [u8]) {
        for group in bytes.chunks_mut(BLOCK * TOGETHER) {
            let mut cipher_text = [0; BLOCK * TOGETHER];
            cipher_text[..group.len()].copy_from_slice(group);
            let (blocks, _) = Array::slice_as_chunks_mut(group);
            match &self.cipher {
                Cipher::Aes128(cipher) => cipher.decrypt_blocks(blocks),
                Cipher::Aes256(cipher) => cipher.decrypt_blocks(blocks),
            }
            let before = self.previous.iter().chain(&cipher_text);
            group.iter_mut().zip(before).for_each(|(byte, before)| *byte ^= before);
            if let Some(last) = cipher_text[..group.len()].last_chunk() {
                self.previous = *last;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digit =
            |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        text.as_bytes().chunks(2).map(digit).collect()
    }

    /// NIST SP 800-38A, F.2.2 and F.2.6: CBC-AES128 and CBC-AES256; as the padding is missing there,
    /// only what comes before the last block is compared.
    #[test]
    fn examples_of_nist() {
        let iv = hex("000102030405060708090a0b0c0d0e0f").try_into().unwrap();
        let plain = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
             30c81c46a35ce411e5fbc1191a0a52ef");
        for (key, cipher_text) in [
            (
                "2b7e151628aed2a6abf7158809cf4f3c",
                "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2\
                 73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
            ),
            (
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d\
                 39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
            ),
        ] {
            for chunk in [1, 15, 16, 17, 64] {
                let mut decryptor = Decryptor::new(&hex(key), iv).unwrap();
                let mut out = Vec::new();
                for piece in hex(cipher_text).chunks(chunk) {
                    decryptor.push(piece, &mut out);
                }
                assert_eq!(out, plain, "chunks of {chunk}");
                assert!(decryptor.finish(&mut out).is_err());
            }
        }
    }

    #[test]
    fn wrong_keys_and_lengths_are_named() {
        assert!(Decryptor::new(&[0; 17], [0; 16]).is_err());
        let mut decryptor = Decryptor::new(&[0; 16], [0; 16]).unwrap();
        let mut out = Vec::new();
        decryptor.push(&[0; 40], &mut out);
        let error = decryptor.finish(&mut out).unwrap_err();
        assert!(error.to_string().contains("cut short"), "{error}");
    }

    #[test]
    fn the_sequence_number_is_a_vector() {
        assert_eq!(iv_from_media_sequence(258)[14..], [1, 2]);
    }
}
