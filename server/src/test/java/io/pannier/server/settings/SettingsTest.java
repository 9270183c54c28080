package io.pannier.server.settings;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Limits;
import io.pannier.model.QuotaType;
import io.pannier.query.ReadLimits;
import io.pannier.query.when.Condition;
import io.pannier.replicate.ReplicationDeclaration;
import io.pannier.replicate.ReplicationStart;
import io.pannier.server.IoLimits;
import io.pannier.server.ServerConfig;
import io.pannier.server.access.Authentication;
import io.pannier.server.access.Permissions;
import io.pannier.server.access.RateLimits;
import io.pannier.server.events.EventOptions;
import io.pannier.server.lifecycle.LifecycleSettings;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.event.Level;

class SettingsTest {
  private static Map<String, String> environment(String... namesAndTexts) {
    var environment = new HashMap<String, String>();
    for (int i = 0; i < namesAndTexts.length; i += 2) {
      environment.put(namesAndTexts[i], namesAndTexts[i + 1]);
    }
    return environment;
  }

  private static Settings.Outcome read(String... namesAndTexts) {
    return Settings.read(environment(namesAndTexts), Map.of(), "host");
  }

  private static Settings settings(String... namesAndTexts) {
    Settings.Outcome outcome = read(namesAndTexts);
    assertThat(outcome.report().mistakes()).isEmpty();
    assertThat(outcome.report().warnings()).isEmpty();
    return outcome.settings().orElseThrow();
  }

  private static List<String> mistakes(String... namesAndTexts) {
    Settings.Outcome outcome = read(namesAndTexts);
    assertThat(outcome.settings().isEmpty()).isEqualTo(!outcome.report().mistakes().isEmpty());
    return outcome.report().mistakes();
  }

  private static List<String> warnings(String... namesAndTexts) {
    Settings.Outcome outcome = read(namesAndTexts);
    assertThat(outcome.settings()).isPresent();
    return outcome.report().warnings();
  }

  // ------------------------------------------------------------------------------ the whole

  @Test
  void anEmptyEnvironmentIsTheReference() {
    Settings settings = settings();
    assertThat(settings.data()).isEmpty();
    assertThat(settings.host()).isEqualTo("0.0.0.0");
    assertThat(settings.port()).isEqualTo(8383);
    assertThat(settings.instanceName()).isEqualTo("host");
    assertThat(settings.authentication()).isEmpty();
    assertThat(settings.rates()).isEqualTo(RateLimits.OFF);
    assertThat(settings.io()).isEqualTo(IoLimits.DEFAULT);
    assertThat(settings.events()).isEqualTo(EventOptions.DEFAULT);
    assertThat(settings.room()).isEqualTo(new Limits.Room(Long.MAX_VALUE, 64_000_000));
    assertThat(settings.ack()).isEqualTo(Ack.BUFFERED);
    assertThat(settings.direct()).isEqualTo(Limits.Direct.DEFAULT);
    assertThat(settings.bucketDefaults()).isEqualTo(BucketSettings.DEFAULT);
    assertThat(settings.declarations()).isEqualTo(Declarations.NONE);
    assertThat(settings.logs()).isEqualTo(new LogLevels(Level.INFO, Map.of()));
  }

  @Test
  void everyVariableReachesWhatItIsAbout() {
    Settings settings =
        settings(
            "RS_DATA_PATH", "/x",
            "RS_HOST", "::1",
            "RS_PORT", "81",
            "RS_API_BASE_PATH", "robots",
            "RS_PUBLIC_URL", "https://fleet.example/robots",
            "RS_CORS_ALLOW_ORIGIN", " http://a , ,http://b",
            "RS_INSTANCE_NAME", " seven ",
            "RS_INIT_API_TOKEN", "t",
            "RS_RATE_LIMIT_API", "100req/s",
            "RS_RATE_LIMIT_INGRESS", "500MB",
            "RS_RATE_LIMIT_EGRESS", "10MiB/2m",
            "RS_IO_BATCH_MAX_SIZE", "1 KiB",
            "RS_IO_BATCH_MAX_RECORDS", "7",
            "RS_IO_BATCH_MAX_METADATA_SIZE", "16KiB",
            "RS_IO_BATCH_TIMEOUT", "45s",
            "RS_IO_BATCH_RECORD_TIMEOUT", "250ms",
            "RS_IO_OPERATION_TIMEOUT", "1m 30s",
            "RS_IO_MAX_WRITERS_IN_FLIGHT", "3",
            "RS_ENGINE_MAX_STORAGE_SIZE", "1.5TB",
            "PANNIER_MIN_FREE_SPACE", "0",
            "PANNIER_ACK", "disk",
            "PANNIER_DIRECT_IO", "off",
            "RS_DEFAULTS_BUCKET_QUOTA_TYPE", "fifo",
            "RS_DEFAULTS_BUCKET_QUOTA_SIZE", "1GB",
            "RS_DEFAULTS_BUCKET_MAX_BLOCK_SIZE", "1MB",
            "RS_DEFAULTS_BUCKET_MAX_BLOCK_RECORDS", "10",
            "RS_SYSTEM_EVENTS_ENABLED", "off",
            "RS_SYSTEM_EVENTS_LOG_LEVEL", "OFF",
            "RS_SYSTEM_EVENTS_QUOTA_SIZE", "1MB",
            "RS_LOG_LEVEL", "warning,reduct::storage=debug");
    assertThat(settings.data()).contains(Path.of("/x"));
    assertThat(settings.authentication()).contains(new Authentication.Initial("t"));
    assertThat(settings.rates())
        .isEqualTo(
            new RateLimits(
                Optional.of(new RateLimits.Rate(100, 1)),
                Optional.of(new RateLimits.Rate(500_000_000, 3600)),
                Optional.of(new RateLimits.Rate(10 << 20, 120))));
    assertThat(settings.io())
        .isEqualTo(
            new IoLimits(
                1024, 7, 16 << 10, new ReadLimits(45_000_000_000L, 250_000_000L), 90_000, 3));
    assertThat(settings.room()).isEqualTo(new Limits.Room(1_500_000_000_000L, 0));
    assertThat(settings.ack()).isEqualTo(Ack.DISK);
    assertThat(settings.bucketDefaults())
        .isEqualTo(new BucketSettings(QuotaType.FIFO, 1_000_000_000, 1_000_000, 10, null));
    assertThat(settings.events()).isEqualTo(new EventOptions(false, 1_000_000, Optional.empty()));
    assertThat(settings.logs())
        .isEqualTo(new LogLevels(Level.WARN, Map.of("reduct.storage", Level.DEBUG)));

    ServerConfig config = settings.serverConfig(settings.authentication().orElseThrow(), "1.2.3");
    assertThat(config.host()).isEqualTo("::1");
    assertThat(config.port()).isEqualTo(81);
    assertThat(config.basePath()).isEqualTo("/robots/");
    assertThat(config.publicUrl()).contains(URI.create("https://fleet.example/robots/"));
    assertThat(config.corsOrigins()).containsExactly("http://a", "http://b");
    assertThat(config.instanceName()).isEqualTo("seven");
    assertThat(config.version()).isEqualTo("1.2.3");
    assertThat(config.io()).isEqualTo(settings.io());
    assertThat(config.rates()).isEqualTo(settings.rates());
    assertThat(config.events()).isEqualTo(settings.events());

    Limits limits = settings.limits(4096);
    assertThat(limits.room()).isEqualTo(settings.room());
    assertThat(limits.direct()).isEqualTo(Limits.Direct.OFF);
    assertThat(limits.operationMillis()).isEqualTo(90_000);
  }

  @Test
  void weakness45AllMistakesAreToldAtOnceAndNoneWeakensTheServer() {
    assertThat(
            mistakes(
                "RS_PORT", "x",
                "RS_HOST", "localhost",
                "RS_API_TOKEN", "",
                "RS_BUCKET_A_NAME", "a",
                "RS_BUCKET_A_QUOTA_SIZE", "12 XB",
                "RS_INSTANCE_ROLE", "primary",
                "RS_CERT_PATH", "/cert",
                "RS_REMOTE_BACKEND_TYPE", "Azure",
                "RS_REPLICATION_R_NAME", "copy"))
        .satisfiesExactlyInAnyOrder(
            text -> assertThat(text).startsWith("RS_PORT is 'x': expected a whole number"),
            text -> assertThat(text).startsWith("RS_HOST is 'localhost': expected an IP address"),
            text -> assertThat(text).startsWith("RS_API_TOKEN is '': expected a value"),
            text ->
                assertThat(text).startsWith("RS_BUCKET_A_QUOTA_SIZE is '12 XB': expected bytes"),
            text -> assertThat(text).startsWith("RS_INSTANCE_ROLE is 'primary': "),
            text ->
                assertThat(text)
                    .isEqualTo("RS_CERT_PATH is '/cert': its key is missing: RS_CERT_KEY_PATH"),
            text -> assertThat(text).startsWith("RS_REMOTE_BACKEND_TYPE is 'Azure': "),
            text ->
                assertThat(text).isEqualTo("RS_REPLICATION_R_SRC_BUCKET: is required and not set"),
            text ->
                assertThat(text).isEqualTo("RS_REPLICATION_R_DST_BUCKET: is required and not set"),
            text ->
                assertThat(text).isEqualTo("RS_REPLICATION_R_DST_HOST: is required and not set"));
  }

  @Test
  void aReplicaLooksEverySecondAndMakesNothing() {
    Settings.Outcome read =
        Settings.read(
            Map.of(
                "RS_INSTANCE_ROLE", "Replica",
                "RS_API_TOKEN", "",
                "RS_BUCKET_A_NAME", "a"),
            Map.of(),
            "host");
    Settings settings = read.settings().orElseThrow();
    assertThat(settings.replicaInterval()).contains(Duration.ofSeconds(1));
    assertThat(settings.authentication()).contains(new Authentication.Reading(Optional.empty()));
    assertThat(settings.events().enabled()).isFalse();
    assertThat(read.report().warnings()).anyMatch(text -> text.contains("a replica makes none"));
    assertThat(Settings.read(Map.of(), Map.of(), "host").settings().orElseThrow().replicaInterval())
        .isEmpty();
  }

  /** One that is taken for the second of two would take writes that nobody copies. */
  @ParameterizedTest
  @ValueSource(strings = {"PRIMARY", "secondary"})
  void weakness47ARoleThatIsNotServedStopsTheStart(String role) {
    assertThat(mistakes("RS_INSTANCE_ROLE", role))
        .singleElement()
        .asString()
        .contains("not served yet");
  }

  @Test
  void theCommandLineGoesFirstThenOurPrefix() {
    var environment = environment("RS_PORT", "1", "PANNIER_PORT", "2");
    var outcome = Settings.read(environment, Map.of(), "host");
    assertThat(outcome.settings().orElseThrow().port()).isEqualTo(2);
    assertThat(outcome.report().warnings())
        .containsExactly("RS_PORT is set otherwise and not used: PANNIER_PORT is");
    outcome = Settings.read(environment("RS_PORT", "1"), Map.of("PORT", "3"), "host");
    assertThat(outcome.settings().orElseThrow().port()).isEqualTo(3);
    assertThat(outcome.report().lines().stream().map(Report.Line::text)).contains("--port = 3");
    outcome = Settings.read(Map.of(), Map.of("PORT", "99999"), "host");
    assertThat(outcome.report().mistakes().getFirst()).startsWith("--port is '99999': ");
  }

  @Test
  void typingErrorsAreToldWithTheNearestName() {
    assertThat(warnings("RS_PROT", "1"))
        .containsExactly("RS_PROT is unknown; did you mean RS_PORT?");
    assertThat(warnings("PANNIER_DISABLE_AUHT", "1"))
        .containsExactly("PANNIER_DISABLE_AUHT is unknown; did you mean PANNIER_DISABLE_AUTH?");
    assertThat(warnings("RS_BUCKET_A_NAME", "a", "RS_BUCKET_A_QUOTA_SIZ", "1"))
        .containsExactly("RS_BUCKET_A_QUOTA_SIZ is unknown; did you mean RS_BUCKET_A_QUOTA_SIZE?");
    assertThat(warnings("RS_ACK", "disk"))
        .containsExactly("RS_ACK is unknown; the name is PANNIER_ACK");
    assertThat(warnings("OTHER_RS_PROT", "1")).isEmpty();
  }

  @Test
  void oldNamesOfTheReferenceAreToldOnce() {
    assertThat(warnings("RS_AUDIT_ENABLED", "1", "RS_AUDIT_QUOTA_SIZE", "2"))
        .singleElement()
        .asString()
        .contains("RS_AUDIT_*");
    assertThat(warnings("RS_ZENOH_ENABLED", "yes")).singleElement().asString().contains("Zenoh");
  }

  @Test
  void secretsAreNeverShown() {
    Settings.Outcome outcome =
        read(
            "RS_API_TOKEN", "secret1",
            "RS_INIT_API_TOKEN", "secret2",
            "RS_TOKEN_A_NAME", "a",
            "RS_TOKEN_A_VALUE", "secret3",
            "RS_REMOTE_SECRET_KEY", "secret4",
            "RS_REPLICATION_R_NAME", "copy",
            "RS_REPLICATION_R_DST_TOKEN", "secret5");
    assertThat(outcome.report().mistakes()).hasSize(4);
    assertThat(outcome.report().toString()).doesNotContain("secret");
    assertThat(outcome.report().lines().stream().map(Report.Line::text))
        .contains("RS_API_TOKEN = *******", "RS_TOKEN_A_VALUE = *******");
    assertThat(settings("RS_API_TOKEN", "secret1").toString()).doesNotContain("secret1");
  }

  // ------------------------------------------------------------------------------ object store

  @Test
  void aStoreInS3IsReadWhole() {
    RemoteSettings remote =
        settings(
                "RS_REMOTE_BACKEND_TYPE", "S3",
                "RS_REMOTE_BUCKET", "fleet",
                "RS_REMOTE_ENDPOINT", "http://minio:9000",
                "RS_REMOTE_REGION", "eu-central-1",
                "RS_REMOTE_ACCESS_KEY", "key",
                "RS_REMOTE_SECRET_KEY", "hush",
                "RS_REMOTE_SESSION_TOKEN", "session",
                "RS_REMOTE_CACHE_PATH", "/cache",
                "RS_REMOTE_CACHE_SIZE", "2 GB",
                "RS_REMOTE_SYNC_INTERVAL", "0.5",
                "RS_REMOTE_DEFAULT_STORAGE_CLASS", "standard_ia",
                "PANNIER_REMOTE_PREFIX", "robots",
                "PANNIER_REMOTE_TAIL_SIZE", "10MB",
                "PANNIER_ACK", "remote")
            .remote()
            .orElseThrow();
    assertThat(remote.bucket()).isEqualTo("fleet");
    assertThat(remote.endpoint()).contains(java.net.URI.create("http://minio:9000/"));
    assertThat(remote.region()).contains("eu-central-1");
    assertThat(remote.keys().orElseThrow().secret()).isEqualTo("hush");
    assertThat(remote.keys().orElseThrow().session()).contains("session");
    assertThat(remote.cache()).isEqualTo(java.nio.file.Path.of("/cache"));
    assertThat(remote.cacheBytes()).isEqualTo(2_000_000_000L);
    assertThat(remote.tailBytes()).isEqualTo(10_000_000L);
    assertThat(remote.intervalMillis()).isEqualTo(500);
    assertThat(remote.storageClass()).contains("STANDARD_IA");
    assertThat(remote.prefix()).isEqualTo("robots/");
    assertThat(remote.toString()).doesNotContain("hush");
  }

  @Test
  void weakness44AStoreInS3ThatLacksSomethingDoesNotStartOnTheLocalDisk() {
    assertThat(mistakes("RS_REMOTE_BACKEND_TYPE", "s3", "RS_REMOTE_ACCESS_KEY", "key"))
        .satisfiesExactlyInAnyOrder(
            text -> assertThat(text).isEqualTo("RS_REMOTE_BUCKET: is required and not set"),
            text -> assertThat(text).isEqualTo("RS_REMOTE_CACHE_PATH: is required and not set"),
            text -> assertThat(text).contains("its secret is missing: RS_REMOTE_SECRET_KEY"));
    assertThat(mistakes("PANNIER_ACK", "remote"))
        .singleElement()
        .asString()
        .contains("there is no object store");
  }

  // ------------------------------------------------------------------------------ grammars

  @ParameterizedTest
  @ValueSource(strings = {"true", "TRUE", " yes ", "1", "On"})
  void flagsAreTrueInManyWays(String text) {
    assertThat(Grammars.FLAG.parse(text)).contains(true);
  }

  @ParameterizedTest
  @CsvSource({
    "500000, 500000",
    "0, 0",
    "1B, 1",
    "64Mb, 64000000",
    "64 MB, 64000000",
    "1.5 GiB, 1610612736",
    "2k, 2000",
    "3Ki, 3072",
    "1PiB, 1125899906842624"
  })
  void sizes(String text, long bytes) {
    assertThat(Grammars.SIZE.parse(text)).contains(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "1 000 B",
        "8 megs",
        "12 XB",
        "-1",
        "1.5",
        ".5KB",
        "1e3",
        "9E",
        "99999999PB"
      })
  void noSizes(String text) {
    assertThat(Grammars.SIZE.parse(text)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"1h -30m, 1800000000", "5us, 5", "1d 1ms, 86400001000", "90s, 90000000"})
  void durations(String text, long micros) {
    assertThat(Grammars.micros(text)).contains(micros);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "5", "1.5h", "1w", "h", "1h30m", "1 h", "99999999999999999d"})
  void noDurations(String text) {
    assertThat(Grammars.micros(text)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-1", "0", "0s", "1.5", "8d", "99999999999999d", "18446744073710s"})
  void noSeconds(String text) {
    assertThat(Table.IO_BATCH_TIMEOUT.grammar().parse(text)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "100req/s, 100, 1",
    "12/m, 12, 60",
    "7, 7, 3600",
    "5 req / 1h 30m, 5, 5400",
    "9/5ms, 9, 1"
  })
  void rates(String text, long amount, long seconds) {
    assertThat(Grammars.REQUESTS.parse(text)).contains(new RateLimits.Rate(amount, seconds));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "/s", "req/s", "10/", "10/0s", "10/-5s", "10MB/s", "0/s"})
  void noRates(String text) {
    assertThat(Grammars.REQUESTS.parse(text)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "0.0.0.0", "::", "fe80::1"})
  void addresses(String text) {
    assertThat(Grammars.ADDRESS.parse(text)).contains(text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "localhost", "1.2.3", "256.1.1.1", "8080", "robot.local", "[::1]"})
  void noAddresses(String text) {
    assertThat(Grammars.ADDRESS.parse(text)).isEmpty();
  }

  // ------------------------------------------------------------------------------ access

  @Test
  void oneOfTheTokensOrNoAuthentication() {
    assertThat(settings("RS_API_TOKEN", "a").authentication())
        .contains(new Authentication.Provisioned("a"));
    assertThat(mistakes("RS_API_TOKEN", "a", "RS_INIT_API_TOKEN", "b"))
        .containsExactly("RS_API_TOKEN and RS_INIT_API_TOKEN are both set: expected one of them");
    assertThat(mistakes("RS_INIT_API_TOKEN", "")).hasSize(1);
    // Then nobody looks at them.
    assertThat(
            settings("RS_DISABLE_AUTH", "1", "RS_API_TOKEN", "", "RS_INIT_API_TOKEN", "b")
                .authentication())
        .contains(new Authentication.Disabled());
  }

  @Test
  void tokens() {
    var declared =
        settings(
                "RS_TOKEN_X_NAME", "reader",
                "RS_TOKEN_X_VALUE", "v",
                "RS_TOKEN_X_FULL_ACCESS", "no",
                "RS_TOKEN_X_READ", "a, b-*,,$system",
                "PANNIER_TOKEN_X_WRITE", "*",
                "RS_TOKEN_X_EXPIRES_AT", "2030-01-01T01:00:00+01:00")
            .declarations()
            .tokens();
    assertThat(declared).hasSize(1);
    assertThat(declared.getFirst().value()).isEqualTo("v");
    assertThat(declared.getFirst().permissions())
        .isEqualTo(new Permissions(false, List.of("a", "b-*", "$system"), List.of("*")));
    assertThat(declared.getFirst().expiresAt()).contains(Instant.parse("2030-01-01T00:00:00Z"));
  }

  @Test
  void aTokenWithoutValueOrOfTheServersNameStopsTheStart() {
    assertThat(mistakes("RS_TOKEN_X_NAME", "reader"))
        .containsExactly("RS_TOKEN_X_VALUE: is required and not set");
    assertThat(mistakes("RS_TOKEN_X_NAME", "init-token", "RS_TOKEN_X_VALUE", "v")).hasSize(1);
    assertThat(
            warnings(
                "RS_DISABLE_AUTH", "true", "RS_TOKEN_X_NAME", "reader", "RS_TOKEN_X_VALUE", "v"))
        .hasSize(1);
  }

  // ------------------------------------------------------------------------------ resources

  @Test
  void buckets() {
    assertThat(
            settings(
                    "RS_BUCKET_A_NAME", "cams",
                    "RS_BUCKET_A_QUOTA_TYPE", "fifo",
                    "RS_BUCKET_A_QUOTA_SIZE", "1GB",
                    "RS_BUCKET_B_C_NAME", "logs",
                    "RS_BUCKET_B_C_MAX_BLOCK_RECORDS", "5")
                .declarations()
                .buckets())
        .containsExactly(
            new BucketDeclaration(
                "cams",
                Optional.of(QuotaType.FIFO),
                OptionalLong.of(1_000_000_000),
                OptionalLong.empty(),
                OptionalLong.empty()),
            new BucketDeclaration(
                "logs",
                Optional.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.of(5)));
  }

  @Test
  void twoIdsWithOneNameStopTheStart() {
    assertThat(mistakes("RS_BUCKET_A_NAME", "cams", "RS_BUCKET_B_NAME", "cams"))
        .containsExactly("bucket 'cams' is declared under 2 ids");
  }

  @Test
  void aPartWithoutANameStopsTheStart() {
    assertThat(mistakes("RS_BUCKET_A_QUOTA_TYPE", "HARD"))
        .containsExactly("RS_BUCKET_A_QUOTA_TYPE belongs to nothing: RS_BUCKET_A_NAME is not set");
  }

  @Test
  void aQuotaWithoutTypeIsToldOf() {
    assertThat(warnings("RS_BUCKET_A_NAME", "a", "RS_BUCKET_A_QUOTA_SIZE", "1GB")).hasSize(1);
  }

  @Test
  void lifecycles() {
    var declared =
        settings(
                "RS_LIFECYCLE_L_NAME", "old",
                "RS_LIFECYCLE_L_TYPE", "Delete",
                "RS_LIFECYCLE_L_BUCKET", "cams",
                "RS_LIFECYCLE_L_OLDER_THAN", "30d",
                "RS_LIFECYCLE_L_ENTRIES", "a, b/*",
                "RS_LIFECYCLE_L_WHEN", "{\"&keep\": {\"$ne\": true}}",
                "RS_LIFECYCLE_L_MODE", "dry_run")
            .declarations()
            .lifecycles();
    assertThat(declared).hasSize(1);
    assertThat(declared.getFirst().modeIsGiven()).isTrue();
    assertThat(declared.getFirst().settings())
        .isEqualTo(
            new LifecycleSettings(
                LifecycleSettings.Type.DELETE,
                "cams",
                List.of("a", "b/*"),
                "30d",
                "3600s",
                Optional.empty(),
                Optional.of("{\"&keep\": {\"$ne\": true}}"),
                LifecycleSettings.Mode.DRY_RUN));
  }

  @Test
  void anIncompleteOrContradictoryLifecycleStopsTheStart() {
    assertThat(mistakes("RS_LIFECYCLE_L_NAME", "old")).hasSize(3);
    String[] compress = {
      "RS_LIFECYCLE_L_NAME", "old",
      "RS_LIFECYCLE_L_TYPE", "compress",
      "RS_LIFECYCLE_L_BUCKET", "cams",
      "RS_LIFECYCLE_L_OLDER_THAN", "30d",
      "RS_LIFECYCLE_L_WHEN", "{}"
    };
    assertThat(mistakes(compress)).hasSize(1);
    compress[3] = "delete";
    compress[9] = "{\"#ext\": {\"select\": {}}}";
    assertThat(mistakes(compress)).hasSize(1);
    compress[9] = "{not json";
    assertThat(mistakes(compress)).hasSize(1);
  }

  private static final String[] TASK = {
    "RS_REPLICATION_R_NAME", "copy",
    "RS_REPLICATION_R_SRC_BUCKET", "cams",
    "RS_REPLICATION_R_DST_BUCKET", "fleet",
    "RS_REPLICATION_R_DST_HOST", "http://hub:8383"
  };

  private static ReplicationDeclaration task(String... more) {
    String[] all = Arrays.copyOf(TASK, TASK.length + more.length);
    System.arraycopy(more, 0, all, TASK.length, more.length);
    var outcome = read(all);
    assertThat(outcome.report().mistakes()).isEmpty();
    assertThat(outcome.report().warnings()).isEmpty();
    return outcome.settings().orElseThrow().replication().declarations().getFirst();
  }

  @Test
  void aDeclaredReplicationIsWhatItsVariablesSay() {
    var bare = task();
    assertThat(bare.name()).isEqualTo("copy");
    assertThat(bare.modeIsGiven()).isFalse();
    assertThat(bare.settings().sourceBucket()).isEqualTo("cams");
    assertThat(bare.settings().destinationBucket()).isEqualTo("fleet");
    assertThat(bare.settings().destinationHost()).isEqualTo("http://hub:8383/");
    assertThat(bare.settings().when()).isEmpty();
    var full =
        task(
            "RS_REPLICATION_R_DST_TOKEN", "secret",
            "RS_REPLICATION_R_DST_PREFIX", "anna",
            "RS_REPLICATION_R_ENTRIES", "front, rear",
            "RS_REPLICATION_R_COMPRESSION", "ZSTD",
            "RS_REPLICATION_R_MODE", "paused",
            "PANNIER_REPLICATION_R_FROM", "oldest");
    assertThat(full.modeIsGiven()).isTrue();
    assertThat(full.settings().destinationToken()).contains("secret");
    assertThat(full.settings().destinationPrefix()).isEqualTo("anna");
    assertThat(full.settings().entries()).containsExactly("front", "rear");
    assertThat(full.settings().start()).isEqualTo(new ReplicationStart.Oldest());
    assertThat(full.toString()).doesNotContain("secret");
  }

  @Test
  void olderFiltersStandInFrontOfTheCondition() {
    var when =
        task(
                "RS_REPLICATION_R_INCLUDE_robot", "07",
                "RS_REPLICATION_R_EXCLUDE_dull", "yes",
                "RS_REPLICATION_R_EACH_N", "10",
                "RS_REPLICATION_R_EACH_S", "0.5",
                "RS_REPLICATION_R_WHEN", "{\"&score\": {\"$gt\": 5}, \"$and\": [true]}")
            .settings()
            .when()
            .orElseThrow();
    assertThat(when.toString())
        .isEqualTo(
            ("{'$and':[{'$and':[{'$exists':'robot'},{'$eq':[{'$text':'&robot'},'07']}]},"
                    + "{'$not':[{'$and':[{'$and':[{'$exists':'dull'},{'$eq':[{'$text':'&dull'},'yes']}]}]}]},"
                    + "{'$each_t':0.5},{'$each_n':10},{'$and':[true]}],'&score':{'$gt':5}}")
                .replace('\'', '"'));
    assertThat(Condition.parse(when).members()).isNotEmpty();
  }
}
