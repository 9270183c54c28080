package io.pannier.replicate;

import io.pannier.client.Coding;
import io.pannier.client.Throttle;
import io.pannier.model.Clock;
import io.pannier.model.PannierException;
import io.pannier.store.Bucket;
import io.pannier.store.Documents;
import io.pannier.store.Entry;
import io.pannier.store.Follower;
import io.pannier.store.Store;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One replication: follows a bucket, judges what is committed, remembers how far it has come. Any
 * thread may call.
 *
 * <p>The state is saved every few seconds, and before the store forgets something that the saved
 * state does not cover. Whatever happened behind it is judged again after a crash, from the same
 * frames and with the same outcome, and what was sent already is sent again and known there.
 */
final class Task implements Follower {
  private static final Logger LOG = LoggerFactory.getLogger(Task.class);

  /** Writers come in bursts: one look for all that was committed meanwhile. */
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private static final long SAVE_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long TICK_NANOS = TimeUnit.SECONDS.toNanos(1);

  final int id;
  final String name;
  private final Setting setting;
  private final Diagnostics diagnostics;
  private final Sender sender;
  private final Watch watch;
  private final Map<Integer, Track> tracks = new ConcurrentHashMap<>();
  private final Set<Entry> moved = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean looking = new AtomicBoolean();
  private final AtomicBoolean saving = new AtomicBoolean();
  private final ReentrantLock lookLock = new ReentrantLock();
  private final ReentrantLock saveLock = new ReentrantLock();
  private volatile Plan plan;
  private volatile boolean provisioned;
  private volatile boolean closed;
  private volatile Bucket.@Nullable Registration following;

  /** Whose records are copied; null as long as there is no such bucket. */
  private volatile @Nullable Bucket source;

  /** What every task works with. */
  record Setting(
      Store store,
      Clock clock,
      Workers workers,
      Destinations destinations,
      ReplicationOptions options,
      Function<Clock, Throttle> throttles,
      Consumer<ReplicationWarning> warnings,
      Extractor extractor) {}

  private Task(int id, String name, Plan plan, Setting setting) {
    this.id = id;
    this.name = name;
    this.plan = plan;
    this.setting = setting;
    diagnostics = new Diagnostics(setting.clock());
    sender = new Sender(this, setting, diagnostics);
    sender.limit(plan.settings().bytesPerSecondMax());
    watch = new Watch(this, setting, diagnostics);
  }

  /** A new task; its state is durable when this returns. */
  static Task create(int id, String name, Plan plan, Setting setting) {
    var task = new Task(id, name, plan, setting);
    task.begin(setting.store().bucket(plan.settings().sourceBucket()));
    task.save();
    return task;
  }

  /**
   * A task of an earlier process.
   *
   * @param state as it was saved last
   */
  static Task restore(int id, String name, Plan plan, Setting setting, Optional<byte[]> state) {
    var task = new Task(id, name, plan, setting);
    boolean cut = true;
    try {
      cut = state.isEmpty() || TaskState.read(state.get(), task);
    } catch (IOException | RuntimeException unreadable) {
      LOG.error("state of replication {} cannot be read; it begins anew", name, unreadable);
    }
    if (task.source == null) {
      setting.store().findBucket(plan.settings().sourceBucket()).ifPresent(task::attach);
    }
    if (cut) {
      // What comes from now on may get numbers that the saved state speaks of.
      task.save();
    }
    return task;
  }

  /** Begins to work; the store is open and nobody has written yet. */
  void start() {
    Bucket bucket = source;
    if (bucket != null) {
      moved.addAll(bucket.entries());
    }
    setting
        .workers()
        .after(
            0,
            () -> {
              tracks.values().forEach(track -> guarded(track::reconcile));
              guarded(this::look);
              sender.kick();
            });
    guarded(watch::begin);
    tick();
  }

  // ---------------------------------------------------------------- source

  private void begin(Bucket bucket) {
    attach(bucket);
    for (Entry entry : bucket.entries()) {
      switch (plan.settings().start()) {
        case ReplicationStart.Now _ ->
            tracks.put(
                entry.id(),
                new Track(entry, this::wants, diagnostics, plan.condition(), entry.lastSequence()));
        case ReplicationStart.Oldest _ ->
            tracks.put(entry.id(), new Track(entry, this::wants, diagnostics, plan.condition(), 0));
        case ReplicationStart.From(long timestamp) -> {
          var track = new Track(entry, this::wants, diagnostics, plan.condition(), 0);
          track.startAt(timestamp);
          tracks.put(entry.id(), track);
        }
      }
      moved.add(entry);
    }
  }

  /** Follows a bucket from now on. */
  void attach(Bucket bucket) {
    source = bucket;
    following = bucket.follow(this);
  }

  private void detach() {
    Bucket.Registration old = following;
    if (old != null) {
      old.close();
    }
    following = null;
    source = null;
    moved.clear();
    tracks.clear();
  }

  /** Looks now and then at what nobody tells. */
  private void tick() {
    setting
        .workers()
        .after(
            TICK_NANOS,
            () -> {
              if (!closed) {
                guarded(this::lookForSource);
                guarded(watch::look);
                tick();
              }
            });
  }

  /** A bucket that was removed may come again under its name. */
  private synchronized void lookForSource() {
    Bucket bucket = source;
    if (bucket != null && bucket.isGone()) {
      detach();
      Plan now = plan;
      plan = new Plan(now.settings().withSource(bucket.name()), now.condition(), now.patterns());
      LOG.warn("source bucket of replication {} was removed", name);
      bucket = null;
    }
    if (bucket == null && !closed) {
      Optional<Bucket> found = setting.store().findBucket(plan.settings().sourceBucket());
      if (found.isPresent()) {
        attach(found.get());
        moved.addAll(found.get().entries());
        lookSoon();
      }
    }
  }

  @Nullable Bucket source() {
    return source;
  }

  // ---------------------------------------------------------------- following

  @Override
  public void moved(Entry entry) {
    if (moved.add(entry)) {
      lookSoon();
    }
  }

  private void lookSoon() {
    if (!looking.getAndSet(true)) {
      setting
          .workers()
          .after(
              LOOK_NANOS,
              () -> {
                looking.set(false);
                if (!closed) {
                  guarded(this::look);
                }
              });
    }
  }

  /** Judges everything that was committed before the call. */
  void look() {
    // One after the other: who asks for a number must not overtake one that is about to count.
    lookLock.lock();
    try {
      for (Entry entry : List.copyOf(moved)) {
        if (moved.remove(entry)) {
          boolean done = false;
          try {
            look(entry);
            done = true;
          } finally {
            if (!done) {
              moved.add(entry);
            }
          }
        }
      }
    } finally {
      lookLock.unlock();
    }
    if (tracks.values().stream().anyMatch(Track::hasWork)) {
      sender.wake();
    }
  }

  private void look(Entry entry) {
    if (entry.isGone()) {
      tracks.remove(entry.id());
      saveSoon();
    } else if (track(entry).catchUp()) {
      saveSoon();
    }
  }

  boolean wants(String entryName) {
    Plan now = plan;
    return now.settings().mode() != ReplicationMode.DISABLED
        && now.patterns().matchesForCopy(entryName);
  }

  /** An entry that is seen for the first time was made after the task. */
  private Track track(Entry entry) {
    return tracks.computeIfAbsent(
        entry.id(), key -> new Track(entry, this::wants, diagnostics, plan.condition(), 0));
  }

  @Override
  public void beforeLoss(Entry entry, long sequence) {
    if (closed) {
      return;
    }
    Track track = track(entry);
    if (track.durable() >= sequence) {
      return;
    }
    guarded(() -> {
      track.catchUp();
      save();
    });
  }

  @Override
  public boolean caresFor(Entry entry) {
    Track track = tracks.get(entry.id());
    return track != null && track.cares();
  }

  @Override
  public void gone(Entry entry, long[] sequences, long[] lengths, BitSet live, boolean evicted) {
    Track track = tracks.get(entry.id());
    if (track != null) {
      track.gone(sequences, lengths, live, evicted);
    }
  }

  // ---------------------------------------------------------------- sending

  Plan plan() {
    return plan;
  }

  /** Whether it may send at this moment. */
  boolean isSending() {
    return !closed && plan.settings().mode() == ReplicationMode.ENABLED && source != null;
  }

  /** What has something to be sent, by name. */
  List<Track> work() {
    var work = new ArrayList<Track>();
    for (Track track : tracks.values()) {
      if (track.hasWork() && !track.entry.isGone()) {
        work.add(track);
      }
    }
    work.sort(Comparator.comparing(track -> track.entry.name()));
    return work;
  }

  /** Something was sent. */
  void progressed() {
    saveSoon();
  }

  // ---------------------------------------------------------------- changing

  /** Takes other settings; what is pending stays, filters begin anew. */
  synchronized void change(Plan next) {
    look();
    Plan before = plan;
    Bucket bucket = setting.store().bucket(next.settings().sourceBucket());
    if (bucket != source) {
      detach();
      plan = next;
      begin(bucket);
    } else {
      plan = next;
      tracks.values().forEach(track -> track.change(next.condition()));
      moved.addAll(bucket.entries());
    }
    diagnostics.resetHour();
    sender.limit(next.settings().bytesPerSecondMax());
    sender.reset(isSameDestination(before.settings(), next.settings()));
    save();
    lookSoon();
  }

  private static boolean isSameDestination(ReplicationSettings a, ReplicationSettings b) {
    return a.destinationHost().equals(b.destinationHost())
        && a.destinationBucket().equals(b.destinationBucket())
        && a.destinationToken().equals(b.destinationToken());
  }

  synchronized void mode(ReplicationMode mode) {
    look();
    Plan now = plan;
    plan = new Plan(now.settings().withMode(mode), now.condition(), now.patterns());
    save();
    sender.kick();
  }

  void provisioned(boolean byConfiguration) {
    provisioned = byConfiguration;
  }

  boolean isProvisioned() {
    return provisioned;
  }

  // ---------------------------------------------------------------- telling

  /** The settings, with the name that the source has now, and with the token. */
  ReplicationSettings settings() {
    Bucket bucket = source;
    ReplicationSettings settings = plan.settings();
    return bucket == null || bucket.isGone() ? settings : settings.withSource(bucket.name());
  }

  ReplicationInfo info() {
    guarded(this::lookForSource);
    guarded(this::look);
    long pending = 0;
    for (Track track : tracks.values()) {
      if (!track.entry.isGone()) {
        pending += track.pending();
      }
    }
    return new ReplicationInfo(name, plan.settings().mode(), isMoving(), provisioned, pending);
  }

  ReplicationDetail detail() {
    ReplicationInfo info = info();
    return new ReplicationDetail(
        info,
        settings().withToken(Optional.empty()),
        diagnostics.report(),
        watch.progress(),
        sender.known(),
        plan.settings().compression() != Coding.NONE
            && sender.known().map(there -> !there.takesCodedBodies()).orElse(false));
  }

  Collection<Track> tracks() {
    return tracks.values();
  }

  /** Whether anything leaves at this moment. */
  boolean isMoving() {
    return isSending() && sender.isActive();
  }

  // ---------------------------------------------------------------- remembering

  /** Name of the document with the state of a task. */
  static String document(int id) {
    return "replication-" + id;
  }

  private void saveSoon() {
    if (!saving.getAndSet(true)) {
      setting
          .workers()
          .after(
              SAVE_NANOS,
              () -> {
                saving.set(false);
                if (!closed) {
                  guarded(this::save);
                }
              });
    }
  }

  private void save() {
    saveLock.lock();
    try {
      tracks.values().removeIf(track -> track.entry.isGone());
      var written = new ConcurrentHashMap<Track, Long>();
      byte[] state = TaskState.write(this, tracks, diagnostics, written);
      if (state.length > Documents.MAX_BYTES) {
        // The older state holds: after a crash more is judged again and sent again.
        LOG.error("state of replication {} is too long to be saved: {} bytes", name, state.length);
        return;
      }
      setting.store().documents().save(document(id), state);
      written.forEach(Track::durable);
    } finally {
      saveLock.unlock();
    }
  }

  Diagnostics diagnostics() {
    return diagnostics;
  }

  void restored(Track track) {
    tracks.put(track.entry.id(), track);
  }

  Store store() {
    return setting.store();
  }

  private void guarded(Runnable work) {
    try {
      work.run();
    } catch (PannierException failed) {
      LOG.warn("replication {}: {}", name, failed.getMessage(), failed);
    }
  }

  /** Stops; what it knows is durable when this returns. */
  void close() {
    boolean wasClosed = closed;
    closed = true;
    sender.stop();
    Bucket.Registration old = following;
    if (old != null) {
      old.close();
    }
    if (!wasClosed) {
      watch.close();
      guarded(this::save);
    }
  }

  /** Stops for good. */
  void remove() {
    closed = true;
    sender.stop();
    Bucket.Registration old = following;
    if (old != null) {
      old.close();
    }
    saveLock.lock();
    try {
      setting.store().documents().delete(document(id));
    } finally {
      saveLock.unlock();
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
