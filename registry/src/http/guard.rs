//! Pages of other sites must not reach this server through the browser of somebody who can: neither by a request of
//! their own (`Origin`) nor by a name that they point at this machine (`Host`).

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::AccessSettings;
use crate::request::{Problem, ProblemKind};

pub(super) async fn refuse_foreign(State(settings): State<AccessSettings>, request: Request, next: Next) -> Response {
    if let Some(problem) = refusal(&settings.hosts, request.method(), request.headers()) {
        return problem.into_response();
    }
    next.run(request).await
}

fn refusal(hosts: &[String], method: &Method, headers: &HeaderMap) -> Option<Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or("127.0.0.1");
    if !is_this_machine(host) && !is_one_of(hosts, host) {
        return Some(
            Problem::new(
                ProblemKind::ForeignOrigin,
                format!("{host:?} is not the name of this machine"),
            )
            .field("Host")
            .remedy(
                "open it under its own name; whoever keeps the server lists the names it has in the setting hosts \
                 (YICE_HOSTS)",
            ),
        );
    }
    if method.is_safe() {
        return None;
    }
    let origin = text(header::ORIGIN)?;
    let same = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
        .is_some_and(|site| site == host);
    (!same).then(|| {
        Problem::new(
            ProblemKind::ForeignOrigin,
            format!("a page of {origin:?} may not change anything here"),
        )
        .field("Origin")
    })
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn is_one_of(hosts: &[String], host: &str) -> bool {
    let name = name_of(host);
    !name.is_empty() && hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn is_this_machine(host: &str) -> bool {
    let name = name_of(host);
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_this_machine_under_its_own_name() {
        for host in ["127.0.0.1:8080", "localhost", "[::1]:8080", "LOCALHOST:1"] {
            assert!(refusal(&[], &Method::GET, &headers(host, None)).is_none(), "{host}");
        }
        for host in [
            "evil.example:8080",
            "10.0.0.1",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
        ] {
            assert!(refusal(&[], &Method::GET, &headers(host, None)).is_some(), "{host}");
        }
    }

    #[test]
    fn the_names_that_are_set_are_its_own_and_no_others() {
        let hosts = ["yice.example.gov.cn".to_owned(), "10.0.0.5".to_owned()];
        for host in [
            "yice.example.gov.cn",
            "YICE.example.gov.cn:443",
            "10.0.0.5:8080",
            "localhost",
        ] {
            assert!(refusal(&hosts, &Method::GET, &headers(host, None)).is_none(), "{host}");
        }
        for host in ["example.gov.cn", "x.yice.example.gov.cn", "10.0.0.6", "", ":80"] {
            assert!(refusal(&hosts, &Method::GET, &headers(host, None)).is_some(), "{host}");
        }
        let own = headers("yice.example.gov.cn", Some("https://yice.example.gov.cn"));
        assert!(refusal(&hosts, &Method::POST, &own).is_none());
        let foreign = headers("yice.example.gov.cn", Some("https://evil.example"));
        assert!(refusal(&hosts, &Method::POST, &foreign).is_some());
    }

    #[test]
    fn a_foreign_page_changes_nothing() {
        let own = headers("127.0.0.1:8080", Some("http://127.0.0.1:8080"));
        assert!(refusal(&[], &Method::POST, &own).is_none());
        for origin in ["https://evil.example", "null", "http://127.0.0.1:9090"] {
            assert!(
                refusal(&[], &Method::POST, &headers("127.0.0.1:8080", Some(origin))).is_some(),
                "{origin}"
            );
            assert!(
                refusal(&[], &Method::GET, &headers("127.0.0.1:8080", Some(origin))).is_none(),
                "{origin}"
            );
        }
    }
}
