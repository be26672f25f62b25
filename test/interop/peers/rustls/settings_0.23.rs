// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What rustls 0.23 is told, which Debian 13 has: versions, certificates, keys.
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

fn reader(path: &str) -> Outcome<BufReader<File>> {
    Ok(BufReader::new(File::open(path)?))
}

pub fn server(version: &str, certificate: &str, key: &str) -> Outcome<Arc<ServerConfig>> {
    let chain = rustls_pemfile::certs(&mut reader(certificate)?).collect::<Result<_, _>>()?;
    let key = rustls_pemfile::private_key(&mut reader(key)?)?.ok_or("no key")?;
    let settings = ServerConfig::builder_with_protocol_versions(versions(version))
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Arc::new(settings))
}

pub fn client(version: &str, authority: &str) -> Outcome<Arc<ClientConfig>> {
    let mut trusted = RootCertStore::empty();
    for each in rustls_pemfile::certs(&mut reader(authority)?) {
        trusted.add(each?)?;
    }
    let settings = ClientConfig::builder_with_protocol_versions(versions(version))
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(Arc::new(settings))
}
