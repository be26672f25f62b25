// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What rustls 0.20 is told, which Debian 12 has: versions, certificates, keys.
use crate::Outcome;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

static ONLY_1_2: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];
static ONLY_1_3: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13];

fn versions(name: &str) -> &'static [&'static rustls::SupportedProtocolVersion] {
    if name == "1.2" { ONLY_1_2 } else { ONLY_1_3 }
}

fn certificates(path: &str) -> Outcome<Vec<rustls::Certificate>> {
    let found = rustls_pemfile::certs(&mut BufReader::new(File::open(path)?))?;
    Ok(found.into_iter().map(rustls::Certificate).collect())
}

pub fn server(version: &str, certificate: &str, key: &str) -> Outcome<Arc<ServerConfig>> {
    let mut keys = rustls_pemfile::pkcs8_private_keys(&mut BufReader::new(File::open(key)?))?;
    let settings = ServerConfig::builder()
        .with_safe_default_cipher_suites()
        .with_safe_default_kx_groups()
        .with_protocol_versions(versions(version))?
        .with_no_client_auth()
        .with_single_cert(certificates(certificate)?, rustls::PrivateKey(keys.remove(0)))?;
    Ok(Arc::new(settings))
}

pub fn client(version: &str, authority: &str) -> Outcome<Arc<ClientConfig>> {
    let mut trusted = RootCertStore::empty();
    for each in certificates(authority)? {
        trusted.add(&each)?;
    }
    let settings = ClientConfig::builder()
        .with_safe_default_cipher_suites()
        .with_safe_default_kx_groups()
        .with_protocol_versions(versions(version))?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(Arc::new(settings))
}
