package io.pannier.server.access;

import io.pannier.model.Clock;
import io.pannier.model.PannierException;
import io.pannier.store.Store;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tokens of a store: who they are, what they may do, how they come and go (http-api.md §4, §7).
 *
 * <p>Thread-safe. {@link #authenticate} takes no lock: it looks into a snapshot that every change
 * replaces as a whole. Changes take turns, are durable before they are seen, and may wait for the
 * device. Of a value only a salted hash is kept; a value that was seen before is found again by a
 * digest under a key of this process.
 */
public final class Tokens implements AutoCloseable {
  /** The token that the configuration begins with. */
  public static final String INIT = "init-token";

  /** Who everybody is when nothing is checked. */
  public static final String EVERYBODY = "AUTHENTICATION-DISABLED";

  static final String UNKNOWN = "Invalid token";
  static final String EXPIRED = "Token has expired";

  /** Tokens of one store. */
  static final int TOKENS_MAX = 10_000;

  private static final Logger LOG = LoggerFactory.getLogger(Tokens.class);
  private static final Permissions READS_ALL =
      new Permissions(false, List.of("*", "$audit", "$system"), List.of());
  private static final String BEARER = "Bearer ";
  private static final int NAME_MAX = 255;
  private static final int VALUE_BYTES = 16;
  private static final long SAVE_USES_NANOS = 60_000_000_000L;
  private static final long SAVE_ALL_USES_NANOS = 60 * SAVE_USES_NANOS;
  private static final long DURABLE_SECONDS = 10;

  /** Does something later, where it may wait for the device. */
  @FunctionalInterface
  public interface Later {
    void run(long delayNanos, Runnable task);
  }

  /**
   * Is told of tokens that may less than before. Called by whoever changed them; must not block.
   */
  public interface Listener {
    /** Nobody is this owner any more ({@link Caller#owner}). */
    void ended(String owner);

    /** The owner may do other things than before. */
    void changed(String owner);
  }

  /** The tokens at one moment. */
  static final class Snapshot {
    private final Map<String, StoredToken> byName;

    /** Those whose values this process has seen, by digest. */
    private final Map<Digests.Digest, StoredToken> known = new ConcurrentHashMap<>();

    Snapshot(Map<String, StoredToken> byName) {
      this.byName = Collections.unmodifiableMap(byName);
      for (StoredToken token : byName.values()) {
        Digests.Digest digest = token.secret().seen();
        if (digest != null) {
          known.putIfAbsent(digest, token);
        }
      }
    }

    Map<String, StoredToken> byName() {
      return byName;
    }

    Map<Digests.Digest, StoredToken> known() {
      return known;
    }
  }

  /** Replaced when there is a newer state of one that is only read. */
  private volatile Store store;

  private final Authentication authentication;
  private final Clock clock;
  private final RandomGenerator random;
  private final Later later;
  private final boolean isOff;
  private final StoredToken everybody;
  private final StoredToken stranger;
  private final Digests digests;
  private final FailedLogins failures;
  private final AtomicLong generations = new AtomicLong();
  private final Object slowly = new Object();

  /** Held by every change, and while a bucket comes, goes or gets another name. */
  private final ReentrantLock lock = new ReentrantLock();

  private volatile Snapshot snapshot = new Snapshot(new TreeMap<>());
  private volatile Listener listener = new Silent();
  private final AtomicBoolean savePlanned = new AtomicBoolean();
  private volatile boolean usesAreNews;
  private volatile boolean restIsNews;

  // Guarded by the lock.
  private boolean wasInitialised;
  private byte[] sealingKey = {};
  private Optional<TokenDocument.BucketChange> change = Optional.empty();

  /** Whether the stored text may tell of a change of a bucket that is over. */
  private boolean unsettled;

  private boolean closed;
  private long savedNanos;

  private Tokens(
      Store store,
      Authentication authentication,
      Clock clock,
      RandomGenerator random,
      Later later) {
    this.store = store;
    this.authentication = authentication;
    this.isOff = authentication instanceof Authentication.Disabled;
    this.clock = clock;
    this.random = random;
    this.later = later;
    digests = new Digests(random);
    failures = new FailedLogins(clock);
    savedNanos = clock.monotonicNanos();
    everybody = unstored(EVERYBODY, Permissions.FULL);
    stranger = unstored("", new Permissions(false, List.of(), List.of()));
  }

  private boolean isUnstored(StoredToken token) {
    return token.generation() == everybody.generation()
        || token.generation() == stranger.generation();
  }

  private StoredToken unstored(String name, Permissions permissions) {
    String value = HexFormat.of().formatHex(bytes(Secret.LONG));
    return made(
        name,
        value,
        new NewToken(permissions, Optional.empty(), OptionalLong.empty(), List.of()),
        List.of());
  }

  /**
   * Reads the tokens of a store and makes those that the configuration gives.
   *
   * @param declared tokens that are there after every start; ignored when nothing is checked
   * @throws PannierException.Invalid when the configuration cannot be followed: nothing is weakened
   *     silently
   * @throws PannierException.Damaged when what is stored cannot be read
   */
  public static Tokens open(
      Store store,
      Authentication authentication,
      List<TokenDeclaration> declared,
      Clock clock,
      RandomGenerator random,
      Later later) {
    var tokens = new Tokens(store, authentication, clock, random, later);
    if (store.isFollowing()) {
      tokens.follow(store);
      return tokens;
    }
    tokens.load();
    if (!tokens.isOff) {
      tokens.configure(declared);
    }
    return tokens;
  }

  /**
   * Takes over the tokens of a newer state of a store that is only read. Those whose values are the
   * same are the same tokens.
   *
   * @throws PannierException.Damaged when what is stored cannot be read; nothing changes then
   */
  public void follow(Store state) {
    lock.lock();
    try {
      Map<String, StoredToken> before = snapshot.byName();
      var tokens = new TreeMap<String, StoredToken>();
      Optional<byte[]> text = state.documents().load(TokenDocument.NAME);
      byte[] key = {};
      if (text.isPresent()) {
        TokenDocument document = TokenDocument.decode(text.get(), generations::getAndIncrement);
        key = HexFormat.of().parseHex(document.sealingKey());
        for (StoredToken token : document.tokens()) {
          StoredToken old = before.get(token.name());
          if (old != null && old.secret().text().equals(token.secret().text())) {
            tokens.put(token.name(), token.continuing(old));
          } else {
            tokens.put(token.name(), token);
          }
        }
      }
      if (authentication instanceof Authentication.Reading(var value) && value.isPresent()) {
        StoredToken old = before.get(INIT);
        boolean isSame = old != null && old.secret().matches(value.get());
        StoredToken own = old != null && isSame ? old : made(INIT, value.get());
        tokens.put(INIT, own.provisioned(READS_ALL, Optional.empty()));
      }
      store = state;
      sealingKey = key;
      publish(tokens);
    } finally {
      lock.unlock();
    }
  }

  // ---------------------------------------------------------------- start

  private void load() {
    lock.lock();
    try {
      Optional<byte[]> text = store.documents().load(TokenDocument.NAME);
      if (text.isEmpty()) {
        return;
      }
      TokenDocument document = TokenDocument.decode(text.get(), generations::getAndIncrement);
      wasInitialised = document.wasInitialised();
      sealingKey = HexFormat.of().parseHex(document.sealingKey());
      var tokens = new TreeMap<String, StoredToken>();
      document.tokens().forEach(token -> tokens.put(token.name(), token));
      publish(tokens);
      if (document.change().isPresent()) {
        finish(document.change().get());
        save();
      }
    } finally {
      lock.unlock();
    }
  }

  private void configure(List<TokenDeclaration> declared) {
    lock.lock();
    try {
      byte[] before = encoded(snapshot.byName().values());
      var tokens = new TreeMap<String, StoredToken>();
      for (StoredToken token : snapshot.byName().values()) {
        tokens.put(token.name(), token.isProvisioned() ? token.unmarked() : token);
      }
      Set<Digests.Digest> values = new HashSet<>();
      switch (authentication) {
        case Authentication.Disabled(), Authentication.Reading(_) -> {}
        case Authentication.Provisioned(String value) ->
            impose(
                tokens,
                values,
                new TokenDeclaration(INIT, value, Permissions.FULL, Optional.empty()));
        case Authentication.Initial(String value) -> {
          StoredToken stored = snapshot.byName().get(INIT);
          if (!wasInitialised || (stored != null && stored.isProvisioned())) {
            checkValue(INIT, value);
            tokens.put(INIT, made(INIT, value));
          }
        }
      }
      for (TokenDeclaration declaration : declared) {
        if (declaration.name().equals(INIT)) {
          throw new PannierException.Invalid(
              "Token '" + INIT + "' cannot be declared: it is the one that the server begins with");
        }
        impose(tokens, values, declaration);
      }
      wasInitialised = true;
      publish(tokens);
      if (!Arrays.equals(before, encoded(snapshot.byName().values()))) {
        save();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Makes a token be as the configuration says. */
  private void impose(
      Map<String, StoredToken> tokens, Set<Digests.Digest> values, TokenDeclaration declaration) {
    String name = checkName(declaration.name());
    String value = declaration.value();
    checkValue(name, value);
    declaration.permissions().check();
    StoredToken old = tokens.get(name);
    if (old != null && old.isProvisioned()) {
      throw new PannierException.Invalid("Token '" + name + "' is declared twice");
    }
    if (!values.add(digests.of(value.getBytes(StandardCharsets.UTF_8)))) {
      throw new PannierException.Invalid(
          "Token '" + name + "' has the same value as another declared one");
    }
    // The same value is the same token: what was sealed in its name stays good.
    boolean isSame = old != null && old.secret().matches(value);
    StoredToken base = old != null && isSame ? old : made(name, value);
    base.secret().seen(digests.of(value.getBytes(StandardCharsets.UTF_8)));
    tokens.put(name, base.provisioned(declaration.permissions(), declaration.expiresAt()));
  }

  /** A new token that may do everything. */
  private StoredToken made(String name, String value) {
    return made(
        name,
        value,
        new NewToken(Permissions.FULL, Optional.empty(), OptionalLong.empty(), List.of()),
        List.of());
  }

  private StoredToken made(
      String name, String value, NewToken wanted, List<AddressRange> allowlist) {
    Secret secret = Secret.of(value, random);
    secret.seen(digests.of(value.getBytes(StandardCharsets.UTF_8)));
    return new StoredToken(
        name,
        generations.getAndIncrement(),
        secret,
        Instants.ofMicros(clock.wallMicros()),
        wanted.permissions(),
        false,
        wanted.expiresAt(),
        wanted.ttlSeconds(),
        allowlist,
        Usage.none(clock));
  }

  private static void checkValue(String name, String value) {
    if (value.isEmpty()) {
      throw new PannierException.Invalid("Value of token '" + name + "' can't be empty");
    }
  }

  // ---------------------------------------------------------------- who calls

  /**
   * Finds out who calls.
   *
   * @param authorization the header of this name, or null
   * @param client where the request comes from; asked only if it matters
   * @throws PannierException.Unauthorized when the header does not prove who calls, or the token
   *     does not work, or not from there
   * @throws PannierException.TooMany when too many wrong values came from there
   */
  public Caller authenticate(
      @Nullable String authorization, Supplier<Optional<InetAddress>> client) {
    Snapshot now = snapshot;
    if (isOff) {
      return new Caller(this, now, everybody);
    }
    if (authorization == null || !authorization.startsWith(BEARER)) {
      throw new PannierException.Unauthorized("No bearer token in request header");
    }
    String value = authorization.substring(BEARER.length());
    Digests.Digest digest = digests.of(value.getBytes(StandardCharsets.UTF_8));
    StoredToken token = now.known().get(digest);
    if (token == null) {
      token = search(now, value, digest, client);
    }
    if (token.isExpired(clock)) {
      throw new PannierException.Unauthorized(EXPIRED);
    }
    if (!token.allowlist().isEmpty()) {
      checkAddress(token, client.get());
    }
    if (token.usage().touch(clock)) {
      used(token);
    }
    return new Caller(this, now, token);
  }

  /** Somebody who was not asked for a token, and may do nothing that needs one. */
  public Caller stranger() {
    return new Caller(this, snapshot, isOff ? everybody : stranger);
  }

  /** Compares the value with every token, whichever it is. */
  private StoredToken search(
      Snapshot now, String value, Digests.Digest digest, Supplier<Optional<InetAddress>> client) {
    Optional<InetAddress> address = client.get();
    boolean isSuspect = failures.areTooMany(address);
    StoredToken found = null;
    for (StoredToken token : now.byName().values()) {
      if (isOf(token.secret(), value, digest, isSuspect) && found == null) {
        found = token;
      }
    }
    if (found == null) {
      throw failures.failure(address);
    }
    found.secret().seen(digest);
    now.known().put(digest, found);
    return found;
  }

  /**
   * Whether the value is that of a secret. For suspects no slow one is tried, so that guessing does
   * not keep the server busy; such a token works from there again after a minute, or once it was
   * used from elsewhere.
   */
  private boolean isOf(Secret secret, String value, Digests.Digest digest, boolean isSuspect) {
    Digests.Digest seen = secret.seen();
    if (seen != null) {
      return seen.equals(digest);
    }
    if (!secret.isSlow()) {
      return secret.matches(value);
    }
    if (isSuspect) {
      return false;
    }
    synchronized (slowly) {
      return secret.matches(value);
    }
  }

  private static void checkAddress(StoredToken token, Optional<InetAddress> client) {
    if (client.isEmpty()) {
      throw new PannierException.Unauthorized("Client IP is required for this token");
    }
    InetAddress address = client.get();
    if (token.allowlist().stream().noneMatch(range -> range.contains(address))) {
      throw new PannierException.Unauthorized(
          "Token is not allowed for client IP " + ClientAddress.text(address));
    }
  }

  /**
   * Whether a value would be taken, whatever the address; it does not count as a use. May take
   * milliseconds.
   */
  public boolean accepts(String value) {
    Digests.Digest digest = digests.of(value.getBytes(StandardCharsets.UTF_8));
    return isOff
        || snapshot.byName().values().stream()
            .anyMatch(
                token -> isOf(token.secret(), value, digest, false) && !token.isExpired(clock));
  }

  /** Calls since the start with a value that no token has. */
  public long failedLogins() {
    return failures.count();
  }

  /** How many tokens there are. */
  public int count() {
    return snapshot.byName().size();
  }

  Snapshot snapshot() {
    return snapshot;
  }

  Clock clock() {
    return clock;
  }

  /** The token as it is now, if nobody took its value away. */
  StoredToken stillThere(StoredToken token) {
    if (isUnstored(token)) {
      return token;
    }
    StoredToken now = snapshot.byName().get(token.name());
    if (now == null || now.generation() != token.generation()) {
      throw new PannierException.Unauthorized(UNKNOWN);
    }
    return now;
  }

  // ---------------------------------------------------------------- look and change

  /** All tokens, by name. None when nothing is checked. */
  public List<TokenInfo> list() {
    return isOff
        ? List.of()
        : snapshot.byName().values().stream().map(token -> token.info(clock)).toList();
  }

  /**
   * A token.
   *
   * @throws PannierException.NotFound when there is none of this name
   */
  public TokenInfo find(String name) {
    requireOn();
    return token(name).info(clock);
  }

  /**
   * Makes a token with a value of its own.
   *
   * @throws PannierException.Conflict when there is one of this name
   * @throws PannierException.Invalid when it could never work
   */
  public IssuedToken create(String name, NewToken wanted) {
    requireOn();
    checkName(name);
    wanted.permissions().check();
    if (wanted.ttlSeconds().isPresent() && wanted.ttlSeconds().getAsLong() == 0) {
      throw new PannierException.Invalid("Token TTL must be greater than zero");
    }
    List<AddressRange> allowlist = wanted.ipAllowlist().stream().map(AddressRange::parse).toList();
    lock.lock();
    try {
      Instant now = Instants.ofMicros(clock.wallMicros());
      if (wanted.expiresAt().isPresent() && wanted.expiresAt().get().isBefore(now)) {
        throw new PannierException.Invalid("Token expiration date must not be in the past");
      }
      var tokens = new TreeMap<>(snapshot.byName());
      if (tokens.containsKey(name)) {
        throw new PannierException.Conflict("Token '" + name + "' already exists");
      }
      if (tokens.size() >= TOKENS_MAX) {
        throw new PannierException.BadRequest("There can be at most " + TOKENS_MAX + " tokens");
      }
      String value = newValue(name);
      StoredToken made = made(name, value, wanted, allowlist);
      tokens.put(name, made);
      saveAndPublish(tokens);
      return new IssuedToken(value, made.createdAt());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives a token another value; the old one does not work any more, nor does what was made with
   * it.
   *
   * @throws PannierException.NotFound when there is none of this name
   * @throws PannierException.Conflict when the configuration gives it
   * @throws PannierException.Invalid when it has expired
   */
  public IssuedToken rotate(String name) {
    requireOn();
    lock.lock();
    try {
      StoredToken old = token(name);
      if (old.isProvisioned()) {
        throw new PannierException.Conflict("Can't rotate provisioned token '" + name + "'");
      }
      if (old.isOver(clock)) {
        throw new PannierException.Invalid("Can't rotate expired token '" + name + "'");
      }
      String value = newValue(name);
      StoredToken made =
          made(
              name,
              value,
              new NewToken(old.permissions(), old.expiresAt(), old.ttlSeconds(), List.of()),
              old.allowlist());
      var tokens = new TreeMap<>(snapshot.byName());
      tokens.put(name, made);
      saveAndPublish(tokens);
      return new IssuedToken(value, made.createdAt());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Removes a token.
   *
   * @throws PannierException.NotFound when there is none of this name
   * @throws PannierException.Conflict when the configuration gives it, or nobody with full access
   *     would be left
   */
  public void remove(String name) {
    if (isOff) {
      return;
    }
    lock.lock();
    try {
      StoredToken old = token(name);
      if (old.isProvisioned()) {
        throw new PannierException.Conflict("Can't remove provisioned token '" + name + "'");
      }
      var tokens = new TreeMap<>(snapshot.byName());
      tokens.remove(name);
      if (old.permissions().fullAccess()
          && tokens.values().stream()
              .noneMatch(token -> token.permissions().fullAccess() && !token.isExpired(clock))) {
        throw new PannierException.Conflict(
            "Can't remove token '" + name + "': at least one full-access token must remain");
      }
      saveAndPublish(tokens);
    } finally {
      lock.unlock();
    }
  }

  private void requireOn() {
    if (isOff) {
      throw new PannierException.BadRequest("Authentication is disabled");
    }
  }

  private StoredToken token(String name) {
    StoredToken found = snapshot.byName().get(name);
    if (found == null) {
      throw new PannierException.NotFound("Token '" + name + "' doesn't exist");
    }
    return found;
  }

  private static String checkName(String name) {
    if (name.isEmpty()) {
      throw new PannierException.Invalid("Token name can't be empty");
    }
    if (name.equals(".")
        || name.equals("..")
        || name.length() > NAME_MAX
        || name.chars().anyMatch(c -> c == '/' || Character.isISOControl(c))) {
      throw new PannierException.Invalid(
          "Token name can't be '.' or '..', contain '/' or control characters, or be longer than "
              + NAME_MAX
              + " characters");
    }
    return name;
  }

  private String newValue(String name) {
    return name + "-" + HexFormat.of().formatHex(bytes(VALUE_BYTES));
  }

  private byte[] bytes(int count) {
    var bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }

  // ---------------------------------------------------------------- buckets

  /**
   * Makes a bucket: no token means by its name one that had it before.
   *
   * @param act does it
   */
  public void createBucket(Runnable act) {
    lock.lock();
    try {
      if (unsettled) {
        // A start that finds a bucket of the old name would take the change for undone.
        save();
      }
      act.run();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives a bucket another name, in lists of tokens too.
   *
   * @param act does it
   */
  public void renameBucket(String from, String to, Runnable act) {
    changeBucket(new TokenDocument.BucketChange(from, Optional.of(to)), act);
  }

  /**
   * Removes a bucket, from lists of tokens too.
   *
   * @param act does it
   */
  public void removeBucket(String name, Runnable act) {
    changeBucket(new TokenDocument.BucketChange(name, Optional.empty()), act);
  }

  /**
   * The intention is stored first, and the lists only when the change of the bucket cannot be
   * undone by a loss of power: at whatever moment the server dies, the next start finds out what is
   * true, and no token means a bucket that is not its own. Meanwhile nobody makes a bucket of that
   * name.
   */
  private void changeBucket(TokenDocument.BucketChange wanted, Runnable act) {
    lock.lock();
    try {
      if (snapshot.byName().values().stream()
          .noneMatch(token -> token.permissions().names(wanted.from()))) {
        act.run();
        return;
      }
      store.bucket(wanted.from());
      boolean done = false;
      try {
        change = Optional.of(wanted);
        save();
        act.run();
        done = true;
      } finally {
        finish(wanted);
        if (done) {
          awaitDurable();
        }
        change = Optional.empty();
        save();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Changes the lists if the bucket has really gone from its old name. */
  private void finish(TokenDocument.BucketChange begun) {
    if (store.findBucket(begun.from()).isPresent()) {
      return;
    }
    var tokens = new TreeMap<String, StoredToken>();
    for (StoredToken token : snapshot.byName().values()) {
      Permissions permissions = token.permissions().renamed(begun.from(), begun.to());
      tokens.put(token.name(), token.withPermissions(permissions));
    }
    publish(tokens);
  }

  private void awaitDurable() {
    var done = new CountDownLatch(1);
    store.whenDurable(error -> done.countDown());
    try {
      if (!done.await(DURABLE_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("the change of a bucket is not on the device yet; its tokens are changed anyway");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // ---------------------------------------------------------------- what is sealed

  /**
   * The key for what is sealed in the name of a token, such as links: another one for every value
   * that the token has. 32 bytes. May wait for the device when it is the first.
   *
   * @throws PannierException.NotFound when there is no such token
   */
  public byte[] sealingKey(String tokenName) {
    StoredToken issuer = issuer(tokenName);
    // That has another value in every process; what was sealed must last longer.
    String of = isUnstored(issuer) ? EVERYBODY : issuer.secret().text();
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(storeKey(), "HmacSHA256"));
      mac.update(tokenName.getBytes(StandardCharsets.UTF_8));
      mac.update((byte) 0);
      return mac.doFinal(of.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Checks that a token, in whose name something was sealed, still may read what it is about.
   *
   * @throws PannierException.NotFound when there is no such token
   * @throws PannierException.Unauthorized when it has expired
   * @throws PannierException.Forbidden when it may not read the bucket
   */
  public void requireIssuer(String tokenName, String bucket) {
    StoredToken token = issuer(tokenName);
    if (token.isExpired(clock)) {
      throw new PannierException.Unauthorized(EXPIRED);
    }
    Caller.require(token, Access.READ, bucket);
  }

  private StoredToken issuer(String name) {
    return isOff && name.equals(EVERYBODY) ? everybody : token(name);
  }

  private byte[] storeKey() {
    lock.lock();
    try {
      if (sealingKey.length == 0 && store.isFollowing()) {
        throw new PannierException.Forbidden(
            "Cannot create query link in read-only mode before the first one was created by the"
                + " instance that writes");
      }
      if (sealingKey.length == 0) {
        save();
      }
      return sealingKey.clone();
    } finally {
      lock.unlock();
    }
  }

  // ---------------------------------------------------------------- store

  /** Who is told of tokens that may less than before. */
  public void listen(Listener newListener) {
    listener = newListener;
  }

  private static final class Silent implements Listener {
    @Override
    public void ended(String owner) {}

    @Override
    public void changed(String owner) {}
  }

  private void saveAndPublish(Map<String, StoredToken> tokens) {
    save(tokens.values());
    publish(tokens);
  }

  private void publish(Map<String, StoredToken> tokens) {
    Snapshot before = snapshot;
    snapshot = new Snapshot(tokens);
    for (StoredToken old : before.byName().values()) {
      StoredToken now = tokens.get(old.name());
      if (now == null || now.generation() != old.generation()) {
        listener.ended(old.owner());
      } else if (!now.permissions().equals(old.permissions())) {
        listener.changed(old.owner());
      }
    }
  }

  private void save() {
    save(snapshot.byName().values());
  }

  private void save(Collection<StoredToken> tokens) {
    if (sealingKey.length == 0) {
      sealingKey = bytes(TokenDocument.KEY_BYTES);
    }
    boolean hadNews = usesAreNews;
    boolean hadRest = restIsNews;
    usesAreNews = false;
    restIsNews = false;
    unsettled = true;
    boolean saved = false;
    try {
      store.documents().save(TokenDocument.NAME, encoded(tokens));
      saved = true;
    } finally {
      if (!saved && hadNews) {
        usesAreNews = true;
      }
      if (!saved && hadRest) {
        restIsNews = true;
      }
    }
    unsettled = change.isPresent();
    savedNanos = clock.monotonicNanos();
  }

  private byte[] encoded(Collection<StoredToken> tokens) {
    return new TokenDocument(
            wasInitialised, HexFormat.of().formatHex(sealingKey), change, List.copyOf(tokens))
        .encode();
  }

  /**
   * Remembers that there is something to store: within a minute when the life of the token hangs on
   * it, else within an hour, as it only informs and cards wear out.
   */
  private void used(StoredToken token) {
    if (store.isFollowing()) {
      return; // it is not ours to store
    }
    usesAreNews = true;
    if (token.ttlSeconds().isPresent()) {
      restIsNews = true;
    }
    if (!savePlanned.get() && savePlanned.compareAndSet(false, true)) {
      later.run(SAVE_USES_NANOS, this::saveUses);
    }
  }

  private void saveUses() {
    lock.lock();
    try {
      savePlanned.set(false);
      if (!closed
          && (restIsNews
              || (usesAreNews && clock.monotonicNanos() - savedNanos >= SAVE_ALL_USES_NANOS))) {
        save();
      }
    } catch (PannierException e) {
      // The next use plans it again.
      LOG.warn("last uses of tokens could not be stored", e);
    } finally {
      lock.unlock();
    }
  }

  /** Stores when tokens were used last. The store must still be open. */
  @Override
  public void close() {
    lock.lock();
    try {
      if (!closed && usesAreNews) {
        save();
      }
    } catch (PannierException e) {
      LOG.warn("last uses of tokens could not be stored", e);
    } finally {
      closed = true;
      lock.unlock();
    }
  }

  @Override
  public String toString() {
    return "Tokens[" + snapshot.byName().keySet() + "]";
  }
}
