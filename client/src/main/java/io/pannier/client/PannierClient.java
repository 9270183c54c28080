package io.pannier.client;

import io.pannier.model.Clock;
import io.pannier.model.SystemClock;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A store, seen from a program. Methods block, which virtual threads are made for; any number of
 * threads may use one client. They throw {@link ClientException}: {@code Refused} with the status
 * when the store says no, the others when it could not be asked.
 *
 * <p>What is safe to repeat is repeated by itself: a write whose answer was lost is sent again, and
 * if the store then has such a record it is compared. What is not (making a bucket, a token, a
 * task; removing by a query) is repeated only when nothing of it can have arrived.
 *
 * <p>
 *
 * {@snippet class="ClientExamplesTest" region="first"}
 */
public final class PannierClient implements AutoCloseable {
  private final Transport transport;
  private final Api api;

  private PannierClient(Transport transport, int minorMax) {
    this.transport = transport;
    api = new Api(transport, minorMax);
  }

  /**
   * A client of the store at this address.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="connect"}
   *
   * @param url {@code http} or {@code https}, with a prefix of the path where the store has one
   * @throws IllegalArgumentException for another address
   */
  public static Builder builder(String url) {
    return new Builder(url);
  }

  /** A client with the usual settings. */
  public static PannierClient connect(String url, String token) {
    return builder(url).token(token).build();
  }

  /** Settings of a client to be. */
  public static final class Builder {
    private final URI base;
    private Optional<String> token = Optional.empty();
    private Tls tls = Lazy.NONE;
    private int connectMillis = ClientOptions.CONNECT_MILLIS;
    private int stallMillis = 30_000;
    private int repeats = 4;
    private int pauseMillis = 100;
    private int minorMax = Integer.MAX_VALUE;
    private Clock clock = new SystemClock();

    private Builder(String url) {
      URI address;
      try {
        address = URI.create(url);
      } catch (IllegalArgumentException malformed) {
        throw new IllegalArgumentException("not an address of a store: " + url, malformed);
      }
      String scheme = address.getScheme();
      if (address.getHost() == null
          || !("http".equalsIgnoreCase(scheme) || "https".equalsIgnoreCase(scheme))) {
        throw new IllegalArgumentException(
            "not an address of a store: " + url + "; expected http(s)://HOST[:PORT][/PREFIX]");
      }
      String user = address.getRawUserInfo();
      if (user != null) {
        token = Optional.of(user);
        address = URI.create(url.replaceFirst("//[^/@]*@", "//"));
      }
      base = address;
    }

    /** Sent with every request. */
    public Builder token(String value) {
      token = Optional.of(value);
      return this;
    }

    /** How certificates are checked; by default by the authorities of this machine. */
    public Builder tls(Tls checks) {
      tls = checks;
      return this;
    }

    /** Longest wait for a connection; 10 s by default. */
    public Builder connectTimeout(Duration time) {
      connectMillis = Math.toIntExact(Math.max(1, time.toMillis()));
      return this;
    }

    /** Longest time without a byte in either direction; 30 s by default. */
    public Builder timeout(Duration time) {
      stallMillis = Math.toIntExact(Math.max(1, time.toMillis()));
      return this;
    }

    /** How often a request is repeated at most (4), and the first pause (100 ms), then doubled. */
    public Builder repeats(int count, Duration pause) {
      repeats = count;
      pauseMillis = Math.toIntExact(pause.toMillis());
      return this;
    }

    /** Takes the API of the store for no newer than 1.{@code minor}: for what stands in between. */
    public Builder apiAtMost(int minor) {
      minorMax = minor;
      return this;
    }

    Builder clock(Clock other) {
      clock = other;
      return this;
    }

    /** The client; it connects with the first call. */
    public PannierClient build() {
      Tls checks = tls;
      if (checks == Lazy.NONE && "https".equalsIgnoreCase(base.getScheme())) {
        checks = Tls.usual();
      }
      var options =
          new ClientOptions(
              base,
              token,
              Optional.empty(),
              checks,
              connectMillis,
              stallMillis,
              clock,
              Throttle.NONE);
      return new PannierClient(new Transport(options, repeats, pauseMillis), minorMax);
    }
  }

  /** Loading the authorities of the machine takes a moment that plain HTTP should not pay. */
  private static final class Lazy {
    static final Tls NONE = Tls.none();
  }

  /** Address of the store, without a token. */
  public URI url() {
    return transport.options().base();
  }

  // The server.

  /**
   * Whether the server answers, be it still starting.
   *
   * @throws ClientException.Unreachable and its kin when it does not
   */
  public void alive() {
    transport.ask(api.request("HEAD", "alive"), Repeat.NEVER);
  }

  /** Whether the server is through with its start. */
  public boolean isReady() {
    return transport.askAny(api.request("GET", "ready"), Repeat.ALWAYS).head().isSuccess();
  }

  /**
   * What the store says about itself.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="server"}
   */
  public ServerInfo info() {
    return ServerInfo.of(api.object(api.request("GET", "info"), Repeat.ALWAYS));
  }

  /** Buckets that the token may read, by name. */
  public List<BucketInfo> buckets() {
    return Json.objects(api.object(api.request("GET", "list"), Repeat.ALWAYS), "buckets").stream()
        .map(BucketInfo::of)
        .toList();
  }

  /** The token that this client uses. */
  public TokenInfo me() {
    return TokenInfo.of(api.object(api.request("GET", "me"), Repeat.ALWAYS));
  }

  /**
   * A call that has no method here: body and answer as they go over the wire.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="call"}
   *
   * @param path behind {@code /api/v1/}, encoded
   * @param json body; empty: none
   */
  public String call(String method, String path, String json) {
    boolean changesNothing = method.equals("GET") || method.equals("HEAD");
    return transport
        .ask(
            api.request(method, path, json.isEmpty() ? null : Json.parse(json)),
            changesNothing ? Repeat.ALWAYS : Repeat.NEVER)
        .text();
  }

  // Buckets.

  /** A bucket, which may be there or not: nothing is asked. */
  public Bucket bucket(String name) {
    return new Bucket(api, name);
  }

  /** Whether there is such a bucket, be it one that is just being removed. */
  public boolean hasBucket(String name) {
    Transport.Whole answer =
        transport.askAny(api.request("HEAD", "b/" + Api.segment(name)), Repeat.ALWAYS);
    if (answer.head().status() == 404) {
      return false;
    }
    if (!answer.head().isSuccess() && answer.head().status() != 409) {
      throw answer.head().refusal();
    }
    return true;
  }

  /**
   * Makes a bucket.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="create-bucket"}
   *
   * @throws ClientException.Refused 409 when there is such a bucket
   */
  public Bucket createBucket(String name, BucketOptions options) {
    transport.ask(api.request("POST", "b/" + Api.segment(name), options.json()), Repeat.NEVER);
    return bucket(name);
  }

  /** Makes a bucket unless there is one, which stays as it is. */
  public Bucket getOrCreateBucket(String name, BucketOptions options) {
    Transport.Whole answer =
        transport.askAny(
            api.request("POST", "b/" + Api.segment(name), options.json()), Repeat.ALWAYS);
    if (!answer.head().isSuccess() && answer.head().status() != 409) {
      throw answer.head().refusal();
    }
    return bucket(name);
  }

  // Tokens.

  private static String tokenPath(String name) {
    return "tokens/" + Api.segment(name);
  }

  /** All tokens, by name, without their values. */
  public List<TokenInfo> tokens() {
    return Json.objects(api.object(api.request("GET", "tokens"), Repeat.ALWAYS), "tokens").stream()
        .map(TokenInfo::of)
        .toList();
  }

  /** One token, without its value. */
  public TokenInfo token(String name) {
    return TokenInfo.of(api.object(api.request("GET", tokenPath(name)), Repeat.ALWAYS));
  }

  /**
   * Makes a token.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="token"}
   */
  public CreatedToken createToken(String name, TokenOptions options) {
    return CreatedToken.of(
        api.object(api.request("POST", tokenPath(name), options.json(api.minor())), Repeat.NEVER));
  }

  /** Gives a token a new value; the old one ends at once. */
  public CreatedToken rotateToken(String name) {
    api.require(19, "Rotating a token");
    return CreatedToken.of(
        api.object(api.request("POST", tokenPath(name) + "/rotate"), Repeat.NEVER));
  }

  /** Removes a token. */
  public void removeToken(String name) {
    removed(tokenPath(name));
  }

  private void removed(String path) {
    Transport.Whole answer = transport.askAny(api.request("DELETE", path), Repeat.ALWAYS);
    // After a lost answer it may be gone already.
    if (!answer.head().isSuccess() && !(answer.head().status() == 404 && answer.isUncertain())) {
      throw answer.head().refusal();
    }
  }

  // Replications.

  private static String replicationPath(String name) {
    return "replications/" + Api.segment(name);
  }

  /** All replications of this store. */
  public List<ReplicationInfo> replications() {
    return Json.objects(
            api.object(api.request("GET", "replications"), Repeat.ALWAYS), "replications")
        .stream()
        .map(ReplicationInfo::of)
        .toList();
  }

  /** A replication, how it is set and how it fares. */
  public ReplicationDetail replication(String name) {
    return ReplicationDetail.of(
        api.object(api.request("GET", replicationPath(name)), Repeat.ALWAYS));
  }

  /**
   * Begins to copy what comes into a bucket.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="replication"}
   */
  public void createReplication(String name, ReplicationOptions options) {
    transport.ask(api.request("POST", replicationPath(name), options.json()), Repeat.NEVER);
  }

  /** Changes a replication; without a token the one that is stored stays. */
  public void updateReplication(String name, ReplicationOptions options) {
    transport.ask(api.request("PUT", replicationPath(name), options.json()), Repeat.ALWAYS);
  }

  /** Switches a replication; needs API 1.18. */
  public void setReplicationMode(String name, TaskMode mode) {
    api.require(18, "Switching a replication");
    setMode(replicationPath(name), mode);
  }

  private void setMode(String path, TaskMode mode) {
    transport.ask(
        api.request("PATCH", path + "/mode", Map.<String, @Nullable Object>of("mode", mode.text())),
        Repeat.ALWAYS);
  }

  /** Ends a replication. */
  public void removeReplication(String name) {
    removed(replicationPath(name));
  }

  // Lifecycles.

  private static String lifecyclePath(String name) {
    return "lifecycles/" + Api.segment(name);
  }

  /** All lifecycles of this store; needs API 1.20, as all calls for them. */
  public List<LifecycleInfo> lifecycles() {
    return Json.objects(api.object(api.request("GET", "lifecycles"), Repeat.ALWAYS), "lifecycles")
        .stream()
        .map(LifecycleInfo::of)
        .toList();
  }

  /** A lifecycle and how it is set. */
  public LifecycleDetail lifecycle(String name) {
    return LifecycleDetail.of(api.object(api.request("GET", lifecyclePath(name)), Repeat.ALWAYS));
  }

  /**
   * Begins to remove or compress old records.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="lifecycle"}
   */
  public void createLifecycle(String name, LifecycleOptions options) {
    api.require(20, "A lifecycle");
    transport.ask(api.request("POST", lifecyclePath(name), options.json()), Repeat.NEVER);
  }

  /** Changes a lifecycle. */
  public void updateLifecycle(String name, LifecycleOptions options) {
    transport.ask(api.request("PUT", lifecyclePath(name), options.json()), Repeat.ALWAYS);
  }

  /** Switches a lifecycle. */
  public void setLifecycleMode(String name, TaskMode mode) {
    setMode(lifecyclePath(name), mode);
  }

  /** Ends a lifecycle. */
  public void removeLifecycle(String name) {
    removed(lifecyclePath(name));
  }

  /** Opens a link that {@link Bucket#createLink} made; no token is sent. Close what comes. */
  public static StoredRecord openLink(String link) {
    URI address = URI.create(link);
    String target =
        address.getRawPath() + (address.getRawQuery() == null ? "" : "?" + address.getRawQuery());
    PannierClient client = builder(address.getScheme() + "://" + address.getRawAuthority()).build();
    boolean opened = false;
    try {
      Transport.Open open = client.transport.open(new HttpRequest("GET", target), Repeat.ALWAYS);
      String entry = open.head().header("x-reduct-entry");
      var record =
          new StoredRecord(
              Api.recordInfo(entry == null ? "" : entry, open.head()),
              new ClosingStream(open.body(), client));
      opened = true;
      return record;
    } finally {
      if (!opened) {
        client.close();
      }
    }
  }

  /** Hangs up; calls that are under way fail. */
  @Override
  public void close() {
    transport.close();
  }
}
