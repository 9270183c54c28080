//! Every public call of reduct-rs, and what comes of it. Started by ../run.py, which says what is printed and what is in the environment.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{pin_mut, stream, FutureExt, Stream, StreamExt};
use reduct_base::msg::entry_api::QueryEntry;
use reduct_rs::{
    Bucket, BucketSettings, LifecycleMode, LifecycleSettings, LifecycleType, Permissions, QuotaType, Record, RecordBuilder, ReductClient,
    ReductError, ReplicationCompression, ReplicationMode, ReplicationSettings, ResourceStatus,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Debug;
use std::future::Future;
use std::io::{Read, Write};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const START: u64 = 1_700_000_000_000_000;

static CALLED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static WRONG: Mutex<String> = Mutex::new(String::new());

/// Notes a method of the client, by the type that it is called on.
fn note<It>(_: &It, method: &str) {
    let name = std::any::type_name::<It>().trim_start_matches(['&', ' ']).trim_start_matches("mut ");
    let kind = name.rsplit("::").next().unwrap();
    CALLED.lock().unwrap().insert(format!("{kind}.{method}"));
}

/// `call!(&bucket => read_record("imu") => timestamp_us(5) => send())`: calls one method after the other and notes each.
macro_rules! call {
    ($it:expr $(=> $method:ident($($given:expr),*))+) => {{
        let it = $it;
        $(
            note(&it, stringify!($method));
            let it = it.$method($($given),*);
        )+
        it
    }};
}

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn at_reference() -> bool {
    !setting("PANNIER_REFERENCE").is_empty()
}

/// A client that lasts as long as the program.
fn connect(token: &str) -> &'static ReductClient {
    CALLED.lock().unwrap().insert("ReductClient.builder".into());
    let builder = call!(ReductClient::builder() => url(&setting("PANNIER_URL")) => api_token(token) => timeout(Duration::from_secs(20)));
    Box::leak(Box::new(call!(builder => build())))
}

fn refused<Value: Debug>(result: Result<Value, ReductError>, status: i32, text: &str) {
    let error = result.expect_err("it was done");
    assert_eq!((error.status() as i32, error.message()), (status, text));
}

async fn eventually<Check: AsyncFn() -> bool>(check: Check, what: &str) {
    for _ in 0..200 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: not within 10 s");
}

fn at(micros: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(micros)
}

fn labels(list: &[(&str, &str)]) -> HashMap<String, String> {
    list.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| name.to_string()).collect()
}

/// A record as text: time since START, content, labels.
async fn told(record: Record) -> String {
    let time = call!(&record => timestamp_us());
    let labels: BTreeMap<String, String> = call!(&record => labels()).clone().into_iter().collect();
    let content = call!(record => bytes()).await.unwrap();
    format!("{} {} {:?}", time - START, String::from_utf8_lossy(&content), labels)
}

async fn everything<Records: Stream<Item = Result<Record, ReductError>>>(result: Result<Records, ReductError>) -> Vec<String> {
    let records = result.unwrap();
    pin_mut!(records);
    let mut found = vec![];
    while let Some(record) = records.next().await {
        found.push(told(record.unwrap()).await);
    }
    found
}

async fn times<Records: Stream<Item = Result<Record, ReductError>>>(result: Result<Records, ReductError>) -> Vec<u64> {
    let records = result.unwrap();
    pin_mut!(records);
    let mut found = vec![];
    while let Some(record) = records.next().await {
        let record = record.unwrap();
        found.push(record.timestamp_us() - START);
        record.bytes().await.unwrap();
    }
    found
}

/// A record for a batch.
fn record(entry: &str, time: u64, content: &str, with: &[(&str, &str)]) -> Record {
    let builder = call!(Record::builder() => entry(entry) => timestamp_us(time) => labels(labels(with)) => data(content.to_string()));
    call!(builder => content_type("text/plain") => build())
}

/// A bucket with three entries of ten records each.
async fn drive(client: &ReductClient, name: &str) -> Bucket {
    let bucket = call!(client => create_bucket(name) => send()).await.unwrap();
    for entry in ["camera-front", "camera-back", "imu"] {
        let records = (0..10u64)
            .map(|i| record(entry, START + i, &format!("{entry} {i}"), &[("number", &i.to_string()), ("even", &(i % 2 == 0).to_string())]))
            .collect();
        let errors = call!(&bucket => write_batch(entry) => add_records(records) => send()).await.unwrap();
        assert!(errors.is_empty());
    }
    bucket
}

// The server

async fn connection(client: &ReductClient) {
    let url = setting("PANNIER_URL");
    assert_eq!(call!(client => url()).trim_end_matches('/'), url.trim_end_matches('/'));
    assert_eq!(call!(client => api_token()), setting("PANNIER_TOKEN"));
    let builder = call!(ReductClient::builder() => url(&url) => api_token(&setting("PANNIER_TOKEN")) => http1_only() => http1_max_headers(500));
    let other = call!(builder => http2_max_header_list_size(1 << 20) => verify_ssl(false) => try_build()).unwrap();
    call!(&other => alive()).await.unwrap();
    assert!(call!(ReductClient::builder() => url(&url) => ca_cert_path("none") => try_build()).is_err());
}

async fn info(client: &ReductClient) {
    let before = call!(client => server_info()).await.unwrap();
    assert!(before.version.starts_with("1.21."), "{}", before.version);
    assert_eq!((before.instance_role.as_str(), before.license.is_none()), ("STANDALONE", true));
    let wanted =
        BucketSettings { quota_type: Some(QuotaType::NONE), quota_size: Some(0), max_block_size: Some(64_000_000), max_block_records: Some(1024) };
    assert_eq!(before.defaults.bucket, wanted);
    let bucket = call!(client => create_bucket("rs-info") => send()).await.unwrap();
    call!(&bucket => write_record("a") => timestamp_us(START) => data("x".repeat(1000)) => send()).await.unwrap();
    let after = call!(client => server_info()).await.unwrap();
    assert_eq!(after.bucket_count, before.bucket_count + 1);
    assert!(after.usage >= before.usage + 1000 && after.latest_record >= START);
}

async fn list(client: &ReductClient) {
    let bucket = call!(client => create_bucket("rs-list") => send()).await.unwrap();
    call!(&bucket => write_record("a") => timestamp_us(7) => data("12345") => send()).await.unwrap();
    call!(&bucket => write_record("b") => timestamp_us(9) => data("12345") => send()).await.unwrap();
    let listed = call!(client => bucket_list()).await.unwrap().buckets;
    let found = listed.iter().find(|info| info.name == "rs-list").unwrap();
    assert_eq!((found.entry_count, found.oldest_record, found.latest_record, found.is_provisioned), (2, 7, 9, false));
    assert_eq!(found.status, ResourceStatus::Ready);
    assert!(found.size >= 10);
}

async fn me(client: &ReductClient) {
    for token in [call!(client => me()).await.unwrap(), call!(client => me_info()).await.unwrap()] {
        assert_eq!((token.name.as_str(), token.is_provisioned, token.permissions.unwrap().full_access), ("init-token", true, true));
    }
}

// Tokens

async fn tokens(client: &ReductClient) {
    let rights = Permissions { full_access: false, read: names(&["rs-*"]), write: names(&["rs-tokens"]) };
    let value = call!(client => create_token("rs-token", rights.clone())).await.unwrap();
    assert!(value.starts_with("rs-token-") && value.len() > 30);
    let token = call!(client => get_token("rs-token")).await.unwrap();
    assert_eq!(token.permissions, Some(rights.clone()));
    assert_eq!((token.value.as_str(), token.expires_at, token.ttl, token.is_expired, token.is_provisioned), ("", None, None, false, false));
    assert!((Utc::now() - token.created_at).num_seconds().abs() < 60);
    assert!(call!(client => list_tokens()).await.unwrap().iter().any(|one| one.name == "rs-token"));
    refused(call!(client => create_token("rs-token", rights)).await, 409, "Token 'rs-token' already exists");
    call!(client => delete_token("rs-token")).await.unwrap();
    refused(call!(client => get_token("rs-token")).await, 404, "Token 'rs-token' doesn't exist");
    refused(call!(client => delete_token("init-token")).await, 409, "Can't remove provisioned token 'init-token'");
}

async fn rights(client: &ReductClient) {
    let bucket = call!(client => create_bucket("rs-rights") => send()).await.unwrap();
    call!(client => create_bucket("rs-hidden") => send()).await.unwrap();
    call!(&bucket => write_record("a") => timestamp_us(START) => data("mine") => send()).await.unwrap();
    let only_reading = Permissions { full_access: false, read: names(&["rs-rights"]), write: vec![] };
    let reader = connect(&call!(client => create_token("rs-reader", only_reading)).await.unwrap());
    let listed = call!(reader => bucket_list()).await.unwrap().buckets;
    assert_eq!(listed.iter().map(|info| info.name.as_str()).collect::<Vec<_>>(), ["rs-rights"]);
    let own = call!(reader => get_bucket("rs-rights")).await.unwrap();
    assert_eq!(everything(call!(&own => query("a") => send()).await).await, ["0 mine {}"]);
    let text = "Token 'rs-reader' doesn't have write access to bucket 'rs-rights'";
    refused(call!(&own => write_record("a") => timestamp_us(START + 1) => data("x") => send()).await, 403, text);
    let hidden = call!(reader => get_bucket("rs-hidden")).await.unwrap();
    refused(call!(&hidden => info()).await, 403, "Token 'rs-reader' doesn't have read access to bucket 'rs-hidden'");
    let error = call!(reader => create_bucket("rs-more") => send()).await.err().unwrap();
    assert_eq!((error.status() as i32, error.message()), (403, "Token 'rs-reader' doesn't have full access"));
}

async fn limits(client: &ReductClient) {
    let all = Permissions { full_access: true, read: vec![], write: vec![] };
    let soon: DateTime<Utc> = Utc::now() + chrono::Duration::seconds(5);
    let near = names(&["127.0.0.1", "10.0.0.0/8"]);
    let builder =
        call!(client => create_token_builder("rs-limits") => permissions(all.clone()) => expires_at(soon) => ttl(Duration::from_secs(3600)));
    let made = call!(builder => ip_allowlist(near.clone()) => send()).await.unwrap();
    let token = call!(client => get_token("rs-limits")).await.unwrap();
    assert_eq!((token.ttl, token.ip_allowlist, token.created_at), (Some(3600), near, made.created_at));
    assert!((token.expires_at.unwrap() - soon).num_milliseconds() == 0);
    let far = call!(client => create_token_builder("rs-far") => permissions(all) => ip_allowlist(names(&["10.0.0.0/8"])) => send()).await.unwrap();
    refused(call!(connect(&far.value) => me()).await, 401, "Token is not allowed for client IP 127.0.0.1");
    let brief = connect(&made.value);
    assert_eq!(call!(brief => me()).await.unwrap().name, "rs-limits");
    tokio::time::sleep((soon - Utc::now()).to_std().unwrap_or_default() + Duration::from_millis(100)).await;
    refused(call!(brief => me()).await, 401, "Token has expired");
}

async fn rotate(client: &ReductClient) {
    let all = Permissions { full_access: false, read: names(&["*"]), write: vec![] };
    let first = call!(client => create_token("rs-rotated", all.clone())).await.unwrap();
    let second = call!(client => rotate_token("rs-rotated")).await.unwrap();
    assert!(second.value != first && second.value.starts_with("rs-rotated-"));
    refused(call!(connect(&first) => me()).await, 401, "Invalid token");
    assert_eq!(call!(connect(&second.value) => me()).await.unwrap().permissions, Some(all));
}

// Buckets

async fn buckets(client: &ReductClient) {
    let builder = call!(client => create_bucket("rs-create") => quota_type(QuotaType::FIFO) => quota_size(5_000_000) => max_block_size(1_000_000));
    let bucket = call!(builder => max_block_records(100) => send()).await.unwrap();
    let url = setting("PANNIER_URL");
    assert_eq!((call!(&bucket => name()), call!(&bucket => server_url()).trim_end_matches('/')), ("rs-create", url.trim_end_matches('/')));
    let mut wanted = BucketSettings {
        quota_type: Some(QuotaType::FIFO),
        quota_size: Some(5_000_000),
        max_block_size: Some(1_000_000),
        max_block_records: Some(100),
    };
    assert_eq!(call!(&bucket => settings()).await.unwrap(), wanted);
    let error = call!(client => create_bucket("rs-create") => send()).await.err().unwrap();
    assert_eq!((error.status() as i32, error.message()), (409, "Bucket 'rs-create' already exists"));
    let again = call!(client => create_bucket("rs-create") => exist_ok(true) => send()).await.unwrap();
    assert_eq!(call!(&again => settings()).await.unwrap(), wanted);
    let copy = call!(client => create_bucket("rs-create-2") => settings(wanted.clone()) => send()).await.unwrap();
    assert_eq!(call!(&copy => settings()).await.unwrap(), wanted);
    let change = BucketSettings { quota_type: Some(QuotaType::HARD), quota_size: Some(100), max_block_size: None, max_block_records: None };
    call!(&bucket => set_settings(change)).await.unwrap();
    (wanted.quota_type, wanted.quota_size) = (Some(QuotaType::HARD), Some(100));
    assert_eq!(call!(&bucket => settings()).await.unwrap(), wanted);
    let writing = call!(&bucket => write_record("a") => timestamp_us(1) => data("x".repeat(1000)) => send()).await;
    refused(writing, 400, "Quota of 'rs-create' exceeded");
}

async fn figures(client: &ReductClient) {
    let bucket = drive(client, "rs-figures").await;
    let full = call!(&bucket => full_info()).await.unwrap();
    let info = call!(&bucket => info()).await.unwrap();
    assert_eq!((info.name.as_str(), info.entry_count, info.oldest_record, info.latest_record), ("rs-figures", 3, START, START + 9));
    let entries = call!(&bucket => entries()).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["camera-back", "camera-front", "imu"]);
    for entry in &entries {
        assert_eq!((entry.record_count, entry.block_count, entry.oldest_record, entry.latest_record), (10, 1, START, START + 9));
        assert_eq!(entry.status, ResourceStatus::Ready);
    }
    assert_eq!((full.info, full.entries, full.settings), (info, entries, bucket.settings().await.unwrap()));
}

async fn rename_and_remove(client: &ReductClient) {
    let mut bucket = drive(client, "rs-old").await;
    note(&bucket, "rename");
    bucket.rename("rs-new").await.unwrap();
    assert_eq!(bucket.name(), "rs-new");
    assert_eq!(times(call!(&bucket => query("imu") => send()).await).await.len(), 10);
    assert_eq!(call!(client => get_bucket("rs-old")).await.err().unwrap().status() as i32, 404);
    call!(&bucket => remove()).await.unwrap();
    eventually(async || !client.bucket_list().await.unwrap().buckets.iter().any(|one| one.name == "rs-new"), "removal").await;
    refused(call!(&bucket => info()).await, 404, "Bucket 'rs-new' is not found");
}

// Single records

async fn whole(client: &ReductClient) {
    let bucket = call!(client => create_bucket("rs-records") => send()).await.unwrap();
    let with = labels(&[("robot", "anna"), ("text", "a, b=c")]);
    let writing =
        call!(&bucket => write_record("a/b") => timestamp(at(START)) => labels(with) => add_label("count", "3") => content_type("image/jpeg"));
    call!(writing => data(Bytes::from_static(&[0, 1, 2, 255])) => send()).await.unwrap();
    call!(&bucket => write_record("a/b") => timestamp_us(START + 1) => data("second") => send()).await.unwrap();
    let found = call!(&bucket => read_record("a/b") => timestamp(at(START)) => send()).await.unwrap();
    assert_eq!((call!(&found => timestamp()), call!(&found => content_type()), call!(&found => content_length())), (at(START), "image/jpeg", 4));
    assert_eq!(call!(&found => labels()), &labels(&[("robot", "anna"), ("count", "3"), ("text", "a, b=c")]));
    assert_eq!(call!(found => bytes()).await.unwrap().as_ref(), [0, 1, 2, 255]);
    let latest = call!(&bucket => read_record("a/b") => send()).await.unwrap();
    assert_eq!(told(latest).await, "1 second {}");
    let text = format!("A record with timestamp {START} already exists");
    refused(call!(&bucket => write_record("a/b") => timestamp_us(START) => data("again") => send()).await, 409, &text);
}

async fn streamed(client: &ReductClient) {
    let bucket = call!(client => create_bucket("rs-streams") => send()).await.unwrap();
    let content: Vec<u8> = (0..3_000_001usize).map(|i| (i * 7919 % 251) as u8).collect();
    let pieces: Vec<Result<Bytes, std::io::Error>> = content.chunks(70_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let writing = call!(&bucket => write_record("a") => timestamp_us(START) => content_length(content.len() as u64) => stream(stream::iter(pieces)));
    call!(writing => send()).await.unwrap();
    let found = call!(&bucket => read_record("a") => timestamp_us(START) => send()).await.unwrap();
    let mut stream = call!(found => stream_bytes());
    let mut read = vec![];
    while let Some(piece) = stream.next().await {
        read.extend_from_slice(&piece.unwrap());
    }
    assert!(read == content, "other content");
}

async fn head(client: &ReductClient) {
    let bucket = call!(client => create_bucket("rs-heads") => send()).await.unwrap();
    call!(&bucket => write_record("a") => timestamp_us(START) => add_label("x", "1") => data("12345") => send()).await.unwrap();
    let found = call!(&bucket => read_record("a") => timestamp_us(START) => head_only(true) => send()).await.unwrap();
    assert_eq!((found.timestamp_us(), found.content_length(), found.labels()), (START, 5, &labels(&[("x", "1")])));
    assert!(found.bytes().await.unwrap().is_empty());
}

async fn change_and_remove(client: &ReductClient) {
    let bucket = call!(client => create_bucket("rs-update") => send()).await.unwrap();
    let with = labels(&[("keep", "1"), ("change", "1"), ("drop", "1")]);
    call!(&bucket => write_record("a") => timestamp_us(START) => labels(with) => data("12345") => send()).await.unwrap();
    let update = call!(&bucket => update_record("a") => timestamp_us(START) => update_label("change", "2") => remove_label("drop"));
    call!(update => send()).await.unwrap();
    call!(&bucket => update_record("a") => timestamp(at(START)) => labels(labels(&[("fresh", "3")])) => send()).await.unwrap();
    let found = everything(call!(&bucket => query("a") => send()).await).await;
    assert_eq!(found, [r#"0 12345 {"change": "2", "fresh": "3", "keep": "1"}"#]);
    call!(&bucket => write_record("a") => timestamp_us(START + 1) => data("x") => send()).await.unwrap();
    call!(&bucket => remove_record("a") => timestamp_us(START) => send()).await.unwrap();
    call!(&bucket => remove_record("a") => timestamp(at(START + 1)) => send()).await.unwrap();
    let text = format!("Record {START} not found in entry rs-update/a");
    refused(call!(&bucket => remove_record("a") => timestamp_us(START) => send()).await, 404, &text);
}

// Batches

async fn write_batch(client: &ReductClient) {
    let bucket = call!(client => create_bucket("rs-batch") => send()).await.unwrap();
    call!(&bucket => write_record("a") => timestamp_us(START + 1) => data("first") => send()).await.unwrap();
    let zero = call!(RecordBuilder::new() => timestamp(at(START)) => add_label("n", "0") => add_label("text", "a, b") => data("zero") => build());
    CALLED.lock().unwrap().extend(["RecordBuilder.new".into(), "Record.builder".into()]);
    let mut batch = call!(&bucket => write_batch("a") => add_record(zero));
    call!(&mut batch => append_record(record("", START + 1, "one", &[])));
    let pieces: Vec<Result<Bytes, ReductError>> = vec![Ok(Bytes::from_static(b"tw")), Ok(Bytes::from_static(b"o"))];
    let two = call!(RecordBuilder::new() => timestamp_us(START + 2) => content_length(3) => stream(Box::pin(stream::iter(pieces))) => build());
    call!(&mut batch => append_records(vec![two]));
    assert_eq!((call!(&batch => size()), call!(&batch => record_count())), (10, 3));
    assert!(SystemTime::now().duration_since(call!(&batch => last_access())).unwrap() < Duration::from_secs(60));
    let errors = call!(batch => send()).await.unwrap();
    let found: Vec<_> = errors.iter().map(|(time, error)| (time - START, error.status() as i32, error.message().to_string())).collect();
    assert_eq!(found, [(1, 409, format!("A record with timestamp {} already exists", START + 1))]);
    let found = everything(call!(&bucket => query("a") => send()).await).await;
    assert_eq!(found, [r#"0 zero {"n": "0", "text": "a, b"}"#, "1 first {}", "2 two {}"]);
    let mut batch = call!(&bucket => write_batch("a") => add_records(vec![record("", START + 5, "five", &[])]));
    call!(&mut batch => clear());
    assert_eq!((batch.size(), batch.record_count()), (0, 0));
}

async fn change_batches(client: &ReductClient) {
    let bucket = drive(client, "rs-change-batch").await;
    let changes = vec![
        record("", START, "", &[("number", ""), ("checked", "yes")]),
        record("", START + 1, "", &[("even", "odd, indeed")]),
        record("", START + 50, "", &[("x", "1")]),
    ];
    let errors = call!(&bucket => update_batch("imu") => add_records(changes) => send()).await.unwrap();
    let text = format!("Record {} not found in entry rs-change-batch/imu", START + 50);
    let told =
        |errors: BTreeMap<u64, ReductError>| errors.into_iter().map(|(time, error)| (time - START, error.message().to_string())).collect::<Vec<_>>();
    assert_eq!(told(errors), [(50, text.clone())]);
    let found = everything(call!(&bucket => query("imu") => stop_us(START + 2) => send()).await).await;
    assert_eq!(found, [r#"0 imu 0 {"checked": "yes", "even": "true"}"#, r#"1 imu 1 {"even": "odd, indeed", "number": "1"}"#]);
    let batch =
        call!(&bucket => remove_batch("imu") => add_timestamp_us(START) => add_timestamp(at(START + 1)) => add_timestamps_us(vec![START + 2]));
    let mut batch = call!(batch => add_timestamps(vec![at(START + 3)]));
    call!(&mut batch => append_timestamp_us(START + 4));
    call!(&mut batch => append_timestamp(at(START + 5)));
    call!(&mut batch => append_timestamps_us(vec![START + 6]));
    call!(&mut batch => append_timestamps(vec![at(START + 7), at(START + 50)]));
    assert_eq!(told(call!(batch => send()).await.unwrap()), [(50, text)]);
    assert_eq!(times(call!(&bucket => query("imu") => send()).await).await, [8, 9]);
}

async fn record_batches(client: &ReductClient) {
    let bucket = call!(client => create_bucket("rs-io") => send()).await.unwrap();
    call!(&bucket => write_record("b") => timestamp_us(START + 1) => data("first") => send()).await.unwrap();
    // A label that an earlier record of the entry has and a later one has not: this client does not say so, and the label stays. Thus every record
    // of an entry has the same ones here.
    let mut batch = call!(&bucket => write_record_batch() => add_record(record("a", START, "a zero", &[("n", "0"), ("text", "a, b")])));
    call!(&mut batch => append_record(record("b/c", START, "b/c zero", &[("n", "1")])));
    call!(&mut batch => append_records(vec![record("b", START + 1, "b one", &[]), record("a", START + 5, "a five", &[("n", "0"), ("text", "c")])]));
    assert_eq!((call!(&batch => size()), call!(&batch => record_count())), (25, 4));
    assert!(SystemTime::now().duration_since(call!(&batch => last_access())).unwrap() < Duration::from_secs(60));
    let errors = call!(batch => send()).await.unwrap();
    let found: Vec<_> = errors.into_iter().map(|((entry, time), error)| (entry, time - START, error.message().to_string())).collect();
    assert_eq!(found, [("b".to_string(), 1, format!("A record with timestamp {} already exists", START + 1))]);
    let mut found = everything(call!(&bucket => query(&["a", "b", "b/c"]) => send()).await).await;
    found.sort();
    assert_eq!(found, [r#"0 a zero {"n": "0", "text": "a, b"}"#, r#"0 b/c zero {"n": "1"}"#, "1 first {}", r#"5 a five {"n": "0", "text": "c"}"#]);
    let mut batch = call!(&bucket => write_record_batch() => add_records(vec![record("a", START + 9, "nine", &[])]));
    call!(&mut batch => clear());
    assert_eq!((batch.size(), batch.record_count()), (0, 0));
}

async fn change_record_batches(client: &ReductClient) {
    let bucket = drive(client, "rs-io-change").await;
    let changes = vec![
        record("imu", START, "", &[("number", ""), ("checked", "yes")]),
        record("imu", START + 50, "", &[("x", "1")]),
        record("camera-back", START + 1, "", &[("even", "odd, indeed")]),
    ];
    let errors = call!(&bucket => update_record_batch() => add_records(changes) => send()).await.unwrap();
    assert_eq!(errors.into_keys().collect::<Vec<_>>(), [("imu".to_string(), START + 50)]);
    let found = everything(call!(&bucket => query("imu") => stop(at(START + 1)) => send()).await).await;
    assert_eq!(found, [r#"0 imu 0 {"checked": "yes", "even": "true"}"#]);
    let found = everything(call!(&bucket => query("camera-back") => start(at(START + 1)) => stop_us(START + 2) => send()).await).await;
    assert_eq!(found, [r#"1 camera-back 1 {"even": "odd, indeed", "number": "1"}"#]);
    let removals = vec![record("imu", START, "", &[]), record("imu", START + 50, "", &[]), record("camera-back", START + 9, "", &[])];
    let errors = call!(&bucket => remove_record_batch() => add_records(removals) => send()).await.unwrap();
    assert_eq!(errors.into_keys().collect::<Vec<_>>(), [("imu".to_string(), START + 50)]);
    assert_eq!(times(call!(&bucket => query("imu") => send()).await).await, (1..10).collect::<Vec<_>>());
    assert_eq!(times(call!(&bucket => query("camera-back") => send()).await).await, (0..9).collect::<Vec<_>>());
}

// Queries

async fn query_one(client: &ReductClient) {
    let bucket = drive(client, "rs-query").await;
    let wanted: Vec<_> = (0..10).map(|i| format!(r#"{i} imu {i} {{"even": "{}", "number": "{i}"}}"#, i % 2 == 0)).collect();
    assert_eq!(everything(call!(&bucket => query("imu") => send()).await).await, wanted);
    let part = call!(&bucket => query("imu") => start_us(START + 3) => stop_us(START + 6) => ttl(Duration::from_secs(5)) => send()).await;
    assert_eq!(everything(part).await, wanted[3..6]);
    let error = call!(&bucket => query("none") => send()).await.err().unwrap();
    assert_eq!((error.status() as i32, error.message()), (404, "Entry 'none' not found in bucket 'rs-query'"));
}

async fn query_many(client: &ReductClient) {
    let bucket = drive(client, "rs-query-many").await;
    let mut found = everything(call!(&bucket => query(&["imu", "camera-back"]) => start_us(START + 2) => stop_us(START + 3) => send()).await).await;
    found.sort();
    assert_eq!(found, [r#"2 camera-back 2 {"even": "true", "number": "2"}"#, r#"2 imu 2 {"even": "true", "number": "2"}"#]);
    let mut found = times(call!(&bucket => query(names(&["camera-*", "none"])) => send()).await).await;
    found.sort();
    assert_eq!(found, (0..10).flat_map(|i| [i, i]).collect::<Vec<_>>());
}

async fn query_when(client: &ReductClient) {
    let bucket = drive(client, "rs-query-when").await;
    let even = json!({"&even": {"$eq": true}});
    assert_eq!(times(call!(&bucket => query("imu") => when(even) => send()).await).await, [0, 2, 4, 6, 8]);
    let two = json!({"$and": [{"&number": {"$gt": 3}}, {"$limit": 2}]});
    assert_eq!(times(call!(&bucket => query("imu") => when(two) => strict(true) => send()).await).await, [4, 5]);
    assert_eq!(times(call!(&bucket => query("imu") => when(json!({"$each_n": 4})) => send()).await).await, [3, 7]);
    let error = call!(&bucket => query("imu") => when(json!({"$nonsense": [1]})) => send()).await.err().unwrap();
    assert_eq!(error.status() as i32, 422);
    assert!(call!(&bucket => query("imu") => ext(json!({"nothing": {}})) => send()).await.is_err());
}

async fn query_head(client: &ReductClient) {
    let bucket = drive(client, "rs-query-head").await;
    for entries in [names(&["imu"]), names(&["imu", "none"])] {
        let records = call!(&bucket => query(entries) => head_only(true) => send()).await.unwrap();
        pin_mut!(records);
        let mut found = vec![];
        while let Some(record) = records.next().await {
            let record = record.unwrap();
            found.push((
                record.timestamp_us() - START,
                record.content_length(),
                record.content_type().to_string(),
                record.labels()["number"].clone(),
            ));
        }
        assert_eq!(found, (0..10).map(|i| (i, 5, "text/plain".to_string(), i.to_string())).collect::<Vec<_>>());
    }
}

/// As many records as need several answers, with headers as long as they get.
async fn query_long(client: &ReductClient) {
    let bucket = call!(client => create_bucket("rs-long") => send()).await.unwrap();
    let entries = ["camera-front-left", "camera-rear", "imu"];
    let all: Vec<(u64, &str)> = (0..1500u64).map(|i| (i, entries[i as usize % 3])).collect();
    for part in all.chunks(80) {
        let records = part.iter().map(|(i, entry)| long_record(entry, *i)).collect();
        assert!(call!(&bucket => write_record_batch() => add_records(records) => send()).await.unwrap().is_empty());
    }
    let mut found = everything(call!(&bucket => query(&entries) => send()).await).await;
    let mut wanted = vec![];
    for (i, entry) in all {
        wanted.push(told(long_record(entry, i)).await);
    }
    found.sort();
    wanted.sort();
    assert!(found == wanted, "{} records of {}, or changed ones", found.len(), wanted.len());
}

fn long_record(entry: &str, i: u64) -> Record {
    let (number, robot) = (i.to_string(), format!("robot-{}", i % 7));
    record(entry, START + i * 33_333, &format!("{entry} {i}"), &[("sequence_number", &number), ("robot_name", &robot), ("task", "survey, slow")])
}

async fn continuous(client: &ReductClient) {
    let bucket = drive(client, "rs-continuous").await;
    let records = call!(&bucket => query("imu") => start_us(START + 8) => continuous() => ttl(Duration::from_secs(10)) => send()).await.unwrap();
    pin_mut!(records);
    let mut found = vec![];
    for i in 8..13u64 {
        if i >= 10 {
            bucket.write_record("imu").timestamp_us(START + i).data(format!("imu {i}")).send().await.unwrap();
        }
        match records.next().await {
            Some(record) => found.push(record.unwrap().bytes().await.unwrap()),
            None => break,
        }
    }
    // The reference says that a batch is the last one although the query goes on.
    if !at_reference() {
        assert_eq!(found, ["imu 8", "imu 9", "imu 10", "imu 11", "imu 12"]);
    }
}

async fn remove_query(client: &ReductClient) {
    let bucket = drive(client, "rs-remove-query").await;
    assert_eq!(call!(&bucket => remove_query("imu") => start_us(START + 2) => stop_us(START + 5) => send()).await.unwrap(), 3);
    assert_eq!(call!(&bucket => remove_query("imu") => start(at(START + 8)) => stop(at(START + 9)) => send()).await.unwrap(), 1);
    assert_eq!(times(call!(&bucket => query("imu") => send()).await).await, [0, 1, 5, 6, 7, 9]);
    let even = json!({"&even": {"$eq": true}});
    let removal = call!(&bucket => remove_query(&["camera-front", "camera-back"]) => when(even) => strict(true) => send()).await;
    assert_eq!(removal.unwrap(), 10);
    assert_eq!(times(call!(&bucket => query("camera-front") => send()).await).await, [1, 3, 5, 7, 9]);
}

// Entries, attachments, links

async fn entries(client: &ReductClient) {
    let bucket = drive(client, "rs-entries").await;
    call!(&bucket => rename_entry("imu", "sensors/imu")).await.unwrap();
    assert_eq!(times(call!(&bucket => query("sensors/imu") => send()).await).await.len(), 10);
    refused(call!(&bucket => rename_entry("imu", "x")).await, 404, "Entry 'imu' not found in bucket 'rs-entries'");
    call!(&bucket => remove_entry("camera-front")).await.unwrap();
    eventually(async || !bucket.entries().await.unwrap().iter().any(|entry| entry.name == "camera-front"), "removal").await;
    refused(call!(&bucket => remove_entry("camera-front")).await, 404, "Entry 'camera-front' not found in bucket 'rs-entries'");
}

async fn attachments(client: &ReductClient) {
    let bucket = drive(client, "rs-attachments").await;
    let schema = json!({"fields": ["x", "y"], "unit": null, "rate": 1.5});
    let all = HashMap::from([("schema".to_string(), schema.clone()), ("$ros".to_string(), json!("/imu")), ("notes".to_string(), json!("Grüße"))]);
    call!(&bucket => write_attachments("imu", all.clone())).await.unwrap();
    assert_eq!(call!(&bucket => read_attachments("imu")).await.unwrap(), all);
    call!(&bucket => remove_attachments("imu", Some(names(&["notes", "$ros"])))).await.unwrap();
    assert_eq!(call!(&bucket => read_attachments("imu")).await.unwrap(), HashMap::from([("schema".to_string(), schema)]));
    call!(&bucket => remove_attachments("imu", None)).await.unwrap();
    assert_eq!(call!(&bucket => read_attachments("imu")).await.unwrap(), HashMap::new());
}

/// Status, headers and content of a link, by plain HTTP.
fn fetch(link: &str, part: &str) -> (u16, String, Vec<u8>) {
    let (host, path) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut connection = std::net::TcpStream::connect(host).unwrap();
    let range = if part.is_empty() { String::new() } else { format!("Range: {part}\r\n") };
    connection.write_all(format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n{range}Connection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answer = vec![];
    connection.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    (head[9..12].parse().unwrap(), head, answer[end + 4..].to_vec())
}

async fn links(client: &ReductClient) {
    let bucket = drive(client, "rs-links").await;
    call!(&bucket => write_record("picture") => timestamp_us(START) => add_label("robot", "anna") => data("0123456789") => send()).await.unwrap();
    let url = setting("PANNIER_URL");
    let builder = call!(&bucket => create_query_link("picture") => record("picture", START) => expire_at(Utc::now() + chrono::Duration::hours(1)));
    let link = call!(builder => file_name("picture.jpg") => base_url(&url) => index(0) => send()).await.unwrap();
    assert!(link.starts_with(&format!("{}/api/v1/links/picture.jpg?", url.trim_end_matches('/'))), "{link}");
    let (status, head, content) = fetch(&link, "");
    assert_eq!((status, content.as_slice()), (200, b"0123456789".as_slice()));
    assert!(head.contains("x-reduct-label-robot: anna"), "{head}");
    let (status, head, content) = fetch(&link, "bytes=2-4");
    assert_eq!((status, content.as_slice()), (206, b"234".as_slice()));
    assert!(head.contains("content-range: bytes 2-4/10"), "{head}");
    let query = QueryEntry { when: Some(json!({"&number": {"$eq": 3}})), ..Default::default() };
    let link = call!(&bucket => create_query_link(&["imu", "camera-back"]) => query(query) => record("imu", START + 3) => base_url(&url) => send())
        .await
        .unwrap();
    assert_eq!(fetch(&link, "").2, b"imu 3");
}

// Replications

async fn replications(client: &ReductClient) {
    let bucket = drive(client, "rs-source").await;
    let copy = call!(client => create_bucket("rs-copy") => send()).await.unwrap();
    let (url, token) = (setting("PANNIER_URL"), setting("PANNIER_TOKEN"));
    let builder =
        call!(client => create_replication("rs-task") => src_bucket("rs-source") => dst_bucket("rs-copy") => dst_host(&url) => dst_token(&token));
    let builder = call!(builder => entries(names(&["imu", "camera-*"])) => dst_prefix("robot/") => when(json!({"&number": {"$gte": 10}})));
    call!(builder => mode(ReplicationMode::Enabled) => compression(ReplicationCompression::Gzip) => send()).await.unwrap();
    let detail = call!(client => get_replication("rs-task")).await.unwrap();
    assert_eq!((detail.info.name.as_str(), detail.info.mode, detail.info.is_provisioned), ("rs-task", ReplicationMode::Enabled, false));
    let mut settings: ReplicationSettings = detail.settings;
    assert_eq!((settings.src_bucket.as_str(), settings.dst_bucket.as_str(), settings.dst_prefix.as_str()), ("rs-source", "rs-copy", "robot/"));
    assert_eq!(
        (&settings.entries, &settings.when, &settings.dst_token),
        (&names(&["imu", "camera-*"]), &Some(json!({"&number": {"$gte": 10}})), &None)
    );
    assert_eq!(settings.compression, ReplicationCompression::Gzip);
    let again = call!(client => create_replication("rs-task") => set_settings(settings.clone()) => send()).await;
    refused(again, 409, "Replication 'rs-task' already exists");
    assert!(call!(client => list_replications()).await.unwrap().iter().any(|task| task.name == "rs-task"));
    call!(&bucket => write_record("imu") => timestamp_us(START + 10) => add_label("number", "1") => data("not wanted") => send()).await.unwrap();
    call!(&bucket => write_record("imu") => timestamp_us(START + 11) => add_label("number", "10") => data("wanted") => send()).await.unwrap();
    eventually(async || copy.entries().await.unwrap().iter().any(|entry| entry.name == "robot/imu" && entry.record_count > 0), "replication").await;
    let found = everything(call!(&copy => query("robot/imu") => send()).await).await;
    assert_eq!(found, [r#"11 wanted {"number": "10"}"#]);
    settings.entries = names(&["imu"]);
    call!(client => update_replication("rs-task", settings)).await.unwrap();
    call!(client => set_replication_mode("rs-task", ReplicationMode::Paused)).await.unwrap();
    let detail = call!(client => get_replication("rs-task")).await.unwrap();
    assert_eq!((detail.settings.entries, detail.info.mode), (names(&["imu"]), ReplicationMode::Paused));
    call!(client => delete_replication("rs-task")).await.unwrap();
    refused(call!(client => get_replication("rs-task")).await, 404, "Replication 'rs-task' does not exist");
}

// Lifecycles

async fn lifecycles(client: &ReductClient) {
    drive(client, "rs-lifecycle").await;
    let builder = call!(client => create_lifecycle("rs-policy") => lifecycle_type(LifecycleType::Delete) => bucket("rs-lifecycle"));
    let builder = call!(builder => entries(names(&["camera-*"])) => older_than("2h") => interval("10m") => processing_interval("1d"));
    call!(builder => when(json!({"&even": {"$eq": true}})) => mode(LifecycleMode::Disabled) => send()).await.unwrap();
    let detail = call!(client => get_lifecycle("rs-policy")).await.unwrap();
    let mut settings: LifecycleSettings = detail.settings;
    let wanted = LifecycleSettings {
        lifecycle_type: LifecycleType::Delete,
        bucket: "rs-lifecycle".into(),
        entries: names(&["camera-*"]),
        older_than: "2h".into(),
        interval: "10m".into(),
        when: Some(json!({"&even": {"$eq": true}})),
        processing_interval: Some("1d".into()),
        mode: LifecycleMode::Disabled,
    };
    assert_eq!(settings, wanted);
    assert_eq!((detail.info.name.as_str(), detail.info.mode, detail.info.last_run), ("rs-policy", LifecycleMode::Disabled, None));
    let again = call!(client => create_lifecycle("rs-policy") => set_settings(settings.clone()) => send()).await;
    refused(again, 409, "Lifecycle 'rs-policy' already exists");
    assert!(call!(client => list_lifecycles()).await.unwrap().iter().any(|policy| policy.name == "rs-policy"));
    settings.older_than = "3h".into();
    call!(client => update_lifecycle("rs-policy", settings.clone())).await.unwrap();
    call!(client => set_lifecycle_mode("rs-policy", LifecycleMode::DryRun)).await.unwrap();
    let detail = call!(client => get_lifecycle("rs-policy")).await.unwrap();
    assert_eq!((detail.settings.older_than.as_str(), detail.info.mode), ("3h", LifecycleMode::DryRun));
    settings.older_than = "1s".into();
    let brief = call!(client => create_lifecycle("rs-no") => set_settings(settings) => send()).await;
    refused(brief, 422, "Lifecycle older_than '1s' is shorter than minimum allowed value of 1h");
    call!(client => delete_lifecycle("rs-policy")).await.unwrap();
    refused(call!(client => get_lifecycle("rs-policy")).await, 404, "Lifecycle 'rs-policy' does not exist");
}

// Errors

async fn errors(client: &ReductClient) {
    assert_eq!(call!(client => get_bucket("none")).await.err().unwrap().status() as i32, 404);
    let error = call!(client => create_bucket("a_$") => send()).await.err().unwrap();
    assert_eq!((error.status() as i32, error.message()), (422, "Bucket or entry name can contain only letters, digests and [-,_] symbols"));
    let bucket = call!(client => create_bucket("rs-errors") => send()).await.unwrap();
    call!(&bucket => write_record("a") => timestamp_us(5) => data("x") => send()).await.unwrap();
    refused(call!(&bucket => read_record("none") => send()).await, 404, "Entry 'none' not found in bucket 'rs-errors'");
    let error = call!(&bucket => read_record("a") => timestamp_us(6) => send()).await.err().unwrap();
    // The reference names its block where we name the entry.
    assert!(error.status() as i32 == 404 && error.message().starts_with("Record 6 not found in "), "{error}");
    refused(call!(connect("wrong") => server_info()).await, 401, "Invalid token");
    assert_eq!(call!(connect("") => bucket_list()).await.err().unwrap().status() as i32, 401);
}

async fn alive(client: &ReductClient) {
    call!(client => alive()).await.unwrap();
}

type Case<'a> = (&'static str, Pin<Box<dyn Future<Output = ()> + 'a>>);

fn cases(client: &ReductClient) -> Vec<Case<'_>> {
    vec![
        ("alive", Box::pin(alive(client))),
        ("the connection: how it is made", Box::pin(connection(client))),
        ("info: version, defaults, counts", Box::pin(info(client))),
        ("list: every bucket with its figures", Box::pin(list(client))),
        ("me: the token in use", Box::pin(me(client))),
        ("tokens: create, get, list, remove", Box::pin(tokens(client))),
        ("tokens: what a token may do", Box::pin(rights(client))),
        ("tokens: expiry, time to live, allowed addresses", Box::pin(limits(client))),
        ("tokens: rotate", Box::pin(rotate(client))),
        ("buckets: create, get, change settings", Box::pin(buckets(client))),
        ("buckets: figures of bucket and entries", Box::pin(figures(client))),
        ("buckets: rename and remove", Box::pin(rename_and_remove(client))),
        ("records: write and read", Box::pin(whole(client))),
        ("records: write and read piece by piece", Box::pin(streamed(client))),
        ("records: only the head", Box::pin(head(client))),
        ("records: change labels, remove", Box::pin(change_and_remove(client))),
        ("batches: write", Box::pin(write_batch(client))),
        ("batches: change labels and remove", Box::pin(change_batches(client))),
        ("batches of several entries: write", Box::pin(record_batches(client))),
        ("batches of several entries: change labels and remove", Box::pin(change_record_batches(client))),
        ("queries: one entry", Box::pin(query_one(client))),
        ("queries: several entries and patterns", Box::pin(query_many(client))),
        ("queries: conditions", Box::pin(query_when(client))),
        ("queries: only the heads", Box::pin(query_head(client))),
        ("queries: many records with long headers", Box::pin(query_long(client))),
        ("queries: continuous", Box::pin(continuous(client))),
        ("queries: remove by query", Box::pin(remove_query(client))),
        ("entries: rename and remove", Box::pin(entries(client))),
        ("attachments: write, read, remove", Box::pin(attachments(client))),
        ("links: create and fetch", Box::pin(links(client))),
        ("replications: create, get, list, change, remove", Box::pin(replications(client))),
        ("lifecycles: create, get, list, change, remove", Box::pin(lifecycles(client))),
        ("errors: what is not there, wrong or forbidden", Box::pin(errors(client))),
    ]
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    std::panic::set_hook(Box::new(|panic| *WRONG.lock().unwrap() = panic.to_string().replace('\n', " ")));
    let later = setting("PANNIER_LATER");
    let mut skipped = BTreeSet::new();
    let client = connect(&setting("PANNIER_TOKEN"));
    for (name, case) in cases(client) {
        let group = name.split(':').next().unwrap();
        if later.split(',').any(|one| one == group) {
            if skipped.insert(group) {
                println!("SKIPPED {group}: {group} are not served yet");
            }
            continue;
        }
        match tokio::time::timeout(Duration::from_secs(30), AssertUnwindSafe(case).catch_unwind()).await {
            Ok(Ok(())) => println!("ok {name}"),
            Ok(Err(_)) => println!("FAILED {name}: {}", WRONG.lock().unwrap()),
            Err(_) => println!("FAILED {name}: not done after 30 s"),
        }
    }
    for name in CALLED.lock().unwrap().iter() {
        println!("called {name}");
    }
}
