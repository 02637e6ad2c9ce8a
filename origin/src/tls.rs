//! TLS: one certificate for HTTPS and RTMPS, which is read again while the program runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, ServerConfig};

/// What HTTPS offers, best first.
const HTTP: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Where the certificate is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The server's certificate and those that lead to its authority's, PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
}

/// What TLS connections are accepted with.
#[derive(Debug)]
pub struct Tls {
    identity: Arc<Identity>,
}

/// The certificate that is shown from now on.
#[derive(Debug)]
struct Identity(RwLock<Arc<CertifiedKey>>);

impl Config {
    /// The certificate with its key.
    ///
    /// # Errors
    /// When files are not named, cannot be read, are something else, or do not belong together: in
    /// one sentence that says what to do.
    fn read(&self) -> Result<CertifiedKey> {
        let (Some(certificate), Some(key)) = (&self.certificate, &self.key) else {
            bail!(
                "https and rtmps need a certificate: name the PEM files with tls.certificate and tls.key (--certificate FILE --key FILE)"
            );
        };
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .and_then(
                |chain| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) },
            )
            .map_err(|error| unreadable("certificate", "CERTIFICATE", certificate, &error))?;
        let private = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| unreadable("key", "PRIVATE KEY", key, &error))?;
        let (certificate, key) = (certificate.display(), key.display());
        CertifiedKey::from_der(chain, private, &default_provider()).map_err(|error| match error {
            Error::InconsistentKeys(_) => anyhow!(
                "the key {key} is not that of the certificate {certificate}: give tls.key the key that the certificate was made for"
            ),
            error => anyhow!(
                "the certificate {certificate} cannot be used with the key {key} ({error}): RSA, ECDSA (P-256, P-384) and Ed25519 are taken"
            ),
        })
    }

    /// The files, for whoever watches whether they change.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        [&self.certificate, &self.key].into_iter().flatten().map(PathBuf::as_path)
    }
}

fn unreadable(what: &str, label: &str, path: &Path, error: &pem::Error) -> anyhow::Error {
    let path = path.display();
    match error {
        pem::Error::Io(error) => anyhow!(
            "the {what} {path} cannot be read ({error}): give this user the right to, or name another file with tls.{what}"
        ),
        _ => anyhow!(
            "the {what} {path} is not one: a PEM file with a line -----BEGIN {label}----- is needed for tls.{what}"
        ),
    }
}

impl Tls {
    /// With the certificate that `config` names.
    ///
    /// # Errors
    /// When it cannot be used, in one sentence that says what to do.
    pub fn new(config: &Config) -> Result<Self> {
        let identity = Identity(RwLock::new(Arc::new(config.read()?)));
        Ok(Self { identity: Arc::new(identity) })
    }

    /// Shows the certificate that `config` names from now on; connections that are open keep theirs.
    ///
    /// # Errors
    /// When it cannot be used: the earlier one is shown then.
    pub fn renew(&self, config: &Config) -> Result<()> {
        let new = Arc::new(config.read()?);
        *self.identity.0.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// For HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// Never, with the protocol versions that are built in.
    pub fn https(&self) -> Result<TlsAcceptor> {
        self.acceptor(&HTTP)
    }

    /// For RTMP.
    ///
    /// # Errors
    /// Never, with the protocol versions that are built in.
    pub fn rtmps(&self) -> Result<TlsAcceptor> {
        self.acceptor(&[])
    }

    fn acceptor(&self, protocols: &[&[u8]]) -> Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .context("TLS cannot be set up")?
            .with_no_client_auth()
            .with_cert_resolver(self.identity.clone());
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let folder = tempfile::TempDir::new().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let made = |name: &str| {
            let rcgen::CertifiedKey { cert, signing_key } =
                rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
            let key = signing_key.serialize_pem();
            (write(&format!("{name}.pem"), &cert.pem()), write(&format!("{name}.key"), &key))
        };
        let ((certificate, key), (_, other)) = (made("a"), made("b"));
        let text = write("text", "not a certificate");
        let missing = folder.path().join("missing");
        let read = |certificate: &PathBuf, key: &PathBuf| {
            let files = (Some(certificate.clone()), Some(key.clone()));
            Config { certificate: files.0, key: files.1 }.read()
        };
        assert!(read(&certificate, &key).is_ok());
        for (certificate, key, words) in [
            (&missing, &key, ["missing", "cannot be read", "tls.certificate"]),
            (&certificate, &missing, ["missing", "cannot be read", "tls.key"]),
            (&text, &key, ["text", "BEGIN CERTIFICATE", "tls.certificate"]),
            (&certificate, &text, ["text", "BEGIN PRIVATE KEY", "tls.key"]),
            (&key, &key, ["a.key", "BEGIN CERTIFICATE", "tls.certificate"]),
            (&certificate, &other, ["b.key", "a.pem", "not that of"]),
        ] {
            let said = format!("{:#}", read(certificate, key).unwrap_err());
            for word in words {
                assert!(said.contains(word), "{word} in {said}");
            }
            assert_eq!(said.lines().count(), 1, "{said}");
        }
        let said = format!("{:#}", Config::default().read().unwrap_err());
        assert!(said.contains("tls.certificate"), "{said}");
    }
}
