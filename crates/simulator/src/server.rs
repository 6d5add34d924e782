//! The simulator on a socket, for programs and SDKs of any language.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Simulator;

/// Requests that are larger are refused. S3 takes 5 GiB in one request; here it has to fit into memory for a moment.
const LARGEST_BODY: usize = 256 * 1024 * 1024;

/// A simulator that listens on 127.0.0.1. Dropping it stops it: calls under way may finish.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Listens on a free port of 127.0.0.1. If the simulator has not been used yet and no start time was given, its
    /// time is the wall clock's, as clients that sign with the wall clock need it.
    ///
    /// # Errors
    ///
    /// No socket can be bound.
    pub async fn serve(&self) -> io::Result<Server> {
        self.start_at_wall_clock();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let router = Router::new().fallback(exchange).with_state(self.clone());
        let task = tokio::spawn(async move {
            let signal = async move {
                // Also ends when the sender is dropped, which is what dropping the server does.
                let _ = stopped.await;
            };
            // Serving ends only by the signal: accept errors are retried by axum.
            let _ = axum::serve(listener, router).with_graceful_shutdown(signal).await;
        });
        Ok(Server { address, stop: Some(stop), task: Some(task) })
    }
}

impl Server {
    /// The endpoint's URL, such as `http://127.0.0.1:49152`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening and waits for the calls under way.
    pub async fn shutdown(mut self) {
        drop(self.stop.take());
        if let Some(task) = self.task.take() {
            // The task only serves; if it was cancelled with its runtime there is nothing left to wait for.
            let _ = task.await;
        }
    }
}

async fn exchange(State(simulator): State<Simulator>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    match axum::body::to_bytes(body, LARGEST_BODY).await {
        Ok(bytes) => simulator.answer(Request::from_parts(head, bytes)).await.into_streamed().map(Body::new),
        Err(_) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = axum::http::StatusCode::PAYLOAD_TOO_LARGE;
            response
        }
    }
}
