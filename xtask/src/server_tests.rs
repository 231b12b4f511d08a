//! The server is asked over a socket, as a browser would ask it.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;

/// A folder with a page, a bundle, a secret beside it and a link to the secret.
fn folder() -> tempfile::TempDir {
    let outer = tempfile::tempdir().unwrap();
    let site = outer.path().join("site");
    std::fs::create_dir_all(site.join("assets")).unwrap();
    std::fs::create_dir_all(site.join("bundles/cpu")).unwrap();
    std::fs::write(site.join("index.html"), "page").unwrap();
    std::fs::write(site.join("assets/a b.js"), "code").unwrap();
    std::fs::write(site.join(".stamp"), "hidden").unwrap();
    std::fs::write(site.join("bundles/cpu/x.wasm"), vec![7; 100_000]).unwrap();
    std::fs::write(site.join("bundles/cpu/x.wasm.br"), "small").unwrap();
    std::fs::write(outer.path().join("secret"), "secret").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(outer.path().join("secret"), site.join("link")).unwrap();
    outer
}

/// Sends one request; the head and the body of the answer.
fn ask(url: &str, method: &str, path: &str, headers: &str) -> (String, Vec<u8>) {
    let host = url.trim_start_matches("http://").split('/').next().unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    (head, bytes[end + 4..].to_vec())
}

fn field(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (field, value) = line.split_once(": ")?;
        field.eq_ignore_ascii_case(name).then(|| value.to_owned())
    })
}

#[test]
fn only_files_below_the_folder_and_the_prefix_are_found() {
    let outer = folder();
    let site = outer.path().join("site").canonicalize().unwrap();
    let at = |address: &str| resolve(&site, "/lab/", address);
    assert_eq!(at("/lab/"), Target::File(site.join("index.html")));
    assert_eq!(at("/lab/index.html?x=/../#y"), Target::File(site.join("index.html")));
    assert_eq!(at("/lab/assets/a%20b.js"), Target::File(site.join("assets/a b.js")));
    assert_eq!(at("/lab"), Target::Redirect("/lab/".into()));
    assert_eq!(at("/lab/bundles"), Target::Redirect("/lab/bundles/".into()));
    for refused in [
        "/",
        "/index.html",
        "/labindex.html",
        "/lab/../secret",
        "/lab/../site/index.html",
        "/lab/%2e%2e/secret",
        "/lab/..%2fsecret",
        "/lab/assets/../../secret",
        "/lab/..\\secret",
        "/lab//etc/passwd",
        "/lab/%2fetc/passwd",
        "/lab/link",
        "/lab/.stamp",
        "/lab/index.html%00",
        "/lab/%zz",
        "/lab/%",
        "/lab/%ff",
        "/lab/missing",
        "/lab/bundles/",
    ] {
        assert_eq!(at(refused), Target::Missing, "{refused}");
    }
}

#[test]
fn a_page_comes_with_type_policy_and_a_tag_that_saves_the_second_download() {
    let outer = folder();
    let served = start(&outer.path().join("site"), 18_080, "/").unwrap();
    let (head, body) = ask(&served.url, "GET", "/", "");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body, b"page");
    assert_eq!(field(&head, "Content-Type").unwrap(), "text/html; charset=utf-8");
    assert_eq!(field(&head, "Content-Security-Policy").unwrap(), POLICY);
    assert_eq!(field(&head, "X-Content-Type-Options").unwrap(), "nosniff");
    assert_eq!(field(&head, "Cross-Origin-Opener-Policy").unwrap(), "same-origin");
    assert_eq!(field(&head, "Cross-Origin-Embedder-Policy").unwrap(), "require-corp");
    assert_eq!(field(&head, "Cache-Control").unwrap(), "no-cache");
    let again = format!("If-None-Match: {}\r\n", field(&head, "ETag").unwrap());
    let (head, body) = ask(&served.url, "GET", "/", &again);
    assert!(head.starts_with("HTTP/1.1 304") && body.is_empty(), "{head}");
    let (head, body) = ask(&served.url, "HEAD", "/", "");
    assert!(head.starts_with("HTTP/1.1 200") && body.is_empty(), "{head}");
    assert_eq!(field(&head, "Content-Length").unwrap(), "4");
    assert!(ask(&served.url, "POST", "/", "").0.starts_with("HTTP/1.1 405"));
    assert!(ask(&served.url, "GET", "/../secret", "").0.starts_with("HTTP/1.1 404"));
}

#[test]
fn a_bundle_comes_whole_or_as_the_compressed_file_that_the_client_takes() {
    let outer = folder();
    let served = start(&outer.path().join("site"), 18_180, "/").unwrap();
    let path = "/bundles/cpu/x.wasm?v=1";
    let (head, body) = ask(&served.url, "GET", path, "Accept-Encoding: gzip\r\n");
    assert_eq!((body.len(), field(&head, "Content-Encoding")), (100_000, None));
    assert_eq!(field(&head, "Content-Type").unwrap(), "application/wasm");
    assert_eq!(field(&head, "Content-Length").unwrap(), "100000");
    assert!(field(&head, "Cache-Control").unwrap().contains("immutable"));
    let (head, body) = ask(&served.url, "GET", path, "Accept-Encoding: gzip, br\r\n");
    assert_eq!(body, b"small");
    assert_eq!(field(&head, "Content-Encoding").unwrap(), "br");
    assert_eq!(field(&head, "Content-Type").unwrap(), "application/wasm");
}

#[test]
fn a_weight_of_zero_is_a_refusal() {
    assert!(accepted("gzip, deflate, br;q=0.5", "br"));
    assert!(!accepted("gzip, br;q=0", "br"));
    assert!(!accepted("gzip, br; q=0.0", "br"));
    assert!(!accepted("brotli", "br"));
    assert!(!accepted("", "gzip"));
}

/// A browser keeps its connections open and opens several more at the same moment: none may wait for another's end.
#[test]
fn connections_opened_at_once_are_all_answered_while_others_stay_open() {
    let outer = folder();
    let served = start(&outer.path().join("site"), 18_280, "/").unwrap();
    let host = served.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut open = Vec::new();
    for _ in 0..30 {
        // Connected first, all of them, and only then asked: so does a browser that expects to need them.
        let burst: Vec<_> = (0..3).map(|_| TcpStream::connect(&host).unwrap()).collect();
        for mut stream in burst {
            stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
            write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
            let mut head = [0; 12];
            stream.read_exact(&mut head).expect("an answer within 20 s");
            assert_eq!(&head, b"HTTP/1.1 200");
            open.push(stream);
        }
    }
}
