//! The web pages, carried in the binary: landing page, till, wallet, API reference, and their assets.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::response::Response;
use axum::routing::get;

use crate::app::App;
use crate::problem::Problem;

/// One file of the web pages.
struct File {
    /// Its path in the web build, as in `assets/till-1a2b3c.js`.
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

/// All of them, sorted by path; made by the build script from `web/dist`.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Pages run our own scripts only, speak to us only, and are shown in nobody else's frames. Styles may be inline, since
/// the API reference sets some.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The names of assets change with their content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

const ASK_AGAIN: &str = "no-cache";

/// The routes of the pages.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(async || page("index.html")))
        .route("/till", get(async || page("till.html")))
        .route("/wallet", get(async || page("wallet.html")))
        // Where tags lead: the wallet reads the touch off its own address.
        .route("/t", get(async || page("wallet.html")))
        .route("/reference", get(async || page("reference.html")))
        .route("/assets/{*path}", get(asset))
}

fn page(path: &str) -> Result<Response, Problem> {
    respond(path, ASK_AGAIN)
}

async fn asset(Path(path): Path<String>) -> Result<Response, Problem> {
    respond(&format!("assets/{path}"), FOR_EVER)
}

fn respond(path: &str, cache: &'static str) -> Result<Response, Problem> {
    let place = FILES.binary_search_by_key(&path, |file| file.path).map_err(|_| Problem::not_found())?;
    let file = FILES.get(place).ok_or_else(Problem::not_found)?;
    let mut response = Response::new(Body::from(file.bytes));
    let headers: [(HeaderName, &'static str); 5] = [
        (CONTENT_TYPE, file.content_type),
        (CACHE_CONTROL, cache),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    response.headers_mut().extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_there() {
        assert!(FILES.is_sorted_by_key(|file| file.path));
        for path in ["index.html", "till.html", "wallet.html", "reference.html"] {
            assert!(page(path).is_ok(), "{path}");
        }
        assert!(page("../Cargo.toml").is_err());
    }
}
