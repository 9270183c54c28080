package io.pannier.server.settings;

import static io.pannier.server.settings.Setting.ignored;
import static io.pannier.server.settings.Setting.safety;
import static io.pannier.server.settings.Setting.tuning;

import io.pannier.client.Throttle;
import io.pannier.model.Ack;
import io.pannier.model.Limits;
import io.pannier.model.QuotaType;
import io.pannier.server.access.AddressRange;
import io.pannier.server.access.RateLimits.Rate;
import io.pannier.server.lifecycle.LifecycleSettings;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.event.Level;

/** Every variable, in the order of {@code docs/settings.md}. */
final class Table {
  private static final long WEEK_SECONDS = 7 * 86_400;
  private static final Duration WEEK = Duration.ofSeconds(WEEK_SECONDS);
  private static final Grammar<Duration> WAIT = Grammars.seconds(Duration.ofMillis(1), WEEK);

  private static final Grammar<QuotaType> QUOTA_TYPES =
      Grammars.oneOf(QuotaType::name, List.of(QuotaType.values()));

  private static final Grammar<Long> BLOCK_RECORDS = Grammars.count(1, Long.MAX_VALUE);
  private static final Grammar<Long> BLOCK_SIZE =
      Grammars.SIZE.only("expected a size above 0, such as 64MB", size -> size > 0);

  private static final Grammar<List<String>> BUCKETS =
      Grammars.LIST.only(
          "expected names of buckets between commas, each with or without * at its end",
          items -> items.stream().allMatch(item -> item.matches("\\$?[A-Za-z0-9_-]*\\*?")));

  // -------------------------------------------------------------------------------- general

  static final Setting<LogLevels> LOG_LEVEL =
      tuning(
          "LOG_LEVEL",
          Grammars.LEVELS,
          "INFO",
          "Lowest level of log lines, for all or, as `TARGET=LEVEL`, for those whose logger begins"
              + " with the target.");
  static final Setting<LogFormat> LOG_FORMAT =
      tuning(
              "LOG_FORMAT",
              Grammars.oneOf(
                  format -> format.name().toLowerCase(Locale.ROOT), List.of(LogFormat.values())),
              "text",
              "What log lines look like: `text` for people, `json` for programs that collect them,"
                  + " one object a line.")
          .ours();
  static final Setting<Path> DATA_PATH =
      safety(
          "DATA_PATH",
          Grammars.PATH,
          "",
          "Folder of all data, made when it is missing; unset: below the user's data folder.");
  static final Setting<String> HOST =
      safety("HOST", Grammars.ADDRESS, "0.0.0.0", "Address to listen on.");
  static final Setting<Long> PORT =
      safety("PORT", Grammars.count(0, 65_535), "8383", "Port to listen on; 0: any that is free.");
  static final Setting<String> API_BASE_PATH =
      tuning(
          "API_BASE_PATH",
          Grammars.TEXT.only(
              "expected a path such as /robots", path -> path.matches("[A-Za-z0-9._~/-]+")),
          "/",
          "Prefix of every URL.");
  static final Setting<URI> PUBLIC_URL =
      tuning(
          "PUBLIC_URL",
          Grammars.URL,
          "",
          "Where clients reach this server, with its prefix; unset: made of host, port and"
              + " prefix.");
  static final Setting<List<String>> CORS_ALLOW_ORIGIN =
      tuning(
          "CORS_ALLOW_ORIGIN",
          Grammars.LIST,
          "",
          "Origins whose pages may call, or `*` for all; unset: none.");
  static final Setting<String> INSTANCE_NAME =
      tuning(
          "INSTANCE_NAME",
          Grammars.NAME,
          "",
          "What the server calls itself in `/info` and in its events; unset: the host's name.");
  static final Setting<Role> INSTANCE_ROLE =
      safety(
          "INSTANCE_ROLE",
          Grammars.oneOf(Role::name, List.of(Role.values())),
          "STANDALONE",
          "Role of this instance: `STANDALONE` writes; `REPLICA` only reads the store that another"
              + " instance writes, in the same bucket of S3 or the same data folder, and refuses"
              + " every change with 403. `PRIMARY` and `SECONDARY` are not served yet and stop the"
              + " start.");

  /** How instances share data. */
  enum Role {
    STANDALONE,
    PRIMARY,
    SECONDARY,
    REPLICA
  }

  // -------------------------------------------------------------------------------- extensions

  static final Setting<Path> EXT_PATH =
      safety(
          "EXT_PATH",
          Grammars.PATH,
          "",
          "Folder of jars with extensions of queries, which go before those of the program; read at"
              + " the start. Libraries of the reference cannot be loaded.");
  static final Setting<Long> EXT_THREADS =
      tuning(
              "EXT_THREADS",
              Grammars.count(0, 1024),
              "0",
              "Queries whose extensions work at once; others wait for their turn. 0: as many as"
                  + " there are processors, at least 2.")
          .ours();
  static final Setting<Duration> EXT_CPU_TIME =
      tuning(
              "EXT_CPU_TIME",
              Grammars.seconds(Duration.ofMillis(1), Duration.ofDays(1)),
              "30s",
              "CPU time that the extensions of a query may take for one stored record.")
          .ours();
  static final Setting<Long> EXT_MEMORY =
      tuning(
              "EXT_MEMORY",
              Grammars.SIZE,
              "64MiB",
              "Memory that the extensions of one query may take beside the records in their hands.")
          .ours();
  static final Setting<Long> EXT_SCRATCH_SIZE =
      tuning(
              "EXT_SCRATCH_SIZE",
              Grammars.SIZE,
              "4GiB",
              "Bytes that the extensions of one query may keep in temporary files.")
          .ours();

  // -------------------------------------------------------------------------------- access

  static final Setting<Boolean> DISABLE_AUTH =
      safety(
          "DISABLE_AUTH",
          Grammars.FLAG,
          "false",
          "Serve everybody without a token; the two tokens are not read then.");
  static final Setting<String> API_TOKEN =
      safety(
              "API_TOKEN",
              Grammars.TEXT,
              "",
              "Value of the token `init-token`, which may do everything; given again at every"
                  + " start, and not to be changed by clients. Unset, as `INIT_API_TOKEN`: the"
                  + " first start makes a token and prints it once.")
          .secret();
  static final Setting<String> INIT_API_TOKEN =
      safety(
              "INIT_API_TOKEN",
              Grammars.TEXT,
              "",
              "Value that `init-token` gets when there is none yet; from then on it can be rotated"
                  + " and removed as any other.")
          .secret();
  static final Setting<String> CERT_PATH =
      safety(
          "CERT_PATH",
          Grammars.TEXT,
          "",
          "PEM file with the certificate and those that lead from it to an authority: the server"
              + " speaks HTTPS only, and reads it again when it changes. Empty: unset.");
  static final Setting<String> CERT_KEY_PATH =
      safety(
          "CERT_KEY_PATH",
          Grammars.TEXT,
          "",
          "PEM file with the private key of the certificate, not encrypted. Empty: unset.");
  static final Setting<String> CLIENT_CA_PATH =
      safety(
              "CLIENT_CA_PATH",
              Grammars.TEXT,
              "",
              "PEM file with authorities whose certificates clients may show. Empty: unset, none is"
                  + " asked for.")
          .ours();
  static final Setting<Boolean> REQUIRE_CLIENT_CERT =
      safety(
              "REQUIRE_CLIENT_CERT",
              Grammars.FLAG,
              "false",
              "Whether a client without such a certificate is turned away.")
          .ours();
  static final Setting<Boolean> METRICS_PUBLIC =
      safety(
              "METRICS_PUBLIC",
              Grammars.FLAG,
              "false",
              "Whether `/metrics` is served without a token. It names buckets, replications and"
                  + " lifecycles, and tells how much is written and when.")
          .ours();
  static final Setting<List<AddressRange>> TRUSTED_PROXIES =
      safety(
              "TRUSTED_PROXIES",
              Grammars.ADDRESS_RANGES,
              "",
              "Addresses and CIDR blocks of proxies whose `Forwarded` and `X-Forwarded-For` are"
                  + " believed; unset: loopback, private and link-local addresses.")
          .ours();
  static final Setting<Rate> RATE_LIMIT_API =
      safety(
          "RATE_LIMIT_API",
          Grammars.REQUESTS,
          "",
          "Calls that one client may make in a period; without period in an hour.");
  static final Setting<Rate> RATE_LIMIT_INGRESS =
      safety(
          "RATE_LIMIT_INGRESS",
          Grammars.BYTES,
          "",
          "Bytes that one client may send in a period; without period in an hour.");
  static final Setting<Rate> RATE_LIMIT_EGRESS =
      safety(
          "RATE_LIMIT_EGRESS",
          Grammars.BYTES,
          "",
          "Bytes of records that one client may get in a period; without period in an hour.");

  // -------------------------------------------------------------------------------- exchanges

  static final Setting<Long> IO_BATCH_MAX_SIZE =
      tuning(
          "IO_BATCH_MAX_SIZE",
          Grammars.SIZE.only("expected a size above 0, such as 8MB", size -> size > 0),
          "8MB",
          "Bytes of bodies after which a batch is closed.");
  static final Setting<Long> IO_BATCH_MAX_RECORDS =
      tuning(
          "IO_BATCH_MAX_RECORDS",
          Grammars.count(1, 10_000),
          "85",
          "Records of a batch; a request may have 15 header fields more.");
  static final Setting<Long> IO_BATCH_MAX_METADATA_SIZE =
      tuning(
          "IO_BATCH_MAX_METADATA_SIZE",
          Grammars.SIZE.only(
              "expected a size from 8KiB to 16MiB", size -> size >= 8 << 10 && size <= 16 << 20),
          "512KB",
          "Bytes of headers after which a batch is closed, and those that a request may have.");
  static final Setting<Duration> IO_BATCH_TIMEOUT =
      tuning("IO_BATCH_TIMEOUT", WAIT, "5", "Longest time to collect a batch.");
  static final Setting<Duration> IO_BATCH_RECORDS_TIMEOUT =
      tuning(
          "IO_BATCH_RECORDS_TIMEOUT",
          WAIT,
          "1",
          "Longest wait for the next record of a batch; `IO_BATCH_RECORD_TIMEOUT` means the same.");
  static final Setting<Duration> IO_OPERATION_TIMEOUT =
      tuning(
          "IO_OPERATION_TIMEOUT",
          WAIT,
          "30",
          "Longest stall of whoever sends or receives a body, and longest wait for another"
              + " request.");
  static final Setting<Long> IO_MAX_WRITERS_IN_FLIGHT =
      safety(
          "IO_MAX_WRITERS_IN_FLIGHT",
          Grammars.count(0, 1_000_000),
          "0",
          "Uploads and batches that may be written at once; one more waits for"
              + " `IO_OPERATION_TIMEOUT`, then gets 429. 0: any number.");

  static final Setting<Long> MAX_CONNECTIONS =
      safety(
              "MAX_CONNECTIONS",
              Grammars.count(1, 4096),
              "4096",
              "Connections at once, and fewer where the process may not have so many files open;"
                  + " one more is told 503.")
          .ours();
  static final Setting<Duration> HEAD_TIMEOUT =
      tuning(
              "HEAD_TIMEOUT",
              WAIT,
              "30",
              "Longest time that the head of a request, or a TLS handshake, may take; then 408.")
          .ours();
  static final Setting<Duration> KEEP_ALIVE_TIMEOUT =
      tuning(
              "KEEP_ALIVE_TIMEOUT",
              WAIT,
              "120",
              "Longest time that a connection may do nothing between two requests.")
          .ours();
  static final Setting<Long> MIN_BODY_RATE =
      tuning(
              "MIN_BODY_RATE",
              Grammars.SIZE,
              "240",
              "Bytes a second, over `IO_OPERATION_TIMEOUT`, that a sender of a body must reach;"
                  + " a slower one gets 400 as one that stalls. 0: any number.")
          .ours();
  static final Setting<Duration> STOP_TIMEOUT =
      tuning(
              "STOP_TIMEOUT",
              Grammars.seconds(Duration.ZERO, WEEK),
              "10",
              "How long a stop waits for requests that are being answered.")
          .ours();

  // -------------------------------------------------------------------------------- storage

  static final Setting<Long> ENGINE_MAX_STORAGE_SIZE =
      safety(
          "ENGINE_MAX_STORAGE_SIZE",
          Grammars.SIZE,
          "",
          "Most that all buckets may hold together, as `usage` in `/info` counts it; a write"
              + " beyond it gets 500. Unset: as much as there is room for.");
  static final Setting<Duration> ENGINE_REPLICA_UPDATE_INTERVAL =
      tuning(
          "ENGINE_REPLICA_UPDATE_INTERVAL",
          Grammars.seconds(Duration.ofSeconds(1), WEEK),
          "1",
          "How often a replica looks for a newer state; over S3 a look is one request. With the"
              + " usual one it follows within two seconds of an upload.");
  static final Setting<Long> MIN_FREE_SPACE =
      safety(
              "MIN_FREE_SPACE",
              Grammars.SIZE,
              "64MB",
              "Room on the device that records must leave free: a write that would take it gets"
                  + " 507, rings give up old blocks, removing goes on. 0: none.")
          .ours();
  static final Setting<Ack> ACK =
      safety(
              "ACK",
              Grammars.oneOf(Table::lowerCase, List.of(Ack.values())),
              "buffered",
              "What an answer to a write promises, unless request or bucket say otherwise: safe"
                  + " against the death of the process, against the loss of power too, or in the"
                  + " object store.")
          .ours();
  static final Setting<Limits.Direct> DIRECT_IO =
      tuning(
              "DIRECT_IO",
              Grammars.oneOf(
                  direct -> direct.equals(Limits.Direct.OFF) ? "off" : "auto",
                  List.of(Limits.Direct.DEFAULT, Limits.Direct.OFF)),
              "auto",
              "Whether large records go past the page cache.")
          .ours();
  static final Setting<Long> SCRUB_RATE =
      tuning(
              "SCRUB_RATE",
              Grammars.SIZE,
              "8MB",
              "Most bytes a second that are read in the background to find damage. 0: only when"
                  + " `pannier scrub --now` asks for it.")
          .ours();
  static final Setting<Duration> SCRUB_INTERVAL =
      tuning(
              "SCRUB_INTERVAL",
              Grammars.seconds(Duration.ofMinutes(1), Duration.ofDays(3650)),
              "30d",
              "How often all that is stored is read so.")
          .ours();
  static final Setting<QuotaType> DEFAULTS_BUCKET_QUOTA_TYPE =
      safety(
          "DEFAULTS_BUCKET_QUOTA_TYPE",
          QUOTA_TYPES,
          "NONE",
          "What happens at the quota of a new bucket whose creator does not say.");
  static final Setting<Long> DEFAULTS_BUCKET_QUOTA_SIZE =
      safety(
          "DEFAULTS_BUCKET_QUOTA_SIZE",
          Grammars.SIZE,
          "0",
          "Quota of a new bucket whose creator does not say.");
  static final Setting<Long> DEFAULTS_BUCKET_MAX_BLOCK_SIZE =
      tuning(
          "DEFAULTS_BUCKET_MAX_BLOCK_SIZE",
          BLOCK_SIZE,
          "64MB",
          "Bytes of a block of a new bucket whose creator does not say.");
  static final Setting<Long> DEFAULTS_BUCKET_MAX_BLOCK_RECORDS =
      tuning(
          "DEFAULTS_BUCKET_MAX_BLOCK_RECORDS",
          BLOCK_RECORDS,
          "1024",
          "Records of a block of a new bucket whose creator does not say.");
  static final Setting<Backend> REMOTE_BACKEND_TYPE =
      safety(
          "REMOTE_BACKEND_TYPE",
          Grammars.oneOf(Table::lowerCase, List.of(Backend.values())),
          "filesystem",
          "Where data lies: `filesystem`, or `s3` (docs/s3.md); `azure` is not served and stops the"
              + " start.");
  static final Setting<String> REMOTE_BUCKET =
      safety("REMOTE_BUCKET", Grammars.NAME, "", "Bucket in S3; it must exist.");
  static final Setting<URI> REMOTE_ENDPOINT =
      safety(
          "REMOTE_ENDPOINT",
          Grammars.URL,
          "",
          "Where S3 is spoken when it is not Amazon's; the bucket is then part of the path.");
  static final Setting<String> REMOTE_REGION =
      safety(
          "REMOTE_REGION",
          Grammars.NAME,
          "",
          "Region of the bucket; unset: as Amazon's libraries find it.");
  static final Setting<String> REMOTE_ACCESS_KEY =
      safety(
          "REMOTE_ACCESS_KEY",
          Grammars.TEXT,
          "",
          "Key for S3; unset: as Amazon's libraries find one (environment, profile, role).");
  static final Setting<String> REMOTE_SECRET_KEY =
      safety("REMOTE_SECRET_KEY", Grammars.TEXT, "", "Goes with that key.").secret();
  static final Setting<String> REMOTE_SESSION_TOKEN =
      safety("REMOTE_SESSION_TOKEN", Grammars.TEXT, "", "With keys that are temporary.").secret();
  static final Setting<Path> REMOTE_CACHE_PATH =
      safety(
          "REMOTE_CACHE_PATH",
          Grammars.PATH,
          "",
          "Local folder in place of `RS_DATA_PATH`: what is not uploaded yet, and a cache.");
  static final Setting<Long> REMOTE_CACHE_SIZE =
      tuning(
          "REMOTE_CACHE_SIZE",
          Grammars.SIZE,
          "1GB",
          "Bytes of uploaded blocks kept in that folder; those used longest ago go first.");
  static final Setting<Double> REMOTE_SYNC_INTERVAL =
      safety(
          "REMOTE_SYNC_INTERVAL",
          Grammars.NUMBER,
          "60",
          "Seconds between uploads, each of two requests; records that wait for `remote` go up at"
              + " once.");
  static final Setting<String> REMOTE_DEFAULT_STORAGE_CLASS =
      safety(
          "REMOTE_DEFAULT_STORAGE_CLASS",
          Grammars.oneOf(
              name -> name,
              List.of(
                  "STANDARD",
                  "STANDARD_IA",
                  "ONEZONE_IA",
                  "INTELLIGENT_TIERING",
                  "GLACIER_IR",
                  "REDUCED_REDUNDANCY",
                  "EXPRESS_ONEZONE")),
          "",
          "Storage class of segments; unset: that of the bucket. Classes that have to be restored"
              + " before they are read cannot be used.");
  static final Setting<String> REMOTE_PREFIX =
      safety(
              "REMOTE_PREFIX",
              Grammars.NAME,
              "pannier/",
              "What all keys in the bucket begin with: one for each store.")
          .ours();
  static final Setting<Long> REMOTE_TAIL_SIZE =
      safety(
              "REMOTE_TAIL_SIZE",
              Grammars.SIZE,
              "4GB",
              "Bytes that wait to be uploaded from which on writes get 503.")
          .ours();

  /** Where data lies. */
  enum Backend {
    FILESYSTEM,
    S3,
    AZURE
  }

  // -------------------------------------------------------------------------------- events

  static final Setting<Boolean> SYSTEM_EVENTS_ENABLED =
      tuning(
          "SYSTEM_EVENTS_ENABLED",
          Grammars.FLAG,
          "true",
          "Whether the server tells about itself as records of the bucket `$system`.");
  static final Setting<Optional<Level>> SYSTEM_EVENTS_LOG_LEVEL =
      tuning(
          "SYSTEM_EVENTS_LOG_LEVEL",
          new Grammar<>(
              "log level", "expected TRACE, DEBUG, INFO, WARN, ERROR or OFF", Table::levelOrNone),
          "WARN",
          "Lowest level of log lines that become records of `$system`; `OFF` or empty: none.");
  static final Setting<Long> SYSTEM_EVENTS_QUOTA_SIZE =
      safety(
          "SYSTEM_EVENTS_QUOTA_SIZE",
          Grammars.SIZE.only("expected a size above 0, such as 10GB", size -> size > 0),
          "10GB",
          "Size of the ring `$system`.");

  // -------------------------------------------------------------------------------- resources

  static final Setting<String> BUCKET_NAME =
      safety(
          "BUCKET_<ID>_NAME",
          Grammars.TEXT.only(
              "expected a name of letters, digits, - and _",
              name -> name.matches("[A-Za-z0-9_-]+")),
          "",
          "A bucket that is there after every start and that clients cannot change, rename or"
              + " remove.");
  static final Setting<QuotaType> BUCKET_QUOTA_TYPE =
      safety("BUCKET_<ID>_QUOTA_TYPE", QUOTA_TYPES, "", "What happens at its quota.");
  static final Setting<Long> BUCKET_QUOTA_SIZE =
      safety("BUCKET_<ID>_QUOTA_SIZE", Grammars.SIZE, "", "Its quota.");
  static final Setting<Long> BUCKET_MAX_BLOCK_SIZE =
      tuning("BUCKET_<ID>_MAX_BLOCK_SIZE", BLOCK_SIZE, "", "Bytes of its blocks.");
  static final Setting<Long> BUCKET_MAX_BLOCK_RECORDS =
      tuning("BUCKET_<ID>_MAX_BLOCK_RECORDS", BLOCK_RECORDS, "", "Records of its blocks.");

  static final Setting<String> TOKEN_NAME =
      safety(
          "TOKEN_<ID>_NAME",
          Grammars.NAME,
          "",
          "A token that is there after every start and that clients cannot remove or rotate.");
  static final Setting<String> TOKEN_VALUE =
      safety(
              "TOKEN_<ID>_VALUE",
              Grammars.TEXT.only("expected a value that is not empty", text -> !text.isEmpty()),
              "",
              "What clients send; required.")
          .secret();
  static final Setting<Boolean> TOKEN_FULL_ACCESS =
      safety("TOKEN_<ID>_FULL_ACCESS", Grammars.FLAG, "", "Whether it may do everything.");
  static final Setting<List<String>> TOKEN_READ =
      safety(
          "TOKEN_<ID>_READ",
          BUCKETS,
          "",
          "Buckets that it may read; `*` at the end of a name stands for any rest.");
  static final Setting<List<String>> TOKEN_WRITE =
      safety(
          "TOKEN_<ID>_WRITE",
          BUCKETS,
          "",
          "Buckets that it may write; `*` at the end of a name stands for any rest.");
  static final Setting<Instant> TOKEN_EXPIRES_AT =
      safety("TOKEN_<ID>_EXPIRES_AT", Grammars.TIME, "", "When it stops working; unset: never.");

  static final Setting<String> LIFECYCLE_NAME =
      safety(
          "LIFECYCLE_<ID>_NAME",
          Grammars.NAME,
          "",
          "A policy that is there after every start; clients can change its mode and nothing"
              + " else.");
  static final Setting<LifecycleSettings.Type> LIFECYCLE_TYPE =
      safety(
          "LIFECYCLE_<ID>_TYPE",
          Grammars.oneOf(Table::lowerCase, List.of(LifecycleSettings.Type.values())),
          "",
          "What is done to old records; required.");
  static final Setting<String> LIFECYCLE_BUCKET =
      safety("LIFECYCLE_<ID>_BUCKET", Grammars.NAME, "", "Whose records it is about; required.");
  static final Setting<String> LIFECYCLE_OLDER_THAN =
      safety(
          "LIFECYCLE_<ID>_OLDER_THAN",
          atLeast("1h", 3_600_000_000L),
          "",
          "Age from which on a record is old; required, at least `1h`.");
  static final Setting<String> LIFECYCLE_INTERVAL =
      safety(
          "LIFECYCLE_<ID>_INTERVAL",
          atLeast("10m", 600_000_000L),
          LifecycleSettings.DEFAULT_INTERVAL,
          "Time between two runs, at least `10m`.");
  static final Setting<String> LIFECYCLE_PROCESSING_INTERVAL =
      safety(
          "LIFECYCLE_<ID>_PROCESSING_INTERVAL",
          atLeast("1us", 1),
          "",
          "Span of record time that one run handles; unset: 24 intervals.");
  static final Setting<List<String>> LIFECYCLE_ENTRIES =
      safety(
          "LIFECYCLE_<ID>_ENTRIES",
          Grammars.LIST,
          "",
          "Patterns of the entries it is about; unset: all.");
  static final Setting<String> LIFECYCLE_WHEN =
      safety(
          "LIFECYCLE_<ID>_WHEN",
          Grammars.CONDITION,
          "",
          "Condition for the records to be removed; only for the type `delete`.");
  static final Setting<LifecycleSettings.Mode> LIFECYCLE_MODE =
      safety(
          "LIFECYCLE_<ID>_MODE",
          Grammars.oneOf(Table::lowerCase, List.of(LifecycleSettings.Mode.values())),
          "",
          "Whether it works; unset: as it was, a new one does.");

  static final Setting<String> REPLICATION_NAME =
      safety(
          "REPLICATION_<ID>_NAME",
          Grammars.NAME,
          "",
          "A task that copies records to another store, with `SRC_BUCKET`, `DST_BUCKET` and"
              + " `DST_HOST`.");
  static final Setting<String> REPLICATION_SRC_BUCKET =
      safety(
          "REPLICATION_<ID>_SRC_BUCKET", Grammars.NAME, "", "Whose records it copies; required.");
  static final Setting<String> REPLICATION_DST_BUCKET =
      safety(
          "REPLICATION_<ID>_DST_BUCKET",
          Grammars.NAME,
          "",
          "Bucket of the other store, made there when it is missing; required.");
  static final Setting<URI> REPLICATION_DST_HOST =
      safety("REPLICATION_<ID>_DST_HOST", Grammars.URL, "", "URL of the other store; required.");
  static final Setting<String> REPLICATION_DST_TOKEN =
      safety(
              "REPLICATION_<ID>_DST_TOKEN",
              Grammars.TEXT,
              "",
              "Token at the other store; unset: the one that the task has, or none.")
          .secret();
  static final Setting<String> REPLICATION_DST_PREFIX =
      safety(
          "REPLICATION_<ID>_DST_PREFIX",
          Grammars.TEXT,
          "",
          "What stands before the names of entries there; unset: nothing.");
  static final Setting<List<String>> REPLICATION_ENTRIES =
      safety("REPLICATION_<ID>_ENTRIES", Grammars.LIST, "", "Patterns of the entries; unset: all.");
  static final Setting<String> REPLICATION_WHEN =
      safety(
          "REPLICATION_<ID>_WHEN",
          Grammars.CONDITION,
          "",
          "Condition for the records to be copied; unset: every record.");
  static final Setting<String> REPLICATION_EXT =
      safety(
              "REPLICATION_<ID>_EXT",
              Grammars.EXTENSIONS,
              "",
              "Parameters of extensions; what they make of a record is sent in its place.")
          .ours();
  static final Setting<String> REPLICATION_COMPRESSION =
      safety(
          "REPLICATION_<ID>_COMPRESSION",
          Grammars.oneOf(Function.identity(), List.of("none", "zstd", "gzip")),
          "none",
          "How bodies are compressed on their way.");
  static final Setting<String> REPLICATION_MODE =
      safety(
          "REPLICATION_<ID>_MODE",
          Grammars.oneOf(Function.identity(), List.of("enabled", "paused", "disabled")),
          "",
          "Whether it works; unset: as it was, a new one does.");
  static final Setting<String> REPLICATION_FROM =
      safety(
              "REPLICATION_<ID>_FROM",
              new Grammar<>(
                  "start",
                  "expected `now`, `oldest`, or a time in microseconds",
                  text -> Optional.of(text).filter(from -> from.matches("now|oldest|[0-9]{1,20}"))),
              "now",
              "With what a new task begins.")
          .ours();
  static final Setting<Long> REPLICATION_MAX_BYTES_PER_SECOND =
      safety(
              "REPLICATION_<ID>_MAX_BYTES_PER_SECOND",
              new Grammar<>(
                  "size",
                  "expected a size of at least " + Throttle.MIN_BYTES_PER_SECOND + " bytes, or 0",
                  text ->
                      Grammars.SIZE
                          .parse(text)
                          .filter(rate ->
                              rate == 0
                                  || Long.compareUnsigned(rate, Throttle.MIN_BYTES_PER_SECOND)
                                      >= 0)),
              "0",
              "Most bytes that it sends in a second, heads included; 0: no limit.")
          .ours();
  static final Setting<Double> REPLICATION_EACH_S =
      safety(
          "REPLICATION_<ID>_EACH_S",
          Grammars.NUMBER,
          "",
          "One record in so many seconds; older way to write `$each_t`.");
  static final Setting<Long> REPLICATION_EACH_N =
      safety(
          "REPLICATION_<ID>_EACH_N",
          Grammars.count(1, Long.MAX_VALUE),
          "",
          "One record out of so many; older way to write `$each_n`.");
  static final Setting<Duration> REPLICATION_TIMEOUT =
      tuning(
          "REPLICATION_TIMEOUT",
          Grammars.seconds(Duration.ofSeconds(1), Duration.ofDays(1)),
          "5",
          "Pause after another store was not available.");
  static final Setting<Boolean> REPLICATION_VERIFY_SSL =
      safety(
          "REPLICATION_VERIFY_SSL",
          Grammars.FLAG,
          "true",
          "Whether the certificates of other stores are checked.");
  static final Setting<String> REPLICATION_CA_PATH =
      safety(
          "REPLICATION_CA_PATH",
          Grammars.TEXT,
          "",
          "PEM file with authorities to trust beside those of the system. Empty: unset.");

  static final Setting<Duration> REPLICATION_WARN_BEFORE =
      tuning(
              "REPLICATION_WARN_BEFORE",
              Grammars.seconds(Duration.ZERO, Duration.ofDays(365)),
              "3600",
              "How long before records are expected to be evicted unsent an event and the log warn"
                  + " of it; 0: never.")
          .ours();

  private static final String NO_ZENOH = "There is no Zenoh bridge.";

  static final Setting<String> ZENOH_ENABLED = ignored("ZENOH_ENABLED", NO_ZENOH);

  /** Fields of a task whose names end with a label. */
  static final List<String> REPLICATION_LABELS = List.of("_INCLUDE_", "_EXCLUDE_");

  // -------------------------------------------------------------------------------- all

  /** Some of them under a heading. */
  record Section(String title, List<Setting<?>> settings) {}

  static final List<Section> SECTIONS =
      List.of(
          new Section(
              "General",
              List.of(
                  LOG_LEVEL,
                  LOG_FORMAT,
                  DATA_PATH,
                  HOST,
                  PORT,
                  API_BASE_PATH,
                  PUBLIC_URL,
                  CORS_ALLOW_ORIGIN,
                  INSTANCE_NAME,
                  INSTANCE_ROLE)),
          new Section(
              "Access",
              List.of(
                  DISABLE_AUTH,
                  API_TOKEN,
                  INIT_API_TOKEN,
                  CERT_PATH,
                  CERT_KEY_PATH,
                  CLIENT_CA_PATH,
                  REQUIRE_CLIENT_CERT,
                  METRICS_PUBLIC,
                  TRUSTED_PROXIES,
                  RATE_LIMIT_API,
                  RATE_LIMIT_INGRESS,
                  RATE_LIMIT_EGRESS)),
          new Section(
              "Exchanges",
              List.of(
                  IO_BATCH_MAX_SIZE,
                  IO_BATCH_MAX_RECORDS,
                  IO_BATCH_MAX_METADATA_SIZE,
                  IO_BATCH_TIMEOUT,
                  IO_BATCH_RECORDS_TIMEOUT,
                  IO_OPERATION_TIMEOUT,
                  IO_MAX_WRITERS_IN_FLIGHT,
                  MAX_CONNECTIONS,
                  HEAD_TIMEOUT,
                  KEEP_ALIVE_TIMEOUT,
                  MIN_BODY_RATE,
                  STOP_TIMEOUT)),
          new Section(
              "Storage",
              List.of(
                  ENGINE_MAX_STORAGE_SIZE,
                  ENGINE_REPLICA_UPDATE_INTERVAL,
                  MIN_FREE_SPACE,
                  ACK,
                  DIRECT_IO,
                  SCRUB_RATE,
                  SCRUB_INTERVAL,
                  DEFAULTS_BUCKET_QUOTA_TYPE,
                  DEFAULTS_BUCKET_QUOTA_SIZE,
                  DEFAULTS_BUCKET_MAX_BLOCK_SIZE,
                  DEFAULTS_BUCKET_MAX_BLOCK_RECORDS,
                  REMOTE_BACKEND_TYPE,
                  REMOTE_BUCKET,
                  REMOTE_ENDPOINT,
                  REMOTE_REGION,
                  REMOTE_ACCESS_KEY,
                  REMOTE_SECRET_KEY,
                  REMOTE_SESSION_TOKEN,
                  REMOTE_CACHE_PATH,
                  REMOTE_CACHE_SIZE,
                  REMOTE_SYNC_INTERVAL,
                  REMOTE_DEFAULT_STORAGE_CLASS,
                  REMOTE_PREFIX,
                  REMOTE_TAIL_SIZE)),
          new Section(
              "Extensions",
              List.of(EXT_PATH, EXT_THREADS, EXT_CPU_TIME, EXT_MEMORY, EXT_SCRATCH_SIZE)),
          new Section(
              "System events",
              List.of(SYSTEM_EVENTS_ENABLED, SYSTEM_EVENTS_LOG_LEVEL, SYSTEM_EVENTS_QUOTA_SIZE)),
          new Section(
              "Buckets",
              List.of(
                  BUCKET_NAME,
                  BUCKET_QUOTA_TYPE,
                  BUCKET_QUOTA_SIZE,
                  BUCKET_MAX_BLOCK_SIZE,
                  BUCKET_MAX_BLOCK_RECORDS)),
          new Section(
              "Tokens",
              List.of(
                  TOKEN_NAME,
                  TOKEN_VALUE,
                  TOKEN_FULL_ACCESS,
                  TOKEN_READ,
                  TOKEN_WRITE,
                  TOKEN_EXPIRES_AT)),
          new Section(
              "Lifecycle policies",
              List.of(
                  LIFECYCLE_NAME,
                  LIFECYCLE_TYPE,
                  LIFECYCLE_BUCKET,
                  LIFECYCLE_OLDER_THAN,
                  LIFECYCLE_INTERVAL,
                  LIFECYCLE_PROCESSING_INTERVAL,
                  LIFECYCLE_ENTRIES,
                  LIFECYCLE_WHEN,
                  LIFECYCLE_MODE)),
          new Section(
              "Replication",
              List.of(
                  REPLICATION_NAME,
                  REPLICATION_SRC_BUCKET,
                  REPLICATION_DST_BUCKET,
                  REPLICATION_DST_HOST,
                  REPLICATION_DST_TOKEN,
                  REPLICATION_DST_PREFIX,
                  REPLICATION_ENTRIES,
                  REPLICATION_WHEN,
                  REPLICATION_EXT,
                  REPLICATION_COMPRESSION,
                  REPLICATION_MODE,
                  REPLICATION_FROM,
                  REPLICATION_MAX_BYTES_PER_SECOND,
                  REPLICATION_EACH_S,
                  REPLICATION_EACH_N,
                  REPLICATION_TIMEOUT,
                  REPLICATION_VERIFY_SSL,
                  REPLICATION_CA_PATH,
                  REPLICATION_WARN_BEFORE,
                  ignored(
                      "REPLICATION_LOG_SIZE",
                      "A backlog needs no log here; only retention bounds it."))),
          new Section("Taken without effect", withoutEffect()),
          new Section(
              "Read by the launcher and the examples",
              List.of(
                  ignored("JAVA_OPTS", "More flags for the JVM; read by `./pannier`.").ours(),
                  ignored("BUILD", "When `./pannier` builds; read by `./pannier`.").ours(),
                  ignored("DEBUG", "Say more about the launch; read by `./pannier`.").ours(),
                  ignored("TOKEN", "Token that the examples send.").ours().secret())));

  private static List<Setting<?>> withoutEffect() {
    String oneInstance = "Only instances that share a folder need it.";
    return List.of(
        ignored("LICENSE_PATH", "There is no licence to check."),
        ignored("LOCK_FILE_POLLING_INTERVAL", oneInstance),
        ignored("LOCK_FILE_TTL", oneInstance),
        ignored("LOCK_FILE_TIMEOUT", oneInstance),
        ignored("LOCK_FILE_FAILURE_ACTION", oneInstance),
        ignored("PRIMARY_URL", oneInstance),
        ignored("SECONDARY_URL", oneInstance),
        ignored("IO_MAX_READERS_IN_FLIGHT", "The reference has it no more either."),
        ignored(
            "ENGINE_COMPACTION_INTERVAL",
            "There is nothing to fold: a record is in its place once it is written."),
        ignored(
            "ENGINE_ENABLE_INTEGRITY_CHECKS",
            "Every start checks its journals, and every read the bytes it reads."),
        ignored("RWLOCK_TIMEOUT", "No lock is held for long."),
        ignored("RWLOCK_FAILURE_ACTION", "No lock is held for long."),
        ignored("SYSTEM_EVENTS_REMOTE_VERIFY_SSL", oneInstance),
        ignored("SYSTEM_EVENTS_REMOTE_CA_PATH", oneInstance),
        ignored("SYSTEM_EVENTS_REMOTE_TIMEOUT", oneInstance),
        ignored("REMOTE_SAS_TOKEN", "It belongs to Azure, which is not served.").secret(),
        ZENOH_ENABLED,
        ignored("ZENOH_CONFIG", NO_ZENOH).secret(),
        ignored("ZENOH_CONFIG_PATH", NO_ZENOH),
        ignored("ZENOH_BUCKET", NO_ZENOH),
        ignored("ZENOH_SUB_KEYEXPRS", NO_ZENOH),
        ignored("ZENOH_QUERY_KEYEXPRS", NO_ZENOH),
        ignored("ZENOH_QUERY_LOCALITY", NO_ZENOH),
        ignored("ZENOH_TLS_ROOT_CA", NO_ZENOH),
        ignored("ZENOH_TLS_CONNECT_CERT", NO_ZENOH),
        ignored("ZENOH_TLS_CONNECT_KEY", NO_ZENOH).secret(),
        ignored("ZENOH_AUTH_DICTIONARY", NO_ZENOH).secret());
  }

  /** All of them. */
  static final List<Setting<?>> ALL =
      SECTIONS.stream().<Setting<?>>flatMap(section -> section.settings().stream()).toList();

  /** Other names of the same thing. */
  static final Map<String, String> ALIASES =
      Map.of("IO_BATCH_RECORD_TIMEOUT", IO_BATCH_RECORDS_TIMEOUT.name());

  private Table() {}

  private static Grammar<String> atLeast(String least, long micros) {
    return Grammars.DURATION.only(
        "expected a duration of at least " + least + ", such as 30d or 12h 30m",
        text -> Grammars.micros(text).orElse(0L) >= micros);
  }

  private static Optional<Optional<Level>> levelOrNone(String text) {
    if (text.isBlank() || text.strip().equalsIgnoreCase("OFF")) {
      return Optional.of(Optional.empty());
    }
    Optional<Level> level = Grammars.LEVEL.parse(text);
    return level.isPresent() ? Optional.of(level) : Optional.empty();
  }

  private static String lowerCase(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
