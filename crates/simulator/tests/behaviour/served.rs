//! The simulator on a socket.

use std::time::Duration;

use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_types::SdkConfig;
use landfall_simulator::{Fault, FaultKind, Phase, Server, Simulator};

/// A client that knows nothing of the simulator but its URL: real sockets, wall clock.
fn config(simulator: &Simulator, server: &Server) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let time = aws_smithy_async::time::SharedTimeSource::new(aws_smithy_async::time::SystemTimeSource::new());
    simulator
        .sdk_config()
        .into_builder()
        .http_client(http)
        .time_source(time)
        .endpoint_url(server.url())
        .build()
}

#[tokio::test]
async fn a_client_over_a_socket_signs_with_the_wall_clock_and_is_answered() {
    let simulator = Simulator::builder().build();
    let server = simulator.serve().await.unwrap();
    let config = config(&simulator, &server);
    let identity = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some("111122223333"));
    let ecs = aws_sdk_ecs::Client::new(&config);
    let answer = ecs.describe_services().cluster("demo").services("web").send().await.unwrap();
    assert_eq!(answer.services()[0].running_count(), 2);
    assert_eq!(simulator.calls().len(), 2);
    server.shutdown().await;
}

#[tokio::test]
async fn broken_connections_break_over_a_socket_too() {
    let simulator = Simulator::builder().build();
    let server = simulator.serve().await.unwrap();
    let ecs = aws_sdk_ecs::Client::new(&config(&simulator, &server));
    for (cluster, kind) in [("demo", FaultKind::Reset), ("demo", FaultKind::Truncate)] {
        simulator.clear_faults();
        simulator.add_fault(Fault::new("ecs", "DescribeClusters", kind.clone()).phase(Phase::After));
        let error = ecs.describe_clusters().clusters(cluster).send().await.unwrap_err();
        assert_eq!(error.code(), None, "{kind:?}: {error:?}");
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_server_that_is_dropped_stops() {
    let simulator = Simulator::builder().build();
    let server = simulator.serve().await.unwrap();
    let address = server.address();
    assert!(address.ip().is_loopback());
    drop(server);
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("still listening");
}
