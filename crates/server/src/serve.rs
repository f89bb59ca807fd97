//! Connections: accepted up to a number, given so long for a request's head, and brought to an end in order.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::app::App;

/// Room for one request's head; longer ones are refused with 431.
const MAX_HEAD: usize = 16 * 1024;

/// The most headers of one request.
const MAX_HEADERS: usize = 64;

/// How long to wait when the operating system has no connection to give (it is out of file descriptors, mostly).
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(50);

/// Serves until `shutdown` is ready, then lets what has begun come to its end. Event streams end at once, everything
/// else has [`crate::Options::shutdown_timeout`].
pub async fn serve(app: App, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let router = app.router();
    let mut shutdown = pin!(shutdown);
    loop {
        let permit = tokio::select! {
            biased;
            () = &mut shutdown => break,
            permit = app.connections().clone().acquire_owned() => permit,
        };
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (app, router) = (app.clone(), router.clone());
                tokio::spawn(async move {
                    let _permit = permit;
                    connection(app, router, stream).await;
                });
            }
            Err(error) => {
                // The client is gone again, or we are out of something: neither is for ever.
                tracing::warn!(%error, "no connection could be accepted");
                sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }
    drop(listener);
    app.close();
    let all = u32::try_from(app.options().max_connections).unwrap_or(u32::MAX);
    if timeout(app.options().shutdown_timeout, app.connections().acquire_many(all)).await.is_err() {
        tracing::warn!("some connections did not end in time and were cut");
    }
}

async fn connection(app: App, router: Router, stream: TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        return log(&error);
    }
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.options().header_timeout)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        // Answers are small: one buffer is copied faster than two are gathered.
        .writev(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut served = pin!(served);
    let outcome = tokio::select! {
        outcome = served.as_mut() => outcome,
        () = told_to_close(&app) => {
            served.as_mut().graceful_shutdown();
            match timeout(app.options().shutdown_timeout, served).await {
                Ok(outcome) => outcome,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = outcome {
        log(&io::Error::other(error));
    }
}

async fn told_to_close(app: &App) {
    drop(app.closing().wait_for(|closing| *closing).await);
}

/// Clients break connections all the time: of interest only to those who look for it.
fn log(error: &io::Error) {
    tracing::debug!(%error, "a connection broke");
}
