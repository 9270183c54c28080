package io.pannier.replicate;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.client.ClientException;
import io.pannier.client.Coding;
import io.pannier.client.LabelUpdate;
import io.pannier.client.Outgoing;
import io.pannier.client.RecordErrors;
import io.pannier.client.RemoteRecord;
import io.pannier.client.RemoteServer;
import io.pannier.client.Throttle;
import io.pannier.model.Labels;
import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.store.StoredRecord;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.WeakHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends what a task has chosen, one request after the other: a step visits the entries in the order
 * of their names and sends at most one batch of records and one of changes for each.
 *
 * <p>An error is either for good or for now. For good is what the destination says about a single
 * record that no repetition changes: that it is malformed (422), or that another record of its time
 * is there (409 with other content). Everything else is tried again, above all a connection that
 * ended in the middle: the destination may have stored the records, and then says 409 to the same
 * content, which is a success.
 */
final class Sender {
  private static final Logger LOG = LoggerFactory.getLogger(Sender.class);
  private static final long RETRY_MAX_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final long STALL_LOOK_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Task task;
  private final Task.Setting setting;
  private final Diagnostics diagnostics;

  /** Held while a step runs. */
  private final ReentrantLock running = new ReentrantLock();

  private final Throttle throttle;
  private volatile @Nullable Destination destination;
  private volatile Optional<RemoteServer> known = Optional.empty();
  private volatile boolean active = true;
  private volatile boolean stopped;

  // Guarded by this: when the next step is due.
  private State state = State.IDLE;
  private long ticket;
  private boolean again;

  // Of the step that runs.
  private @Nullable RemoteServer server;
  private final Map<Track, Pace> paces = new WeakHashMap<>();
  private boolean warnedOfCoding;

  private enum State {
    IDLE,
    WAITING,
    RUNNING
  }

  /** How an entry is getting on. */
  private static final class Pace {
    int records;
    long retryAt;
    long delay;
  }

  Sender(Task task, Task.Setting setting, Diagnostics diagnostics) {
    this.task = task;
    this.setting = setting;
    this.diagnostics = diagnostics;
    throttle = setting.throttles().apply(setting.clock());
  }

  /** Whether the destination could be reached last, as far as that was tried. */
  boolean isActive() {
    return active;
  }

  // ---------------------------------------------------------------- when

  /** There is something to be sent. It waits while a pause lasts. */
  synchronized void wake() {
    switch (state) {
      case IDLE -> schedule(0);
      case RUNNING -> again = true;
      case WAITING -> {
        // It comes anyway.
      }
    }
  }

  /** Takes a step now, also when it would wait. */
  synchronized void kick() {
    if (state == State.RUNNING) {
      again = true;
    } else {
      schedule(0);
    }
  }

  /** The bound for what is sent in a second, also for what is under way; 0: none. */
  void limit(long bytesPerSecond) {
    throttle.limit(bytesPerSecond);
  }

  /** What the destination said about itself last; empty before it was reached. */
  Optional<RemoteServer> known() {
    return known;
  }

  /** Other settings hold. */
  void reset(boolean sameDestination) {
    if (!sameDestination) {
      Destination old = destination;
      destination = null;
      if (old != null) {
        old.close();
      }
      active = true;
      known = Optional.empty();
    }
    kick();
  }

  private synchronized void schedule(long delayNanos) {
    if (stopped) {
      return;
    }
    state = State.WAITING;
    long number = ++ticket;
    setting.workers().after(delayNanos, () -> run(number));
  }

  private void run(long number) {
    synchronized (this) {
      if (number != ticket || state != State.WAITING || stopped) {
        return;
      }
      state = State.RUNNING;
      again = false;
    }
    long delay = -1;
    running.lock();
    try {
      watch(number);
      delay = step();
    } catch (PannierException failed) {
      LOG.warn("replication {}: {}", task.name, failed.getMessage(), failed);
      delay = retryNanos();
    } finally {
      running.unlock();
      synchronized (this) {
        state = State.IDLE;
        if (delay >= 0) {
          schedule(delay);
        } else if (again) {
          schedule(0);
        }
      }
    }
  }

  /** Looks now and then whether the step still moves. */
  private void watch(long number) {
    setting
        .workers()
        .after(
            STALL_LOOK_NANOS,
            () -> {
              Destination now = destination;
              synchronized (this) {
                if (number != ticket || state != State.RUNNING || stopped) {
                  return;
                }
              }
              if (now != null) {
                now.closeIfStalled();
              }
              watch(number);
            });
  }

  /** Ends the step under way and takes no other. */
  void stop() {
    stopped = true;
    Destination now = destination;
    if (now != null) {
      now.close();
    }
    running.lock();
    try {
      state(State.IDLE);
    } finally {
      running.unlock();
    }
  }

  private synchronized void state(State now) {
    state = now;
  }

  private long retryNanos() {
    return TimeUnit.SECONDS.toNanos(setting.options().retrySeconds());
  }

  // ---------------------------------------------------------------- step

  /** Returns after which delay the next one is due; −1: when there is something new. */
  private long step() {
    if (!task.isSending() || stopped) {
      return -1;
    }
    try {
      Destination there = opened();
      boolean sent = false;
      for (Track track : task.work()) {
        if (!task.isSending() || stopped) {
          return -1;
        }
        try {
          prepare(track);
          sent |= sendRecords(there, track);
          sent |= sendChanges(there, track);
        } catch (PannierException.Conflict removed) {
          // The entry is going away, and its records with it.
        }
      }
      active = true;
      return sent ? 0 : nextRetry();
    } catch (ClientException failed) {
      if (stopped) {
        return -1;
      }
      outOfReach(failed);
      server = null;
      Destination now = destination;
      if (now != null) {
        now.close();
      }
      long wanted =
          failed instanceof ClientException.Refused refused
              ? TimeUnit.SECONDS.toNanos(refused.retryAfterSeconds())
              : 0;
      return Math.max(retryNanos(), Math.min(wanted, RETRY_MAX_NANOS));
    }
  }

  private Destination opened() {
    Destination there = destination;
    if (there == null) {
      there = setting.destinations().of(task.plan().settings(), throttle);
      destination = there;
      server = null;
    }
    if (server == null) {
      try {
        RemoteServer answer = notItself(there.open());
        server = answer;
        known = Optional.of(answer);
      } catch (ClientException failed) {
        outOfReach(failed); // before the error can be read, which it explains
        diagnostics.error(failed.code(), text(failed), 1);
        throw failed;
      }
    }
    return there;
  }

  private void outOfReach(ClientException failed) {
    if (active) {
      LOG.warn("replication {}: destination is not available: {}", task.name, failed.getMessage());
    }
    active = false;
  }

  /** Names of hosts say little; the id of the store tells whether a task copies to itself. */
  private RemoteServer notItself(RemoteServer there) {
    ReplicationSettings settings = task.settings();
    if (there.storeId().equals(Optional.of(setting.store().id().toString()))
        && settings.sourceBucket().equals(settings.destinationBucket())) {
      throw new ClientException.Refused(422, "Source and destination buckets must be different", 0);
    }
    return there;
  }

  private static String text(ClientException failed) {
    String text = failed.getMessage();
    return text == null ? "" : text;
  }

  private Pace pace(Track track) {
    return paces.computeIfAbsent(
        track,
        key -> {
          var pace = new Pace();
          pace.records = batchRecords();
          return pace;
        });
  }

  private int batchRecords() {
    return Math.max(
        1,
        task.plan().condition().transfer().batchRecords().orElse(setting.options().batchRecords()));
  }

  private long batchBytes() {
    return task.plan().condition().transfer().batchBytes().orElse(setting.options().batchBytes());
  }

  private void prepare(Track track) {
    Pace pace = pace(track);
    if (pace.retryAt != 0 && setting.clock().monotonicNanos() - pace.retryAt >= 0) {
      pace.retryAt = 0;
      track.retryDeferred();
    }
  }

  /** When what was put off is due; −1 if nothing was. */
  private long nextRetry() {
    long next = -1;
    long now = setting.clock().monotonicNanos();
    for (Track track : task.work()) {
      Pace pace = pace(track);
      if (pace.retryAt != 0) {
        long wait = Math.max(0, pace.retryAt - now);
        next = next < 0 ? wait : Math.min(next, wait);
      }
    }
    return next;
  }

  /** Something of an entry was put off. */
  private void putOff(Pace pace) {
    if (pace.retryAt == 0) {
      pace.delay = pace.delay == 0 ? retryNanos() : Math.min(2 * pace.delay, RETRY_MAX_NANOS);
      pace.retryAt = (setting.clock().monotonicNanos() + pace.delay) | 1;
    }
  }

  // ---------------------------------------------------------------- records

  /** Returns whether anything was tried. */
  private boolean sendRecords(Destination there, Track track) {
    Pace pace = pace(track);
    List<Track.Item> candidates = new ArrayList<>(track.nextRecords(pace.records));
    if (candidates.isEmpty()) {
      return false;
    }
    candidates.removeIf(item -> cameFromThere(track, item));
    Optional<JsonNode> ext = task.plan().settings().ext();
    if (ext.isPresent() && !Names.isMeta(track.entry.name())) {
      for (Track.Item item : candidates) {
        if (!task.isSending() || stopped) {
          break;
        }
        sendCut(there, track, item, ext.get());
      }
      return true;
    }
    List<Prepared> batch;
    try (var gathering = new Gathering(batchBytes(), setting.options().resumeBytes())) {
      batch = gathering.gather(candidates, (item, why) -> unreadable(track, item, why));
    }
    if (batch.isEmpty()) {
      return true;
    }
    batch.sort(Comparator.comparing(one -> one.out().timestamp(), Timestamp::compare));
    track.begin(batch.stream().map(Prepared::item).toList());
    try {
      String entry = task.plan().settings().destinationEntry(track.entry.name());
      Prepared first = batch.getFirst();
      if (isResumable(first)) {
        sendLarge(there, track, entry, first);
        task.progressed();
        return true;
      }
      RecordErrors errors =
          there.write(entry, batch.stream().map(Prepared::out).toList(), coding());
      pace.records = Math.min(batchRecords(), 2 * pace.records);
      for (Prepared one : batch) {
        ClientException.Refused error = errors.byTimestamp().get(one.out().timestamp());
        if (error == null) {
          pace.delay = 0;
          diagnostics.sent(one.item().record().length());
          track.sent(one.item(), Track.Outcome.ARRIVED);
        } else {
          refused(there, track, entry, one, error);
        }
      }
      task.progressed();
    } catch (ClientException.Refused whole) {
      diagnostics.error(whole.code(), text(whole), batch.size());
      if (!isAboutTheRequest(whole.code())) {
        throw whole;
      }
      if (batch.size() > 1) {
        pace.records = Math.max(1, batch.size() / 2);
      } else if (whole.code() == 422) {
        track.sent(batch.getFirst().item(), Track.Outcome.REFUSED);
      } else {
        track.sent(batch.getFirst().item(), Track.Outcome.LATER);
        putOff(pace);
      }
    } catch (ClientException failed) {
      diagnostics.error(failed.code(), text(failed), batch.size());
      throw failed;
    } catch (PannierException ofBody) {
      // Only a large record is read while it is sent, and it travels alone.
      unreadable(track, batch.getFirst().item(), ofBody);
    } finally {
      track.end();
    }
    return true;
  }

  /** Sends what extensions make of a record. */
  private void sendCut(Destination there, Track track, Track.Item item, JsonNode ext) {
    track.begin(List.of(item));
    try {
      var cut =
          new CutSender(
              setting.extractor(),
              ext,
              name -> task.plan().settings().destinationEntry(name),
              diagnostics);
      Track.Outcome outcome = cut.send(there, item.record(), coding());
      if (outcome == Track.Outcome.LATER) {
        putOff(pace(track));
      } else {
        pace(track).delay = 0;
      }
      track.sent(item, outcome);
      task.progressed();
    } catch (PannierException.Invalid failed) {
      // It would fail again.
      diagnostics.error(422, String.valueOf(failed.getMessage()), 1);
      track.sent(item, Track.Outcome.REFUSED);
    } catch (PannierException failed) {
      unreadable(track, item, failed);
    } catch (ClientException.Refused refused) {
      diagnostics.error(refused.code(), text(refused), 1);
      if (refused.code() == 404) {
        server = null; // the bucket is gone: it is made with the next step
      } else if (!isAboutTheRecord(refused.code())) {
        throw refused;
      }
      track.sent(item, Track.Outcome.LATER);
      putOff(pace(track));
    } catch (ClientException failed) {
      diagnostics.error(failed.code(), text(failed), 1);
      throw failed;
    } finally {
      track.end();
    }
  }

  private boolean isResumable(Prepared one) {
    RemoteServer now = server;
    StoredRecord record = one.item().record();
    return now != null
        && now.takesUploads()
        && record.length() >= setting.options().resumeBytes()
        && !Names.isMeta(record.entry().name())
        && io.pannier.client.RemoteStore.fitsBatch(record.labels());
  }

  /** Sends a large record that travels alone, from where the last attempt has ended. */
  private void sendLarge(Destination there, Track track, String entry, Prepared one) {
    StoredRecord record = one.item().record();
    var transfer = new LargeTransfer(there, coding(), setting.store().id(), record);
    try {
      long before = transfer.send(entry, record, one.out());
      diagnostics.sent(record.length());
      diagnostics.resumed(before);
      pace(track).delay = 0;
      // An earlier call may have begun it, even without a byte arriving: then its labels are those
      // of then. Told once more, they change nothing where they are right.
      track.sent(one.item(), Track.Outcome.WAS_THERE_OTHERWISE);
    } catch (ClientException.Refused refused) {
      if (!isAboutTheRecord(refused.code())) {
        throw refused;
      }
      refused(there, track, entry, one, refused);
    }
  }

  /** Whether the rest of what is to be sent may fare better. */
  private static boolean isAboutTheRecord(int status) {
    return switch (status) {
      case 400, 409, 413, 422, 425, 507 -> true;
      default -> false;
    };
  }

  /** What was copied from the destination is not copied back. */
  private boolean cameFromThere(Track track, Track.Item item) {
    try {
      if (isDestination(item.record().origin())) {
        track.sent(item, Track.Outcome.ARRIVED);
        return true;
      }
    } catch (PannierException unreadable) {
      // Found out, and told, when its body is read.
    }
    return false;
  }

  private boolean isDestination(Optional<UUID> store) {
    RemoteServer now = server;
    return store.isPresent() && now != null && now.storeId().equals(store.map(UUID::toString));
  }

  /** Whether another division of the records may help: malformed, too large, too many headers. */
  private static boolean isAboutTheRequest(int status) {
    return status == 413 || status == 422 || status == 431;
  }

  private void unreadable(Track track, Track.Item item, PannierException why) {
    String text = why.getMessage() == null ? "record cannot be read" : why.getMessage();
    switch (why) {
      case PannierException.NotFound _ -> {
        // It was removed or evicted just now; the next look finds out which.
      }
      case PannierException.Damaged _ -> {
        diagnostics.error(500, text, 1);
        track.sent(item, Track.Outcome.REFUSED);
      }
      case PannierException _ -> {
        diagnostics.error(500, text, 1);
        track.sent(item, Track.Outcome.LATER);
        putOff(pace(track));
      }
    }
  }

  private void refused(
      Destination there, Track track, String entry, Prepared one, ClientException.Refused error) {
    switch (error.code()) {
      case 409 -> {
        Track.Outcome outcome = whatIsThere(there, track, entry, one);
        switch (outcome) {
          case WAS_THERE, WAS_THERE_OTHERWISE -> diagnostics.sent(one.item().record().length());
          case REFUSED -> diagnostics.error(409, text(error), 1);
          case ARRIVED, MISSING, LATER -> putOff(pace(track)); // it has gone since: once more
        }
        track.sent(one.item(), outcome);
      }
      case 422 -> {
        diagnostics.error(422, text(error), 1);
        track.sent(one.item(), Track.Outcome.REFUSED);
      }
      case 404 -> {
        // The bucket is gone: it is looked for, and made, with the next step.
        diagnostics.error(404, text(error), 1);
        server = null;
        track.sent(one.item(), Track.Outcome.LATER);
        putOff(pace(track));
      }
      default -> {
        diagnostics.error(error.code(), text(error), 1);
        track.sent(one.item(), Track.Outcome.LATER);
        putOff(pace(track));
      }
    }
  }

  /**
   * Whether the record that is there is this one: an answer was lost, or somebody else sent it.
   * With an equal checksum it is, and what its labels lack is told it. A destination without
   * checksums has to have the labels too, unless they have changed here since.
   */
  private Track.Outcome whatIsThere(Destination there, Track track, String entry, Prepared one) {
    StoredRecord record = one.item().record();
    Optional<RemoteRecord> found = there.find(entry, record.timestamp());
    if (found.isEmpty()) {
      return Track.Outcome.LATER;
    }
    if (found.get().length() != record.length()) {
      return Track.Outcome.REFUSED;
    }
    boolean sameLabels = ToldLabels.areThere(found.get().labels(), record.labels());
    if (found.get().checksum().isPresent()) {
      if (found.get().checksum().get() != record.crc32c()) {
        return Track.Outcome.REFUSED;
      }
      return sameLabels ? Track.Outcome.WAS_THERE : Track.Outcome.WAS_THERE_OTHERWISE;
    }
    return sameLabels || track.hasChanged(one.item())
        ? Track.Outcome.WAS_THERE
        : Track.Outcome.REFUSED;
  }

  private Coding coding() {
    Coding wanted = task.plan().settings().compression();
    RemoteServer now = server;
    if (wanted == Coding.NONE || (now != null && now.takesCodedBodies())) {
      return wanted;
    }
    if (!warnedOfCoding) {
      warnedOfCoding = true;
      LOG.warn("replication {}: the destination takes no compressed bodies", task.name);
    }
    return Coding.NONE;
  }

  // ---------------------------------------------------------------- changes of labels

  private boolean sendChanges(Destination there, Track track) {
    Pace pace = pace(track);
    var updates = new ArrayList<Update>();
    for (Track.Item item : track.nextChanges(pace.records)) {
      Labels labels = ToldLabels.of(item);
      // What extensions made of a record is not told of its labels: it may be many, or none.
      if (labels.isEmpty()
          || task.plan().settings().ext().isPresent()
          || isDestination(item.origin())) {
        track.changed(item, Track.Outcome.ARRIVED);
        continue;
      }
      boolean alone = !io.pannier.client.RemoteStore.fitsBatch(labels);
      if (alone && !updates.isEmpty()) {
        break;
      }
      updates.add(new Update(item, new LabelUpdate(item.record().timestamp(), labels)));
      if (alone) {
        break;
      }
    }
    if (updates.isEmpty()) {
      return false;
    }
    updates.sort(Comparator.comparing(one -> one.out().timestamp(), Timestamp::compare));
    String entry = task.plan().settings().destinationEntry(track.entry.name());
    try {
      RecordErrors errors = there.update(entry, updates.stream().map(Update::out).toList());
      for (Update one : updates) {
        changed(track, one, errors.byTimestamp().get(one.out().timestamp()));
      }
      task.progressed();
    } catch (ClientException.Refused whole) {
      if (whole.code() == 404) {
        // There is no such entry: then none of its records is there.
        updates.forEach(one -> track.changed(one.item(), Track.Outcome.MISSING));
        return true;
      }
      diagnostics.error(whole.code(), text(whole), updates.size());
      if (!isAboutTheRequest(whole.code())) {
        throw whole;
      }
      if (updates.size() > 1) {
        pace.records = Math.max(1, updates.size() / 2);
      } else {
        track.changed(updates.getFirst().item(), Track.Outcome.REFUSED);
      }
    } catch (ClientException failed) {
      diagnostics.error(failed.code(), text(failed), updates.size());
      throw failed;
    }
    return true;
  }

  private record Update(Track.Item item, LabelUpdate out) {}

  private void changed(Track track, Update one, ClientException.@Nullable Refused error) {
    if (error == null) {
      diagnostics.sentChange();
      track.changed(one.item(), Track.Outcome.ARRIVED);
      return;
    }
    switch (error.code()) {
      case 404 -> track.changed(one.item(), Track.Outcome.MISSING);
      case 422 -> {
        diagnostics.error(422, text(error), 1);
        track.changed(one.item(), Track.Outcome.REFUSED);
      }
      default -> {
        diagnostics.error(error.code(), text(error), 1);
        track.changed(one.item(), Track.Outcome.LATER);
        putOff(pace(track));
      }
    }
  }

  /** A record with the form in which it is sent. */
  record Prepared(Track.Item item, Outgoing out) {}
}
