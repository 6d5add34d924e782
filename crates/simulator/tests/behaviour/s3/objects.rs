//! Put, read, versions, lists, and the two ways to write an address.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};
use landfall_simulator::{DEMO_ACCOUNT, Simulator};

use super::{BUCKET, body, demo, noise};

/// CRC-64/NVME of `hello world`, in base64.
const CRC64_OF_HELLO_WORLD: &str = "jSnVw/bqjr4=";

#[tokio::test(start_paused = true)]
async fn an_object_reads_back_as_it_was_put_with_its_checksum_and_version() {
    let (simulator, client) = demo();
    let put = client.put_object().bucket(BUCKET).key("a/b.txt").content_type("text/plain");
    let put = put.metadata("commit", "4f2a").body(body(b"hello world")).send().await.unwrap();
    assert_eq!(put.e_tag(), Some("\"5eb63bbbe01eeed093cb22bb8f5acdc3\""), "the MD5 of the content");
    let head = client.head_object().bucket(BUCKET).key("a/b.txt").checksum_mode(ChecksumMode::Enabled);
    let head = head.expected_bucket_owner(DEMO_ACCOUNT).send().await.unwrap();
    assert_eq!(head.content_length(), Some(11));
    assert_eq!(head.version_id(), put.version_id());
    assert_eq!(head.metadata().unwrap()["commit"], "4f2a");
    let get = client.get_object().bucket(BUCKET).key("a/b.txt").send().await.unwrap();
    assert_eq!(get.content_type(), Some("text/plain"));
    assert_eq!(get.body.collect().await.unwrap().to_vec(), b"hello world");
    let view = simulator.s3().object(BUCKET, "a/b.txt").unwrap();
    assert_eq!(Some(view.version_id.as_str()), put.version_id());
    assert_eq!(simulator.s3().bytes_received(), 11);
}

#[tokio::test(start_paused = true)]
async fn crc64nvme_is_the_checksum_of_an_object_for_which_none_was_asked() {
    let (_, client) = demo();
    let config = client.config().to_builder();
    let when_required = aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired;
    let client = Client::from_conf(config.request_checksum_calculation(when_required).build());
    client.put_object().bucket(BUCKET).key("k").body(body(b"hello world")).send().await.unwrap();
    let head = client.head_object().bucket(BUCKET).key("k").checksum_mode(ChecksumMode::Enabled);
    let head = head.send().await.unwrap();
    assert_eq!(head.checksum_crc64_nvme(), Some(CRC64_OF_HELLO_WORLD));
    assert_eq!(head.checksum_type().map(|kind| kind.as_str()), Some("FULL_OBJECT"));
    let head = client.head_object().bucket(BUCKET).key("k").send().await.unwrap();
    assert_eq!(head.checksum_crc64_nvme(), None, "it is told to those who ask");
}

#[tokio::test(start_paused = true)]
async fn every_algorithm_is_verified_in_the_trailer_of_a_streamed_body() {
    let (simulator, client) = demo();
    for algorithm in ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] {
        let algorithm = ChecksumAlgorithm::from(algorithm);
        let put = client.put_object().bucket(BUCKET).key("k").checksum_algorithm(algorithm.clone());
        put.body(body(&noise(200_000, 7))).send().await.unwrap();
        let view = simulator.s3().object(BUCKET, "k").unwrap();
        assert_eq!(view.checksum.unwrap().0, algorithm.as_str());
        assert_eq!(simulator.s3().read(BUCKET, "k").unwrap(), noise(200_000, 7));
    }
}

#[tokio::test(start_paused = true)]
async fn versions_stay_behind_newer_ones_and_behind_a_delete_marker() {
    let (simulator, client) = demo();
    let mut versions = Vec::new();
    for text in [b"one", b"two"] {
        let put = client.put_object().bucket(BUCKET).key("k").body(body(text)).send().await.unwrap();
        versions.push(put.version_id.unwrap());
    }
    let delete = client.delete_object().bucket(BUCKET).key("k").send().await.unwrap();
    assert_eq!(delete.delete_marker(), Some(true));
    let gone = client.get_object().bucket(BUCKET).key("k").send().await.unwrap_err();
    assert!(gone.into_service_error().is_no_such_key());
    let first = client.get_object().bucket(BUCKET).key("k").version_id(&versions[0]).send().await.unwrap();
    assert_eq!(first.body.collect().await.unwrap().to_vec(), b"one");
    let listed = client.list_object_versions().bucket(BUCKET).send().await.unwrap();
    assert_eq!((listed.versions().len(), listed.delete_markers().len()), (2, 1));
    assert_eq!(simulator.s3().object(BUCKET, "k"), None);
}

#[tokio::test(start_paused = true)]
async fn a_list_comes_in_pages() {
    let (simulator, client) = demo();
    for number in 0..5 {
        simulator.s3().put_as_other(BUCKET, &format!("k{number}"), "x");
    }
    let pages = client.list_objects_v2().bucket(BUCKET).prefix("k").max_keys(2).into_paginator();
    let keys: Vec<String> = pages
        .send()
        .try_collect()
        .await
        .unwrap()
        .iter()
        .flat_map(|page| page.contents().iter().map(|object| object.key().unwrap().to_owned()))
        .collect();
    assert_eq!(keys, ["k0", "k1", "k2", "k3", "k4"]);
    assert_eq!(simulator.count("s3", "ListObjectsV2"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_range_is_a_part_of_the_object() {
    let (simulator, client) = demo();
    simulator.s3().put_as_other(BUCKET, "k", "hello world");
    let get = client.get_object().bucket(BUCKET).key("k").range("bytes=6-").send().await.unwrap();
    assert_eq!(get.content_range(), Some("bytes 6-10/11"));
    assert_eq!(get.body.collect().await.unwrap().to_vec(), b"world");
}

/// Every name is this machine: not every system resolves `demo-bucket.localhost`.
#[derive(Debug, Clone)]
struct Loopback;

impl ResolveDns for Loopback {
    fn resolve_dns<'a>(&'a self, _: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(vec![std::net::Ipv4Addr::LOCALHOST.into()]))
    }
}

fn over_a_socket(simulator: &Simulator, url: &str) -> Builder {
    let tls = aws_smithy_http_client::tls::Provider::Rustls(
        aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring,
    );
    let http = aws_smithy_http_client::Builder::new().tls_provider(tls).build_with_resolver(Loopback);
    let time = aws_smithy_async::time::SharedTimeSource::new(aws_smithy_async::time::SystemTimeSource::new());
    let config = simulator.sdk_config().into_builder().http_client(http).time_source(time).endpoint_url(url);
    Builder::from(&config.build())
}

#[tokio::test]
async fn a_bucket_is_reached_in_the_host_and_in_the_path_in_memory_and_over_a_socket() {
    let simulator = Simulator::builder().build();
    let server = simulator.serve().await.unwrap();
    let (by_address, by_name) = (server.url(), server.url().replace("127.0.0.1", "localhost"));
    let clients = [
        // For an address without a name the SDK writes the bucket into the path, whatever was asked for.
        ("address", over_a_socket(&simulator, &by_address).build()),
        ("name, path", over_a_socket(&simulator, &by_name).force_path_style(true).build()),
        ("name, host", over_a_socket(&simulator, &by_name).build()),
        ("memory, host", Builder::from(&simulator.sdk_config()).build()),
        ("memory, path", Builder::from(&simulator.sdk_config()).force_path_style(true).build()),
    ];
    for (number, (name, config)) in clients.into_iter().enumerate() {
        let (client, content) = (Client::from_conf(config), noise(3_000_000, number as u32));
        let key = format!("a folder/{number}+ä.zip");
        let put = client.put_object().bucket(BUCKET).key(&key).body(body(&content));
        put.send().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let get = client.get_object().bucket(BUCKET).key(&key).send().await.unwrap();
        assert_eq!(get.body.collect().await.unwrap().to_vec(), content, "{name}");
        assert_eq!(simulator.s3().read(BUCKET, &key).unwrap(), content, "{name}");
    }
    server.shutdown().await;
}
