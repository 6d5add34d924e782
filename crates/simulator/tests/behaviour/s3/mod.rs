//! S3 as the real SDK sees it.

mod buckets;
mod objects;
mod refusals;
mod uploads;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use landfall_simulator::{Bucket, DEMO_ACCOUNT, DEMO_REGION, Simulator, World};

pub(crate) const BUCKET: &str = landfall_simulator::DEMO_BUCKET;

/// A simulator of the demonstration world, with nothing in its bucket, and a client in memory.
pub(crate) fn demo() -> (Simulator, Client) {
    let mut world = World::demo();
    let region = world.account(DEMO_ACCOUNT).region(DEMO_REGION);
    region.buckets.insert(BUCKET.to_owned(), Bucket::versioned());
    let simulator = Simulator::builder().world(world).build();
    let client = Client::new(&simulator.sdk_config());
    (simulator, client)
}

/// Bytes that no two parts have in common.
pub(crate) fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

pub(crate) fn body(bytes: &[u8]) -> ByteStream {
    ByteStream::from(bytes.to_vec())
}
