package io.pannier.server;

import io.pannier.model.Clock;
import io.pannier.model.SystemClock;
import io.pannier.model.SystemRandom;
import io.pannier.query.ExtensionOptions;
import io.pannier.server.access.AddressRange;
import io.pannier.server.access.Authentication;
import io.pannier.server.access.ClientAddress;
import io.pannier.server.access.RateLimits;
import io.pannier.server.events.EventOptions;
import io.pannier.server.settings.Declarations;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * Everything the server is told. Start from {@link #of} and change with the {@code with} methods.
 *
 * @param host address to bind
 * @param port port to bind; 0 for any
 * @param tls what HTTPS is spoken with; empty: plain HTTP
 * @param basePath prefix of all paths; brought into the form {@code /…/}
 * @param publicUrl where clients reach this server, with its prefix; empty: made of host and port
 * @param corsOrigins origins that browsers may call from; {@code *} for all
 * @param authentication how callers prove who they are
 * @param trustedProxies peers that may say for whom they speak
 * @param rates how much one client may ask for
 * @param events what the server tells about itself as records
 * @param declarations resources that are there after every start
 * @param replication how records are copied to other stores
 * @param metricsPublic whether metrics are served without a token
 * @param scrub how what is stored is read again in the background
 * @param instanceName what {@code /info} calls this server
 * @param version our own version; the one in the reference's form is fixed by the API we speak
 * @param io bounds of one exchange
 * @param threads how many threads do what
 * @param patience how long clients are waited for
 * @param memory how much memory may be used for what
 * @param extensions how extensions of queries are run
 * @param clock the time
 * @param random makes the first query id
 */
public record ServerConfig(
    String host,
    int port,
    Optional<Tls> tls,
    String basePath,
    Optional<URI> publicUrl,
    List<String> corsOrigins,
    Authentication authentication,
    List<AddressRange> trustedProxies,
    RateLimits rates,
    EventOptions events,
    Declarations declarations,
    ReplicationSetup replication,
    boolean metricsPublic,
    ScrubOptions scrub,
    String instanceName,
    String version,
    IoLimits io,
    Threads threads,
    Patience patience,
    Memory memory,
    ExtensionOptions extensions,
    Clock clock,
    RandomGenerator random) {

  /**
   * Threads.
   *
   * @param loops event loops; more than cores, because a file call on a loop may stall it
   * @param workers threads for blocking code
   * @param workerQueue exchanges that may wait for one
   * @param connections most connections at once
   */
  public record Threads(int loops, int workers, int workerQueue, int connections) {
    /** For a machine of any size. */
    public static final Threads DEFAULT = new Threads(4, 32, 1024, 4096);
  }

  /**
   * How long clients are waited for.
   *
   * @param head longest time for the head of a request, and for a TLS handshake
   * @param keepAlive longest time between two requests
   * @param minBodyRate bytes a second below which whoever sends a body counts as stalled; 0: any
   * @param stop how long a stop waits for requests that are being answered
   */
  public record Patience(Duration head, Duration keepAlive, long minBodyRate, Duration stop) {
    /** What slow links need. */
    public static final Patience DEFAULT =
        new Patience(Duration.ofSeconds(30), Duration.ofSeconds(120), 240, Duration.ofSeconds(10));
  }

  /**
   * Memory outside the heap.
   *
   * @param requestBytes for heads and gathered bodies of all connections together
   * @param transferBytes for records on their way between files and connections
   */
  public record Memory(long requestBytes, long transferBytes) {
    /** For a machine of any size. */
    public static final Memory DEFAULT = new Memory(64L << 20, 48L << 20);
  }

  /**
   * What the server proves itself with, in PEM files that are read again when they change.
   *
   * @param certificate its certificate, then those that lead from it to an authority
   * @param key the private key of the first: PKCS #8, PKCS #1 or SEC 1, not encrypted
   * @param clientCa authorities whose certificates clients may show; empty: none is asked for
   * @param requireClient whether a client must show one
   */
  public record Tls(Path certificate, Path key, Optional<Path> clientCa, boolean requireClient) {}

  public ServerConfig {
    basePath = normalised(basePath);
    corsOrigins = List.copyOf(corsOrigins);
    trustedProxies = List.copyOf(trustedProxies);
  }

  /**
   * The usual values on a free port of this machine, without a record about itself.
   *
   * @param token the token with full access; empty: nothing is checked
   */
  public static ServerConfig of(Optional<String> token) {
    return new ServerConfig(
        "127.0.0.1",
        0,
        Optional.empty(),
        "/",
        Optional.empty(),
        List.of(),
        token
            .<Authentication>map(Authentication.Provisioned::new)
            .orElseGet(Authentication.Disabled::new),
        ClientAddress.PRIVATE,
        RateLimits.OFF,
        new EventOptions(false, 0, Optional.empty()),
        Declarations.NONE,
        ReplicationSetup.DEFAULT,
        false,
        ScrubOptions.DEFAULT,
        "pannier",
        "0.1.0",
        IoLimits.DEFAULT,
        Threads.DEFAULT,
        Patience.DEFAULT,
        Memory.DEFAULT,
        ExtensionOptions.DEFAULT,
        new SystemClock(),
        SystemRandom.secure());
  }

  private ServerConfig with(Consumer<Copy> change) {
    var copy = new Copy(this);
    change.accept(copy);
    return copy.build();
  }

  /** The same with names that can be set. */
  private static final class Copy {
    String host;
    int port;
    Optional<Tls> tls;
    String basePath;
    Optional<URI> publicUrl;
    List<String> corsOrigins;
    Authentication authentication;
    List<AddressRange> trustedProxies;
    RateLimits rates;
    EventOptions events;
    Declarations declarations;
    ReplicationSetup replication;
    boolean metricsPublic;
    ScrubOptions scrub;
    String instanceName;
    String version;
    IoLimits io;
    Threads threads;
    Patience patience;
    Memory memory;
    ExtensionOptions extensions;
    Clock clock;
    RandomGenerator random;

    Copy(ServerConfig of) {
      host = of.host;
      port = of.port;
      tls = of.tls;
      basePath = of.basePath;
      publicUrl = of.publicUrl;
      corsOrigins = of.corsOrigins;
      authentication = of.authentication;
      trustedProxies = of.trustedProxies;
      rates = of.rates;
      events = of.events;
      declarations = of.declarations;
      replication = of.replication;
      metricsPublic = of.metricsPublic;
      scrub = of.scrub;
      instanceName = of.instanceName;
      version = of.version;
      io = of.io;
      threads = of.threads;
      patience = of.patience;
      memory = of.memory;
      extensions = of.extensions;
      clock = of.clock;
      random = of.random;
    }

    ServerConfig build() {
      return new ServerConfig(
          host,
          port,
          tls,
          basePath,
          publicUrl,
          corsOrigins,
          authentication,
          trustedProxies,
          rates,
          events,
          declarations,
          replication,
          metricsPublic,
          scrub,
          instanceName,
          version,
          io,
          threads,
          patience,
          memory,
          extensions,
          clock,
          random);
    }
  }

  public ServerConfig withAddress(String newHost, int newPort) {
    return with(copy -> {
      copy.host = newHost;
      copy.port = newPort;
    });
  }

  public ServerConfig withTls(Tls newTls) {
    return with(copy -> copy.tls = Optional.of(newTls));
  }

  public ServerConfig withBasePath(String newBasePath) {
    return with(copy -> copy.basePath = newBasePath);
  }

  public ServerConfig withCorsOrigins(List<String> origins) {
    return with(copy -> copy.corsOrigins = origins);
  }

  public ServerConfig withPublicUrl(URI newUrl) {
    return with(copy -> copy.publicUrl = Optional.of(newUrl));
  }

  public ServerConfig withAuthentication(Authentication newAuthentication) {
    return with(copy -> copy.authentication = newAuthentication);
  }

  public ServerConfig withTrustedProxies(List<AddressRange> ranges) {
    return with(copy -> copy.trustedProxies = ranges);
  }

  public ServerConfig withRates(RateLimits newRates) {
    return with(copy -> copy.rates = newRates);
  }

  public ServerConfig withEvents(EventOptions newEvents) {
    return with(copy -> copy.events = newEvents);
  }

  public ServerConfig withDeclarations(Declarations newDeclarations) {
    return with(copy -> copy.declarations = newDeclarations);
  }

  public ServerConfig withReplication(ReplicationSetup newReplication) {
    return with(copy -> copy.replication = newReplication);
  }

  public ServerConfig withMetricsPublic(boolean isPublic) {
    return with(copy -> copy.metricsPublic = isPublic);
  }

  public ServerConfig withScrub(ScrubOptions newScrub) {
    return with(copy -> copy.scrub = newScrub);
  }

  public ServerConfig withInstance(String newName, String newVersion) {
    return with(copy -> {
      copy.instanceName = newName;
      copy.version = newVersion;
    });
  }

  public ServerConfig withIo(IoLimits newIo) {
    return with(copy -> copy.io = newIo);
  }

  public ServerConfig withThreads(Threads newThreads) {
    return with(copy -> copy.threads = newThreads);
  }

  public ServerConfig withConnections(int most) {
    return withThreads(
        new Threads(threads.loops(), threads.workers(), threads.workerQueue(), most));
  }

  public ServerConfig withPatience(Patience newPatience) {
    return with(copy -> copy.patience = newPatience);
  }

  public ServerConfig withMemory(Memory newMemory) {
    return with(copy -> copy.memory = newMemory);
  }

  public ServerConfig withExtensions(ExtensionOptions newExtensions) {
    return with(copy -> copy.extensions = newExtensions);
  }

  public ServerConfig withClock(Clock newClock) {
    return with(copy -> copy.clock = newClock);
  }

  /** Without secrets: texts end up in logs. */
  @Override
  public String toString() {
    return "ServerConfig[" + host + ":" + port + basePath + ", " + authentication + "]";
  }

  private static String normalised(String path) {
    int from = 0;
    int to = path.length();
    while (from < to && path.charAt(from) == '/') {
      from++;
    }
    while (to > from && path.charAt(to - 1) == '/') {
      to--;
    }
    return from == to ? "/" : "/" + path.substring(from, to) + "/";
  }
}
