//! App links: which wallet apps open a tag's address in place of the wallet page.
//!
//! A phone that has such an app installed asks this server once whether the app may, and then opens it at each touch:
//! Android by `/.well-known/assetlinks.json` (Digital Asset Links), Apple by `/.well-known/apple-app-site-association`
//! (Supporting associated domains). Phones without the app go on to the page.

use std::str::FromStr;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, body::Body};
use serde_json::json;

use crate::app::App;
use crate::problem::Problem;

/// Where tags lead.
const TOUCH_PATH: &str = "/t";

/// The apps that may open tags. Without any, both addresses answer 404, as on any other site.
#[derive(Debug, Clone, Default)]
pub struct AppLinks {
    /// Of Android.
    pub android: Vec<AndroidApp>,
    /// Of iOS.
    pub apple: Vec<AppleApp>,
}

/// An Android app: its package, and the certificate that it is signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AndroidApp {
    package: String,
    /// Upper case, in pairs with colons between.
    sha256_fingerprint: String,
}

/// An iOS app: `TEAMID.bundle.identifier`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppleApp(String);

/// Why a text names no app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoApp {
    /// No `=` between package and fingerprint.
    #[error("must be PACKAGE=FINGERPRINT, such as com.example.wallet=14:6D:E9:…")]
    NoFingerprint,
    /// The package has other characters than a package may have, or no dot.
    #[error("the package must be parts of letters, digits and _ with dots between, such as com.example.wallet")]
    Package,
    /// The fingerprint is not 32 bytes.
    #[error("the fingerprint must be the SHA-256 of the signing certificate: 32 pairs of hexadecimal digits")]
    Fingerprint,
    /// The team's id is not ten letters and digits.
    #[error("must begin with the team's id, ten letters and digits, and a dot: TEAM123456.com.example.wallet")]
    Team,
}

impl FromStr for AndroidApp {
    type Err = NoApp;

    fn from_str(text: &str) -> Result<Self, NoApp> {
        let (package, fingerprint) = text.split_once('=').ok_or(NoApp::NoFingerprint)?;
        if !is_identifier(package, |character| character == '_') {
            return Err(NoApp::Package);
        }
        let pairs: Vec<&str> = fingerprint.split(':').collect();
        let is_pair = |pair: &&str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
        if pairs.len() != 32 || !pairs.iter().all(is_pair) {
            return Err(NoApp::Fingerprint);
        }
        Ok(Self { package: package.to_owned(), sha256_fingerprint: fingerprint.to_ascii_uppercase() })
    }
}

impl FromStr for AppleApp {
    type Err = NoApp;

    fn from_str(text: &str) -> Result<Self, NoApp> {
        let (team, bundle) = text.split_once('.').ok_or(NoApp::Team)?;
        let is_team = team.len() == 10 && team.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !is_team {
            return Err(NoApp::Team);
        }
        if !is_identifier(bundle, |character| character == '-') {
            return Err(NoApp::Package);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Two or more parts of ASCII letters, digits and what else is allowed, with dots between.
fn is_identifier(text: &str, also: impl Fn(char) -> bool) -> bool {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || also(character);
    let is_part = |part: &str| !part.is_empty() && part.chars().all(is_allowed);
    text.len() <= 200 && text.contains('.') && text.split('.').all(is_part)
}

/// The two addresses.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/.well-known/assetlinks.json", get(asset_links))
        .route("/.well-known/apple-app-site-association", get(apple_association))
}

async fn asset_links(State(app): State<App>) -> Result<Response, Problem> {
    let apps = &app.options().app_links.android;
    let statement = |app: &AndroidApp| {
        let (package, fingerprint) = (&app.package, &app.sha256_fingerprint);
        let target = json!({
            "namespace": "android_app", "package_name": package, "sha256_cert_fingerprints": [fingerprint],
        });
        json!({ "relation": ["delegate_permission/common.handle_all_urls"], "target": target })
    };
    answer(!apps.is_empty(), &apps.iter().map(statement).collect())
}

async fn apple_association(State(app): State<App>) -> Result<Response, Problem> {
    let apps = &app.options().app_links.apple;
    let ids: Vec<&str> = apps.iter().map(|app| app.0.as_str()).collect();
    let touches = json!([{ "/": TOUCH_PATH, "comment": "what a tag says when it is touched" }]);
    let details = json!([{ "appIDs": ids, "components": touches }]);
    answer(!apps.is_empty(), &json!({ "applinks": { "details": details } }))
}

/// Both are JSON, whatever their name ends in, and are not redirected.
fn answer(is_there: bool, json: &serde_json::Value) -> Result<Response, Problem> {
    if !is_there {
        return Err(Problem::not_found());
    }
    let mut response = Response::new(Body::from(json.to_string()));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINGERPRINT: &str =
        "14:6d:e9:83:c5:73:06:50:d8:ee:b9:95:2f:34:fc:64:16:a0:83:42:e6:1d:be:a8:8a:04:96:b2:3f:cf:44:e5";

    #[test]
    fn apps_are_named_as_their_makers_name_them() {
        let android: AndroidApp = format!("com.example.wallet_2={FINGERPRINT}").parse().unwrap();
        assert_eq!(android.package, "com.example.wallet_2");
        assert_eq!(android.sha256_fingerprint, FINGERPRINT.to_uppercase());
        assert_eq!("ABCDE12345.com.example.my-wallet".parse(), Ok(AppleApp("ABCDE12345.com.example.my-wallet".into())));
        for (text, why) in [
            ("com.example.wallet".to_owned(), NoApp::NoFingerprint),
            (format!("wallet={FINGERPRINT}"), NoApp::Package),
            (format!("com..wallet={FINGERPRINT}"), NoApp::Package),
            (format!("com.example.\"={FINGERPRINT}"), NoApp::Package),
            (format!("com.example.wallet={}", &FINGERPRINT[3..]), NoApp::Fingerprint),
            (format!("com.example.wallet={}", FINGERPRINT.replace(':', "")), NoApp::Fingerprint),
            (format!("com.example.wallet={}", FINGERPRINT.replace("6d", "xd")), NoApp::Fingerprint),
        ] {
            assert_eq!(text.parse::<AndroidApp>(), Err(why), "{text}");
        }
        for (text, why) in [
            ("com.example.wallet", NoApp::Team),
            ("ABCDE1234.com.example.wallet", NoApp::Team),
            ("abcde12345.com.example.wallet", NoApp::Team),
            ("ABCDE12345.wallet", NoApp::Package),
            ("ABCDE12345.com.example.wal let", NoApp::Package),
        ] {
            assert_eq!(text.parse::<AppleApp>(), Err(why), "{text}");
        }
    }
}
