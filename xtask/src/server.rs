//! A static file server on loopback that sends what a good static host would: types, caching,
//! compressed files where they lie beside the originals, and the page's security policy.

use std::convert::Infallible;
use std::net::TcpListener;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, IF_NONE_MATCH, LOCATION, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;

/// The policy of the page and of its worker scripts (a dedicated worker has its own).
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
    img-src 'self' blob: data:; worker-src 'self'; object-src 'none'; base-uri 'none'";
/// Ports tried from the wanted one on.
const PORTS: u16 = 50;

/// A server that runs until the program ends.
pub struct Serving {
    /// Where the page is.
    pub url: String,
}

/// Serves a folder below `prefix` (which begins and ends with a slash) from the first free port.
pub fn start(folder: &Path, port: u16, prefix: &str) -> Result<Serving> {
    let folder = folder.canonicalize().with_context(|| format!("cannot serve {}", folder.display()))?;
    let last = port.saturating_add(PORTS);
    let bound = (port..=last).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    let Some(listener) = bound else {
        bail!("ports {port} to {last} are all taken: name a free one with --port");
    };
    let url = format!("http://{}{prefix}", listener.local_addr()?);
    listener.set_nonblocking(true)?;
    // One thread for all connections: files come from this machine's disk, and none waits for another's end.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let site = Arc::new(Site { folder, prefix: prefix.to_owned() });
    thread::spawn(move || runtime.block_on(accept(listener, site)));
    Ok(Serving { url })
}

/// What is served.
struct Site {
    folder: PathBuf,
    prefix: String,
}

/// Takes connections until the program ends.
async fn accept(listener: TcpListener, site: Arc<Site>) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        // A connection that breaks before it is taken is its client's affair.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let site = site.clone();
        let service = service_fn(move |request| {
            let response = respond(&request, &site);
            async { Ok::<_, Infallible>(response) }
        });
        // So is a client that goes away in the middle.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// What a path asks for.
#[derive(Debug, Eq, PartialEq)]
enum Target {
    File(PathBuf),
    /// A folder without its closing slash: relative addresses would break.
    Redirect(String),
    Missing,
}

/// Finds the file for a request's address; nothing outside the folder is ever found.
fn resolve(folder: &Path, prefix: &str, address: &str) -> Target {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let Some(path) = decode(path) else {
        return Target::Missing;
    };
    if path.len() + 1 == prefix.len() && prefix.starts_with(&path) {
        return Target::Redirect(prefix.to_owned());
    }
    let Some(inner) = path.strip_prefix(prefix) else {
        return Target::Missing;
    };
    let safe = !inner.contains(['\\', '\0'])
        && Path::new(inner).components().all(|part| match part {
            Component::Normal(name) => !name.to_string_lossy().starts_with('.'),
            _ => false,
        });
    if !safe {
        return Target::Missing;
    }
    let mut file = folder.join(inner);
    if file.is_dir() {
        if !path.ends_with('/') {
            // The name may hold anything: only a plain one is sent back.
            let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
            return match path.chars().all(plain) && !path.starts_with("//") {
                true => Target::Redirect(format!("{path}/")),
                false => Target::Missing,
            };
        }
        file.push("index.html");
    }
    // A link that leads out of the folder is not followed.
    match file.canonicalize() {
        Ok(real) if real.is_file() && real.starts_with(folder) => Target::File(real),
        _ => Target::Missing,
    }
}

/// Percent-decoding; `None` for a broken escape or text that is not UTF-8.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let (high, low) = (digit(rest.next())?, digit(rest.next())?);
            u8::try_from(high * 16 + low).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok()
}

type Answer = Response<Full<Bytes>>;

fn respond(request: &Request<Incoming>, site: &Site) -> Answer {
    let mut response = answer(request, site).unwrap_or_else(|error| {
        eprintln!("{}: {error:#}", request.uri());
        plain(StatusCode::INTERNAL_SERVER_ERROR, "This file cannot be read\n")
    });
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY.parse().expect("a constant of plain text"));
    // With these a page may share memory between its threads; a static host that cannot send them has the service worker.
    for (name, value) in
        [("cross-origin-opener-policy", "same-origin"), ("cross-origin-embedder-policy", "require-corp")]
    {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}

fn answer(request: &Request<Incoming>, site: &Site) -> Result<Answer> {
    let answer = Response::builder();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(answer.status(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, "GET, HEAD").body(Full::default())?);
    }
    let address = request.uri().path_and_query().map_or("/", |whole| whole.as_str());
    let file = match resolve(&site.folder, &site.prefix, address) {
        Target::File(file) => file,
        Target::Redirect(to) => {
            return Ok(answer.status(StatusCode::MOVED_PERMANENTLY).header(LOCATION, to).body(Full::default())?);
        }
        Target::Missing => return Ok(plain(StatusCode::NOT_FOUND, "Not found\n")),
    };
    let (sent, encoding) = encoded(&file, value(request, ACCEPT_ENCODING));
    let tag = tag(&sent)?;
    let mut answer = answer
        .header(CONTENT_TYPE, mime(&file))
        .header(ETAG, &tag)
        .header(CACHE_CONTROL, caching(&file, address))
        .header(VARY, "Accept-Encoding")
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(REFERRER_POLICY, "no-referrer");
    if let Some(name) = encoding {
        answer = answer.header(CONTENT_ENCODING, name);
    }
    if value(request, IF_NONE_MATCH).split(',').any(|known| known.trim() == tag) {
        return Ok(answer.status(StatusCode::NOT_MODIFIED).body(Full::default())?);
    }
    // Always with a length, as a static host does: the page shows how much has come.
    Ok(answer.body(Full::from(std::fs::read(&sent)?))?)
}

fn value(request: &Request<Incoming>, name: HeaderName) -> &str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The file to send: a compressed one beside it that the client takes.
fn encoded(file: &Path, accepts: &str) -> (PathBuf, Option<&'static str>) {
    for (name, suffix) in [("br", "br"), ("gzip", "gz")] {
        if accepted(accepts, name) {
            let mut path = file.as_os_str().to_owned();
            path.push(format!(".{suffix}"));
            let path = PathBuf::from(path);
            if path.is_file() {
                return (path, Some(name));
            }
        }
    }
    (file.to_path_buf(), None)
}

/// Whether an `Accept-Encoding` names this one, and not with the weight 0.
fn accepted(accepts: &str, name: &str) -> bool {
    accepts.split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let refused = |weight: &str| {
            let number = weight.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
            number == Some(0.0)
        };
        parts.next() == Some(name) && !parts.any(refused)
    })
}

fn tag(file: &Path) -> Result<String> {
    let data = std::fs::metadata(file)?;
    let changed = data.modified()?.duration_since(UNIX_EPOCH)?.as_nanos();
    let kind = file.extension().unwrap_or_default().to_string_lossy();
    Ok(format!("\"{:x}-{changed:x}-{kind}\"", data.len()))
}

/// A file whose address changes with its content may be kept; all others are asked for again.
fn caching(file: &Path, address: &str) -> &'static str {
    let hashed = file.parent().is_some_and(|folder| folder.ends_with("assets"));
    if hashed || address.contains("?v=") { "public, max-age=31536000, immutable" } else { "no-cache" }
}

fn mime(file: &Path) -> &'static str {
    let extension = file.extension().and_then(|extension| extension.to_str());
    match extension.unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "jpeg" | "jpg" => "image/jpeg",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" | "md" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
