//! A static file server on loopback that sends what a good static host would: types, caching,
//! compressed files where they lie beside the originals, and the page's security policy.

use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail};
use tiny_http::{Header, Method, Request, Response, Server, StatusCode};

/// The policy of the page and of its worker scripts (a dedicated worker has its own).
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
    img-src 'self' blob: data:; worker-src 'self'; object-src 'none'; base-uri 'none'";
/// Requests served at the same time.
const THREADS: usize = 4;
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
    let bound = (port..=last).find_map(|port| {
        let server = Server::http(("127.0.0.1", port)).ok()?;
        Some((server, port))
    });
    let Some((server, port)) = bound else {
        bail!("ports {port} to {last} are all taken: name a free one with --port");
    };
    let server = Arc::new(server);
    for _ in 0..THREADS {
        let (server, folder, prefix) = (server.clone(), folder.clone(), prefix.to_owned());
        thread::spawn(move || {
            while let Ok(request) = server.recv() {
                // A client that goes away in the middle is its own affair.
                let _ = answer(request, &folder, &prefix);
            }
        });
    }
    Ok(Serving { url: format!("http://127.0.0.1:{port}{prefix}") })
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

fn answer(request: Request, folder: &Path, prefix: &str) -> Result<()> {
    let empty = |status: u16| Response::empty(StatusCode(status)).with_header(policy());
    if !matches!(request.method(), Method::Get | Method::Head) {
        request.respond(empty(405).with_header(header("Allow", "GET, HEAD")?))?;
        return Ok(());
    }
    let file = match resolve(folder, prefix, request.url()) {
        Target::File(file) => file,
        Target::Redirect(to) => {
            request.respond(empty(301).with_header(header("Location", &to)?))?;
            return Ok(());
        }
        Target::Missing => {
            let page = Response::from_string("Not found\n").with_status_code(404);
            request.respond(page.with_header(policy()))?;
            return Ok(());
        }
    };
    let (sent, encoding) = encoded(&file, &value(&request, "Accept-Encoding"));
    let tag = tag(&sent)?;
    let mut headers = vec![
        header("Content-Type", mime(&file))?,
        header("ETag", &tag)?,
        header("Cache-Control", caching(&file, request.url()))?,
        header("Vary", "Accept-Encoding")?,
        header("X-Content-Type-Options", "nosniff")?,
        header("Referrer-Policy", "no-referrer")?,
        policy(),
    ];
    headers.extend(encoding.map(|name| header("Content-Encoding", name)).transpose()?);
    if value(&request, "If-None-Match").split(',').any(|known| known.trim() == tag) {
        let mut response = Response::empty(304);
        headers.into_iter().for_each(|header| response.add_header(header));
        request.respond(response)?;
    } else {
        let mut response = Response::from_file(File::open(&sent)?);
        headers.into_iter().for_each(|header| response.add_header(header));
        // Always with a length, as a static host does: the page shows how much has come.
        request.respond(response.with_chunked_threshold(usize::MAX))?;
    }
    Ok(())
}

fn value(request: &Request, name: &'static str) -> String {
    request
        .headers()
        .iter()
        .find(|header| header.field.equiv(name))
        .map(|header| header.value.to_string())
        .unwrap_or_default()
}

fn header(name: &str, value: &str) -> Result<Header> {
    Header::from_bytes(name, value).map_err(|()| anyhow::anyhow!("header {name}: {value:?}"))
}

fn policy() -> Header {
    header("Content-Security-Policy", POLICY).expect("a constant of plain text")
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
