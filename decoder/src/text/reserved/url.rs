//! `Debug` of `url::Url`: its parts, which are found in its text again.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A URL in the form to which the package brings it.
pub(super) struct Url<'v>(pub(super) &'v str);

/// The host of a URL.
#[derive(Debug)]
enum Host<'v> {
    Domain(#[expect(dead_code, reason = "printed by `Debug`")] &'v str),
    Ipv4(#[expect(dead_code, reason = "printed by `Debug`")] Ipv4Addr),
    Ipv6(#[expect(dead_code, reason = "printed by `Debug`")] Ipv6Addr),
}

impl fmt::Debug for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rest, fragment) = split(self.0, '#');
        let (rest, query) = split(rest, '?');
        let (scheme, rest) = rest.split_once(':').unwrap_or((rest, ""));
        let mut authority = Authority { username: "", password: None, host: None, port: None };
        let mut path = rest;
        if let Some(rest) = rest.strip_prefix("//") {
            let end = rest.find('/').unwrap_or(rest.len());
            let (before, after) = rest.split_at(end);
            authority = Authority::of(scheme, before);
            path = after;
        } else if rest.starts_with("/.//") {
            path = &rest[2..];
        }
        f.debug_struct("Url")
            .field("scheme", &scheme)
            .field("cannot_be_a_base", &!rest.starts_with('/'))
            .field("username", &authority.username)
            .field("password", &authority.password)
            .field("host", &authority.host)
            .field("port", &authority.port)
            .field("path", &path)
            .field("query", &query)
            .field("fragment", &fragment)
            .finish()
    }
}

struct Authority<'v> {
    username: &'v str,
    password: Option<&'v str>,
    host: Option<Host<'v>>,
    port: Option<u16>,
}

impl<'v> Authority<'v> {
    fn of(scheme: &str, text: &'v str) -> Self {
        let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
        let (username, password) = split(user, ':');
        // The colons of an IPv6 address are between brackets.
        let end = host.rfind(']').map_or(0, |at| at + 1);
        let (port, host) = match host.get(end..).and_then(|rest| rest.rfind(':')) {
            Some(at) => (host[end + at + 1..].parse().ok(), &host[..end + at]),
            None => (None, host),
        };
        let is_special = matches!(scheme, "http" | "https" | "ws" | "wss" | "ftp" | "file");
        let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match (v6.and_then(|host| host.parse().ok()), host.parse()) {
            _ if host.is_empty() => None,
            (Some(address), _) => Some(Host::Ipv6(address)),
            (None, Ok(address)) if is_special => Some(Host::Ipv4(address)),
            _ => Some(Host::Domain(host)),
        };
        Self { username, password, host, port }
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}
