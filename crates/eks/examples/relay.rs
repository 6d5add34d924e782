//! A relay that stands for a distance: what comes from one side reaches the other after half a round trip.
//!
//! ```sh
//! cargo run --release -p landfall-eks --example relay -- 127.0.0.1:6443 25
//! ```
//!
//! The numbers are the server's address and the milliseconds of a round trip. Prints the port that it listens on, on
//! 127.0.0.1, as one line, and serves until standard input ends. What is on its way is not limited: neither its amount nor
//! how much of it is under way at once. The handshake of TCP takes a round trip too, which the first bytes of a client wait
//! for.

use std::io::{Read, Write};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

/// As much as one read may take.
const CHUNK: usize = 64 * 1024;

/// Bytes, and when they arrive.
type Sent = (Instant, Bytes);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(server), Some(milliseconds)) = (arguments.next(), arguments.next()) else {
        return Err("name the server's address and the milliseconds of a round trip".into());
    };
    let round_trip = Duration::from_secs_f64(milliseconds.parse::<f64>()? / 1000.0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
        std::io::stdout().flush()?;
        // Reading blocks, so it has a thread of its own.
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            let _ = stop.send(());
        });
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    tokio::spawn(relay(accepted?.0, server.clone(), round_trip));
                }
                _ = &mut stopped => return Ok(()),
            }
        }
    })
}

/// One connection. What fails is seen by both sides as its end.
async fn relay(client: TcpStream, server: String, round_trip: Duration) {
    let made = Instant::now() + round_trip;
    let Ok(server) = TcpStream::connect(server).await else { return };
    // Small pieces are not held back to be sent with later ones.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let half = round_trip / 2;
    tokio::join!(way(from_client, to_server, half, made), way(from_server, to_client, half, made));
}

/// One direction. `made` is when the connection is there for both sides.
async fn way(from: OwnedReadHalf, to: OwnedWriteHalf, half: Duration, made: Instant) {
    let (sent, arriving) = unbounded_channel();
    tokio::join!(read(from, sent, half, made), write(to, arriving));
}

async fn read(mut from: OwnedReadHalf, sent: UnboundedSender<Sent>, half: Duration, made: Instant) {
    let mut buffer = BytesMut::new();
    loop {
        if buffer.capacity() < CHUNK / 16 {
            buffer.reserve(CHUNK);
        }
        match from.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let arrives = Instant::now().max(made) + half;
                if sent.send((arrives, buffer.split().freeze())).is_err() {
                    return;
                }
            }
        }
    }
}

async fn write(mut to: OwnedWriteHalf, mut arriving: UnboundedReceiver<Sent>) {
    while let Some((arrives, bytes)) = arriving.recv().await {
        sleep_until(arrives).await;
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
