package io.pannier.server.lifecycle;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.Clock;
import io.pannier.model.PannierException;
import io.pannier.query.Json;
import io.pannier.server.events.SystemEvents;
import io.pannier.server.lifecycle.LifecycleSettings.Mode;
import io.pannier.store.Bucket;
import io.pannier.store.Scheduler;
import io.pannier.store.Store;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.ToIntFunction;

/**
 * The policies of a store: kept in its document {@code lifecycles}, changed by requests, worked on
 * by the scheduler. Any thread may call.
 */
public final class Lifecycles implements AutoCloseable {
  private static final String DOCUMENT = "lifecycles";
  private static final int VERSION = 1;

  /** Most policies: each has a task of its own. */
  private static final int POLICIES_MAX = 1024;

  private static final int NAME_MAX = 255;
  private static final JsonFactory FACTORY = new JsonFactory();

  final Store store;
  final Clock clock;
  final Scheduler scheduler;
  final SystemEvents events;
  final ClockWatch watch;
  private final ToIntFunction<Throwable> statuses;
  private final Map<String, Policy> policies = new ConcurrentSkipListMap<>();

  /** Held by who adds or removes policies. */
  private final ReentrantLock structure = new ReentrantLock();

  /** Held by who saves. */
  private final ReentrantLock saving = new ReentrantLock();

  /**
   * @param scheduler runs the work, where it may wait
   * @param events hears of every run
   * @param statuses what an error is over HTTP
   */
  public Lifecycles(
      Store store,
      Clock clock,
      Scheduler scheduler,
      SystemEvents events,
      ToIntFunction<Throwable> statuses) {
    this.store = store;
    this.clock = clock;
    this.scheduler = scheduler;
    this.events = events;
    this.statuses = statuses;
    watch = new ClockWatch(clock);
  }

  /**
   * Takes up the policies that are kept, and those that the configuration gives, and begins to wait
   * for their runs.
   *
   * @throws PannierException.Invalid when a declared one makes no sense
   */
  public void open(List<LifecycleDeclaration> declared) {
    structure.lock();
    try {
      store.documents().load(DOCUMENT).ifPresent(this::read);
      for (LifecycleDeclaration declaration : declared) {
        declare(declaration);
      }
      if (!declared.isEmpty()) {
        save();
      }
      policies.values().forEach(Policy::begin);
    } finally {
      structure.unlock();
    }
  }

  private void declare(LifecycleDeclaration declaration) {
    LifecycleSettings settings = declaration.settings();
    try {
      Plan.of(settings);
    } catch (PannierException.Invalid e) {
      throw new PannierException.Invalid(
          "Lifecycle '" + declaration.name() + "': " + e.getMessage());
    }
    Policy known = policies.get(declaration.name());
    if (known != null && !declaration.modeIsGiven()) {
      settings = settings.withMode(known.state().settings().mode());
    }
    // One whose bucket was removed is there all the same, and says so: a missing bucket must not
    // keep a robot from starting.
    int bucketId = store.findBucket(settings.bucket()).map(Bucket::id).orElse(NO_BUCKET);
    Policy.State before =
        known == null
            ? new Policy.State(
                settings, bucketId, OptionalLong.empty(), OptionalLong.empty(), clock.wallMicros())
            : known.state();
    OptionalLong mark =
        before.bucketId() == bucketId && before.settings().type() == settings.type()
            ? before.processedTo()
            : OptionalLong.empty();
    var policy =
        new Policy(
            this,
            declaration.name(),
            new Policy.State(settings, bucketId, mark, before.lastRun(), before.since()));
    policy.markProvisioned();
    policies.put(declaration.name(), policy);
  }

  /** Id that no bucket has. */
  private static final int NO_BUCKET = 0;

  // ---------------------------------------------------------------- requests

  /** All policies by name. */
  public List<LifecycleInfo> list() {
    return policies.values().stream().map(Lifecycles::info).toList();
  }

  /** The policy of this name. */
  public LifecycleInfo get(String name) {
    return info(policy(name));
  }

  /** What the policy of this name has done. */
  public LifecycleTotals totals(String name) {
    return policy(name).totals();
  }

  private static LifecycleInfo info(Policy policy) {
    OptionalLong lastRun = policy.state().lastRun();
    return new LifecycleInfo(
        policy.name,
        policy.isProvisioned(),
        policy.isRunning(),
        policy.settings(),
        lastRun.isPresent()
            ? Optional.of(ClockWatch.instant(lastRun.getAsLong()))
            : Optional.empty(),
        policy.obstacle());
  }

  private Policy policy(String name) {
    Policy found = policies.get(name);
    if (found == null) {
      throw new PannierException.NotFound("Lifecycle '" + name + "' does not exist");
    }
    return found;
  }

  /** Makes a policy; its first run comes one interval from now. */
  public void create(String name, LifecycleSettings settings) {
    structure.lock();
    try {
      if (policies.containsKey(name)) {
        throw new PannierException.Conflict("Lifecycle '" + name + "' already exists");
      }
      checkName(name);
      Bucket bucket = bucketOf(name, settings);
      Plan.of(settings);
      if (policies.size() >= POLICIES_MAX) {
        throw new PannierException.Invalid("There are " + POLICIES_MAX + " lifecycles already");
      }
      var policy =
          new Policy(
              this,
              name,
              new Policy.State(
                  settings,
                  bucket.id(),
                  OptionalLong.empty(),
                  OptionalLong.empty(),
                  clock.wallMicros()));
      policies.put(name, policy);
      saveOr(() -> policies.remove(name));
      policy.begin();
    } finally {
      structure.unlock();
    }
  }

  private static void checkName(String name) {
    boolean isFit = !name.isBlank() && name.length() <= NAME_MAX;
    for (int i = 0; i < name.length(); i++) {
      isFit &= !Character.isISOControl(name.charAt(i));
    }
    if (!isFit || name.equals(".") || name.equals("..")) {
      throw new PannierException.Invalid(
          "Lifecycle name must be 1 to " + NAME_MAX + " printable characters");
    }
  }

  private Bucket bucketOf(String name, LifecycleSettings settings) {
    return store
        .findBucket(settings.bucket())
        .orElseThrow(() ->
            new PannierException.NotFound(
                "Bucket '" + settings.bucket() + "' for lifecycle '" + name + "' does not exist"));
  }

  /** Gives a policy other settings. */
  public void update(String name, LifecycleSettings settings) {
    structure.lock();
    try {
      Policy policy = policy(name);
      refuseProvisioned(policy, "Can't update provisioned lifecycle '");
      policy.change(settings, bucketOf(name, settings).id());
    } finally {
      structure.unlock();
    }
  }

  /** Gives a policy another mode; from the return on, nothing happens under the old one. */
  public void changeMode(String name, Mode mode) {
    policy(name).changeMode(mode);
  }

  /** Removes a policy; from the return on, it does nothing. */
  public void remove(String name) {
    structure.lock();
    try {
      Policy policy = policy(name);
      refuseProvisioned(policy, "Can't remove provisioned lifecycle '");
      policies.remove(name);
      saveOr(() -> policies.put(name, policy));
      policy.end();
    } finally {
      structure.unlock();
    }
  }

  private static void refuseProvisioned(Policy policy, String text) {
    if (policy.isProvisioned()) {
      throw new PannierException.Conflict(text + policy.name + "'");
    }
  }

  int status(Throwable failure) {
    return statuses.applyAsInt(failure);
  }

  // ---------------------------------------------------------------- the document

  /** Keeps the policies as they are at this moment; waits for the device. */
  void save() {
    saving.lock();
    try {
      var out = new ByteArrayOutputStream(1024);
      try (JsonGenerator json = FACTORY.createGenerator(out)) {
        json.writeStartObject();
        json.writeNumberField("version", VERSION);
        json.writeArrayFieldStart("lifecycles");
        for (Policy policy : policies.values()) {
          write(json, policy);
        }
        json.writeEndArray();
        json.writeEndObject();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      store.documents().save(DOCUMENT, out.toByteArray());
    } finally {
      saving.unlock();
    }
  }

  /** Keeps a change that was made in memory; where that fails, it is undone. */
  private void saveOr(Runnable undo) {
    boolean saved = false;
    try {
      save();
      saved = true;
    } finally {
      if (!saved) {
        undo.run();
      }
    }
  }

  private static void write(JsonGenerator json, Policy policy) throws IOException {
    Policy.State state = policy.state();
    json.writeStartObject();
    json.writeStringField("name", policy.name);
    json.writeNumberField("bucket_id", state.bucketId());
    if (state.processedTo().isPresent()) {
      json.writeFieldName("processed_to");
      json.writeNumber(Long.toUnsignedString(state.processedTo().getAsLong()));
    }
    if (state.lastRun().isPresent()) {
      json.writeNumberField("last_run", state.lastRun().getAsLong());
    }
    json.writeNumberField("since", state.since());
    json.writeObjectFieldStart("settings");
    LifecycleJson.write(json, policy.settings());
    json.writeEndObject();
    json.writeEndObject();
  }

  private void read(byte[] text) {
    ObjectNode document = Json.object(text);
    long version = Json.unsigned(document, "version").orElse(0);
    if (version != VERSION) {
      throw new PannierException.Internal(
          "Lifecycles were stored by another version: " + version, null);
    }
    for (JsonNode one : document.withArray("lifecycles")) {
      if (one instanceof ObjectNode kept && kept.get("settings") instanceof ObjectNode settings) {
        String name = Json.requiredText(kept, "name");
        policies.put(
            name,
            new Policy(
                this,
                name,
                new Policy.State(
                    LifecycleJson.settings(settings),
                    (int) Json.unsigned(kept, "bucket_id").orElse(NO_BUCKET),
                    Json.unsigned(kept, "processed_to"),
                    Json.unsigned(kept, "last_run"),
                    Json.unsigned(kept, "since").orElse(clock.wallMicros()))));
      }
    }
  }

  /** Lets the steps that run end; no other begins. */
  @Override
  public void close() {
    policies.values().forEach(Policy::pause);
  }
}
