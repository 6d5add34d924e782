//! Multipart uploads.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
};
use landfall_simulator::Simulator;

use super::{BUCKET, body, demo, noise};

const FIVE_MIB: usize = 5 * 1024 * 1024;

struct Begun {
    simulator: Simulator,
    client: Client,
    id: String,
}

async fn begun(algorithm: &str) -> Begun {
    let (simulator, client) = demo();
    let create = client.create_multipart_upload().bucket(BUCKET).key("k");
    let create = create.checksum_algorithm(ChecksumAlgorithm::from(algorithm)).send().await.unwrap();
    Begun { simulator, client, id: create.upload_id.unwrap() }
}

impl Begun {
    async fn part(&self, number: i32, bytes: &[u8]) -> CompletedPart {
        let upload = self.client.upload_part().bucket(BUCKET).key("k").upload_id(&self.id);
        let part = upload.part_number(number).body(body(bytes)).send().await.unwrap();
        CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build()
    }

    fn complete(
        &self,
        parts: Vec<CompletedPart>,
    ) -> aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder
    {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.client.complete_multipart_upload().bucket(BUCKET).key("k");
        complete.upload_id(&self.id).multipart_upload(parts)
    }
}

#[tokio::test(start_paused = true)]
async fn parts_become_one_object_whose_checksum_is_that_of_all_its_bytes() {
    let begun = begun("CRC64NVME").await;
    let content = noise(2 * FIVE_MIB + 1000, 3);
    let mut parts = Vec::new();
    for (number, bytes) in content.chunks(FIVE_MIB).enumerate() {
        parts.push(begun.part(number as i32 + 1, bytes).await);
    }
    let complete = begun.complete(parts).mpu_object_size(content.len() as i64).send().await.unwrap();
    assert!(complete.e_tag().unwrap().ends_with("-3\""), "{complete:?}");
    let client = &begun.client;
    // The same bytes in one request have the same checksum: nothing is combined there.
    let whole = client.put_object().bucket(BUCKET).key("whole").body(body(&content));
    whole.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).send().await.unwrap();
    let mut checksums = Vec::new();
    for key in ["k", "whole"] {
        let head = client.head_object().bucket(BUCKET).key(key).checksum_mode(ChecksumMode::Enabled);
        checksums.push(head.send().await.unwrap().checksum_crc64_nvme.unwrap());
    }
    assert_eq!(checksums[0], checksums[1]);
    assert_eq!(complete.checksum_crc64_nvme(), Some(checksums[0].as_str()));
    assert_eq!(begun.simulator.s3().read(BUCKET, "k").unwrap(), content);
    assert_eq!(begun.simulator.s3().uploads(BUCKET), []);
}

#[tokio::test(start_paused = true)]
async fn sha256_of_a_multipart_object_is_composite_and_crc32_may_be_either() {
    let begun = begun("SHA256").await;
    let part = begun.part(1, b"only one").await;
    let complete = begun.complete(vec![part]).send().await.unwrap();
    assert!(complete.checksum_sha256().unwrap().ends_with("-1"), "{complete:?}");
    assert_eq!(complete.checksum_type(), Some(&ChecksumType::Composite));
    let create = |algorithm: ChecksumAlgorithm, kind| {
        let create = begun.client.create_multipart_upload().bucket(BUCKET).key("k");
        create.checksum_algorithm(algorithm).checksum_type(kind).send()
    };
    let error = create(ChecksumAlgorithm::Sha256, ChecksumType::FullObject).await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidRequest"));
    create(ChecksumAlgorithm::Crc32, ChecksumType::FullObject).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn completing_refuses_wrong_tags_wrong_order_small_parts_wrong_sizes_and_wrong_checksums() {
    let begun = begun("CRC64NVME").await;
    let (first, second) =
        (begun.part(1, &noise(FIVE_MIB, 1)).await, begun.part(2, &noise(FIVE_MIB - 1, 2)).await);
    let third = begun.part(3, b"end").await;
    let wrong = CompletedPart::builder().part_number(2).e_tag("0123").build();
    let good = || vec![first.clone(), second.clone()];
    let code = async |complete: Result<_, aws_sdk_s3::error::SdkError<_>>| {
        let error: aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadError =
            Result::<aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadOutput, _>::unwrap_err(
                complete,
            )
            .into_service_error();
        error.code().unwrap().to_owned()
    };
    assert_eq!(code(begun.complete(vec![first.clone(), wrong]).send().await).await, "InvalidPart");
    let swapped = vec![second.clone(), first.clone()];
    assert_eq!(code(begun.complete(swapped).send().await).await, "InvalidPartOrder");
    let small = vec![first.clone(), second.clone(), third];
    assert_eq!(code(begun.complete(small).send().await).await, "EntityTooSmall");
    assert_eq!(code(begun.complete(good()).mpu_object_size(17).send().await).await, "InvalidRequest");
    let checksum = begun.complete(good()).checksum_crc64_nvme("jSnVw/bqjr4=");
    assert_eq!(code(checksum.send().await).await, "BadDigest");
    begun.complete(good()).send().await.unwrap();
    assert_eq!(code(begun.complete(good()).send().await).await, "NoSuchUpload");
}

#[tokio::test(start_paused = true)]
async fn parts_are_listed_in_pages_and_a_part_sent_again_replaces_the_first() {
    let begun = begun("CRC64NVME").await;
    for number in [1, 2, 3, 5] {
        begun.part(number, &noise(100, number as u32)).await;
    }
    begun.part(2, &noise(200, 9)).await;
    let list = begun.client.list_parts().bucket(BUCKET).key("k").upload_id(&begun.id).max_parts(3);
    let pages = list.into_paginator().send().try_collect().await.unwrap();
    let parts: Vec<_> = pages
        .iter()
        .flat_map(|page| page.parts().iter().map(|part| (part.part_number().unwrap(), part.size().unwrap())))
        .collect();
    assert_eq!(parts, [(1, 100), (2, 200), (3, 100), (5, 100)]);
    assert_eq!(pages.len(), 2);
    assert!(pages[0].parts()[0].checksum_crc64_nvme().is_some(), "{:?}", pages[0]);
}

#[tokio::test(start_paused = true)]
async fn uploads_under_way_are_listed_by_prefix_and_gone_when_aborted() {
    let begun = begun("CRC64NVME").await;
    let list = || begun.client.list_multipart_uploads().bucket(BUCKET);
    let found = list().prefix("k").send().await.unwrap();
    assert_eq!(found.uploads()[0].upload_id(), Some(begun.id.as_str()));
    assert_eq!(list().prefix("other").send().await.unwrap().uploads().len(), 0);
    let abort = || begun.client.abort_multipart_upload().bucket(BUCKET).key("k").upload_id(&begun.id).send();
    abort().await.unwrap();
    assert_eq!(list().send().await.unwrap().uploads().len(), 0);
    assert_eq!(abort().await.unwrap_err().code(), Some("NoSuchUpload"));
}
