package io.pannier.server.settings;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Limits;
import io.pannier.model.QuotaType;
import io.pannier.query.ExtensionOptions;
import io.pannier.query.ReadLimits;
import io.pannier.server.IoLimits;
import io.pannier.server.ReplicationSetup;
import io.pannier.server.ScrubOptions;
import io.pannier.server.ServerConfig;
import io.pannier.server.access.AddressRange;
import io.pannier.server.access.Authentication;
import io.pannier.server.access.RateLimits;
import io.pannier.server.events.EventOptions;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The environment, read once and without a mistake.
 *
 * @param data folder of all data; empty: the caller knows one
 * @param host address to listen on
 * @param port port to listen on; 0 for any
 * @param basePath prefix of all URLs
 * @param publicUrl where clients reach this server; empty: as host, port and prefix say
 * @param corsOrigins origins that browsers may call from
 * @param instanceName what the server calls itself
 * @param authentication how callers prove who they are; empty: nobody said, the first start makes a
 *     token
 * @param tls what the server proves itself with; empty: it speaks plain HTTP
 * @param trustedProxies who is believed about where a request comes from; empty: the usual ones
 * @param rates how much one client may ask for
 * @param io bounds of one exchange
 * @param connections most connections at once
 * @param patience how long clients are waited for
 * @param events what the server tells about itself
 * @param room how much the store may take
 * @param ack what an acknowledgement promises where nobody says
 * @param direct which uploads go past the page cache
 * @param scrub how what is stored is read again in the background
 * @param extensions how extensions of queries are run
 * @param bucketDefaults settings of a new bucket where nobody says
 * @param declarations resources that are there after every start
 * @param replication how records are copied to other stores
 * @param remote the object store that data lies in; empty: it lies in the file system
 * @param logs which log lines are written
 * @param logFormat what they look like
 * @param metricsPublic whether metrics are served without a token
 * @param replicaInterval how often a replica looks for a newer state; empty: it writes itself
 */
public record Settings(
    Optional<Path> data,
    String host,
    int port,
    String basePath,
    Optional<URI> publicUrl,
    List<String> corsOrigins,
    String instanceName,
    Optional<Authentication> authentication,
    Optional<ServerConfig.Tls> tls,
    Optional<List<AddressRange>> trustedProxies,
    RateLimits rates,
    IoLimits io,
    int connections,
    ServerConfig.Patience patience,
    EventOptions events,
    Limits.Room room,
    Ack ack,
    Limits.Direct direct,
    ScrubOptions scrub,
    ExtensionOptions extensions,
    BucketSettings bucketDefaults,
    Declarations declarations,
    ReplicationSetup replication,
    Optional<RemoteSettings> remote,
    LogLevels logs,
    LogFormat logFormat,
    boolean metricsPublic,
    Optional<Duration> replicaInterval) {

  /**
   * What came of a reading.
   *
   * @param settings empty exactly when there are mistakes
   */
  public record Outcome(Optional<Settings> settings, Report report) {}

  /** Name of the token that may do everything. */
  private static final String INIT_TOKEN = "init-token";

  /**
   * Reads everything and tells all mistakes at once.
   *
   * @param environment all variables of the process
   * @param options what the command line says, by name without prefix, such as {@code PORT}; it
   *     goes first
   * @param hostName what the instance is called when nobody says
   */
  public static Outcome read(
      Map<String, String> environment, Map<String, String> options, String hostName) {
    var reading = new Reading(environment, options);
    LogLevels logs = reading.value(Table.LOG_LEVEL);
    LogFormat logFormat = reading.value(Table.LOG_FORMAT);
    boolean metricsPublic = reading.value(Table.METRICS_PUBLIC);
    Optional<Path> data = reading.find(Table.DATA_PATH);
    String host = reading.value(Table.HOST);
    long port = reading.value(Table.PORT);
    String basePath = reading.value(Table.API_BASE_PATH);
    Optional<URI> publicUrl = reading.find(Table.PUBLIC_URL);
    List<String> origins = reading.find(Table.CORS_ALLOW_ORIGIN).orElse(List.of());
    String instance = reading.find(Table.INSTANCE_NAME).orElse(hostName);
    boolean replica = isReplica(reading);
    Optional<Authentication> authentication = authentication(reading, replica);
    Duration lookEvery = reading.value(Table.ENGINE_REPLICA_UPDATE_INTERVAL);
    Optional<ServerConfig.Tls> tls = tls(reading);
    Optional<List<AddressRange>> proxies = reading.find(Table.TRUSTED_PROXIES);
    var rates =
        new RateLimits(
            reading.find(Table.RATE_LIMIT_API),
            reading.find(Table.RATE_LIMIT_INGRESS),
            reading.find(Table.RATE_LIMIT_EGRESS));
    IoLimits io = io(reading);
    long connections = reading.value(Table.MAX_CONNECTIONS);
    var patience =
        new ServerConfig.Patience(
            reading.value(Table.HEAD_TIMEOUT),
            reading.value(Table.KEEP_ALIVE_TIMEOUT),
            reading.value(Table.MIN_BODY_RATE),
            reading.value(Table.STOP_TIMEOUT));
    var room =
        new Limits.Room(
            reading.find(Table.ENGINE_MAX_STORAGE_SIZE).orElse(Long.MAX_VALUE),
            reading.value(Table.MIN_FREE_SPACE));
    Ack ack = reading.value(Table.ACK);
    Limits.Direct direct = reading.value(Table.DIRECT_IO);
    var scrub =
        new ScrubOptions(reading.value(Table.SCRUB_RATE), reading.value(Table.SCRUB_INTERVAL));
    ExtensionOptions extensions = extensions(reading);
    BucketSettings defaults = bucketDefaults(reading);
    Optional<RemoteSettings> remote = RemoteSettings.read(reading, ack);
    var events =
        new EventOptions(
            reading.value(Table.SYSTEM_EVENTS_ENABLED) && !replica,
            reading.value(Table.SYSTEM_EVENTS_QUOTA_SIZE),
            reading.value(Table.SYSTEM_EVENTS_LOG_LEVEL));
    Declarations declarations = Declared.read(reading);
    ReplicationSetup replication = DeclaredReplications.read(reading);
    init(reading, authentication, declarations);
    if (replica) {
      withoutWriting(reading, declarations, replication);
    }
    withoutEffect(reading);
    reading.rest();

    Report report = reading.report();
    if (!report.mistakes().isEmpty()) {
      return new Outcome(Optional.empty(), report);
    }
    var settings =
        new Settings(
            remote.map(RemoteSettings::cache).or(() -> data),
            host,
            (int) port,
            basePath,
            publicUrl,
            origins,
            instance,
            authentication,
            tls,
            proxies,
            rates,
            io,
            (int) connections,
            patience,
            events,
            room,
            ack,
            direct,
            scrub,
            extensions,
            defaults,
            declarations,
            replication,
            remote,
            logs,
            logFormat,
            metricsPublic,
            replica ? Optional.of(lookEvery) : Optional.empty());
    return new Outcome(Optional.of(settings), report);
  }

  private static boolean isReplica(Reading reading) {
    Table.Role role = reading.value(Table.INSTANCE_ROLE);
    return switch (role) {
      case STANDALONE -> false;
      case REPLICA -> true;
      case PRIMARY, SECONDARY -> {
        reading.mistake(
            Table.INSTANCE_ROLE, "this role is not served yet, only STANDALONE and REPLICA are");
        yield false;
      }
    };
  }

  /** What is declared is made by the instance that writes. */
  private static void withoutWriting(
      Reading reading, Declarations declarations, ReplicationSetup replication) {
    if (!declarations.buckets().isEmpty()
        || !declarations.tokens().isEmpty()
        || !declarations.lifecycles().isEmpty()
        || !replication.declarations().isEmpty()) {
      reading.warn(
          "buckets, tokens, lifecycles and replications are declared and not looked at: a replica"
              + " makes none");
    }
  }

  /** Exactly one of the two tokens, or none; an empty one is a mistake, not an open door. */
  private static Optional<Authentication> authentication(Reading reading, boolean replica) {
    boolean disabled = reading.value(Table.DISABLE_AUTH);
    Optional<String> provisioned = reading.find(Table.API_TOKEN);
    Optional<String> initial = reading.find(Table.INIT_API_TOKEN);
    if (disabled) {
      return Optional.of(new Authentication.Disabled());
    }
    if (replica) {
      return Optional.of(new Authentication.Reading(provisioned.filter(text -> !text.isEmpty())));
    }
    if (provisioned.isPresent() && initial.isPresent()) {
      reading.mistake(
          reading.nameOf(Table.API_TOKEN)
              + " and "
              + reading.nameOf(Table.INIT_API_TOKEN)
              + " are both set: expected one of them");
    }
    for (var token : List.of(Table.API_TOKEN, Table.INIT_API_TOKEN)) {
      if (reading.isSet(token) && !reading.isFilled(token)) {
        reading.mistake(token, "expected a value; leave it out and the first start makes a token");
      }
    }
    return provisioned
        .<Authentication>map(Authentication.Provisioned::new)
        .or(() -> initial.map(Authentication.Initial::new));
  }

  /** Both files or none: plain text where HTTPS was asked for would give tokens away. */
  private static Optional<ServerConfig.Tls> tls(Reading reading) {
    Optional<Path> certificate = path(reading, Table.CERT_PATH);
    Optional<Path> key = path(reading, Table.CERT_KEY_PATH);
    Optional<Path> clientCa = path(reading, Table.CLIENT_CA_PATH);
    boolean requires = reading.value(Table.REQUIRE_CLIENT_CERT);
    if (certificate.isPresent() && key.isEmpty()) {
      reading.mistake(
          Table.CERT_PATH, "its key is missing: " + reading.nameOf(Table.CERT_KEY_PATH));
    } else if (key.isPresent() && certificate.isEmpty()) {
      reading.mistake(
          Table.CERT_KEY_PATH, "its certificate is missing: " + reading.nameOf(Table.CERT_PATH));
    } else if (clientCa.isPresent() && certificate.isEmpty()) {
      reading.mistake(
          Table.CLIENT_CA_PATH,
          "clients show certificates over HTTPS only, without "
              + reading.nameOf(Table.CERT_PATH)
              + " there is none");
    } else if (requires && clientCa.isEmpty()) {
      reading.mistake(
          Table.CLIENT_CA_PATH, "expected authorities, whose certificates are required");
    }
    return certificate.isPresent() && key.isPresent()
        ? Optional.of(new ServerConfig.Tls(certificate.get(), key.get(), clientCa, requires))
        : Optional.empty();
  }

  /** A path; empty when it is not set, or set to nothing. */
  static Optional<Path> path(Reading reading, Setting<String> setting) {
    return reading
        .find(setting)
        .filter(text -> !text.isBlank())
        .flatMap(text -> {
          Optional<Path> parsed = Grammars.PATH.parse(text);
          if (parsed.isEmpty()) {
            reading.mistake(setting, "expected a path");
          }
          return parsed;
        });
  }

  private static IoLimits io(Reading reading) {
    long bytes = reading.value(Table.IO_BATCH_MAX_SIZE);
    long records = reading.value(Table.IO_BATCH_MAX_RECORDS);
    long metadata = reading.value(Table.IO_BATCH_MAX_METADATA_SIZE);
    Duration batch = reading.value(Table.IO_BATCH_TIMEOUT);
    Duration next = reading.value(Table.IO_BATCH_RECORDS_TIMEOUT);
    Duration operation = reading.value(Table.IO_OPERATION_TIMEOUT);
    long writers = reading.value(Table.IO_MAX_WRITERS_IN_FLIGHT);
    return new IoLimits(
        bytes,
        (int) records,
        (int) metadata,
        new ReadLimits(batch.toNanos(), next.toNanos()),
        (int) operation.toMillis(),
        (int) writers);
  }

  private static ExtensionOptions extensions(Reading reading) {
    long threads = reading.value(Table.EXT_THREADS);
    return new ExtensionOptions(
        threads == 0 ? ExtensionOptions.DEFAULT.threads() : (int) threads,
        reading.value(Table.EXT_CPU_TIME).toNanos(),
        reading.value(Table.EXT_MEMORY),
        reading.value(Table.EXT_SCRATCH_SIZE),
        reading.find(Table.EXT_PATH));
  }

  private static BucketSettings bucketDefaults(Reading reading) {
    QuotaType type = reading.value(Table.DEFAULTS_BUCKET_QUOTA_TYPE);
    return new BucketSettings(
        type,
        reading.value(Table.DEFAULTS_BUCKET_QUOTA_SIZE),
        reading.value(Table.DEFAULTS_BUCKET_MAX_BLOCK_SIZE),
        reading.value(Table.DEFAULTS_BUCKET_MAX_BLOCK_RECORDS),
        null);
  }

  private static void init(
      Reading reading, Optional<Authentication> authentication, Declarations declarations) {
    if (declarations.tokens().isEmpty()) {
      return;
    }
    if (authentication.isPresent() && authentication.get() instanceof Authentication.Disabled) {
      reading.warn("tokens are declared and not looked at: authentication is disabled");
    } else if (declarations.tokens().stream().anyMatch(token -> token.name().equals(INIT_TOKEN))) {
      reading.mistake("token '" + INIT_TOKEN + "' cannot be declared: it is the server's own");
    }
  }

  private static void withoutEffect(Reading reading) {
    for (Setting<?> setting : Table.ALL) {
      if (setting.kind() == Setting.Kind.IGNORED && !setting.isOfResource()) {
        reading.ignore(setting);
      }
    }
    if (reading.text(Table.ZENOH_ENABLED).flatMap(Grammars.FLAG::parse).orElse(false)) {
      reading.warn(
          reading.nameOf(Table.ZENOH_ENABLED)
              + ": there is no Zenoh bridge; nothing comes from it");
    }
  }

  /** What the server is told. */
  public ServerConfig serverConfig(Authentication how, String version) {
    ServerConfig config =
        ServerConfig.of(Optional.empty())
            .withAuthentication(how)
            .withAddress(host, port)
            .withBasePath(basePath)
            .withCorsOrigins(corsOrigins)
            .withRates(rates)
            .withEvents(events)
            .withDeclarations(declarations)
            .withReplication(replication)
            .withMetricsPublic(metricsPublic)
            .withScrub(scrub)
            .withExtensions(extensions)
            .withInstance(instanceName, version)
            .withIo(io)
            .withConnections(connections)
            .withPatience(patience);
    config = publicUrl.map(config::withPublicUrl).orElse(config);
    config = trustedProxies.map(config::withTrustedProxies).orElse(config);
    return tls.map(config::withTls).orElse(config);
  }

  /** What the store is told, in a process that may have so many files open. */
  public Limits limits(long fileHandleLimit) {
    return Limits.forHandles(fileHandleLimit)
        .withDirect(direct)
        .withOperationMillis(io.operationMillis())
        .withRoom(room);
  }
}
