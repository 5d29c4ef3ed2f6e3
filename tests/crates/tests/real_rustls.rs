//! `rustls`, which logs by `log`: its records arrive with nothing but the set-up changed.

use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use stenolog_tests_crates::records;

/// A server without a certificate, which refuses every client.
#[derive(Debug)]
struct NoCertificate;

impl ResolvesServerCert for NoCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

#[test]
fn a_handshake_is_told_by_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tls.steno");
    let log = stenolog::Builder::new(&path).filter("trace").capture_log().start().unwrap();

    let client = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = "shop.example.org".try_into().unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let server =
        ServerConfig::builder().with_no_client_auth().with_cert_resolver(Arc::new(NoCertificate));
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    let mut sent = Vec::new();
    client.write_tls(&mut sent).unwrap();
    server.read_tls(&mut sent.as_slice()).unwrap();
    let refused = server.process_new_packets().unwrap_err();
    log.close().unwrap();

    let records = records(&path);
    let of = |target: &str, message: &str| {
        let found = records.iter().find(|record| {
            let is_it = record["message"].as_str().is_some_and(|it| it.starts_with(message));
            record["target"] == target && is_it
        });
        found.unwrap_or_else(|| panic!("{target} does not say {message:?}: {records:?}"))
    };
    let client = of("rustls::client::hs", "No cached session for DnsName(\"shop.example.org\")");
    assert_eq!(client["level"], "DEBUG");
    assert_eq!(of("rustls::client::hs", "Not resuming any session")["level"], "DEBUG");
    assert_eq!(of("rustls::client::hs", "Sending ClientHello Message {")["level"], "TRACE");
    let server = of("rustls::server::hs", "we got a clienthello ClientHelloPayload {");
    assert_eq!(server["level"], "TRACE");
    // Places are those of the crate's source, not of a bridge.
    for (record, file) in [(client, "client/hs.rs"), (server, "server/hs.rs")] {
        assert!(record["file"].as_str().unwrap().ends_with(file), "{record}");
        assert!(record["line"].as_u64().unwrap() > 1, "{record}");
    }
    assert_eq!(refused.to_string(), "unexpected error: no server certificate chain resolved");
}
