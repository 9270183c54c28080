package io.pannier.replicate;

import io.pannier.client.Throttle;
import io.pannier.model.Clock;
import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.store.Store;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The replications of a store. Any thread may call; what changes them waits for the device. */
public final class Replications implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Replications.class);
  private static final String DOCUMENT = "replications";
  private static final Set<String> THIS_HOST = Set.of("127.0.0.1", "localhost", "0.0.0.0");

  private final Task.Setting setting;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Task> tasks = new TreeMap<>();
  private int nextId = 1;

  private Replications(Task.Setting setting) {
    this.setting = setting;
  }

  /**
   * Those that were there when the store was closed, at work. Nothing may be written to the store
   * before this returns.
   *
   * @param workers run everything that is not asked for by a caller
   * @param warnings hears what an operator should know
   */
  public static Replications open(
      Store store,
      Clock clock,
      Workers workers,
      Destinations destinations,
      ReplicationOptions options,
      Consumer<ReplicationWarning> warnings) {
    return open(store, clock, workers, destinations, options, warnings, Extractor.NONE, true);
  }

  /**
   * The same where records may be cut on their way.
   *
   * @param extractor has extensions do it
   * @param writes false for an instance that only reads the store: then there are none, whatever
   *     the store says, since the one that writes works on them
   */
  public static Replications open(
      Store store,
      Clock clock,
      Workers workers,
      Destinations destinations,
      ReplicationOptions options,
      Consumer<ReplicationWarning> warnings,
      Extractor extractor,
      boolean writes) {
    var setting =
        new Task.Setting(
            store, clock, workers, destinations, options, Throttle::new, warnings, extractor);
    return writes ? open(setting) : new Replications(setting);
  }

  /** The same with another way to wait where the rate is bounded. */
  static Replications open(Task.Setting setting) {
    var replications = new Replications(setting);
    replications.load();
    return replications;
  }

  private void load() {
    Stored stored = Stored.of(setting.store().documents().load(DOCUMENT));
    nextId = stored.nextId();
    for (Stored.One one : stored.tasks()) {
      tasks.put(
          one.name(),
          Task.restore(one.id(), one.name(), Plan.of(one.settings()), setting, state(one)));
    }
    tasks.values().forEach(Task::start);
  }

  /** How far a task had come; without it the task goes through all records once more. */
  private Optional<byte[]> state(Stored.One one) {
    try {
      return setting.store().documents().load(Task.document(one.id()));
    } catch (PannierException.Damaged unreadable) {
      LOG.error("state of replication {} is lost; it begins anew", one.name(), unreadable);
      return Optional.empty();
    }
  }

  private void save() {
    setting
        .store()
        .documents()
        .save(
            DOCUMENT,
            new Stored(
                    nextId,
                    tasks.values().stream()
                        .map(task -> new Stored.One(task.id, task.name, task.settings()))
                        .toList())
                .bytes());
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

  // ---------------------------------------------------------------- asking

  /** All of them by name. */
  public List<ReplicationInfo> list() {
    return all().stream().map(Task::info).toList();
  }

  /** All of them by name, with everything that is known of them: a snapshot for metrics. */
  public List<ReplicationDetail> details() {
    return all().stream().map(Task::detail).toList();
  }

  /** One of them. */
  public ReplicationDetail get(String name) {
    return find(name).detail();
  }

  private List<Task> all() {
    lock.lock();
    try {
      return List.copyOf(tasks.values());
    } finally {
      lock.unlock();
    }
  }

  private Task find(String name) {
    lock.lock();
    try {
      Task task = tasks.get(name);
      if (task == null) {
        throw new PannierException.NotFound("Replication '" + name + "' does not exist");
      }
      return task;
    } finally {
      lock.unlock();
    }
  }

  // ---------------------------------------------------------------- changing

  /**
   * Makes one.
   *
   * @throws PannierException.Conflict when there is one of this name
   * @throws PannierException.NotFound when there is no such source bucket
   * @throws PannierException.Invalid when the settings do not make sense
   */
  public void create(String name, ReplicationSettings settings) {
    lock.lock();
    try {
      if (tasks.containsKey(name)) {
        throw new PannierException.Conflict("Replication '" + name + "' already exists");
      }
      checkName(name);
      Plan plan = checked(name, settings);
      Task task = Task.create(nextId, name, plan, setting);
      nextId++;
      tasks.put(name, task);
      saveOr(() -> {
        tasks.remove(name);
        task.remove();
      });
      task.start();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives one other settings. What it has still to send stays; without a token it keeps its own.
   */
  public void update(String name, ReplicationSettings settings) {
    lock.lock();
    try {
      Task task = find(name);
      if (task.isProvisioned()) {
        throw new PannierException.Conflict("Can't update provisioned replication '" + name + "'");
      }
      change(task, settings);
    } finally {
      lock.unlock();
    }
  }

  private void change(Task task, ReplicationSettings settings) {
    ReplicationSettings complete =
        settings.destinationToken().isPresent()
            ? settings
            : settings.withToken(task.plan().settings().destinationToken());
    task.change(checked(task.name, complete));
    save();
  }

  /** Puts one into another mode, also one that the configuration gives. */
  public void mode(String name, ReplicationMode mode) {
    lock.lock();
    try {
      find(name).mode(mode);
      save();
    } finally {
      lock.unlock();
    }
  }

  /** Removes one; what it has still to send is forgotten. */
  public void remove(String name) {
    lock.lock();
    try {
      Task task = find(name);
      if (task.isProvisioned()) {
        throw new PannierException.Conflict("Can't remove provisioned replication '" + name + "'");
      }
      tasks.remove(name);
      saveOr(() -> tasks.put(name, task));
      task.remove();
    } finally {
      lock.unlock();
    }
  }

  /** Makes one that the configuration gives, or changes it accordingly, until the next start. */
  public void provision(ReplicationDeclaration declaration) {
    lock.lock();
    try {
      Task task = tasks.get(declaration.name());
      if (task == null) {
        create(declaration.name(), declaration.settings());
        task = find(declaration.name());
      } else {
        change(
            task,
            declaration.modeIsGiven()
                ? declaration.settings()
                : declaration.settings().withMode(task.plan().settings().mode()));
      }
      task.provisioned(true);
    } finally {
      lock.unlock();
    }
  }

  private static void checkName(String name) {
    if (name.isEmpty()
        || name.equals(".")
        || name.equals("..")
        || name.chars().anyMatch(Character::isISOControl)) {
      throw new PannierException.Invalid("Replication name is not allowed");
    }
  }

  private Plan checked(String name, ReplicationSettings settings) {
    if (setting.store().findBucket(settings.sourceBucket()).isEmpty()) {
      throw new PannierException.NotFound(
          "Source bucket '"
              + settings.sourceBucket()
              + "' for replication '"
              + name
              + "' does not exist");
    }
    URI host = host(settings.destinationHost());
    int port =
        host.getPort() >= 0
            ? host.getPort()
            : host.getScheme().equalsIgnoreCase("https") ? 443 : 80;
    if (settings.sourceBucket().equals(settings.destinationBucket())
        && port == setting.options().listenPort()
        && THIS_HOST.contains(host.getHost())) {
      throw new PannierException.Invalid("Source and destination buckets must be different");
    }
    if (!settings.destinationBucket().startsWith("$")) {
      Names.checkBucket(settings.destinationBucket());
    }
    if (!settings.prefix().isEmpty()) {
      Names.checkEntry(settings.prefix());
    }
    settings.entries().forEach(Replications::checkPattern);
    Plan plan = Plan.of(settings);
    settings
        .ext()
        .ifPresent(ext ->
            setting.extractor().check(setting.store().findBucket(settings.sourceBucket()), ext));
    // Certificates that cannot be read are told now and not in a log.
    setting.destinations().of(settings, Throttle.NONE).close();
    return plan;
  }

  /** A pattern that no name can match is a mistake. */
  private static void checkPattern(String pattern) {
    String name = pattern.replaceFirst("^!", "").replaceFirst("^/+", "").replace('*', 'x');
    try {
      Names.checkEntry(name);
    } catch (PannierException.Invalid never) {
      throw new PannierException.Invalid(
          "Invalid entry pattern '" + pattern + "': it matches no entry");
    }
  }

  private static URI host(String text) {
    try {
      var host = new URI(text);
      String scheme = host.getScheme();
      if (host.getHost() != null
          && (scheme.equalsIgnoreCase("http") || scheme.equalsIgnoreCase("https"))) {
        return host;
      }
    } catch (URISyntaxException malformed) {
      // told below
    }
    throw new PannierException.Invalid("Invalid destination host '" + text + "'");
  }

  /** Stops all; what they know is durable when this returns. The store must still be open. */
  @Override
  public void close() {
    all().forEach(Task::close);
  }
}
